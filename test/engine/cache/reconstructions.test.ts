import { readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { CancelledError } from '../../../main/core/errors';
import { createOrtRuntime, type Ort } from '../../../main/core/runtime/ort';
import type { Runtime } from '../../../main/core/runtime/runtime';
import * as prepare from '../../../main/engine/pictures/prepare';
import type { EngineOptions } from '../../../main/engine/handlers';
import type { LayerInfo } from '../../../preload/contract';
import { makePlace, preprocessing, settled, startEngine, type Place, type TestEngine } from '../support';

const method = { id: 'deconvnet' } as const;
const plain = createOrtRuntime(ort as unknown as Ort, { threads: 1 });

let place: Place;
let study: string;
let layers: LayerInfo[];
let home: string;
let next = 0;
/** Runs of programs since the test began. */
let runs = 0;
const runtime: Runtime = {
  ...plain,
  async compile(graph) {
    const program = await plain.compile(graph);
    return { ...program, run: (feeds) => (runs++, program.run(feeds)), dispose: () => program.dispose() };
  },
};
const start = (more: Partial<EngineOptions> = {}): TestEngine => startEngine(home, { runtime, ...more });

beforeAll(async () => {
  place = await makePlace(12);
  study = join(place.folder, 'study');
  home = join(place.folder, 'home');
  const engine = start();
  await engine.call('study.create', { model: place.model, pictures: place.pictures, preprocessing, folder: study });
  await settled(engine, study);
  layers = (await engine.call('study.open', { path: study })).layers.filter(({ scanned }) => scanned);
  await engine.dispose();
});
beforeEach(() => {
  home = join(place.folder, `home ${next++}`);
  runs = 0;
});
afterAll(() => place.remove());

const stored = async (): Promise<number> =>
  (await readdir(join(home, 'cache'), { recursive: true, withFileTypes: true })).filter((each) => each.isFile()).length;

it('after a restart what was seen comes from disk, bit for bit, without the model, the pictures or the runtime', async () => {
  const args = { study, layer: layers[1]!.id, unit: 2, method };
  const first = start();
  const [items, done] = [
    await first.items('unit.reconstructions', args),
    await first.call('unit.reconstructions', args),
  ];
  expect(runs).toBeGreaterThan(0);
  await first.dispose();
  const before = runs;
  await rename(place.model, `${place.model} away`);
  await rename(place.pictures, `${place.pictures} away`);
  onTestFinished(async () => {
    await rename(`${place.model} away`, place.model);
    await rename(`${place.pictures} away`, place.pictures);
  });
  const second = start();
  expect(await second.items('unit.reconstructions', args)).toEqual(items);
  const again = await second.call('unit.reconstructions', args);
  expect({ ...again, milliseconds: 0 }).toEqual({ ...done, milliseconds: 0 });
  expect(runs).toBe(before);
  await expect(second.call('unit.reconstructions', { ...args, unit: 3 })).rejects.toMatchObject({
    code: 'model-missing',
  });
  await second.dispose();
});

it('the grid takes from disk what a unit left there, and the other way round', async () => {
  const layer = layers[1]!;
  const units = [0, 1, 2, 3];
  const grid = { study, layer: layer.id, units, show: 'reconstruction', method, size: 8 } as const;
  const first = start();
  const tiles = await first.items('grid.tiles', grid);
  await first.dispose();
  const before = runs;
  const second = start();
  expect(await second.items('grid.tiles', grid)).toEqual(tiles);
  expect(runs).toBe(before);
  await second.dispose();
});

it('the first picture of a unit is decoded with one other: all nine at a time would keep its tile back', async () => {
  const engine = start();
  const real = prepare.preparePicture;
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const decoded = vi.spyOn(prepare, 'preparePicture').mockImplementation(async (...args) => {
    const first = decoded.mock.calls.length === 1;
    const made = await real(...args);
    if (first) await held;
    return made;
  });
  onTestFinished(() => decoded.mockRestore());
  const items = engine.items('unit.reconstructions', { study, layer: layers[1]!.id, unit: 2, method });
  await vi.waitFor(() => expect(decoded).toHaveBeenCalledTimes(2));
  await Promise.all(decoded.mock.results.slice(1).map((result) => result.value as Promise<unknown>));
  await new Promise(setImmediate);
  expect(decoded).toHaveBeenCalledTimes(2);
  release();
  expect((await items).length).toBeGreaterThan(2);
  expect(decoded.mock.calls.length).toBeGreaterThan(2);
  await engine.dispose();
});

it('files that are damaged are made anew', async () => {
  const args = { study, layer: layers[0]!.id, unit: 1, method };
  const first = start();
  const items = await first.items('unit.reconstructions', args);
  await first.dispose();
  for (const each of await readdir(join(home, 'cache'), { recursive: true, withFileTypes: true }))
    if (each.isFile()) await writeFile(join(each.parentPath, each.name), 'torn');
  const before = runs;
  const second = start();
  expect(await second.items('unit.reconstructions', args)).toEqual(items);
  expect(runs).toBeGreaterThan(before);
  await second.dispose();
});

it('another method, another runtime or another version of the program take nothing from it', async () => {
  const args = { study, layer: layers[0]!.id, unit: 1, method };
  const first = start();
  await first.call('unit.reconstructions', args);
  await first.dispose();
  for (const [more, other] of [
    [{}, { ...args, method: { id: 'guided' as const } }],
    [{ runtime: { ...runtime, name: 'Another' } }, args],
    [{ version: '9.9.9' }, args],
  ] as const) {
    const before = runs;
    const engine = start(more);
    await engine.call('unit.reconstructions', other);
    expect(runs).toBeGreaterThan(before);
    await engine.dispose();
  }
});

it('a layer made ahead: each picture is decoded once, and grid and units come from disk then', async () => {
  const layer = layers[1]!;
  const args = { study, layer: layer.id, method };
  const first = start();
  const decoded = vi.spyOn(prepare, 'preparePicture');
  const told = await first.items('layer.render', args);
  const pictures = decoded.mock.calls.map(([file]) => JSON.stringify(file));
  expect(new Set(pictures).size).toBe(pictures.length);
  expect(pictures.length).toBeGreaterThan(3);
  decoded.mockRestore();
  expect(told.map(({ done }) => done)).toEqual(Array.from(told, (_, i) => i + 1));
  expect(told.at(-1)!.done).toBe(told.at(-1)!.total);
  const before = runs;
  expect(await first.call('layer.render', args)).toEqual({ ready: told.length, ranks: 9, of: 9 });
  await first.dispose();
  const second = start();
  for (let unit = 0; unit < layer.units; unit++) await second.call('unit.reconstructions', { ...args, unit });
  expect(runs).toBe(before);
  await second.dispose();
});

it('a layer made ahead takes half of the cache at most: fewer of each unit then', async () => {
  const layer = layers[1]!;
  const engine = start({ cacheBytes: 4 * 4 * 3 * layer.field![0] * layer.field![1] * layer.units });
  const units = (await engine.call('layer.table', { study, layer: layer.id })).activation.filter((value) => value > 0);
  const done = await engine.call('layer.render', { study, layer: layer.id, method });
  expect(done.ranks).toBe(2);
  expect(done.ready).toBeGreaterThanOrEqual(2 * units.length);
  await engine.dispose();
});

it('a layer made ahead stops when it is told to, and goes on from there', async () => {
  const args = { study, layer: layers[0]!.id, method: { ...method, leaky: 'strict', smooth: 'rectify' } } as const;
  const engine = start();
  const controller = new AbortController();
  const decoded = vi.spyOn(prepare, 'preparePicture');
  onTestFinished(() => decoded.mockRestore());
  const rendering = engine.handle['layer.render'](args, {
    signal: controller.signal,
    item: () => undefined,
  });
  await vi.waitFor(() => expect(decoded.mock.calls.length).toBeGreaterThan(2), { interval: 0 });
  controller.abort();
  await expect(rendering).rejects.toBeInstanceOf(CancelledError);
  expect(decoded.mock.calls.length).toBeLessThan(12);
  const there = await stored();
  const before = runs;
  await engine.call('layer.render', args);
  expect(await stored()).toBeGreaterThan(there);
  expect(runs).toBeGreaterThan(before);
  await engine.dispose();
});

it('says when what is made ahead cannot be kept', async () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const engine = start();
  await engine.call('app.info', {});
  await writeFile(join(place.folder, 'no folder'), '');
  home = join(place.folder, 'no folder');
  const other = start();
  await expect(other.call('layer.render', { study, layer: layers[0]!.id, method })).rejects.toMatchObject({
    code: 'cache',
  });
  // What somebody looks at is made all the same.
  expect(await other.items('unit.reconstructions', { study, layer: layers[0]!.id, unit: 0, method })).not.toEqual([]);
  await other.dispose();
  await engine.dispose();
  said.mockRestore();
});

import { copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pack, unpack } from '../../main/core/reduce/pack';
import type { LayerInfo } from '../../preload/contract';
import { makePlace, preprocessing, settled, startEngine, type Place, type TestEngine } from './support';

const count = 26;
const broken = [4, 9];
let place: Place;
let engine: TestEngine;
let study: string;
let layers: LayerInfo[];
beforeAll(async () => {
  place = await makePlace(count, broken);
  engine = startEngine(join(place.folder, 'home'));
  study = await create('study');
  layers = (await engine.call('study.open', { path: study })).layers.filter(({ scanned }) => scanned);
});
afterAll(async () => {
  await engine.dispose();
  await place.remove();
});

async function create(name: string, from = place): Promise<string> {
  const folder = join(place.folder, name);
  const { model, pictures } = from;
  await engine.call('study.create', { model, pictures, preprocessing, settings: { k: 5, batch: 4 }, folder });
  expect((await settled(engine, folder)).phase).toBe('done');
  return folder;
}

interface Seen {
  picture: number;
  class: string | null;
  max: Float32Array;
  place: Int32Array;
}
/** The second way: each picture by itself, as the Picture view asks for it. */
async function alone(layer: string): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (let picture = 0; picture < count; picture++) {
    const view = await engine.call('picture.view', { study, picture, as: 'original', size: 64 }).catch(() => null);
    if (!view) continue;
    const { max, place: places } = await engine.call('picture.layer', { study, picture, layer });
    seen.push({ picture, class: view.class, max, place: places });
  }
  expect(seen).toHaveLength(count - broken.length);
  return seen;
}

describe('the sample of a small study', () => {
  it('holds each picture: the spread of a unit is that of pictures run by themselves', async () => {
    for (const layer of layers) {
      const seen = await alone(layer.id);
      for (let unit = 0; unit < layer.units; unit++) {
        const spread = (await engine.call('unit.spread', { study, layer: layer.id, unit }))!;
        expect([spread.pictures, spread.complete]).toEqual([seen.length, true]);
        const order = seen.map(({ max }) => max[unit]!).sort((a, b) => b - a);
        expect(spread.entries.length).toBeGreaterThan(5);
        for (const entry of spread.entries) {
          const at = Math.round((1 - entry.quantile) * (order.length - 1));
          expect(entry.exact).toBeCloseTo(1 - at / (order.length - 1), 9);
          expect(entry.activation).toBeCloseTo(order[at]!, 4);
          const own = seen.find(({ picture }) => picture === entry.picture)!;
          expect(entry.activation).toBeCloseTo(own.max[unit]!, 4);
          if (entry.activation > 0) expect(entry.y * layer.map[1] + entry.x).toBe(own.place[unit]);
          expect(entry.class).toBe(own.class);
          expect(entry.box).toHaveLength(4);
        }
        const { top } = await engine.call('unit.detail', { study, layer: layer.id, unit });
        expect(spread.entries[0]).toMatchObject({
          picture: top[0]!.picture,
          activation: top[0]!.activation,
          quantile: 1,
        });
      }
    }
  });

  it('tells of each class its quartiles and its mean, highest mean first', async () => {
    const layer = layers[1]!;
    const seen = await alone(layer.id);
    for (let unit = 0; unit < layer.units; unit++) {
      const { classes, exact, sampled } = await engine.call('unit.classes', { study, layer: layer.id, unit });
      expect([exact, sampled]).toEqual([true, true]);
      expect(classes.map(({ name }) => name).sort()).toEqual(['ants', 'bees', 'crabs']);
      expect(classes.map(({ mean }) => mean)).toEqual(classes.map(({ mean }) => mean).sort((a, b) => b - a));
      for (const each of classes) {
        const own = seen.filter((one) => one.class === each.name).map(({ max }) => max[unit]!);
        own.sort((a, b) => a - b);
        expect(each.pictures).toBe(own.length);
        expect(each.mean).toBeCloseTo(own.reduce((a, b) => a + b, 0) / own.length, 4);
        [0, 0.25, 0.5, 0.75, 1].forEach((share, i) => {
          const [low, rest] = [Math.floor(share * (own.length - 1)), (share * (own.length - 1)) % 1];
          expect(each.box![i]).toBeCloseTo(own[low]! * (1 - rest) + (own[low + 1] ?? 0) * rest, 4);
        });
      }
    }
  });

  it('correlates units over all pictures', async () => {
    const layer = layers[0]!;
    const seen = await alone(layer.id);
    const { similarity, by } = await engine.call('unit.similar', { study, layer: layer.id, unit: 2 });
    expect(by).toBe('activations');
    expect(similarity).toHaveLength(layer.units);
    for (let other = 0; other < layer.units; other++) {
      const [x, y] = [2, other].map((unit) => seen.map(({ max }) => max[unit]!)) as [number[], number[]];
      const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
      const [mx, my] = [mean(x), mean(y)];
      const dot = (a: number[], am: number, b: number[], bm: number) => a.reduce((sum, v, i) => sum + (v - am) * (b[i]! - bm), 0); // prettier-ignore
      const size = Math.sqrt(dot(x, mx, x, mx) * dot(y, my, y, my));
      expect(similarity[other]).toBeCloseTo(size > 1e-12 ? dot(x, mx, y, my) / size : 0, 4);
    }
  });

  it('is read again from its file, and refused where it is of other pictures', async () => {
    const other = startEngine(join(place.folder, 'home'));
    const unit = { study, layer: layers[1]!.id, unit: 3 };
    for (const call of ['unit.spread', 'unit.classes', 'unit.similar'] as const)
      expect(await other.call(call, unit)).toEqual(await engine.call(call, unit));
    const foreign = join(place.folder, 'foreign');
    await cp(study, foreign, { recursive: true });
    const few = await makePlace(7);
    await copyFile(join(await create('few', few), 'sample.arrow'), join(foreign, 'sample.arrow'));
    await expect(other.call('unit.spread', { ...unit, study: foreign })).rejects.toMatchObject({
      code: 'bad-study',
      place: { file: join(foreign, 'sample.arrow'), field: 'image' },
    });
    const bytes = await readFile(join(study, 'sample.arrow'));
    await writeFile(join(foreign, 'sample.arrow'), bytes.subarray(0, bytes.length >> 1));
    await expect(other.call('unit.similar', { ...unit, study: foreign })).rejects.toMatchObject({ code: 'bad-study' });
    await other.dispose();
    await few.remove();
  });
});

describe('a study of an earlier program', () => {
  /** As it was written before there were samples. */
  async function old(name: string): Promise<string> {
    const folder = join(place.folder, name);
    await cp(study, folder, { recursive: true });
    await rm(join(folder, 'sample.arrow'));
    const { header, arrays } = unpack(await readFile(join(folder, 'scan.bin')));
    const { sample, ...before } = header as Record<string, unknown>;
    expect(sample).toBe(true);
    await writeFile(join(folder, 'scan.bin'), pack(before, arrays.slice(0, arrays.length - 2 * layers.length)));
    return folder;
  }

  it('opens, says what it has not, and compares units by their strongest pictures', async () => {
    const folder = await old('old');
    const unit = { study: folder, layer: layers[0]!.id, unit: 2 };
    expect(await engine.call('unit.spread', unit)).toBeNull();
    const { classes, sampled, exact } = await engine.call('unit.classes', unit);
    const now = await engine.call('unit.classes', { ...unit, study });
    expect([sampled, exact]).toEqual([false, true]);
    expect(classes.map(({ name, mean, box }) => [name, mean, box])).toEqual(
      now.classes.map(({ name, mean }) => [name, mean, null]),
    );
    const { similarity, by } = await engine.call('unit.similar', unit);
    expect(by).toBe('tops');
    const tops = await Promise.all(
      Array.from({ length: layers[0]!.units }, async (_, each) =>
        (await engine.call('unit.detail', { ...unit, unit: each })).top.map(({ picture }) => picture),
      ),
    );
    tops.forEach((pictures, each) => {
      const shared = pictures.filter((picture) => tops[2]!.includes(picture)).length;
      const all = new Set([...pictures, ...tops[2]!]).size;
      expect(similarity[each]).toBeCloseTo(shared / all, 6);
    });
  });

  it('that grows stays without, and gets all when it is scanned again', async () => {
    const folder = await old('old-grows');
    const extra = join(place.pictures, 'ants', '900.png');
    await copyFile(join(place.pictures, 'bees', '001.png'), extra);
    expect(await engine.call('scan.grow', { study: folder })).toEqual({ added: 1 });
    expect((await settled(engine, folder)).phase).toBe('done');
    const unit = { study: folder, layer: layers[0]!.id, unit: 2 };
    expect(await engine.call('unit.spread', unit)).toBeNull();
    expect((await readdir(folder)).includes('sample.arrow')).toBe(false);
    await engine.call('scan.again', { study: folder });
    expect(await settled(engine, folder)).toMatchObject({ phase: 'done', done: count + 1 });
    expect((await engine.call('unit.spread', unit))!.pictures).toBe(count + 1 - broken.length);
    await rm(extra);
  });

  it('scanned again is byte by byte what a new scan makes', async () => {
    const folder = await old('old-again');
    await engine.call('scan.again', { study: folder });
    expect((await settled(engine, folder)).phase).toBe('done');
    for (const table of ['units.arrow', 'stats.arrow', 'sample.arrow', 'images.arrow', 'scan.bin'])
      expect((await readFile(join(folder, table))).equals(await readFile(join(study, table))), table).toBe(true);
  });

  it('stays as it is where it cannot be scanned again', async () => {
    const folder = await old('old-stays');
    await rm(join(place.folder, 'away'), { recursive: true, force: true });
    await mkdir(join(place.folder, 'away'));
    await copyFile(place.model, join(place.folder, 'away', 'model.onnx'));
    await rm(place.model);
    await engine.call('study.open', { path: folder });
    await expect(engine.call('scan.again', { study: folder })).rejects.toMatchObject({ code: 'model-missing' });
    await copyFile(join(place.folder, 'away', 'model.onnx'), place.model);
    expect((await engine.call('study.open', { path: folder })).scan.phase).toBe('done');
    expect((await readdir(folder)).includes('scan.bin')).toBe(true);
  });
});

import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromTensor } from '../../main/core/ops/nd';
import { float32 } from '../../main/core/graph/tensor';
import { Builder } from '../../main/core/graph/builder';
import { openNetwork } from '../../main/core/program/network';
import { runReference } from '../../main/core/runtime/reference';
import { listPictures } from '../../main/engine/pictures/dataset';
import { createLoader } from '../../main/engine/pictures/loader';
import { random } from '../core/support';
import {
  makePlace,
  preprocessing,
  settled,
  smallNetwork,
  snapshot,
  startEngine,
  type Place,
  type TestEngine,
} from './support';

const count = 60;
const broken = [7, 8, 20];
let place: Place;
let engine: TestEngine;
beforeAll(async () => {
  place = await makePlace(count, broken);
  engine = startEngine(join(place.folder, 'home'));
});
afterAll(async () => {
  await engine.dispose();
  await place.remove();
});

async function create(name: string, settings: Record<string, unknown> = {}, by = engine): Promise<string> {
  const folder = join(place.folder, name);
  await by.call('study.create', { model: place.model, pictures: place.pictures, preprocessing, settings, folder });
  return folder;
}

const units = (study: string) => readFile(join(study, 'units.arrow'));
const stats = (study: string) => readFile(join(study, 'stats.arrow'));
const sample = (study: string) => readFile(join(study, 'sample.arrow'));

interface Pick {
  picture: number;
  place: number;
  activation: number;
}

/** The second way: every map of every picture in float64, listed and sorted. */
async function naive(k: number, onePerPicture: boolean): Promise<Map<string, Pick[][]>> {
  const network = await openNetwork(smallNetwork());
  const layers = network.layers.filter((layer) => layer.scanned);
  const graph = new Builder(network.graph).build(
    layers.map(({ after }) => ({ name: after, type: 'float32', shape: null })),
  );
  const dataset = await listPictures(place.pictures);
  const loader = createLoader(dataset, preprocessing);
  const all = new Map(layers.map((layer) => [layer.id, Array.from({ length: layer.units }, () => [] as Pick[])]));
  for (let picture = 0; picture < dataset.files.length; picture++) {
    if ((await loader.load(picture, picture + 1)).some((each) => 'broken' in each)) continue;
    const input = float32([1, 3, 24, 24], await loader.one(picture));
    const values = runReference(graph, new Map([[network.input.name, fromTensor(input)]]));
    for (const layer of layers) {
      const area = layer.map[0] * layer.map[1];
      const { data } = values.get(layer.after)!;
      for (let unit = 0; unit < layer.units; unit++) {
        const map = Array.from(data.slice(unit * area, (unit + 1) * area), (activation, at) => ({
          picture,
          place: at,
          activation,
        }));
        map.sort((a, b) => b.activation - a.activation || a.place - b.place);
        all.get(layer.id)![unit]!.push(...map.slice(0, onePerPicture ? 1 : k));
      }
    }
  }
  for (const lists of all.values())
    lists.forEach((list, unit) => {
      list.sort((a, b) => b.activation - a.activation || a.picture - b.picture || a.place - b.place);
      lists[unit] = list.slice(0, k);
    });
  return all;
}

async function expectTables(study: string, k: number, onePerPicture: boolean): Promise<void> {
  const expected = await naive(k, onePerPicture);
  const { layers } = await engine.call('study.open', { path: study });
  for (const [layer, lists] of expected) {
    const width = layers.find(({ id }) => id === layer)!.map[1];
    for (let unit = 0; unit < lists.length; unit++) {
      const { top } = await engine.call('unit.detail', { study, layer, unit });
      const picks = top.map(({ picture, y, x }) => [picture, y * width + x]);
      expect(picks, `${layer} ${unit}`).toEqual(lists[unit]!.map((pick) => [pick.picture, pick.place]));
      top.forEach(({ activation }, rank) => expect(activation).toBeCloseTo(lists[unit]![rank]!.activation, 4));
    }
  }
}

describe('a scan', () => {
  it('finds what a full computation in float64 finds', async () => {
    const study = await create('whole', { k: 5, batch: 7 });
    const scan = await settled(engine, study);
    expect(scan).toMatchObject({ phase: 'done', done: count, total: count, broken: broken.length, error: null });
    await expectTables(study, 5, true);
    const info = await engine.call('study.open', { path: study });
    expect(info.broken).toHaveLength(broken.length);
    expect(info.broken[0]!.reason).toMatch(/picture/);
    expect(info.pictures.classes).toEqual(['ants', 'bees', 'crabs']);
  });

  it('finds several places of one picture where that is asked for', async () => {
    const study = await create('many', { k: 4, batch: 8, onePerPicture: false });
    await settled(engine, study);
    await expectTables(study, 4, false);
  });

  it('picks the same with other batches', async () => {
    const study = await create('batches', { k: 5, batch: 16 });
    await settled(engine, study);
    await expectTables(study, 5, true);
  });

  it('gives mean, firing, histogram and class means of what it saw', async () => {
    const study = join(place.folder, 'whole');
    const lists = await naive(count, true);
    const { classes } = (await engine.call('study.open', { path: study })).pictures;
    const files = (await listPictures(place.pictures)).files;
    const classOf = files.map((file) => classes.indexOf(file.split('/')[0]!));
    for (const [layer, entries] of lists) {
      const table = await engine.call('layer.table', { study, layer });
      for (const [unit, picks] of entries.entries()) {
        const values = picks.map(({ activation }) => activation);
        const mean = values.reduce((a, b) => a + b, 0) / values.length;
        expect(table.mean[unit]).toBeCloseTo(mean, 4);
        expect(table.firing[unit]).toBeCloseTo(values.filter((value) => value > 0).length / values.length, 6);
        const { histogram, pictures } = await engine.call('unit.detail', { study, layer, unit });
        expect(pictures).toBe(count - broken.length);
        expect(histogram.counts.reduce((a, b) => a + b, 0)).toBe(pictures);
        const centre = histogram.counts.reduce(
          (sum, n, i) => sum + n * (histogram.start + (i + 0.5) * histogram.width),
          0,
        );
        expect(Math.abs(centre / pictures - mean)).toBeLessThanOrEqual(histogram.width);
        const means = classes.map((_, label) => {
          const own = picks.filter(({ picture }) => label === classOf[picture]).map(({ activation }) => activation);
          return own.reduce((a, b) => a + b, 0) / own.length;
        });
        const best = means.indexOf(Math.max(...means));
        const rest = means.filter((_, label) => label !== best);
        const others = rest.reduce((a, b) => a + b, 0) / rest.length;
        if (means[best] === 0) expect(table.bestClass[unit]).toBe(-1);
        else expect(table.bestClass[unit]).toBe(best);
        if (Math.min(...means) < 0 || means[best] === 0) expect(table.selectivity[unit]).toBeNaN();
        else expect(table.selectivity[unit]).toBeCloseTo((means[best]! - others) / (means[best]! + others), 4);
      }
    }
  });
});

describe('a scan that runs', () => {
  it('shows what it has so far, answers in between, and tells how far it is', async () => {
    const study = await create('running', { k: 5, batch: 1 });
    engine.events.length = 0;
    const { layers } = await engine.call('study.open', { path: study });
    const unit = { study, layer: layers[0]!.id, unit: 1 };
    const method = { id: 'deconvnet' } as const;
    const seen: number[] = [];
    for (let phase = 'running'; phase === 'running';) {
      const { top, pictures } = await engine.call('unit.detail', unit);
      seen.push(pictures);
      expect(top.length).toBeLessThanOrEqual(pictures);
      for (const item of await engine.items('unit.reconstructions', { ...unit, method }))
        expect(item.picture).toBeLessThan(count);
      await engine.items('grid.tiles', { study, layer: unit.layer, units: [0, 1, 2], show: 'both', method, size: 16 });
      ({ phase } = (await engine.call('study.open', { path: study })).scan);
    }
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen[0]).toBeLessThan(count - broken.length);
    const progress = engine.events.filter(({ event }) => event === 'scan.progress').map(({ value }) => value);
    expect(progress.at(-1)).toMatchObject({ study, scan: { phase: 'done', done: count, broken: broken.length } });
    expect(engine.events.at(-1)).toEqual({ event: 'study.changed', value: { study } });
    expect((await units(study)).length).toBe((await units(join(place.folder, 'whole'))).length);
  });
});

describe('a scan that is stopped', () => {
  it.each([1, 2, 3, 4])('killed at some moments, goes on to the same bytes (seed %i)', async (seed) => {
    const next = random(seed);
    const reference = join(place.folder, 'whole');
    let study = await create(`killed-${seed}`, { k: 5, batch: 7 });
    await engine.call('scan.cancel', { study });
    for (const name of ['scan.bin', 'scan.log']) await rm(join(study, name), { force: true });
    for (let turn = 0; turn < 3; turn++) {
      // An engine that leaves a checkpoint after every batch; its folder is taken as it is at some of them.
      const other = startEngine(join(place.folder, 'home'), { checkpointEvery: 0 });
      const at = Math.floor(next() * count);
      await other.call('scan.start', { study });
      for (let phase = 'running', done = 0; phase === 'running' && done < at;) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        ({ phase, done } = (await other.call('study.open', { path: study })).scan);
      }
      const copy = join(place.folder, `killed-${seed}-${turn}`);
      await snapshot(study, copy);
      await other.dispose();
      study = copy;
    }
    const last = startEngine(join(place.folder, 'home'));
    await last.call('scan.start', { study });
    expect(await settled(last, study)).toMatchObject({ phase: 'done', done: count });
    await last.dispose();
    expect((await units(study)).equals(await units(reference))).toBe(true);
    expect((await stats(study)).equals(await stats(reference))).toBe(true);
    expect((await sample(study)).equals(await sample(reference))).toBe(true);
  });

  it('pauses, shows what it has, goes on, and can be cancelled', async () => {
    const study = await create('paused', { k: 5, batch: 7 });
    await engine.call('scan.pause', { study });
    const paused = await settled(engine, study);
    if (paused.phase === 'paused') {
      expect(paused.done % 7).toBe(0);
      const { layers } = await engine.call('study.open', { path: study });
      const detail = await engine.call('unit.detail', { study, layer: layers[0]!.id, unit: 0 });
      expect(detail.top.every(({ picture }) => picture < paused.done)).toBe(true);
      await engine.call('scan.cancel', { study });
      expect((await settled(engine, study)).phase).toBe('cancelled');
    }
    await engine.call('scan.start', { study });
    expect((await settled(engine, study)).phase).toBe('done');
    expect((await units(study)).equals(await units(join(place.folder, 'whole')))).toBe(true);
  });

  it('refuses to go on with another model, other pictures or a foreign checkpoint', async () => {
    const study = await create('changed', { k: 5, batch: 1 });
    await engine.call('scan.pause', { study });
    expect((await settled(engine, study)).phase).toBe('paused');

    const bytes = await readFile(place.model);
    await writeFile(place.model, Buffer.concat([bytes, Buffer.from([0x32, 1, 120])]));
    await expect(engine.call('scan.start', { study })).rejects.toMatchObject({ code: 'model-changed' });
    await writeFile(place.model, bytes);

    const picture = join(place.pictures, 'ants', '000.png');
    const original = await readFile(picture);
    await writeFile(picture, Buffer.concat([original, Buffer.from('more')]));
    await expect(engine.call('scan.start', { study })).rejects.toMatchObject({
      code: 'pictures-changed',
      message: expect.stringContaining('ants/000.png'),
    });
    await writeFile(picture, original);

    const checkpoint = join(study, 'scan.bin');
    const good = await readFile(checkpoint);
    await writeFile(checkpoint, good.subarray(0, good.length - 64));
    await expect(engine.call('study.open', { path: study })).rejects.toMatchObject({ code: 'bad-checkpoint' });
    const manifest = await readFile(join(study, 'study.json'), 'utf8');
    await writeFile(checkpoint, good);
    await writeFile(join(study, 'study.json'), manifest.replace('"k": 5', '"k": 6'));
    await expect(engine.call('study.open', { path: study })).rejects.toMatchObject({ code: 'bad-checkpoint' });
    await writeFile(join(study, 'study.json'), manifest);
    await engine.call('study.open', { path: study });
    await engine.call('scan.start', { study });
    expect((await settled(engine, study)).phase).toBe('done');
  });

  it('says what happened where it cannot write, and goes on when it can', async () => {
    const study = await create('unwritable', { k: 5, batch: 7 });
    await mkdir(join(study, 'units.arrow'));
    await engine.call('scan.pause', { study });
    const scan = await settled(engine, study);
    expect(scan).toMatchObject({ phase: 'failed', error: { place: { file: join(study, 'units.arrow') } } });
    expect(scan.error!.code).toMatch(/^file-e/);
    await rm(join(study, 'units.arrow'), { recursive: true });
    await writeFile(join(study, 'scan.bin.0123456789ab.tmp'), 'half a checkpoint');
    await engine.call('scan.start', { study });
    expect(await settled(engine, study)).toMatchObject({ phase: 'done', error: null });
    expect((await units(study)).equals(await units(join(place.folder, 'whole')))).toBe(true);
    expect((await readdir(study)).sort()).toEqual([
      'images.arrow',
      'sample.arrow',
      'scan.bin',
      'stats.arrow',
      'study.json',
      'units.arrow',
    ]);
  });

  it('says what happened where the pictures go away in the middle', async () => {
    const study = await create('gone', { k: 5, batch: 1 });
    await rename(place.pictures, `${place.pictures}-away`);
    const scan = await settled(engine, study);
    await rename(`${place.pictures}-away`, place.pictures);
    expect(scan).toMatchObject({ phase: 'failed', error: { code: 'pictures-missing' } });
    await engine.call('scan.start', { study });
    expect((await settled(engine, study)).error).toBeNull();
    const same = (await units(study)).equals(await units(join(place.folder, 'whole')));
    // Batches of one: other rounding is possible, another pick is not.
    if (!same) await expectTables(study, 5, true);
  });
});

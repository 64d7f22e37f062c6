import { copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchEnd, shardRange } from '../../main/engine/scan/ranges';
import { random } from '../core/support';
import { makePlace, preprocessing, settled, startEngine, type Place, type TestEngine } from './support';

const count = 61;
let place: Place;
let engine: TestEngine;
let whole: string;
beforeAll(async () => {
  place = await makePlace(count, [7, 8, 20]);
  engine = startEngine(join(place.folder, 'home'));
  whole = await create('whole', true);
  expect((await settled(engine, whole)).phase).toBe('done');
});
afterAll(async () => {
  await engine.dispose();
  await place.remove();
});

async function create(name: string, scan: boolean, settings: object = {}, from = place): Promise<string> {
  const folder = join(place.folder, name);
  await engine.call('study.create', {
    model: from.model,
    pictures: from.pictures,
    preprocessing,
    settings: { k: 5, batch: 4, ...settings },
    folder,
    scan,
  });
  return folder;
}

const shard = (study: string, index: number, of: number) => engine.call('scan.shard', { study, index, of });
const shardFile = (study: string, index: number, of: number) => join(study, 'shards', `${index}-of-${of}.bin`);

const tables = ['units.arrow', 'stats.arrow', 'images.arrow', 'sample.arrow'] as const;
async function expectWhole(study: string): Promise<void> {
  for (const table of tables)
    expect((await readFile(join(study, table))).equals(await readFile(join(whole, table))), table).toBe(true);
  const manifest = async (folder: string) => {
    const { created, name, model, pictures, ...rest } = JSON.parse(
      await readFile(join(folder, 'study.json'), 'utf8'),
    ) as Record<string, object>;
    void [created, name];
    return { ...rest, model: { ...model, relative: '' }, pictures: { ...pictures, relative: '' } };
  };
  expect(await manifest(study)).toEqual(await manifest(whole));
}

describe('ranges', () => {
  it('of shards are whole batches, of all pictures, in order', () => {
    for (const total of [1, 4, 61, 100])
      for (const batch of [1, 4, 7, 200])
        for (const of of [1, 2, 8, 30]) {
          const ranges = Array.from({ length: of }, (_, i) => shardRange(total, batch, i + 1, of));
          expect(ranges[0]!.from).toBe(0);
          expect(ranges.at(-1)!.to).toBe(total);
          ranges.slice(1).forEach(({ from }, i) => expect(from).toBe(ranges[i]!.to));
          for (const { from, to } of ranges) expect([from % batch, to === total ? 0 : to % batch]).toEqual([to === from && from === total ? total % batch : 0, 0]); // prettier-ignore
          const sizes = ranges.map(({ from, to }) => Math.ceil((to - from) / batch));
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        }
  });

  it('of batches begin anew where pictures were added', () => {
    const ends: number[] = [];
    for (let at = 0; at < 19;) ends.push((at = batchEnd(at, [10, 2, 7], 4)));
    expect(ends).toEqual([4, 8, 10, 12, 16, 19]);
  });
});

describe('shards', () => {
  it.each([1, 2, 3, 5, 8, 16, 30])('%i of them, merged in any order, are the bytes of one scan', async (of) => {
    const next = random(of);
    const order = Array.from({ length: of }, (_, i) => i + 1)
      .map((index) => [next(), index] as const)
      .sort((a, b) => a[0] - b[0])
      .map(([, index]) => index);
    const study = await create(`shards-${of}`, false);
    for (const index of order) expect(await shard(study, index, of)).toMatchObject({ phase: 'done' });
    const states = await engine.call('scan.shards', { study, of });
    expect(states.every(({ complete, done, total }) => complete && done === total)).toBe(true);
    expect(states.reduce((sum, { total }) => sum + total, 0)).toBe(count);
    const out = join(place.folder, `merged-${of}`);
    const named = order.map((index) => shardFile(study, index, of)).reverse();
    expect((await engine.call('scan.merge', { shards: named, out })).scan).toMatchObject({ phase: 'done', broken: 3 });
    await expectWhole(out);
    // And into the folder that they lie in.
    await engine.call('scan.merge', { shards: [study], out: study });
    await expectWhole(study);
    expect((await readdir(study)).sort()).toEqual(['images.arrow', 'sample.arrow', 'scan.bin', 'stats.arrow', 'study.json', 'units.arrow']); // prettier-ignore
  });

  it('of machines with folders of their own are merged', async () => {
    const studies = await Promise.all([1, 2, 3].map((index) => create(`machine-${index}`, false)));
    await Promise.all(studies.map((study, i) => shard(study, i + 1, 3)));
    const out = join(place.folder, 'from-machines');
    await engine.call('scan.merge', { shards: [studies[2]!, studies[0]!, studies[1]!], out });
    await expectWhole(out);
  });

  it('that were stopped go on', async () => {
    const study = await create('stopped-shard', false);
    const controller = new AbortController();
    let seen = 0;
    const first = engine.handle['scan.shard'](
      { study, index: 1, of: 2 },
      { signal: controller.signal, item: ({ done }) => void ((seen = done) >= 0 && controller.abort()) },
    );
    expect((await first).phase).toBe('paused');
    expect(seen).toBeLessThan(32);
    await expect(engine.call('scan.merge', { shards: [study], out: study })).rejects.toMatchObject({
      code: 'unfinished',
    });
    await shard(study, 1, 2);
    await shard(study, 2, 2);
    await engine.call('scan.merge', { shards: [study], out: study });
    await expectWhole(study);
  });

  it('are refused where some are missing, overlap, or are of another scan, and it is said which', async () => {
    const study = await create('refused', false);
    for (const [index, of] of [[1, 3], [3, 3], [1, 2]] as const) await shard(study, index, of); // prettier-ignore
    const out = join(place.folder, 'refused-out');
    const merge = (...shards: string[]) => engine.call('scan.merge', { shards, out });
    const [first, third, half] = [shardFile(study, 1, 3), shardFile(study, 3, 3), shardFile(study, 1, 2)];
    await expect(merge(first, third)).rejects.toMatchObject({
      code: 'missing-shard',
      message: 'The pictures 20 to 39 are in no shard.',
    });
    await expect(merge(first, half)).rejects.toMatchObject({ code: 'overlap' });
    await expect(merge(join(place.folder, 'home'))).rejects.toMatchObject({ code: 'no-shards' });
    await expect(merge(join(place.folder, 'nowhere'))).rejects.toMatchObject({ code: 'not-found' });
    await expect(shard(study, 3, 2)).rejects.toMatchObject({ code: 'bad-shard' });
    await expect(readdir(out)).rejects.toMatchObject({ code: 'ENOENT' });

    const others: [string, object, RegExp][] = [
      ['other-settings', { k: 6 }, /other settings/],
      ['other-batch', { batch: 5 }, /other settings/],
    ];
    for (const [name, settings, message] of others) {
      const other = await create(name, false, settings);
      await shard(other, 2, 3);
      await expect(merge(first, shardFile(other, 2, 3), third)).rejects.toMatchObject({
        message: expect.stringMatching(message),
      });
    }
    const elsewhere = await makePlace(count + 1);
    const other = await create('other-pictures', false, {}, elsewhere);
    await shard(other, 2, 3);
    await expect(merge(first, shardFile(other, 2, 3), third)).rejects.toMatchObject({
      message: expect.stringMatching(/other pictures/),
    });
    await elsewhere.remove();
  });
});

describe('a study that grows', () => {
  const more = async (to: Place, from: string, names: readonly string[]) => {
    for (const name of names) {
      await mkdir(join(to.pictures, name, '..'), { recursive: true });
      await copyFile(join(from, name), join(to.pictures, name));
    }
  };
  const namesOf = async (folder: string) =>
    (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.png')).sort();
  const byFile = async (study: string) => {
    const { layers, pictures } = await engine.call('study.open', { path: study });
    const all: unknown[] = [pictures.count];
    for (const { id: layer, units, scanned } of layers)
      for (let unit = 0; scanned && unit < units; unit++) {
        const { top, histogram, mean, firing } = await engine.call('unit.detail', { study, layer, unit });
        const { classes } = await engine.call('unit.classes', { study, layer, unit });
        // Among pictures that leave a unit silent the first of the list are kept, and lists differ in their order.
        const fired = top.filter(({ activation }) => activation > 0);
        all.push(
          fired.map(({ file, activation, y, x }) => [file, activation, y, x]),
          histogram,
          mean,
          firing,
          classes,
        );
      }
    return all;
  };

  it('holds what a scan of all pictures holds, and scans only what was added', async () => {
    const names = await namesOf(place.pictures);
    const some = await makePlace(0);
    const added = names.filter((name, i) => i % 4 === 1 || name.startsWith('crabs'));
    await more(
      some,
      place.pictures,
      names.filter((name) => !added.includes(name)),
    );
    // Batches of one: each picture is computed as in the other scan.
    const study = await create('grows', true, { batch: 1 }, some);
    expect((await settled(engine, study)).phase).toBe('done');
    expect(await engine.call('scan.grow', { study })).toEqual({ added: 0 });
    const before = names.length - added.length;
    await more(some, place.pictures, added.slice(0, 9));
    engine.events.length = 0;
    expect(await engine.call('scan.grow', { study })).toEqual({ added: 9 });
    expect(await settled(engine, study)).toMatchObject({ phase: 'done', total: before + 9 });
    const seen = engine.events.flatMap(({ event, value }) =>
      event === 'scan.progress' ? [(value as { scan: { done: number } }).scan.done] : [],
    );
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(before);
    await more(some, place.pictures, added.slice(9));
    await engine.call('scan.grow', { study });
    expect(await settled(engine, study)).toMatchObject({ phase: 'done', total: names.length });
    const all = await create('all-at-once', true, { batch: 1 });
    await settled(engine, all);
    expect(await byFile(study)).toEqual(await byFile(all));
    // Read again from its files, by another engine.
    const other = startEngine(join(place.folder, 'home'));
    const { pictures, scan } = await other.call('study.open', { path: study });
    expect([pictures.count, pictures.classes, scan.broken]).toEqual([names.length, ['ants', 'bees', 'crabs'], 3]);
    await other.dispose();
    expect((await readdir(study)).filter((name) => name.startsWith('scan'))).toEqual(['scan-3.bin']);
    await some.remove();
  });

  it('is what it was where the growth is cut off before study.json', async () => {
    const some = await makePlace(12);
    const study = await create('cut-growth', true, {}, some);
    await settled(engine, study);
    const manifest = await readFile(join(study, 'study.json'));
    const checkpoint = await readFile(join(study, 'scan.bin'));
    const before = await byFile(study);
    await more(some, place.pictures, ['ants/012.png', 'bees/013.png']);
    await engine.call('scan.grow', { study });
    await settled(engine, study);
    const cut = join(place.folder, 'cut-growth-now');
    await cp(study, cut, { recursive: true });
    await writeFile(join(cut, 'study.json'), manifest);
    await writeFile(join(cut, 'scan.bin'), checkpoint);
    await copyFile(join(study, 'images.arrow'), join(cut, 'images.arrow'));
    // The tables of units are written at the end of the scan only: as they were.
    const old = await create('cut-growth-old', true, {}, await makePlace(12));
    await settled(engine, old);
    for (const table of ['units.arrow', 'stats.arrow', 'sample.arrow'])
      await copyFile(join(old, table), join(cut, table));
    expect(await byFile(cut)).toEqual(before);
    expect(await engine.call('scan.grow', { study: cut })).toEqual({ added: 2 });
    expect((await settled(engine, cut)).phase).toBe('done');
    expect(await byFile(cut)).toEqual(await byFile(study));
    await some.remove();
  });

  it('refuses where its pictures or its model are others, naming them', async () => {
    const some = await makePlace(9);
    const study = await create('grows-not', true, {}, some);
    await settled(engine, study);
    await more(some, place.pictures, ['ants/012.png']);
    await writeFile(join(some.pictures, 'bees', '001.png'), 'something else');
    await expect(engine.call('scan.grow', { study })).rejects.toMatchObject({
      code: 'pictures-changed',
      message: expect.stringContaining('bees/001.png'),
    });
    await rm(join(some.pictures, 'bees', '001.png'));
    await expect(engine.call('scan.grow', { study })).rejects.toMatchObject({ code: 'pictures-changed' });
    await copyFile(join(place.pictures, 'bees', '001.png'), join(some.pictures, 'bees', '001.png'));
    const model = await readFile(some.model);
    await writeFile(some.model, Buffer.concat([model, Buffer.from([0x32, 1, 120])]));
    await expect(engine.call('scan.grow', { study })).rejects.toMatchObject({ code: 'model-changed' });
    await writeFile(some.model, model);
    await engine.call('scan.start', { study });
    expect(await settled(engine, study)).toMatchObject({ phase: 'done', total: 10 });
    await rm(join(study, 'scan-2.bin'));
    await more(some, place.pictures, ['ants/015.png']);
    await expect(engine.call('scan.grow', { study })).rejects.toMatchObject({ code: 'no-checkpoint' });
    await some.remove();
  });
});

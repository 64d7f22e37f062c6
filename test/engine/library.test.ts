import { appendFile, cp, mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Strips } from '../../main/engine/study/strips';
import { Trash } from '../../main/engine/study/trash';
import { makePlace, preprocessing, settled, startEngine, type Place, type TestEngine } from './support';

let place: Place;
let home: string;
let engine: TestEngine;
let study: string;
beforeAll(async () => {
  place = await makePlace(12);
  home = join(place.folder, 'home');
  engine = startEngine(home);
  study = join(place.folder, 'study');
  await engine.call('study.create', {
    model: place.model,
    pictures: place.pictures,
    preprocessing,
    folder: study,
    name: 'One',
  });
  await settled(engine, study);
});
afterAll(async () => {
  await engine.dispose();
  await place.remove();
});

describe('a study on the shelf', () => {
  it('is renamed, in its folder and in the list', async () => {
    const info = await engine.call('study.rename', { study, name: '  Crabs, second look ' });
    expect(info.name).toBe('Crabs, second look');
    expect(JSON.parse(await readFile(join(study, 'study.json'), 'utf8'))).toMatchObject({
      name: 'Crabs, second look',
      scan: { phase: 'done' },
    });
    expect((await engine.call('recent.list', {}))[0]).toMatchObject({ path: study, name: 'Crabs, second look' });
    await expect(engine.call('study.rename', { study, name: ' ' })).rejects.toThrow();
  });

  it('has an id that is the same wherever it lies, and another for another preprocessing', async () => {
    const { id } = await engine.call('study.open', { path: study });
    const copy = join(place.folder, 'copy');
    await cp(study, copy, { recursive: true });
    expect((await engine.call('study.open', { path: copy })).id).toBe(id);
    const other = await engine.call('study.create', {
      model: place.model,
      pictures: place.pictures,
      preprocessing: { ...preprocessing, channels: 'bgr' },
      folder: join(place.folder, 'other'),
    });
    await settled(engine, other.path);
    expect(other.id).not.toBe(id);
    // By its path; else by its id among those known; else not at all.
    expect(await engine.call('study.find', { path: study, id })).toBe(study);
    expect(await engine.call('study.find', { path: '/nowhere/at all', id: other.id })).toBe(other.path);
    expect(await engine.call('study.find', { path: study, id: other.id })).toBe(other.path);
    expect(await engine.call('study.find', { path: study, id: 'f'.repeat(16) })).toBe(study);
    expect(await engine.call('study.find', { path: '/nowhere', id: 'f'.repeat(16) })).toBeNull();
    await rm(copy, { recursive: true });
  });

  it('finds its model and pictures again only where they are the same', async () => {
    const model = join(place.folder, 'moved.onnx');
    const pictures = join(place.folder, 'moved pictures');
    await rename(place.model, model);
    await rename(place.pictures, pictures);
    expect(await engine.call('study.open', { path: study })).toMatchObject({
      model: { missing: true },
      pictures: { missing: true },
    });
    const wrong = join(place.folder, 'wrong.onnx');
    await cp(model, wrong);
    await appendFile(wrong, '\0');
    await expect(engine.call('study.relocate', { study, model: wrong })).rejects.toMatchObject({
      code: 'other-model',
      place: { file: wrong },
    });
    await expect(engine.call('study.relocate', { study, pictures: join(pictures, 'ants') })).rejects.toMatchObject({
      code: 'other-pictures',
    });
    expect(await engine.call('study.relocate', { study, model, pictures })).toMatchObject({
      model: { path: model, missing: false },
      pictures: { path: pictures, missing: false },
    });
    const detail = await engine.call('unit.detail', {
      study,
      layer: (await engine.call('study.open', { path: study })).layers[0]!.id,
      unit: 0,
    });
    const patches = await engine.items('unit.patches', { study, layer: detail.layer, unit: 0, size: 32 });
    expect(patches).toHaveLength(detail.top.length);
    await rename(model, place.model);
    await rename(pictures, place.pictures);
    await engine.call('study.relocate', { study, model: place.model, pictures: place.pictures });
  });

  it('goes to the trash and comes back, with everything in it', async () => {
    const before = await readdir(study);
    const { trash } = await engine.call('study.delete', { study });
    expect(trash.startsWith(join(home, 'trash'))).toBe(true);
    await expect(readdir(study)).rejects.toThrow();
    expect((await engine.call('recent.list', {})).some(({ path }) => path === study)).toBe(false);
    await mkdir(study);
    await expect(engine.call('study.restore', { trash, study })).rejects.toMatchObject({ code: 'folder-in-use' });
    await rm(study, { recursive: true });
    await engine.call('study.restore', { trash, study });
    expect(await readdir(study)).toEqual(before);
    expect((await engine.call('recent.list', {}))[0]).toMatchObject({ path: study, missing: false });
    await expect(engine.call('study.restore', { trash, study })).rejects.toMatchObject({ code: 'not-in-trash' });
  });

  it('takes nothing but studies into the trash, and nothing but its own out', async () => {
    await expect(engine.call('study.delete', { study: place.pictures })).rejects.toMatchObject({ code: 'no-study' });
    await expect(
      engine.call('study.restore', { trash: place.pictures, study: join(place.folder, 'x') }),
    ).rejects.toMatchObject({ code: 'not-in-trash' });
    expect((await readdir(place.pictures)).length).toBeGreaterThan(0);
    const demo = startEngine(join(place.folder, 'home 2'), { demo: study });
    await expect(demo.call('study.delete', { study })).rejects.toMatchObject({ code: 'demo' });
    await expect(demo.call('study.rename', { study, name: 'x' })).rejects.toMatchObject({ code: 'read-only' });
    await demo.dispose();
  });

  it('has a strip of patches, each of another picture, kept on disk', async () => {
    const { tiles } = await engine.call('study.strip', { study });
    expect(tiles.length).toBeGreaterThan(3);
    for (const { width, height, rgba } of tiles) expect(rgba).toHaveLength(width * height * 4);
    expect(new Set(tiles.map(({ rgba }) => Buffer.from(rgba).toString('base64'))).size).toBe(tiles.length);
    // From the cache: the pictures are not needed any more.
    await rename(place.pictures, `${place.pictures} away`);
    const again = startEngine(home);
    expect((await again.call('study.strip', { study })).tiles).toEqual(tiles);
    await again.dispose();
    await rename(`${place.pictures} away`, place.pictures);
  });
});

it('the trash lets go of what lies in it for more than 30 days', async () => {
  const folder = join(place.folder, 'old home');
  const bin = new Trash(folder);
  const make = async (name: string): Promise<string> => {
    const path = join(place.folder, name);
    await mkdir(path);
    await writeFile(join(path, 'study.json'), '{}');
    return path;
  };
  const start = Date.parse('2026-01-01');
  await bin.put(await make('a'), start);
  const second = await bin.put(await make('b'), start + 29 * 864e5);
  expect(await readdir(join(folder, 'trash'))).toHaveLength(2);
  await bin.put(await make('c'), start + 31 * 864e5);
  expect(await readdir(join(folder, 'trash'))).toHaveLength(2);
  expect(await readdir(second)).toEqual(['study.json']);
});

it('the cache of strips is bounded, made anew where it is torn, and done without where it cannot be', async () => {
  const folder = join(place.folder, 'strip home');
  const strips = new Strips(folder);
  const tile = (value: number) => ({ width: 1, height: 1, rgba: new Uint8Array(4).fill(value) });
  for (let i = 0; i < 70; i++) await strips.get(String(i), () => Promise.resolve([tile(i)]));
  const files = await readdir(join(folder, 'strips'));
  expect(files).toHaveLength(60);
  let made = 0;
  const make = () => Promise.resolve([tile(++made)]);
  expect(await strips.get('69', make)).toEqual([tile(69)]);
  expect(made).toBe(0);
  for (const file of files) await writeFile(join(folder, 'strips', file), 'torn');
  await utimes(join(folder, 'strips', files[0]!), 0, 0);
  expect(await strips.get('69', make)).toEqual([tile(1)]);
  await writeFile(join(place.folder, 'file'), '');
  expect(await new Strips(join(place.folder, 'file')).get('x', make)).toEqual([tile(2)]);
});

it('how windows look is remembered for every host', async () => {
  expect(await engine.call('look.read', {})).toEqual({});
  await Promise.all([
    engine.call('look.write', { key: 'theme', value: 'dark' }),
    engine.call('look.write', { key: 'unitWidth', value: null }),
  ]);
  expect(await engine.call('look.read', {})).toEqual({ theme: 'dark', unitWidth: null });
  await writeFile(join(home, 'look.json'), '[torn');
  expect(await engine.call('look.read', {})).toEqual({});
});

import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { DiskCache } from '../../../main/engine/cache/disk';
import { entryKey, walkKey } from '../../../main/engine/cache/keys';

let root: string;
let folder: string;
let next = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'unpool-cache-'));
});
beforeEach(() => {
  folder = join(root, String(next++));
});
afterAll(() => rm(root, { recursive: true }));

const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
const files = async (): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name));
async function taken(): Promise<number> {
  let sum = 0;
  for (const file of await files()) sum += (await stat(file)).size;
  return sum;
}
async function put(cache: DiskCache, key: string, body: Uint8Array): Promise<void> {
  cache.put(key, body);
  await cache.settle();
}

it('gives back what was put, also to another program, and nothing under other keys', async () => {
  const cache = new DiskCache(folder, 1e6);
  expect(await cache.get('a')).toBeNull();
  expect(await cache.has('a')).toBe(false);
  for (let i = 0; i < 20; i++) cache.put(`key ${i}`, bytes(100 + i, i));
  await cache.settle();
  const other = new DiskCache(folder, 1e6);
  for (let i = 0; i < 20; i++) {
    expect(Uint8Array.from((await other.get(`key ${i}`))!)).toEqual(bytes(100 + i, i));
    expect(await other.has(`key ${i}`)).toBe(true);
  }
  expect(await other.get('key 20')).toBeNull();
  expect((await files()).every((file) => /[/\\]([0-9a-f]{2})[/\\]\1[0-9a-f]{62}$/.test(file))).toBe(true);
});

it('stays below its bound: what was not used for longest goes', async () => {
  const cache = new DiskCache(folder, 200_000);
  for (let i = 0; i < 100; i++) {
    await put(cache, `key ${i}`, bytes(9000, i));
    await cache.get('key 0'); // is used all the time
    await new Promise((resolve) => setTimeout(resolve, 2));
    expect(await taken()).toBeLessThanOrEqual(200_000);
  }
  expect(await cache.get('key 0')).not.toBeNull();
  expect(await cache.get('key 99')).not.toBeNull();
  expect(await cache.get('key 1')).toBeNull();
  await put(cache, 'too large', bytes(150_000, 1));
  expect(await cache.get('too large')).toBeNull();
});

it('two programs at once: nothing is torn, and both count what the other wrote', async () => {
  const caches = [new DiskCache(folder, 300_000), new DiskCache(folder, 300_000)];
  for (let i = 0; i < 150; i++)
    await Promise.all(caches.map((cache, at) => put(cache, `key ${i % 2 ? i : `${i} of ${at}`}`, bytes(7000, i))));
  expect(await taken()).toBeLessThanOrEqual(300_000 * (1 + 2 / 16));
  let there = 0;
  for (let i = 1; i < 150; i += 2) {
    const body = await caches[0]!.get(`key ${i}`);
    if (body) expect(Uint8Array.from(body)).toEqual(bytes(7000, i));
    there += body ? 1 : 0;
  }
  expect(there).toBeGreaterThan(5);
});

it.each([
  ['cut off', (file: string) => truncate(file, 50)],
  ['empty', (file: string) => truncate(file, 0)],
  ['longer', async (file: string) => writeFile(file, Buffer.concat([await readFile(file), Buffer.alloc(1)]))],
  [
    'changed in one bit',
    async (file: string) => {
      const whole = await readFile(file);
      whole[70]! ^= 4;
      await writeFile(file, whole);
    },
  ],
  [
    'of another version',
    async (file: string) => {
      const whole = await readFile(file);
      whole[7]! += 1;
      await writeFile(file, whole);
    },
  ],
])('a file that is %s is a miss and goes', async (_what, damage) => {
  const cache = new DiskCache(folder, 1e6);
  await put(cache, 'a', bytes(100, 1));
  const [file] = await files();
  await damage(file!);
  expect(await cache.get('a')).toBeNull();
  expect(await files()).toEqual([]);
  await put(cache, 'a', bytes(100, 2));
  expect(await cache.get('a')).not.toBeNull();
});

it('a place that cannot be written is done without, and said; what a killed program left goes after a while', async () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  await writeFile(folder, 'a file where the folder should be');
  const cache = new DiskCache(folder, 1e6);
  await put(cache, 'a', bytes(10, 1));
  await put(cache, 'b', bytes(10, 1));
  expect(await cache.get('a')).toBeNull();
  expect(cache.problem).not.toBeNull();
  expect(said).toHaveBeenCalledOnce();
  said.mockRestore();
  await rm(folder);
  await mkdir(join(folder, 'ab'), { recursive: true });
  for (const [name, time] of [
    ['old.tmp', 0],
    ['new.tmp', Date.now() / 1000],
  ] as const) {
    await writeFile(join(folder, 'ab', name), 'half');
    await utimes(join(folder, 'ab', name), time, time);
  }
  await put(cache, 'a', bytes(10, 1));
  expect(cache.problem).toBeNull();
  expect(await readdir(join(folder, 'ab'))).toContain('new.tmp');
  expect(await readdir(join(folder, 'ab'))).not.toContain('old.tmp');
});

it('the key changes with everything that a reconstruction depends on', () => {
  const manifest = {
    model: { path: '/a', relative: null, name: 'a', bytes: 1, sha256: 'a'.repeat(64) },
    input: { name: 'x', channels: 3, size: [24, 24] as [number, number], freeSize: false },
    preprocessing: {
      size: [24, 24] as [number, number],
      resize: { rule: 'stretch' as const },
      channels: 'rgb' as const,
      scale: 1,
      mean: [1, 1, 1],
      std: [1, 1, 1],
      background: [0, 0, 0] as [number, number, number],
    },
    settings: { k: 9, onePerPicture: true, before: false, batch: 8 },
  };
  const method = { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' } as const;
  const walks = [
    walkKey(manifest, { id: 'a' }, method, 'm'),
    walkKey({ ...manifest, model: { ...manifest.model, sha256: 'b'.repeat(64) } }, { id: 'a' }, method, 'm'),
    walkKey({ ...manifest, input: { ...manifest.input, size: [24, 32] } }, { id: 'a' }, method, 'm'),
    walkKey({ ...manifest, preprocessing: { ...manifest.preprocessing, mean: [1, 1, 2] } }, { id: 'a' }, method, 'm'),
    walkKey({ ...manifest, settings: { ...manifest.settings, before: true } }, { id: 'a' }, method, 'm'),
    walkKey(manifest, { id: 'b' }, method, 'm'),
    walkKey(manifest, { id: 'a' }, { ...method, id: 'guided' }, 'm'),
    walkKey(manifest, { id: 'a' }, { ...method, leaky: 'own' }, 'm'),
    walkKey(manifest, { id: 'a' }, { ...method, smooth: 'derivative' }, 'm'),
    walkKey(manifest, { id: 'a' }, method, 'another runtime'),
  ];
  expect(new Set(walks).size).toBe(walks.length);
  // Neither where the files lie nor how many are kept matters.
  const moved = { ...manifest, model: { ...manifest.model, path: '/b' }, settings: { ...manifest.settings, k: 3 } };
  expect(walkKey(moved, { id: 'a' }, method, 'm')).toBe(walks[0]);

  const study = (identity: string, file: string, size: number, hash: [number, number] | null) => ({
    manifest: { pictures: { identity } },
    images: { file: () => file, bytes: () => size },
    hash: () => hash,
  });
  const wanted = { unit: 1, picture: 2, place: 3 };
  const one = study('i', 'a.png', 5, [1, 2]);
  const keys = [
    entryKey('w', one, wanted),
    entryKey('v', one, wanted),
    entryKey('w', one, { ...wanted, unit: 2 }),
    entryKey('w', one, { ...wanted, place: 4 }),
    entryKey('w', study('j', 'a.png', 5, [1, 2]), wanted),
    entryKey('w', study('i', 'b.png', 5, [1, 2]), wanted),
    entryKey('w', study('i', 'a.png', 6, [1, 2]), wanted),
    entryKey('w', study('i', 'a.png', 5, [1, 3]), wanted),
    entryKey('w', study('i', 'a.png', 5, null), wanted),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

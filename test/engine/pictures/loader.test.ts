import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CancelledError } from '../../../main/core/errors';
import { preprocess } from '../../../main/core/preprocess/preprocess';
import { presetsFor } from '../../../main/core/preprocess/presets';
import { listPictures, type Dataset } from '../../../main/engine/pictures/dataset';
import { createLoader } from '../../../main/engine/pictures/loader';
import { makeFolder, raw, scene } from './support';

const { preprocessing } = presetsFor(3, [16, 16])[0]!;
const size = (i: number): [number, number] => [20 + ((i * 37) % 90), 20 + ((i * 53) % 70)];
const broken = [4, 9];
let dataset: Dataset;
let remove: () => Promise<void>;
beforeAll(async () => {
  const made = await makeFolder();
  remove = made.remove;
  for (let i = 0; i < 20; i++) {
    const file = join(made.folder, `${String(i).padStart(2, '0')}.png`);
    const picture = scene(...size(i), i);
    if (broken.includes(i)) await writeFile(file, 'no picture');
    else await sharp(picture.rgb, raw(picture)).png().toFile(file);
  }
  dataset = await listPictures(made.folder);
});
afterAll(() => remove());

const expected = (i: number) => preprocess(scene(...size(i), i), preprocessing);

describe('loader', () => {
  it.each([1, 3, 8, 20])('gives each picture in its place, %i at a time', async (together) => {
    const loader = createLoader(dataset, preprocessing);
    for (let from = 0; from < 20; from += together) {
      const to = Math.min(20, from + together);
      const loaded = await loader.load(from, to, [to, Math.min(20, to + together)]);
      expect(loaded).toHaveLength(to - from);
      loaded.forEach((each, k) => {
        if (broken.includes(from + k)) expect(each).toEqual({ broken: expect.stringMatching(/no picture/) });
        else expect(each).toEqual({ data: expected(from + k), hash: [expect.any(Number), expect.any(Number)] });
      });
    }
  });

  it('gives the right pictures where the order asked for is not that decoded ahead', async () => {
    const loader = createLoader(dataset, preprocessing);
    for (const from of [0, 12, 5, 6, 0]) expect((await loader.load(from, from + 2, [from + 2, Math.min(20, from + 4)]))[1]).toEqual(broken.includes(from + 1) ? { broken: expect.any(String) } : expect.objectContaining({ data: expected(from + 1) })); // prettier-ignore
  });

  it('gives one, or says why not', async () => {
    const loader = createLoader(dataset, preprocessing);
    expect(await loader.one(3)).toEqual(expected(3));
    await expect(loader.one(4)).rejects.toMatchObject({ code: 'bad-picture', place: { file: join(dataset.root, '04.png') } }); // prettier-ignore
    await expect(loader.one(20)).rejects.toMatchObject({ code: 'no-picture' });
  });

  it('stops when cancelled, and goes on afterwards', async () => {
    const loader = createLoader(dataset, preprocessing);
    const controller = new AbortController();
    const loading = loader.load(0, 20, undefined, controller.signal);
    controller.abort();
    await expect(loading).rejects.toBeInstanceOf(CancelledError);
    expect((await loader.load(0, 1))[0]).toMatchObject({ data: expected(0) });
  });
});

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Box, Pixels, Preprocessing } from '../../../preload/contract';
import { preprocess } from '../../../main/core/preprocess/preprocess';
import type { Rgb } from '../../../main/core/preprocess/resample';
import { listPictures, type Dataset } from '../../../main/engine/pictures/dataset';
import { createPatches, cutPatch } from '../../../main/engine/pictures/patches';
import { makeFolder, raw, scene } from './support';

const plain = (size: [number, number]): Preprocessing => ({
  size,
  resize: { rule: 'stretch' },
  channels: 'rgb',
  scale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  background: [128, 128, 128],
});
const picture = scene(48, 36);
let dataset: Dataset;
let remove: () => Promise<void>;
beforeAll(async () => {
  const made = await makeFolder();
  remove = made.remove;
  await sharp(picture.rgb, raw(picture)).png().toFile(join(made.folder, '0.png'));
  await writeFile(join(made.folder, '1.png'), 'no picture');
  dataset = await listPictures(made.folder);
});
afterAll(() => remove());

const pixel = ({ width, rgba }: Pixels, x: number, y: number): number[] => [
  ...rgba.subarray((y * width + x) * 4, (y * width + x) * 4 + 4),
];

describe('patch', () => {
  it('is the crop of the input itself where the picture has the size of the input', async () => {
    const preprocessing = plain([36, 48]);
    const patches = createPatches(dataset, preprocessing);
    const input = preprocess(picture, preprocessing);
    for (const [y0, x0, y1, x1] of [
      [0, 0, 36, 48],
      [5, 7, 16, 18],
      [-4, -6, 9, 11],
      [30, 40, 45, 60],
      [-9, 3, 50, 12],
      [40, 50, 44, 60],
    ] as Box[]) {
      // prettier-ignore
      const patch = await patches.patch(0, [y0, x0, y1, x1], 200);
      expect([patch.width, patch.height]).toEqual([x1 - x0, y1 - y0]);
      for (let y = y0; y < y1; y++)
        for (let x = x0; x < x1; x++) {
          const inside = x >= 0 && x < 48 && y >= 0 && y < 36;
          const colour = [0, 1, 2].map((c) => (inside ? input[(c * 36 + y) * 48 + x]! : 128));
          expect(pixel(patch, x - x0, y - y0)).toEqual([...colour, 255]);
        }
    }
  });

  it('comes from the original at its own resolution', async () => {
    // The input is a quarter of the original each way: a box of 3 x 3 is 12 x 12 px there.
    const patch = await createPatches(dataset, plain([9, 12])).patch(0, [2, 1, 5, 4], 200);
    expect([patch.width, patch.height]).toEqual([12, 12]);
    for (let y = 0; y < 12; y++)
      for (let x = 0; x < 12; x++) {
        const at = ((8 + y) * 48 + 4 + x) * 3;
        expect(pixel(patch, x, y)).toEqual([...picture.rgb.subarray(at, at + 3), 255]);
      }
  });

  it('is made smaller to fit, and keeps the proportions of the box', async () => {
    const patches = createPatches(dataset, plain([36, 48]));
    expect(await patches.patch(0, [0, 0, 20, 40], 10)).toMatchObject({ width: 10, height: 5 });
    expect(await patches.patch(0, [-100, 0, 100, 50], 8)).toMatchObject({ width: 2, height: 8 });
    // Stretched unevenly: square in the input, so square on the screen, however wide it is in the original.
    expect(await createPatches(dataset, plain([12, 12])).patch(0, [0, 0, 6, 6], 100)).toMatchObject({ width: 24, height: 24 }); // prettier-ignore
  });

  it('shows a ramp in its place, within half a pixel, however it is cropped', async () => {
    const ramp: Rgb = { width: 240, height: 200, rgb: new Uint8Array(240 * 200 * 3) };
    for (let y = 0; y < 200; y++) for (let x = 0; x < 240; x++) ramp.rgb.set([x, y, 0], (y * 240 + x) * 3);
    for (const [y0, x0, y1, x1] of [
      [10.3, 20.6, 74.3, 84.6],
      [99.5, 0.4, 163.5, 64.4],
      [3, 4, 11, 12],
    ] as Box[]) {
      // prettier-ignore
      const box: Box = [0, 0, 32, 32];
      const patch = await cutPatch(ramp, [y0, x0, y1, x1], box, 32);
      const step = (x1 - x0) / patch.width;
      for (let i = 4; i < patch.width - 4; i++) {
        const [r, g] = pixel(patch, i, i);
        // Half a px for the place, half a level for the rounding.
        expect(Math.abs(r! - (x0 + (i + 0.5) * step - 0.5))).toBeLessThanOrEqual(1.01);
        expect(Math.abs(g! - (y0 + (i + 0.5) * step - 0.5))).toBeLessThanOrEqual(1.01);
      }
    }
  });

  it('of a field far larger than the picture is grey around it, and cheap', async () => {
    const patch = await cutPatch(picture, [-1e6, -1e6, 1e6, 1e6], [0, 0, 100, 100], 100);
    expect([patch.width, patch.height]).toEqual([100, 100]);
    const grey = patch.rgba.filter((value, i) => i % 4 < 3 && value === 128).length;
    expect(grey).toBeGreaterThanOrEqual(3 * 100 * 100 - 3 * 4);
  });

  it('does not change with what was asked before, or at the same time', async () => {
    const patches = createPatches(dataset, plain([36, 48]));
    const box: Box = [1, 2, 30, 31];
    const [first, ...others] = await Promise.all(Array.from({ length: 8 }, () => patches.patch(0, box, 20)));
    for (const other of others) expect(other).toEqual(first);
    expect(await patches.patch(0, box, 20)).toEqual(first);
  });

  it('of a broken picture says why, each time, until it is put right', async () => {
    const patches = createPatches(dataset, plain([36, 48]));
    for (let i = 0; i < 2; i++)
      await expect(patches.patch(1, [0, 0, 4, 4], 8)).rejects.toMatchObject({ code: 'bad-picture' });
    await sharp(picture.rgb, raw(picture)).png().toFile(join(dataset.root, '1.png'));
    expect(await patches.patch(1, [0, 0, 4, 4], 8)).toMatchObject({ width: 4 });
    await writeFile(join(dataset.root, '1.png'), 'no picture');
    await expect(patches.patch(7, [0, 0, 4, 4], 8)).rejects.toMatchObject({ code: 'no-picture' });
    expect(await patches.patch(0, [0, 0, 4, 4], 8)).toMatchObject({ width: 4 });
  });
});

describe('view', () => {
  it('shows the original made smaller, with the box of the input in it', async () => {
    const patches = createPatches(dataset, { ...plain([20, 20]), resize: { rule: 'crop', shorter: 36 } });
    const view = await patches.view(0, 'original', 24);
    expect(view).toMatchObject({ file: '0.png', class: null, original: { width: 48, height: 36 }, width: 24, height: 18 }); // prettier-ignore
    expect(view.inputBox).toEqual([8, 14, 28, 34]);
    expect(view.rgba).toHaveLength(24 * 18 * 4);
    expect(await patches.view(0, 'original', 500)).toMatchObject({ width: 48, height: 36 });
  });

  it('shows what the network took', async () => {
    const preprocessing: Preprocessing = { ...plain([20, 20]), resize: { rule: 'crop', shorter: 36 }, channels: 'bgr', mean: [104, 117, 123] }; // prettier-ignore
    const view = await createPatches(dataset, preprocessing).view(0, 'network', 500);
    expect(view).toMatchObject({ width: 20, height: 20 });
    for (let y = 0; y < 20; y++)
      for (let x = 0; x < 20; x++) {
        const at = ((8 + y) * 48 + 14 + x) * 3;
        expect(pixel(view, x, y)).toEqual([...picture.rgb.subarray(at, at + 3), 255]);
      }
  });
});

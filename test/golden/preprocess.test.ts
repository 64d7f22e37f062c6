import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Preprocessing } from '../../preload/contract';
import { preprocess } from '../../main/core/preprocess/preprocess';
import { decodePicture } from '../../main/engine/pictures/decode';

/** Pillow and numpy's numbers (preprocess.py), for what torchvision, Caffe and letterboxing do. */

interface Case {
  picture: string;
  way: 'pixels' | 'torchvision' | 'caffe' | 'letterbox' | 'bicubic' | 'gray';
  shorter?: number;
  size: [number, number];
  mean?: number[];
  std?: number[];
  background?: [number, number, number];
  tensor: { offset: number; shape: number[] };
}
const folder = path.join(import.meta.dirname, 'preprocess');
const { cases } = JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8')) as { cases: Case[] };
const data = new Float32Array(new Uint8Array(readFileSync(path.join(folder, 'expected.bin'))).buffer);
const grey: [number, number, number] = [128, 128, 128];

function preprocessingOf({ way, shorter = 0, size, mean, std, background = grey }: Case): Preprocessing {
  const base = { size, background, mean: [0, 0, 0], std: [1, 1, 1] };
  if (way === 'torchvision')
    return { ...base, resize: { rule: 'crop', shorter }, channels: 'rgb', scale: 1 / 255, mean: mean!, std: std! };
  if (way === 'caffe') return { ...base, resize: { rule: 'stretch' }, channels: 'bgr', scale: 1, mean: mean! };
  if (way === 'letterbox') return { ...base, resize: { rule: 'letterbox' }, channels: 'rgb', scale: 1 / 255 };
  if (way === 'bicubic')
    return { ...base, resize: { rule: 'stretch' }, filter: 'bicubic', channels: 'rgb', scale: 1 / 255 };
  return { ...base, resize: { rule: 'stretch' }, channels: 'gray', scale: 1 / 255 };
}

describe.each(cases)('$picture, $way, $size', (each) => {
  it('is what Pillow gives', async () => {
    const picture = await decodePicture(path.join(folder, each.picture), grey);
    const { offset, shape } = each.tensor;
    const expected = data.subarray(offset, offset + shape.reduce((a, b) => a * b, 1));
    if (each.way === 'pixels') {
      expect([...picture.rgb]).toEqual([...expected]);
      return;
    }
    const preprocessing = preprocessingOf(each);
    const actual = preprocess(picture, preprocessing);
    expect(actual.length).toBe(expected.length);
    let worst = 0;
    expected.forEach((value, i) => (worst = Math.max(worst, Math.abs(value - actual[i]!))));
    // Where a stretch shrinks the height much more than the width, newer Pillows resize columns first: a grey level, rarely.
    const stretched =
      preprocessing.resize.rule === 'stretch' && picture.height / each.size[0] > picture.width / each.size[1];
    expect(worst).toBeLessThanOrEqual(stretched ? preprocessing.scale * 1.001 : 1e-6);
  });
});

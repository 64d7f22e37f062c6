import { describe, expect, it } from 'vitest';
import { differenceHash, groupsOf, hashDistance, nearBits } from '../../../main/core/preprocess/likeness';
import { resize, type Rgb } from '../../../main/core/preprocess/resample';
import { random } from '../support';

/** Smooth random shapes. */
function scene(seed: number, width: number, height: number): Rgb {
  const next = random(seed);
  const waves = Array.from({ length: 12 }, () => [next() * 9, next() * 9, next() * 6, next()] as const);
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) {
        const sum = waves.reduce(
          (total, [a, b, p, w]) => total + w * Math.sin((a * x) / width + (b * y) / height + p + c),
          0,
        );
        rgb[(y * width + x) * 3 + c] = Math.max(0, Math.min(255, 128 + 25 * sum));
      }
  return { width, height, rgb };
}

function planar({ width, height, rgb }: Rgb, gain = 1, offset = 0): Float32Array {
  const out = new Float32Array(3 * width * height);
  for (let i = 0; i < width * height; i++)
    for (let c = 0; c < 3; c++) out[c * width * height + i] = gain * rgb[3 * i + c]! + offset;
  return out;
}

describe('the difference hash', () => {
  it('has a bit for each cell that is darker than its right neighbour', () => {
    const [height, width] = [8, 9];
    const rising = Float32Array.from({ length: 72 }, (_, i) => i % width);
    expect(differenceHash(rising, 1, [height, width])).toEqual([0xffffffff, 0xffffffff]);
    expect(differenceHash(rising.map((value) => -value), 1, [height, width])).toEqual([0, 0]); // prettier-ignore
    const one = new Float32Array(72);
    one[3 * width + 5] = 1; // row 3: darker than it is the cell to its left, column 4
    expect(differenceHash(one, 1, [height, width])).toEqual([(1 << (3 * 8 + 4)) >>> 0, 0]);
  });

  it('is near for the same picture in another size, brightness or scale, and far for others', () => {
    for (let seed = 0; seed < 20; seed++) {
      const picture = scene(seed, 240, 200);
      const hash = differenceHash(planar(picture), 3, [200, 240]);
      const smaller = resize(picture, 90, 75);
      expect(hashDistance(hash, differenceHash(planar(smaller, 1 / 255, -0.4), 3, [75, 90]))).toBeLessThanOrEqual(
        nearBits,
      );
      expect(hashDistance(hash, differenceHash(planar(scene(seed + 100, 240, 200)), 3, [200, 240]))).toBeGreaterThan(nearBits); // prettier-ignore
    }
  });

  it('takes maps smaller than its grid', () => {
    expect(differenceHash(Float32Array.of(1, 2, 3, 4), 1, [2, 2])).toHaveLength(2);
  });
});

describe('groups of near-duplicates', () => {
  it('are those of the first that is near', () => {
    const [a, near, far]: [number, number][] = [[0, 0], [0b111, 0], [0xffff, 0xffff]]; // prettier-ignore
    expect(groupsOf([a!, far!, near!, null, far!, null])).toEqual([0, 1, 0, 3, 1, 5]);
  });
});

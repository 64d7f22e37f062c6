import { describe, expect, it } from 'vitest';
import { resize, type Rgb } from '../../../main/core/preprocess/resample';
import { random } from '../support';

function noise(width: number, height: number, seed: number): Rgb {
  const next = random(seed);
  return { width, height, rgb: Uint8Array.from({ length: width * height * 3 }, () => Math.floor(next() * 256)) };
}

/** One axis of a triangle filter, in float64 and straight from its definition. */
function filtered(values: readonly number[], size: number): number[] {
  const scale = values.length / size;
  const support = Math.max(1, scale);
  return Array.from({ length: size }, (_, i) => {
    let [sum, total] = [0, 0];
    values.forEach((value, x) => {
      const weight = Math.max(0, 1 - Math.abs(x + 0.5 - (i + 0.5) * scale) / support);
      sum += weight * value;
      total += weight;
    });
    return sum / total;
  });
}

const grey = (width: number, height: number, values: readonly number[]): Rgb => ({
  width,
  height,
  rgb: Uint8Array.from(values.flatMap((value) => [value, value, value])),
});
const red = ({ rgb }: Rgb): number[] => Array.from({ length: rgb.length / 3 }, (_, i) => rgb[3 * i]!);

describe('resize, bicubic', () => {
  it('gives what one can work out by hand', () => {
    // Doubled: at a quarter px from its neighbour Keys' cubic weighs -0.0703125, 0.8671875, 0.2265625, -0.0234375.
    const middle = red(resize(grey(4, 1, [0, 100, 200, 0]), 8, 1, undefined, 'bicubic'));
    expect(middle.slice(3, 5)).toEqual([
      Math.round(0.8671875 * 100 + 0.2265625 * 200),
      Math.round(0.2265625 * 100 + 0.8671875 * 200),
    ]);
    expect(new Set(red(resize(grey(6, 5, new Array<number>(30).fill(77)), 4, 9, undefined, 'bicubic')))).toEqual(
      new Set([77]),
    );
  });
});

describe('resize', () => {
  it('gives what one can work out by hand', () => {
    // Halved: a triangle of two px each way weighs (0.75 * 0 + 0.75 * 80 + 0.25 * 160) / 1.75.
    expect(red(resize(grey(4, 1, [0, 80, 160, 240]), 2, 1))).toEqual([57, 183]);
    // Doubled: quarters between neighbours, the ends kept.
    expect(red(resize(grey(2, 1, [0, 100]), 4, 1))).toEqual([0, 25, 75, 100]);
    expect(red(resize(grey(1, 2, [0, 100]), 1, 4))).toEqual([0, 25, 75, 100]);
    expect(red(resize(grey(1, 1, [9]), 3, 2))).toEqual([9, 9, 9, 9, 9, 9]);
  });

  const sizes = [
    [17, 11, 5, 7],
    [5, 7, 17, 11],
    [31, 4, 9, 30],
    [40, 30, 40, 10],
    [12, 40, 30, 40],
    [1, 9, 4, 2],
    [64, 64, 1, 1],
  ] as const;
  it.each(sizes)('is the triangle filter: %i x %i to %i x %i', (width, height, w, h) => {
    const picture = noise(width, height, width * height);
    const result = resize(picture, w, h);
    const rows = Array.from({ length: height }, (_, y) => filtered(red(picture).slice(y * width, (y + 1) * width), w));
    const columns = Array.from({ length: w }, (_, x) =>
      filtered(
        rows.map((row) => row[x]!),
        h,
      ),
    );
    // Two roundings to whole levels, each half a level at most.
    red(result).forEach((value, i) => expect(Math.abs(value - columns[i % w]![Math.floor(i / w)]!)).toBeLessThan(1.01));
  });

  it('leaves a picture of that size and even colours as they are', () => {
    const picture = noise(9, 8, 1);
    expect(resize(picture, 9, 8).rgb).toEqual(picture.rgb);
    for (const value of [0, 1, 127, 255])
      expect(new Set(resize(grey(13, 7, new Array<number>(91).fill(value)), 50, 3).rgb)).toEqual(new Set([value]));
  });

  it('gives of a window what cutting it from the whole gives', () => {
    for (const [width, height, w, h] of sizes) {
      const picture = noise(width, height, 5);
      const whole = resize(picture, w, h);
      const window = {
        left: Math.floor(w / 3),
        top: Math.floor(h / 4),
        width: Math.ceil(w / 2),
        height: Math.ceil(h / 2),
      };
      const part = resize(picture, w, h, window);
      expect([part.width, part.height]).toEqual([window.width, window.height]);
      for (let y = 0; y < window.height; y++) {
        const start = ((window.top + y) * w + window.left) * 3;
        expect(part.rgb.subarray(y * window.width * 3, (y + 1) * window.width * 3)).toEqual(
          whole.rgb.subarray(start, start + window.width * 3),
        );
      }
    }
  });
});

import { describe, expect, it } from 'vitest';
import { resizeColumns, resizeRows } from '../../../main/core/preprocess/resample';
import { resizeQuickly, type Axis } from '../../../main/core/preprocess/simd';
import { random } from '../support';

/** Weights that add up to 1, some of them below zero, so that sums go beyond black and white. */
function axis(length: number, outputs: number, taps: number, next: () => number): Axis {
  const first = Int32Array.from({ length: outputs }, () => Math.floor(next() * Math.max(1, length - taps + 1)));
  const weight = new Int32Array(outputs * taps);
  for (let i = 0; i < outputs; i++) {
    const used = Math.min(taps, length);
    let left = 1 << 22;
    for (let k = 0; k < used - 1; k++) left -= weight[i * taps + k] = Math.round((next() * 1.6 - 0.8) * 2 ** 21);
    weight[i * taps + used - 1] = left;
  }
  return { first, weight, taps };
}

describe('a resize by SIMD', () => {
  // Width, height, then outputs and taps of rows and of columns. The last pictures are larger than what is there at once.
  it.each([
    [1, 1, 3, 3, 2, 3],
    [2, 5, 1, 3, 1, 6],
    [17, 11, 5, 6, 7, 3],
    [5, 7, 17, 3, 11, 3],
    [40, 30, 13, 12, 1, 30],
    [500, 330, 227, 3, 227, 3],
    [1201, 700, 31, 39, 33, 21],
    [400_000, 3, 7, 3, 2, 3],
  ])('of %i x %i is that of whole numbers one by one, bit for bit', (width, height, w, wTaps, h, hTaps) => {
    const next = random(width + height);
    for (let round = 0; round < 3; round++) {
      const rgb = Uint8Array.from({ length: 3 * width * height }, () => (next() < 0.3 ? 255 : next() * 256));
      const [across, down] = [axis(width, w, wTaps, next), axis(height, h, hTaps, next)];
      const exact = resizeColumns(resizeRows(rgb, 3 * width, across), 3 * w, down);
      const quick = resizeQuickly(rgb, 3 * width, across, down);
      expect(quick && Buffer.compare(quick, exact)).toBe(0);
    }
  });

  it('leaves very large pictures to the others', () => {
    const wide = { first: new Int32Array(2e6), weight: new Int32Array(6e6), taps: 3 };
    expect(resizeQuickly(new Uint8Array(27), 9, wide, axis(3, 1, 3, random(2)))).toBe(null);
  });
});

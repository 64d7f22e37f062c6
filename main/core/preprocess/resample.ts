import { resizeQuickly, type Axis } from './simd';

/** 8-bit RGB. */
export interface Rgb {
  width: number;
  height: number;
  /** Row-major, three bytes a pixel. */
  rgb: Uint8Array;
}

/** A part of a resized picture, in its px. */
export interface Window {
  left: number;
  top: number;
  width: number;
  height: number;
}

/**
 * Weights of one axis: output i takes the inputs from first[i] on, `taps` of them (a multiple of three, for loops that take
 * three at a time), each by a 22-bit fixed-point weight; those that it does not need have weight 0.
 */
interface Weights extends Axis {
  /** [outputs, taps] */
  weight: Int32Array;
}

/** Pillow's filters: how far they reach, and their weight at a distance, both in px of the larger of both pictures. */
export type Filter = 'bilinear' | 'bicubic';
const filters: Record<Filter, { reach: number; weight(distance: number): number }> = {
  bilinear: { reach: 1, weight: (x) => Math.max(0, 1 - x) },
  /** Source: R. Keys, "Cubic convolution interpolation for digital image processing" (1981), with a = -0.5. */
  bicubic: {
    reach: 2,
    weight: (x) => (x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? -0.5 * (((x - 5) * x + 8) * x - 4) : 0),
  },
};

const precision = 22;
const half = 1 << (precision - 1);

/**
 * Pillow's antialiased filters from `length` to `size` elements, for the outputs [start, start + count).
 * Source: Pillow, Resample.c (precompute_coeffs, normalize_coeffs_8bpc).
 */
function weightsFor(filter: Filter, length: number, size: number, start: number, outputs: number): Weights {
  const { reach, weight: at } = filters[filter];
  const scale = length / size;
  const perInput = 1 / Math.max(1, scale);
  const support = reach * Math.max(1, scale);
  const most = Math.ceil(support) * 2 + 1;
  const low = new Int32Array(outputs);
  const count = new Int32Array(outputs);
  const raw = new Float64Array(outputs * most);
  for (let i = 0; i < outputs; i++) {
    const centre = (start + i + 0.5) * scale;
    low[i] = Math.max(0, Math.trunc(centre - support + 0.5));
    count[i] = Math.min(length, Math.trunc(centre + support + 0.5)) - low[i]!;
    let total = 0;
    for (let k = 0; k < count[i]!; k++) {
      const value = at(Math.abs((low[i]! + k - centre + 0.5) * perInput));
      raw[i * most + k] = value;
      total += value;
    }
    for (let k = 0; k < count[i]!; k++) {
      const value = (raw[i * most + k]! / total) * 2 ** precision;
      raw[i * most + k] = Math.trunc(value < 0 ? value - 0.5 : value + 0.5);
    }
  }
  const taps = 3 * Math.ceil(Math.max(...count) / 3);
  const first = new Int32Array(outputs);
  const weight = new Int32Array(outputs * taps);
  for (let i = 0; i < outputs; i++) {
    first[i] = Math.max(0, Math.min(low[i]!, length - taps));
    for (let k = 0; k < count[i]!; k++) weight[i * taps + low[i]! - first[i]! + k] = raw[i * most + k]!;
  }
  return { first, weight, taps };
}

/**
 * Resizes 8-bit RGB to width x height and returns a window of that (all of it where none is given); only what the window
 * needs is computed. Rows first, then columns, each rounded to 8 bits: both passes are Pillow's `resize(..., BILINEAR)` (or BICUBIC) bit
 * for bit, which is what torchvision's Resize does to a PIL picture. Pillow 13 and later resize columns first where the
 * height shrinks much more than the width (never where proportions are kept); the order is one grey level at most.
 */
export function resize(
  picture: Rgb,
  width: number,
  height: number,
  window: Window = { left: 0, top: 0, width, height },
  filter: Filter = 'bilinear',
): Rgb {
  const down = weightsFor(filter, picture.height, height, window.top, window.height);
  const last = window.height - 1;
  const top = down.first[0]!;
  const bottom = Math.min(picture.height, down.first[last]! + down.taps);
  const made = (rgb: Uint8Array): Rgb => ({ width: window.width, height: window.height, rgb });
  const row = 3 * picture.width;
  const seen = picture.rgb.subarray(top * row, bottom * row);
  const below: Weights = { ...down, first: down.first.map((first) => first - top) };
  if (window.width === width && picture.width === width) return made(resizeColumns(seen, row, below));
  const across = weightsFor(filter, picture.width, width, window.left, window.width);
  return made(
    resizeQuickly(seen, row, across, below) ?? resizeColumns(resizeRows(seen, row, across), 3 * window.width, below),
  );
}

/** Rows of `row` bytes, each resized. A clamped array cuts what is beyond black and white. */
export function resizeRows(rgb: Uint8Array, row: number, { first, weight, taps }: Weights): Uint8Array {
  const outputs = first.length;
  const rows = rgb.length / row;
  const out = new Uint8ClampedArray(rows * outputs * 3);
  let to = 0;
  for (let y = 0; y < rows; y++)
    for (let x = 0, k = 0; x < outputs; x++, to += 3) {
      let r = half;
      let g = half;
      let b = half;
      for (let at = y * row + first[x]! * 3, end = k + taps; k < end; k += 3, at += 9) {
        const [u, v, w] = [weight[k]!, weight[k + 1]!, weight[k + 2]!];
        r = (r + Math.imul(rgb[at]!, u) + Math.imul(rgb[at + 3]!, v) + Math.imul(rgb[at + 6]!, w)) | 0;
        g = (g + Math.imul(rgb[at + 1]!, u) + Math.imul(rgb[at + 4]!, v) + Math.imul(rgb[at + 7]!, w)) | 0;
        b = (b + Math.imul(rgb[at + 2]!, u) + Math.imul(rgb[at + 5]!, v) + Math.imul(rgb[at + 8]!, w)) | 0;
      }
      out[to] = r >> precision;
      out[to + 1] = g >> precision;
      out[to + 2] = b >> precision;
    }
  return new Uint8Array(out.buffer);
}

/** Columns resized, of rows of `row` bytes. */
export function resizeColumns(rgb: Uint8Array, row: number, { first, weight, taps }: Weights): Uint8Array {
  const out = new Uint8ClampedArray(first.length * row);
  const sums = new Int32Array(row).fill(half);
  for (let y = 0, k = 0; y < first.length; y++) {
    let a = first[y]! * row;
    // All taps but the last three are added up in `sums`: for three, the usual number, it stays as it is.
    const last = k + taps - 3;
    if (k < last) sums.fill(half);
    for (; k < last; k += 3, a += 3 * row) {
      const [u, v, w] = [weight[k]!, weight[k + 1]!, weight[k + 2]!];
      const [b, c] = [a + row, a + 2 * row];
      for (let i = 0; i < row; i++)
        sums[i] = (sums[i]! + Math.imul(rgb[a + i]!, u) + Math.imul(rgb[b + i]!, v) + Math.imul(rgb[c + i]!, w)) | 0;
    }
    const [u, v, w] = [weight[k]!, weight[k + 1]!, weight[k + 2]!];
    const [b, c, to] = [a + row, a + 2 * row, y * row];
    for (let i = 0; i < row; i++)
      out[to + i] =
        (sums[i]! + Math.imul(rgb[a + i]!, u) + Math.imul(rgb[b + i]!, v) + Math.imul(rgb[c + i]!, w)) >> precision;
    k += 3;
  }
  return new Uint8Array(out.buffer);
}

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

/** Weights of one axis: output i takes inputs first[i] .. first[i] + count[i] - 1, each by a 22-bit fixed-point weight. */
interface Weights {
  first: Int32Array;
  count: Int32Array;
  weight: Int32Array;
  /** Most inputs of any output: the stride of `weight`. */
  stride: number;
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
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(outputs);
  const count = new Int32Array(outputs);
  const weight = new Int32Array(outputs * stride);
  const raw = new Float64Array(stride);
  for (let i = 0; i < outputs; i++) {
    const centre = (start + i + 0.5) * scale;
    const low = Math.max(0, Math.trunc(centre - support + 0.5));
    const high = Math.min(length, Math.trunc(centre + support + 0.5));
    let total = 0;
    for (let x = low; x < high; x++) {
      const value = at(Math.abs((x - centre + 0.5) * perInput));
      raw[x - low] = value;
      total += value;
    }
    first[i] = low;
    count[i] = high - low;
    for (let k = 0; k < high - low; k++) {
      const value = (raw[k]! / total) * 2 ** precision;
      weight[i * stride + k] = Math.trunc(value < 0 ? value - 0.5 : value + 0.5);
    }
  }
  return { first, count, weight, stride };
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
  const bottom = down.first[last]! + down.count[last]!;
  const whole = window.width === width && picture.width === width;
  const across = whole
    ? picture.rgb.subarray(top * width * 3, bottom * width * 3)
    : resizeRows(picture, weightsFor(filter, picture.width, width, window.left, window.width), top, bottom);
  return {
    width: window.width,
    height: window.height,
    rgb: resizeColumns(across, window.width * 3, down, top),
  };
}

/** The rows [top, bottom) of a picture, each resized. */
function resizeRows({ width, rgb }: Rgb, { first, count, weight, stride }: Weights, top: number, bottom: number) {
  const outputs = first.length;
  const out = new Uint8Array((bottom - top) * outputs * 3);
  let to = 0;
  for (let y = top; y < bottom; y++)
    for (let x = 0; x < outputs; x++) {
      let r = half;
      let g = half;
      let b = half;
      let at = (y * width + first[x]!) * 3;
      for (let k = x * stride, end = k + count[x]!; k < end; k++, at += 3) {
        const w = weight[k]!;
        r = (r + Math.imul(rgb[at]!, w)) | 0;
        g = (g + Math.imul(rgb[at + 1]!, w)) | 0;
        b = (b + Math.imul(rgb[at + 2]!, w)) | 0;
      }
      out[to++] = clip(r);
      out[to++] = clip(g);
      out[to++] = clip(b);
    }
  return out;
}

/** Columns resized: `rgb` holds rows of `row` bytes, the first of them row `top` of the picture. */
function resizeColumns(rgb: Uint8Array, row: number, { first, count, weight, stride }: Weights, top: number) {
  const out = new Uint8Array(first.length * row);
  const sums = new Int32Array(row);
  for (let y = 0; y < first.length; y++) {
    sums.fill(half);
    for (let k = 0; k < count[y]!; k++) {
      const w = weight[y * stride + k]!;
      const at = (first[y]! - top + k) * row;
      if (w !== 0) for (let i = 0; i < row; i++) sums[i] = (sums[i]! + Math.imul(rgb[at + i]!, w)) | 0;
    }
    for (let i = 0; i < row; i++) out[y * row + i] = clip(sums[i]!);
  }
  return out;
}

/** Weights are rounded one by one and may sum to a little more than one; cubic ones reach beyond black and white. */
const clip = (sum: number): number => Math.max(0, Math.min(255, sum >> precision));

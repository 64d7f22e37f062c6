/** Weights of one axis: for output i the inputs first[i] .. first[i] + count[i] - 1, as 22-bit fixed-point numbers. */
interface Weights {
  first: Int32Array;
  count: Int32Array;
  weight: Int32Array;
  /** Most inputs of any output: the stride of `weight`. */
  stride: number;
}

const precision = 22;

/**
 * The antialiased bilinear (triangle) filter of Pillow, fixed-point as there, for the input interval [from, to) of `length`
 * elements. Source: Pillow, Resample.c (precompute_coeffs, normalize_coeffs_8bpc); it is what torchvision's Resize does to
 * a PIL picture.
 */
function weightsFor(length: number, from: number, to: number, size: number): Weights {
  const scale = (to - from) / size;
  const widened = Math.max(1, scale);
  const stride = Math.ceil(widened) * 2 + 1;
  const first = new Int32Array(size);
  const count = new Int32Array(size);
  const weight = new Int32Array(size * stride);
  for (let i = 0; i < size; i++) {
    const centre = from + (i + 0.5) * scale;
    const low = Math.max(0, Math.trunc(centre - widened + 0.5));
    const high = Math.min(length, Math.trunc(centre + widened + 0.5));
    const raw: number[] = [];
    let total = 0;
    for (let x = low; x < high; x++) {
      const value = Math.max(0, 1 - Math.abs((x - centre + 0.5) / widened));
      raw.push(value);
      total += value;
    }
    first[i] = low;
    count[i] = raw.length;
    raw.forEach(
      (value, k) => (weight[i * stride + k] = Math.trunc(0.5 + (total === 0 ? 0 : value / total) * 2 ** precision)),
    );
  }
  return { first, count, weight, stride };
}

const clip8 = (value: number): number => {
  const shifted = value >> precision;
  return shifted < 0 ? 0 : shifted > 255 ? 255 : shifted;
};

export interface Rgb {
  width: number;
  height: number;
  /** Row-major, three bytes a pixel. */
  rgb: Uint8Array;
}

/**
 * Resizes 8-bit RGB to width x height, bit for bit as Pillow's `resize((width, height), BILINEAR)` does: rows first, then
 * columns, each rounded to 8 bits.
 */
export function resizeBilinear(picture: Rgb, width: number, height: number): Rgb {
  const across = picture.width === width ? picture : resizeRows(picture, width);
  return across.height === height ? across : resizeColumns(across, height);
}

function resizeRows({ width: from, height, rgb }: Rgb, width: number): Rgb {
  const { first, count, weight, stride } = weightsFor(from, 0, from, width);
  const out = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let r = 1 << (precision - 1);
      let g = r;
      let b = r;
      let at = (y * from + first[x]!) * 3;
      for (let k = x * stride, end = k + count[x]!; k < end; k++, at += 3) {
        const w = weight[k]!;
        r += rgb[at]! * w;
        g += rgb[at + 1]! * w;
        b += rgb[at + 2]! * w;
      }
      const to = (y * width + x) * 3;
      out[to] = clip8(r);
      out[to + 1] = clip8(g);
      out[to + 2] = clip8(b);
    }
  return { width, height, rgb: out };
}

function resizeColumns({ width, height: from, rgb }: Rgb, height: number): Rgb {
  const { first, count, weight, stride } = weightsFor(from, 0, from, height);
  const out = new Uint8Array(width * height * 3);
  const row = width * 3;
  const sums = new Int32Array(row);
  for (let y = 0; y < height; y++) {
    sums.fill(1 << (precision - 1));
    for (let k = 0; k < count[y]!; k++) {
      const w = weight[y * stride + k]!;
      const at = (first[y]! + k) * row;
      for (let i = 0; i < row; i++) sums[i] = sums[i]! + rgb[at + i]! * w;
    }
    for (let i = 0; i < row; i++) out[y * row + i] = clip8(sums[i]!);
  }
  return { width, height, rgb: out };
}

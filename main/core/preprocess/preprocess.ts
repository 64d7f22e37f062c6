import type { Box, Pixels, Preprocessing } from '../../../preload/contract';
import { decodeFloats } from './base64';
import { resize, type Rgb } from './resample';

/** Where the resized original lies in the network's input: its size there and the place of its top left corner, in input px. */
export interface Placement {
  width: number;
  height: number;
  left: number;
  top: number;
}

/** torchvision's arithmetic: the longer side is truncated, the centre crop's corner rounded half to even. */
export function placement(original: { width: number; height: number }, { size, resize }: Preprocessing): Placement {
  const [height, width] = size;
  if (resize.rule === 'stretch') return { width, height, left: 0, top: 0 };
  const portrait = original.height > original.width;
  if (resize.rule === 'crop') {
    const [short, long] = portrait ? [original.width, original.height] : [original.height, original.width];
    const longer = Math.max(1, Math.trunc((resize.shorter * long) / short));
    const w = portrait ? resize.shorter : longer;
    const h = portrait ? longer : resize.shorter;
    return { width: w, height: h, left: -cropStart(w, width), top: -cropStart(h, height) };
  }
  const scale = Math.min(width / original.width, height / original.height);
  const w = Math.max(1, Math.round(original.width * scale));
  const h = Math.max(1, Math.round(original.height * scale));
  return { width: w, height: h, left: Math.floor((width - w) / 2), top: Math.floor((height - h) / 2) };
}

/** Where a crop of `size` starts in `length`; where the picture is smaller, half the padding goes before it. */
function cropStart(length: number, size: number): number {
  if (length < size) return -Math.floor((size - length) / 2);
  return roundHalfEven((length - size) / 2);
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Rec. 601 luma as Pillow computes it. */
const luma = (r: number, g: number, b: number): number => (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;

export const channelCount = ({ channels }: Pick<Preprocessing, 'channels'>): number =>
  ({ gray: 1, rgb: 3, bgr: 3, rgba: 4 })[channels];

/**
 * From 8-bit RGB to what the network takes: resized and placed by the rule, channels in the network's order, then
 * (value * scale - mean - meanImage) / std. Returns [channels, height, width] float32.
 */
export function preprocess(picture: Rgb, preprocessing: Preprocessing): Float32Array {
  const input = place(picture, preprocessing);
  const [height, width] = preprocessing.size;
  const area = height * width;
  const count = channelCount(preprocessing);
  const out = new Float32Array(count * area);
  const tables = Array.from({ length: count }, (_, c) => table(preprocessing, c));
  if (preprocessing.channels === 'gray') {
    for (let i = 0; i < area; i++) out[i] = tables[0]![luma(input[3 * i]!, input[3 * i + 1]!, input[3 * i + 2]!)]!;
    return withoutMean(out, preprocessing);
  }
  const [first, second, third] = [tables[0]!, tables[1]!, tables[2]!];
  const [a, c] = preprocessing.channels === 'bgr' ? [2, 0] : [0, 2];
  for (let i = 0, at = 0; i < area; i++, at += 3) {
    out[i] = first[input[at + a]!]!;
    out[area + i] = second[input[at + 1]!]!;
    out[2 * area + i] = third[input[at + c]!]!;
  }
  // Pictures are drawn over the background first: what the network sees is opaque everywhere.
  if (count === 4) out.fill(tables[3]![255]!, 3 * area);
  return withoutMean(out, preprocessing);
}

const decoded = new WeakMap<object, Float32Array | null>();

/** The mean of each pixel [channels, height, width], or null where there is none of that size. */
export function meanPixels({ meanImage, size, channels }: Preprocessing): Float32Array | null {
  if (!meanImage) return null;
  let pixels = decoded.get(meanImage);
  if (pixels === undefined) decoded.set(meanImage, (pixels = decodeFloats(meanImage.data)));
  return pixels?.length === channelCount({ channels }) * size[0] * size[1] ? pixels : null;
}

function withoutMean(out: Float32Array, preprocessing: Preprocessing): Float32Array {
  const mean = meanPixels(preprocessing);
  if (!mean) return out;
  const area = out.length / channelCount(preprocessing);
  for (let i = 0; i < out.length; i++) out[i]! -= mean[i]! / (preprocessing.std[Math.floor(i / area)] ?? 1);
  return out;
}

/** All 256 values of a channel, in float64 and rounded once. */
function table({ scale, mean, std }: Preprocessing, channel: number): Float32Array {
  return Float32Array.from(
    { length: 256 },
    (_, value) => (value * scale - (mean[channel] ?? mean[0] ?? 0)) / (std[channel] ?? std[0] ?? 1),
  );
}

/**
 * The resized picture placed in the network's input, 8-bit RGB; what it does not cover is background. Only the part that is
 * seen is computed: a crop of a very long picture stays cheap.
 */
function place(picture: Rgb, preprocessing: Preprocessing): Uint8Array {
  const [height, width] = preprocessing.size;
  const at = placement(picture, preprocessing);
  const [left, top] = [Math.max(0, at.left), Math.max(0, at.top)];
  const [right, bottom] = [Math.min(width, at.left + at.width), Math.min(height, at.top + at.height)];
  const window = { left: left - at.left, top: top - at.top, width: right - left, height: bottom - top };
  const seen = resize(picture, at.width, at.height, window, preprocessing.filter);
  if (seen.width === width && seen.height === height) return seen.rgb;
  const out = new Uint8Array(height * width * 3);
  for (let i = 0; i < out.length; i++) out[i] = preprocessing.background[i % 3]!;
  for (let y = top; y < bottom; y++) {
    const row = (y - top) * seen.width * 3;
    out.set(seen.rgb.subarray(row, row + seen.width * 3), (y * width + left) * 3);
  }
  return out;
}

/** The way back: what the network takes [channels, height, width] as colours again, to be looked at. */
export function asSeen(tensor: Float32Array, preprocessing: Preprocessing): Pixels {
  const [height, width] = preprocessing.size;
  const area = height * width;
  const rgba = new Uint8Array(4 * area).fill(255);
  const { scale, mean, std, channels } = preprocessing;
  const image = meanPixels(preprocessing);
  for (let c = 0; c < 3; c++) {
    const source = channels === 'gray' ? 0 : channels === 'bgr' ? 2 - c : c;
    const [m, s] = [mean[source] ?? mean[0] ?? 0, std[source] ?? std[0] ?? 1];
    for (let i = 0; i < area; i++)
      rgba[4 * i + c] = Math.max(
        0,
        Math.min(255, Math.round((tensor[source * area + i]! * s + m + (image?.[source * area + i] ?? 0)) / scale)),
      );
  }
  return { width, height, rgba };
}

/** The network's whole input as a box [y0, x0, y1, x1] in px of the upright original; leaves it where the rule pads. */
export function inputBox(original: { width: number; height: number }, preprocessing: Preprocessing): Box {
  return toOriginal([0, 0, ...preprocessing.size], original, preprocessing);
}

/** A box in px of the network's input as a box in px of the upright original (fractions of a px). */
export function toOriginal(
  [y0, x0, y1, x1]: Box,
  original: { width: number; height: number },
  preprocessing: Preprocessing,
): Box {
  const at = placement(original, preprocessing);
  const [sy, sx] = [original.height / at.height, original.width / at.width];
  return [(y0 - at.top) * sy, (x0 - at.left) * sx, (y1 - at.top) * sy, (x1 - at.left) * sx];
}

import type { Pixels, Signal } from '../../../preload/contract';

/** As many of a unit's strongest entries are averaged, as the paper shows. */
export const averaged = 9;

/**
 * The mean of pictures of one size: the arithmetic mean of their 8-bit RGB values as they stand (encoded as sRGB, not made
 * linear in light), rounded; opaque. Throws RangeError where there are none or their sizes differ.
 */
export function meanPixels(pictures: readonly Pixels[]): Pixels {
  const [first] = pictures;
  if (!first || pictures.some(({ width, height }) => width !== first.width || height !== first.height))
    throw new RangeError('A mean needs pictures of one size.');
  const rgba = Uint8Array.from(meanOf(pictures.map((each) => each.rgba)), Math.round);
  for (let alpha = 3; alpha < rgba.length; alpha += 4) rgba[alpha] = 255;
  return { width: first.width, height: first.height, rgba };
}

/**
 * The mean of signals of one size, px by px, signed and unscaled: an entry counts as much as its activation makes it strong.
 * Throws RangeError where there are none or their sizes differ.
 */
export function meanSignal(signals: readonly Signal[]): Signal {
  const [first] = signals;
  if (!first || signals.some(({ data, width }) => data.length !== first.data.length || width !== first.width))
    throw new RangeError('A mean needs signals of one size.');
  const data = Float32Array.from(meanOf(signals.map((each) => each.data)));
  return { channels: first.channels, height: first.height, width: first.width, data };
}

/** Element by element, of arrays of one length. */
function meanOf(arrays: readonly (Uint8Array | Float32Array)[]): Float64Array {
  const mean = new Float64Array(arrays[0]!.length);
  for (const array of arrays) for (let i = 0; i < mean.length; i++) mean[i]! += array[i]!;
  for (let i = 0; i < mean.length; i++) mean[i]! /= arrays.length;
  return mean;
}

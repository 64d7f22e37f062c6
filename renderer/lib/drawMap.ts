import type { ClassMap, MapItem, Pixels } from '../../preload/contract';

/**
 * A feature map as greys: zero is all but black, the peak white; values below zero (maps before a rectifier) are blue.
 * `peak`: the |value| that is white; null: the map's own largest.
 */
export function mapToPixels({ width, height, min, max, data }: MapItem, peak: number | null): Pixels {
  const white = peak ?? Math.max(Math.abs(min), Math.abs(max));
  const rgba = new Uint8Array(4 * width * height).fill(255);
  for (let i = 0; i < data.length; i++) {
    const value = white > 0 ? Math.max(-1, Math.min(1, (min + (data[i]! / 255) * (max - min)) / white)) : 0;
    const size = Math.sqrt(Math.abs(value));
    const grey = Math.round(22 + 233 * size);
    rgba[4 * i] = value < 0 ? Math.round(22 + 48 * size) : grey;
    rgba[4 * i + 1] = value < 0 ? Math.round(22 + 92 * size) : grey;
    rgba[4 * i + 2] = value < 0 ? Math.round(22 + 150 * size) : grey;
  }
  return { width, height, rgba };
}

/** Grad-CAM as a veil to lay over the picture: clear where it is zero, warm and opaque at its peak. */
export function camToPixels({ width, height, data }: ClassMap): Pixels {
  const peak = data.reduce((most, value) => Math.max(most, value), 0);
  const rgba = new Uint8Array(4 * width * height);
  for (let i = 0; i < data.length; i++) {
    const share = peak > 0 ? data[i]! / peak : 0;
    rgba.set([255, Math.round(190 - 150 * share), Math.round(40 - 30 * share), Math.round(215 * share)], 4 * i);
  }
  return { width, height, rgba };
}

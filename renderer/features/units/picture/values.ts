import type { Box, PictureView, Pixels, Signal } from '../../../../preload/contract';

/** What stands at one px of a tile. */
export interface Values {
  /** [row, column] in the network's input. */
  input: [number, number];
  /** [row, column] in the original picture, of the middle of the px; null where that is outside or not known. */
  original: [number, number] | null;
  /** Red, green and blue of the patch, 0..255. */
  colour: [number, number, number] | null;
  /** The reconstruction's channels in the network's order. */
  signal: number[] | null;
}

/** Reads off a px (row, column) of a tile of [height, width] px whose receptive field lies at `box`. */
export function valuesAt(
  [y, x]: readonly [number, number],
  tile: readonly [number, number],
  box: Box,
  {
    patch,
    signal,
    view,
    size,
  }: {
    patch: Pixels | undefined;
    signal: Signal | undefined;
    /** The whole picture, for where the input lies on it; null while it is read. */
    view: Pick<PictureView, 'width' | 'height' | 'original' | 'inputBox'> | null;
    /** The input's [height, width]. */
    size: readonly [number, number];
  },
): Values {
  const [shareY, shareX] = [(y + 0.5) / tile[0], (x + 0.5) / tile[1]];
  const index = (height: number, width: number): number =>
    Math.floor(shareY * height) * width + Math.floor(shareX * width);
  const input: [number, number] = [box[0] + y, box[1] + x];
  return {
    input,
    original: view && originalOf(input, view, size),
    colour: patch ? (Array.from(patch.rgba.subarray(4 * index(patch.height, patch.width), 4 * index(patch.height, patch.width) + 3)) as [number, number, number]) : null, // prettier-ignore
    signal: signal
      ? Array.from({ length: signal.channels }, (_, c) => signal.data[c * signal.height * signal.width + index(signal.height, signal.width)]!) // prettier-ignore
      : null,
  };
}

function originalOf(
  [row, column]: readonly [number, number],
  {
    width,
    height,
    original,
    inputBox: [y0, x0, y1, x1],
  }: Pick<PictureView, 'width' | 'height' | 'original' | 'inputBox'>,
  size: readonly [number, number],
): [number, number] | null {
  const at = (place: number, from: number, to: number, length: number, shown: number, whole: number): number =>
    Math.floor(((from + ((place + 0.5) / length) * (to - from)) / shown) * whole);
  const y = at(row, y0, y1, size[0], height, original.height);
  const x = at(column, x0, x1, size[1], width, original.width);
  return y >= 0 && x >= 0 && y < original.height && x < original.width ? [y, x] : null;
}

import type { Box, PictureView } from '../../../../preload/contract';

/** A rectangle in per cent of the picture's width and height. May leave the picture. */
export interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
}

/**
 * Where a box in px of the network's input lies on a picture. `inputBox` says where the input lies on the picture;
 * `size` is the input's [height, width].
 */
export function frameOn(
  view: Pick<PictureView, 'width' | 'height' | 'inputBox'>,
  size: readonly [number, number],
  box: Box,
): Frame {
  const [y0, x0, y1, x1] = view.inputBox;
  const perY = (y1 - y0) / size[0];
  const perX = (x1 - x0) / size[1];
  return {
    left: ((x0 + box[1] * perX) / view.width) * 100,
    top: ((y0 + box[0] * perY) / view.height) * 100,
    width: (((box[3] - box[1]) * perX) / view.width) * 100,
    height: (((box[2] - box[0]) * perY) / view.height) * 100,
  };
}

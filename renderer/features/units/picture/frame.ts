import type { Box, PictureView } from '../../../../preload/contract';

/** A rectangle in per cent of a picture's width and height. May leave it. */
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

/** The smallest rectangle around the whole picture and these frames: a field may leave the picture. */
export function around(frames: readonly Frame[]): Frame {
  const left = Math.min(0, ...frames.map((frame) => frame.left));
  const top = Math.min(0, ...frames.map((frame) => frame.top));
  const right = Math.max(100, ...frames.map((frame) => frame.left + frame.width));
  const bottom = Math.max(100, ...frames.map((frame) => frame.top + frame.height));
  return { left, top, width: right - left, height: bottom - top };
}

/** A frame in per cent of `outer` instead of the picture. */
export function within(frame: Frame, outer: Frame): Frame {
  return {
    left: ((frame.left - outer.left) / outer.width) * 100,
    top: ((frame.top - outer.top) / outer.height) * 100,
    width: (frame.width / outer.width) * 100,
    height: (frame.height / outer.height) * 100,
  };
}

/** As styles. */
export const placed = (frame: Frame): Record<'left' | 'top' | 'width' | 'height', string> => ({
  left: `${frame.left}%`,
  top: `${frame.top}%`,
  width: `${frame.width}%`,
  height: `${frame.height}%`,
});

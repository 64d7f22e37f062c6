import type { Pixels, Preprocessing, Signal } from '../../../preload/contract';
import type { FigureSpec } from './spec';
import { figures, wordsOf } from './words';

type ChannelOrder = Preprocessing['channels'];

/** Zero is shown as exactly this, the level of a scale as this many steps above or below it. */
export const midGrey = 128;
const steps = 127;

/**
 * A signed signal as colours: 128 + 127 * contrast * value / level, the second part rounded and clipped to +-127, so that
 * zero stays mid-grey and equal values of opposite sign lie equally far from it. One scale for several tiles: give the level
 * of all. One channel is shown as grey, of two the first so, of more than three the first three.
 */
export function signalToPixels(
  signal: Signal,
  options: { level: number; contrast: number; channels: ChannelOrder },
): Pixels {
  const { width, height, channels, data } = signal;
  const plane = width * height;
  const rgba = new Uint8Array(plane * 4).fill(255);
  const gain = options.level > 0 ? (steps * options.contrast) / options.level : 0;
  for (let c = 0; c < 3; c++) {
    const from = channels < 3 ? 0 : options.channels === 'bgr' ? 2 - c : c;
    for (let i = 0; i < plane; i++) {
      const value = data[from * plane + i]! * gain;
      const size = Math.min(steps, Math.round(Math.abs(value)));
      rgba[i * 4 + c] = value < 0 ? midGrey - size : midGrey + size;
    }
  }
  return { width, height, rgba };
}

/** The greys from black to white as one row of pixels. */
export function rampPixels(): Pixels {
  const width = 2 * steps + 1;
  const rgba = new Uint8Array(width * 4).fill(255);
  for (let i = 0; i < width; i++) rgba.fill(midGrey - steps + i, 4 * i, 4 * i + 3);
  return { width, height: 1, rgba };
}

/**
 * What stands below the greys: the values of black, mid-grey and white. On one scale for all they are numbers, else shares of
 * each unit's or each tile's own level.
 */
export function ramp(
  spec: Pick<FigureSpec, 'scale' | 'contrast' | 'language'>,
  level: number,
): [string, string, string] {
  const end = (spec.scale === 'figure' ? level : 1) / spec.contrast;
  const words = figures(spec.scale === 'figure' ? end : +end.toPrecision(2), spec.language);
  const high = spec.scale === 'figure' ? words : wordsOf(spec).share(end === 1 ? '' : words);
  return [`−${high}`, '0', high];
}

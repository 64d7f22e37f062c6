import type { Pixels, Preprocessing, Signal } from '../../preload/contract';
import { signalToPixels } from '../../main/core/figures/display';
import { levelOf as measure } from '../../main/core/figures/level';
import { divergingPixels, planeOf, type SignalView } from './signedView';

/** How reconstructions become colours. `level` null: each its own. */
export interface Display {
  level: number | null;
  contrast: number;
  channels: Preprocessing['channels'];
  /** Left out: in its colours. */
  view?: SignalView;
}

/** Enlarged so many times and more, pixels are shown as the squares that they are. */
const squaresFrom = 4;

/** `image-rendering` for a picture of so many px shown on `side` device px. */
export function rendering(width: number, height: number, side: number): 'pixelated' | 'auto' {
  return side / Math.max(width, height, 1) >= squaresFrom ? 'pixelated' : 'auto';
}

/** A signal's level is asked for at every move of the contrast, and it never changes. */
const levels = new WeakMap<Signal, number>();

/** The |value| that these signals, as far as they are there, have as black or white. */
export function levelOf(signals: Iterable<Signal | undefined>): number {
  let level = 0;
  for (const signal of signals) {
    if (!signal) continue;
    let own = levels.get(signal);
    if (own === undefined) levels.set(signal, (own = measure([signal])));
    level = Math.max(level, own);
  }
  return level;
}

/** A signal as the colours that it is shown in. */
export function pixelsOf(signal: Signal, display: Display): Pixels {
  const { level, contrast, channels, view = 'colours' } = display;
  if (view === 'colours') return signalToPixels(signal, { level: level ?? levelOf([signal]), contrast, channels });
  const plane = planeOf(signal, view);
  return divergingPixels(plane, { level: level ?? levelOf([plane]), contrast });
}

/** Puts 8-bit RGBA on a canvas, one canvas px per px: the page scales it. */
export function drawPixels(canvas: HTMLCanvasElement, { width, height, rgba }: Pixels): void {
  // Setting a size, even the same, makes a new bitmap.
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  // The same memory seen otherwise: nothing is copied before it is drawn.
  const seen = new Uint8ClampedArray(rgba.buffer as ArrayBuffer, rgba.byteOffset, rgba.byteLength);
  canvas.getContext('2d')?.putImageData(new ImageData(seen, width, height), 0, 0);
}

export function drawSignal(canvas: HTMLCanvasElement, signal: Signal, display: Display): void {
  drawPixels(canvas, pixelsOf(signal, display));
}

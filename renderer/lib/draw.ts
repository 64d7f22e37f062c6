import type { Pixels, Preprocessing, Signal } from '../../preload/contract';
import { peakOf as measure, signalToPixels } from '../../main/core/figures/display';

/** How reconstructions become colours. `peak` null: each its own. */
export interface Display {
  peak: number | null;
  contrast: number;
  channels: Preprocessing['channels'];
}

/** Enlarged beyond this, pixels are shown as the squares that they are. */
const squaresFrom = 4;

/** `image-rendering` for a picture of so many px shown on `side` device px. */
export function rendering(width: number, height: number, side: number): 'pixelated' | 'auto' {
  return side / Math.max(width, height, 1) > squaresFrom ? 'pixelated' : 'auto';
}

/** A signal's peak is asked for at every move of the contrast, and it never changes. */
const peaks = new WeakMap<Signal, number>();

/** Largest |value| of these signals. */
export function peakOf(signals: Iterable<Signal>): number {
  let peak = 0;
  for (const signal of signals) {
    let own = peaks.get(signal);
    if (own === undefined) peaks.set(signal, (own = measure([signal])));
    peak = Math.max(peak, own);
  }
  return peak;
}

/** Puts 8-bit RGBA on a canvas, one canvas px per px: the page scales it. */
export function drawPixels(canvas: HTMLCanvasElement, { width, height, rgba }: Pixels): void {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  if (!context) return;
  const image = context.createImageData(width, height);
  image.data.set(rgba);
  context.putImageData(image, 0, 0);
}

export function drawSignal(canvas: HTMLCanvasElement, signal: Signal, { peak, contrast, channels }: Display): void {
  drawPixels(canvas, signalToPixels(signal, { peak: peak ?? peakOf([signal]), contrast, channels }));
}

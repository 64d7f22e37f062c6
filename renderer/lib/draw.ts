import type { Pixels, Preprocessing, Signal } from '../../preload/contract';

export type ChannelOrder = Preprocessing['channels'];

/** How reconstructions become colours. `peak` null: each its own. */
export interface Display {
  peak: number | null;
  contrast: number;
  channels: ChannelOrder;
}

/** Enlarged beyond this, pixels are shown as the squares that they are. */
const squaresFrom = 4;

/** `image-rendering` for a picture of so many px shown on `side` device px. */
export function rendering(width: number, height: number, side: number): 'pixelated' | 'auto' {
  return side / Math.max(width, height, 1) > squaresFrom ? 'pixelated' : 'auto';
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

export function peakOf(signals: Iterable<Signal>): number {
  let peak = 0;
  for (const { data } of signals) for (const value of data) peak = Math.max(peak, Math.abs(value));
  return peak;
}

export function drawSignal(canvas: HTMLCanvasElement, signal: Signal, display: Display): void {
  const { width, height, channels, data } = signal;
  const plane = width * height;
  const rgba = new Uint8Array(plane * 4);
  const peak = display.peak ?? peakOf([signal]);
  const gain = peak > 0 ? (127 * display.contrast) / peak : 0;
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) {
      const from = channels === 1 ? 0 : display.channels === 'bgr' ? 2 - c : c;
      rgba[i * 4 + c] = Math.max(0, Math.min(255, 128 + (data[from * plane + i] ?? 0) * gain));
    }
    rgba[i * 4 + 3] = 255;
  }
  drawPixels(canvas, { width, height, rgba });
}

import type { Pixels, Signal } from '../../../../preload/contract';
import { drawPixels, pixelsOf, rendering, type Display } from '../../../lib/draw';
import type { GridShape } from './gridShape';

/** What one place of a row shows, from left to right; undefined: it has not come yet. */
export type Cell = readonly (Pixels | Signal | null | undefined)[];

/** Canvases of the sizes that pictures have, to be drawn from in another size. */
const originals = new Map<string, HTMLCanvasElement>();
const mostOriginals = 12;
function original(pixels: Pixels): HTMLCanvasElement {
  const key = `${pixels.width} ${pixels.height}`;
  const known = originals.get(key) ?? document.createElement('canvas');
  if (!originals.has(key)) {
    if (originals.size >= mostOriginals) originals.clear();
    // Written by the processor and read at once: no way to the graphics card and back.
    known.getContext('2d', { willReadFrequently: true });
    originals.set(key, known);
  }
  drawPixels(known, pixels);
  return known;
}

/** Zero of a reconstruction, on which tiles lie (`--mid`). */
const mid = '#808080';
/** Radius of a tile's corners in CSS px. */
const radius = 3;

/**
 * Draws the tiles of a row on one canvas: a canvas for each would be a layer for each, and the page would spend its time
 * on putting hundreds of layers together. Only what changed is drawn.
 */
export class RowCanvas {
  readonly #drawn: { cell: Cell; display: Display }[] = [];
  #shape = '';

  /** So large as `shape` says, at `ratio` device px for each CSS px; what was drawn goes where that is something new. */
  fit(canvas: HTMLCanvasElement, shape: GridShape, kinds: number, ratio: number): void {
    const key = [shape.columns, shape.width, shape.height, shape.gap, kinds, ratio].join(' ');
    if (key === this.#shape) return;
    this.#shape = key;
    canvas.width = Math.round((shape.columns * (shape.width + shape.gap) - shape.gap) * ratio);
    canvas.height = Math.round(shape.height * ratio);
    this.#drawn.length = 0;
  }

  /** Takes away what is not what these cells show. */
  clear(canvas: HTMLCanvasElement, shape: GridShape, cells: readonly Cell[], display: Display, ratio: number): void {
    this.#drawn.forEach((_, place) => {
      if (!this.#isDrawn(place, cells[place] ?? [], display)) this.#wipe(canvas, shape, place, ratio);
    });
  }

  draw(canvas: HTMLCanvasElement, shape: GridShape, cells: readonly Cell[], display: Display, ratio: number): void {
    const context = canvas.getContext('2d');
    if (!context) return;
    for (let place = 0; place < shape.columns; place++) {
      const cell = cells[place] ?? [];
      if (this.#isDrawn(place, cell, display)) continue;
      if (this.#drawn[place]) this.#wipe(canvas, shape, place, ratio);
      if (!cell.some(Boolean)) continue;
      context.save();
      context.scale(ratio, ratio);
      context.beginPath();
      context.roundRect(place * (shape.width + shape.gap), 0, shape.width, shape.height, radius);
      context.clip();
      cell.forEach((source, half) => {
        // Two halves leave a px between them.
        const width = (shape.width - (cell.length - 1)) / cell.length;
        const left = place * (shape.width + shape.gap) + half * (width + 1);
        if (source) drawContained(context, source, display, { left, width, height: shape.height }, ratio);
      });
      context.restore();
      this.#drawn[place] = { cell, display };
    }
  }

  #isDrawn(place: number, cell: Cell, display: Display): boolean {
    const drawn = this.#drawn[place];
    if (!drawn) return !cell.some(Boolean);
    return (
      drawn.cell.length === cell.length &&
      drawn.cell.every((source, half) => source === cell[half]) &&
      drawn.display === display
    );
  }

  #wipe(canvas: HTMLCanvasElement, { width, height, gap }: GridShape, place: number, ratio: number): void {
    delete this.#drawn[place];
    // By whole px, which may be one of the gap's.
    const from = Math.floor(place * (width + gap) * ratio);
    canvas.getContext('2d')?.clearRect(from, 0, Math.ceil(width * ratio) + 1, Math.ceil(height * ratio));
  }
}

/** As large as fits into the place without being stretched; what is left of it is mid-grey. */
function drawContained(
  context: CanvasRenderingContext2D,
  source: Pixels | Signal,
  display: Display,
  { left, width, height }: { left: number; width: number; height: number },
  ratio: number,
): void {
  const pixels = 'rgba' in source ? source : pixelsOf(source, display);
  const scale = Math.min(width / pixels.width, height / pixels.height);
  const [wide, high] = [pixels.width * scale, pixels.height * scale];
  context.fillStyle = mid;
  context.fillRect(left, 0, width, height);
  context.imageSmoothingEnabled =
    rendering(pixels.width, pixels.height, Math.max(width, height) * ratio) !== 'pixelated';
  context.imageSmoothingQuality = 'medium';
  context.drawImage(original(pixels), left + (width - wide) / 2, (height - high) / 2, wide, high);
}

import type { Box, Pixels, Preprocessing, Signal } from '../../../preload/contract';
import { peakOf, signalToPixels } from './display';

/** One tile of a figure, beside what made it. */
export interface FigureTile {
  signal: Signal;
  patch: Pixels;
  activation: number;
  file: string;
  class: string | null;
  picture: number;
  y: number;
  x: number;
  box: Box;
}

/** Everything that a figure shows and how: it can be drawn from this alone. */
export interface Figure {
  layer: string;
  unit: number;
  /** The class name of an output unit. */
  label: string | null;
  /** As the method calls itself, with its choices. */
  method: string;
  scale: 'shared' | 'own';
  contrast: number;
  channels: Preprocessing['channels'];
  tiles: FigureTile[];
  /** Side of a tile in px. */
  tile: number;
  /** Content hashes and versions, by name; they go into the file. */
  provenance: Record<string, string>;
}

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Where things stand, in px. */
export interface FigureLayout {
  width: number;
  height: number;
  /** Two blocks of tiles side by side, in the order of rank. */
  reconstructions: Rectangle[];
  patches: Rectangle[];
  /** Text of the heading and of the lines below, with baselines. */
  heading: TextLine;
  caption: TextLine[];
}

interface TextLine {
  text: string;
  x: number;
  y: number;
  size: number;
}

/** The paper's grid: three by three for nine. */
const gridSide = (count: number): number => Math.max(1, Math.ceil(Math.sqrt(count)));

const number = (value: number): string => {
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.01 || size >= 1e6)) return value.toExponential(2);
  return String(+value.toPrecision(size >= 1000 ? 4 : 3));
};

export function layoutFigure(figure: Figure): FigureLayout {
  const { tile, tiles } = figure;
  const columns = gridSide(tiles.length);
  const rows = Math.max(1, Math.ceil(tiles.length / columns));
  const gutter = Math.max(2, Math.round(tile / 36));
  const margin = Math.round(tile / 8);
  const size = Math.max(11, Math.round(tile / 9));
  const top = margin + Math.round(size * 1.9);
  const along = (count: number): number => count * tile + (count - 1) * gutter;
  const bottom = top + along(rows);
  const block = (left: number): Rectangle[] =>
    tiles.map((_, i) => ({
      x: left + (i % columns) * (tile + gutter),
      y: top + Math.floor(i / columns) * (tile + gutter),
      width: tile,
      height: tile,
    }));
  const small = Math.max(9, Math.round(size * 0.78));
  const leading = Math.round(small * 1.45);
  const lines = captionOf(figure, columns);
  const baseline = (line: number): number => bottom + Math.round(small * 1.7) + line * leading;
  return {
    width: 2 * along(columns) + 3 * margin,
    height: baseline(lines.length - 1) + margin,
    reconstructions: block(margin),
    patches: block(2 * margin + along(columns)),
    heading: {
      text: `${figure.layer}, unit ${figure.unit}${figure.label ? ` (${figure.label})` : ''}`,
      x: margin,
      y: margin + size,
      size,
    },
    caption: lines.map((text, line) => ({ text, x: margin, y: baseline(line), size: small })),
  };
}

/** Method, scale and activations: one line, or under a pair of tiles, which is narrow, three. */
function captionOf({ tiles, method, scale, contrast }: Figure, columns: number): string[] {
  const choices = `${scale === 'shared' ? 'one scale' : 'each tile its own scale'}, contrast ${number(contrast)}`;
  const [first, last] = [tiles[0]?.activation, tiles.at(-1)?.activation];
  const range =
    first === undefined || last === undefined
      ? 'never active'
      : tiles.length === 1
        ? `activation ${number(first)}`
        : `activations ${number(first)} to ${number(last)}`;
  const parts = [method, choices, range];
  return columns === 1 ? parts : [parts.join(', ')];
}

/** The colours of every reconstruction tile, on one scale or each on its own. */
export function reconstructionPixels(figure: Pick<Figure, 'tiles' | 'scale' | 'contrast' | 'channels'>): Pixels[] {
  const shared = peakOf(figure.tiles.map((tile) => tile.signal));
  return figure.tiles.map(({ signal }) =>
    signalToPixels(signal, {
      peak: figure.scale === 'shared' ? shared : peakOf([signal]),
      contrast: figure.contrast,
      channels: figure.channels,
    }),
  );
}

/** The figure without its pixels: what goes into the file, so that the picture can be made again. */
export function figureData(figure: Figure): Record<string, unknown> {
  const { tiles, ...rest } = figure;
  return {
    ...rest,
    tiles: tiles.map(({ signal: _signal, patch: _patch, ...tile }) => tile),
  };
}

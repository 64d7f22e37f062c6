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
  /** Two blocks of tiles side by side: reconstructions, patches. Tiles in the order of rank. */
  blocks: { ground: Rectangle; tiles: Rectangle[] }[];
  /** Text of the heading and of the line below, with baselines. */
  heading: { text: string; x: number; y: number; size: number };
  caption: { text: string; x: number; y: number; size: number };
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
  const side = gridSide(tiles.length);
  const gutter = Math.max(2, Math.round(tile / 36));
  const margin = Math.round(tile / 8);
  const size = Math.max(11, Math.round(tile / 9));
  const top = margin + Math.round(size * 1.9);
  const block = side * tile + (side + 1) * gutter;
  const blocks = [0, 1].map((index) => {
    const ground = { x: margin + index * (block + margin), y: top, width: block, height: block };
    const at = (i: number): Rectangle => ({
      x: ground.x + gutter + (i % side) * (tile + gutter),
      y: ground.y + gutter + Math.floor(i / side) * (tile + gutter),
      width: tile,
      height: tile,
    });
    return { ground, tiles: tiles.map((_, i) => at(i)) };
  });
  const width = 2 * block + 3 * margin;
  const small = Math.max(9, Math.round(size * 0.78));
  const activations = tiles.map((each) => each.activation);
  const range = tiles.length
    ? `activations ${number(activations[0]!)} to ${number(activations.at(-1)!)}`
    : 'never active';
  const choices = `${figure.scale === 'shared' ? 'one scale' : 'each tile its own scale'}, contrast ${number(figure.contrast)}`;
  return {
    width,
    height: top + block + margin + Math.round(small * 1.9),
    blocks,
    heading: {
      text: `${figure.layer}, unit ${figure.unit}${figure.label ? ` (${figure.label})` : ''}`,
      x: margin,
      y: margin + size,
      size,
    },
    caption: {
      text: `${figure.method}, ${choices}, ${range}`,
      x: margin,
      y: top + block + Math.round(small * 1.7),
      size: small,
    },
  };
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
    tiles: tiles.map(({ activation, file, picture, y, x, box }) => ({ activation, file, picture, y, x, box })),
  };
}

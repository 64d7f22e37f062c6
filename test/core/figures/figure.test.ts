import { describe, expect, it } from 'vitest';
import { figureData, layoutFigure, reconstructionPixels, type Rectangle } from '../../../main/core/figures/figure';
import { figureOf, tileOf } from './support';

const overlap = (a: Rectangle, b: Rectangle): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

describe('layout', () => {
  it.each([
    [1, 1, 1],
    [2, 2, 1],
    [4, 2, 2],
    [5, 3, 2],
    [9, 3, 3],
    [16, 4, 4],
  ])('%i tiles: %i columns, %i rows, twice', (count, columns, rows) => {
    const { reconstructions, patches, width, height, caption } = layoutFigure(figureOf(count));
    for (const block of [reconstructions, patches]) {
      expect(block).toHaveLength(count);
      expect(new Set(block.map((tile) => tile.x)).size).toBe(Math.min(columns, count));
      expect(new Set(block.map((tile) => tile.y)).size).toBe(rows);
    }
    const all = [...reconstructions, ...patches];
    all.forEach((tile, i) => {
      expect([tile.width, tile.height]).toEqual([112, 112]);
      expect(tile.x >= 0 && tile.x + tile.width <= width && tile.y >= 0 && tile.y + tile.height <= height).toBe(true);
      for (const other of all.slice(0, i)) expect(overlap(tile, other)).toBe(false);
    });
    // A reconstruction and its patch stand in the same place of their blocks; the margins are even.
    const apart = patches[0]!.x - reconstructions[0]!.x;
    reconstructions.forEach((tile, i) => expect([patches[i]!.x - tile.x, patches[i]!.y]).toEqual([apart, tile.y]));
    const right = Math.max(...patches.map((tile) => tile.x + tile.width));
    expect(width - right).toBe(reconstructions[0]!.x);
    for (const line of caption) expect(line.y).toBeLessThan(height);
  });

  it('in the order of rank, row by row, with even gutters', () => {
    const { reconstructions: tiles } = layoutFigure(figureOf(9, { tile: 224 }));
    const gutter = tiles[1]!.x - tiles[0]!.x - 224;
    expect(gutter).toBeGreaterThan(0);
    tiles.forEach((tile, i) => {
      expect(tile.x - tiles[0]!.x).toBe((i % 3) * (224 + gutter));
      expect(tile.y - tiles[0]!.y).toBe(Math.floor(i / 3) * (224 + gutter));
    });
  });

  it('says layer, unit, class, method with its choices, scale, contrast and activations', () => {
    const text = (figure: Parameters<typeof layoutFigure>[0]): string => {
      const { heading, caption } = layoutFigure(figure);
      return [heading.text, ...caption.map((line) => line.text)].join(' | ');
    };
    expect(text(figureOf(9, { contrast: 2.5, label: 'zebra' }))).toBe(
      'conv4, unit 17 (zebra) | deconvnet, LeakyRelu rectified, one scale, contrast 2.5, activations 10 to 2',
    );
    expect(text(figureOf(1, { scale: 'own' }))).toContain('each tile its own scale');
    expect(text(figureOf(1))).toContain('activation 10');
    expect(text(figureOf(0))).toContain('never active');
  });
});

describe('scale', () => {
  const figure = figureOf(4);
  /** Steps from mid-grey of the strongest pixel. */
  const reach = (pixels: { rgba: Uint8Array }[]): number[] =>
    pixels.map(({ rgba }) =>
      rgba.reduce((most, value, i) => (i % 4 === 3 ? most : Math.max(most, Math.abs(value - 128))), 0),
    );

  it('shared: tiles keep their proportions; the strongest uses all of it', () => {
    expect(reach(reconstructionPixels(figure))).toEqual([127, 64, 42, 32]);
  });

  it('own: each tile uses all of it', () => {
    expect(reach(reconstructionPixels({ ...figure, scale: 'own' }))).toEqual([127, 127, 127, 127]);
  });

  it('a tile without signal is plain grey on either', () => {
    const tiles = [tileOf(0, 8, 1), tileOf(1, 8, 0)];
    for (const scale of ['shared', 'own'] as const)
      expect(reach(reconstructionPixels({ ...figure, tiles, scale }))).toEqual([127, 0]);
  });
});

it('the data of a figure is all of it but the pixels, and survives JSON', () => {
  const figure = figureOf(2);
  const data = JSON.parse(JSON.stringify(figureData(figure))) as typeof figure;
  expect(data.tiles).toEqual(
    figure.tiles.map(({ activation, file, class: name, picture, y, x, box }) => ({
      ...{ activation, file, class: name, picture, y, x, box },
    })),
  );
  expect({ ...data, tiles: [] }).toEqual({ ...figure, tiles: [] });
});

import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutFigure, mm, type RowContent } from '../../../main/core/figures/layout';
import type { Rectangle, Scene } from '../../../main/core/figures/scene';
import { newSpec, type FigureSpec } from '../../../main/core/figures/spec';
import { contentOf, measure, panelOf, sceneText } from './support';

const unit = (number: number, layer = 'conv4') => ({ layer, units: [number] });
const lay = (spec: FigureSpec, rows: RowContent[] = contentOf(spec)): Scene =>
  layoutFigure(spec, rows, ['deconvnet'], measure);

/** The paper's figure 2: a row for each layer, several units in each. */
const layers = newSpec(
  ['conv1', 'conv2', 'conv3'].map((layer) => ({ layer, units: { first: 4 } })),
  { page: 'double', letters: 'a' },
);
const gallery: Record<string, FigureSpec> = {
  'one unit, single column': newSpec([unit(17)], { letters: 'none' }),
  'six units, two columns': newSpec(
    [3, 5, 17, 40, 41, 42].map((number) => unit(number)),
    { page: 'double', bars: true },
  ),
  'layers as rows': layers,
  'one line of nine': newSpec(
    [unit(1), { ...unit(2), caption: 'A caption that is long enough to be broken somewhere.' }],
    {
      grid: [1, 9],
      bars: true,
    },
  ),
  'a slide, dark': newSpec(
    [1, 2, 3, 4].map((number) => unit(number)),
    { page: 'slide', theme: 'dark', font: { family: 'serif' } },
  ),
  'patches only, own page': newSpec([unit(1)], {
    show: 'patch',
    page: { width: 60, height: 60 },
    grid: [2, 2],
    ramp: false,
    note: false,
  }),
  'no rows': newSpec([]),
};

describe('scenes', () => {
  it.each(Object.entries(gallery))('%s', async (name, spec) => {
    const file = path.join(import.meta.dirname, 'scenes', `${name.replace(/[^a-z]+/g, '-')}.txt`);
    await expect(sceneText(lay(spec))).toMatchFileSnapshot(file);
  });

  it('a layer with no way back, a unit that never fired, a class, a field that is not square', async () => {
    const spec = newSpec([unit(1, 'softmax'), unit(2), unit(3, 'output'), unit(4, 'wide')], {
      page: 'double',
      columns: 4,
    });
    const why = 'Softmax "prob" cannot be walked back through by the deconvnet: no rule.';
    const rows = [
      panelOf('softmax', 1, 9, { reconstructions: [], refused: why }),
      panelOf('conv4', 2, 0, { level: 0 }),
      panelOf('output', 3, 5, { label: 'zebra', method: 'gradient' }),
      panelOf('wide', 4, 9, { aspect: 2 }),
    ].map((panel) => ({ panels: [panel] }));
    await expect(sceneText(lay(spec, rows))).toMatchFileSnapshot(path.join(import.meta.dirname, 'scenes/special.txt'));
  });
});

const overlap = (a: Rectangle, b: Rectangle): boolean =>
  a.x + 1e-6 < b.x + b.width &&
  b.x + 1e-6 < a.x + a.width &&
  a.y + 1e-6 < b.y + b.height &&
  b.y + 1e-6 < a.y + a.height;

describe('whatever is asked for', () => {
  const counts = [1, 2, 5, 9];
  const specs = [
    ...Object.values(gallery),
    ...counts.flatMap((count) =>
      (['single', 'double', 'slide'] as const).flatMap((page) =>
        (
          [
            [3, 3],
            [1, 9],
            [2, 5],
          ] as [number, number][]
        ).map((grid) =>
          newSpec(
            Array.from({ length: count }, (_, i) => unit(i)),
            { page, grid, bars: count > 2 },
          ),
        ),
      ),
    ),
  ];

  it('no two tiles lie on one another, and nothing leaves the page', () => {
    for (const spec of specs) {
      const { width, height, items } = lay(spec);
      const tiles = items.flatMap((item) => (item.kind === 'picture' ? [item] : []));
      const boxes = items.map((item) =>
        item.kind === 'text'
          ? {
              x: item.x,
              y: item.y - item.size * 0.8,
              width: measure(item.text, item.size, item.weight),
              height: item.size * 0.8,
            }
          : item,
      );
      for (const box of boxes)
        expect(
          box.x >= -1e-6 && box.y >= -1e-6 && box.x + box.width <= width + 1e-6 && box.y + box.height <= height + 1e-6,
        ).toBe(true);
      tiles.forEach((tile, i) => {
        expect(tiles.slice(0, i).find((other) => overlap(tile, other))).toBe(undefined);
      });
    }
  });

  it('every tile of every unit is there once, all as large as one another', () => {
    for (const spec of specs) {
      const rows = contentOf(spec);
      const wanted = rows.flatMap(({ panels }) =>
        panels.flatMap(({ reconstructions, patches }) => [
          ...(spec.show === 'patch' ? [] : reconstructions),
          ...(spec.show === 'reconstruction' ? [] : patches),
        ]),
      );
      const tiles = lay(spec, rows).items.flatMap((item) =>
        item.kind === 'picture' && item.picture !== 'ramp' ? [item] : [],
      );
      expect(tiles.map(({ picture }) => picture).sort()).toEqual(wanted.sort());
      expect(new Set(tiles.map(({ width }) => width.toFixed(3))).size).toBeLessThanOrEqual(1);
    }
  });

  it('a reconstruction and its patch stand in the same place of their blocks', () => {
    const tiles = lay(gallery['six units, two columns']!).items.flatMap((item) =>
      item.kind === 'picture' ? [item] : [],
    );
    const at = (name: string) => tiles.find(({ picture }) => picture === name)!;
    const apart = at('conv4/3/p0').x - at('conv4/3/r0').x;
    for (let rank = 0; rank < 9; rank++) {
      expect(at(`conv4/3/p${rank}`).x - at(`conv4/3/r${rank}`).x).toBeCloseTo(apart);
      expect(at(`conv4/3/p${rank}`).y).toBeCloseTo(at(`conv4/3/r${rank}`).y);
    }
  });

  it('columns are those of a journal; a slide is a slide', () => {
    expect(lay(newSpec([unit(1)])).width).toBeCloseTo(89 * mm);
    expect(lay(newSpec([unit(1)], { page: 'double' })).width).toBeCloseTo(183 * mm);
    const { width, height } = lay(newSpec([unit(1)], { page: 'slide' }));
    expect(width / height).toBeCloseTo(16 / 9, 3);
  });

  it('the ramp says what its ends are: shares of a level, or on one scale for all numbers', () => {
    const words = (scale: FigureSpec['scale']): string[] =>
      lay(newSpec([unit(1)], { scale, contrast: 2, note: false, headings: false })).items.flatMap((item) =>
        item.kind === 'text' ? [item.text] : [],
      );
    expect(words('shared').slice(-3)).toEqual(['−0.5 P99.5', '0', '0.5 P99.5']);
    expect(words('figure').slice(-3)).toEqual(['−0.125', '0', '0.125']);
  });
});

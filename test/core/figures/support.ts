import type { PanelContent, RowContent } from '../../../main/core/figures/layout';
import type { Measure, Scene } from '../../../main/core/figures/scene';
import { isSingle, type FigureSpec } from '../../../main/core/figures/spec';

/** Every letter half as wide as high. */
export const measure: Measure = (text, size) => [...text].length * size * 0.5;

export const panelOf = (
  layer: string,
  unit: number,
  count: number,
  more: Partial<PanelContent> = {},
): PanelContent => ({
  layer,
  unit,
  label: null,
  method: null,
  activations: Array.from({ length: count }, (_, rank) => 10 - rank),
  aspect: 1,
  reconstructions: Array.from({ length: count }, (_, rank) => `${layer}/${unit}/r${rank}`),
  patches: Array.from({ length: count }, (_, rank) => `${layer}/${unit}/p${rank}`),
  refused: null,
  level: 0.25,
  ...more,
});

/** The rows that a study would give: of "first n" the units 0 to n - 1, each with as many entries as the grid has. */
export const contentOf = (spec: FigureSpec, more: Partial<PanelContent> = {}): RowContent[] =>
  spec.rows.map((row) => ({
    panels: (Array.isArray(row.units) ? row.units : Array.from({ length: row.units.first }, (_, i) => i)).map((unit) =>
      panelOf(row.layer, unit, spec.grid[0] * spec.grid[1], isSingle(row) ? more : {}),
    ),
  }));

const round = (value: number): string => value.toFixed(1).replace(/\.0$/, '');

/** A scene as lines of text, lengths to a tenth of a pt. */
export function sceneText({ width, height, ground, family, items }: Scene): string {
  const lines = items.map((item) => {
    const at = `${round(item.x)} ${round(item.y)}`;
    if (item.kind === 'text') return `text ${at} ${item.size.toFixed(2)} ${item.weight} ${item.fill} ${item.text}`;
    const size = `${round(item.width)} x ${round(item.height)}`;
    return item.kind === 'rect' ? `rect ${at} ${size} ${item.fill}` : `picture ${at} ${size} ${item.picture}`;
  });
  return `${[`page ${round(width)} x ${round(height)} ${ground} ${family}`, ...lines].join('\n')}\n`;
}

import type { FigureRow } from '../../../main/core/figures/spec';
import type { LayerInfo } from '../../../preload/contract';

/** What was typed as rows, or what is wrong with it. */
export type Parsed = { rows: FigureRow[] } | { wrong: 'form' | 'layer' | 'unit'; what: string; layer?: LayerInfo };

/** As many units as are taken of a layer that is named alone. */
export const strongest = 6;

const row = (layer: string, units: FigureRow['units']): FigureRow => ({
  ...{ layer, units, title: null, caption: '', method: null },
});

/**
 * Rows as they are typed: "conv4:17" a unit, "conv4:17,65" two units each by itself, "conv4:3-6" the same for a range,
 * "conv4:*8" one row with the layer's eight strongest units, "conv4" with the six strongest. Several, separated by spaces.
 */
export function parseRows(text: string, layers: readonly LayerInfo[]): Parsed {
  const rows: FigureRow[] = [];
  const scanned = layers.filter((layer) => layer.scanned);
  const named = (name: string): LayerInfo | undefined =>
    scanned.find((layer) => layer.name === name) ??
    scanned.find((layer) => layer.id === name) ??
    scanned.find((layer) => layer.name.toLowerCase() === name.toLowerCase());
  for (const token of text
    .replace(/\s*([:,])\s*/g, '$1')
    .split(/[\s;]+/)
    .filter(Boolean)) {
    const whole = named(token);
    const at = token.lastIndexOf(':');
    const layer = whole ?? (at > 0 ? named(token.slice(0, at)) : undefined);
    if (!layer) return { wrong: 'layer', what: at > 0 ? token.slice(0, at) : token };
    if (whole) {
      rows.push(row(layer.id, { first: Math.min(strongest, layer.units), by: 'activation' }));
      continue;
    }
    const units = token.slice(at + 1);
    const first = /^\*(\d{1,3})$/.exec(units);
    if (first) {
      const count = Number(first[1]);
      if (count < 1 || count > Math.min(256, layer.units)) return { wrong: 'unit', what: units, layer };
      rows.push(row(layer.id, { first: count, by: 'activation' }));
      continue;
    }
    for (const part of units.split(',')) {
      const range = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part);
      if (!range) return { wrong: 'form', what: token };
      const from = Number(range[1]);
      const to = range[2] === undefined ? from : Number(range[2]);
      if (to < from || to >= layer.units || to - from > 99) return { wrong: 'unit', what: part, layer };
      for (let unit = from; unit <= to; unit++) rows.push(row(layer.id, [unit]));
    }
  }
  return rows.length ? { rows } : { wrong: 'form', what: text };
}

/** The units of a row as they are typed: "17", "3, 4, 5", "*8". */
export const unitsText = (units: FigureRow['units']): string =>
  Array.isArray(units) ? units.join(', ') : `*${units.first}`;

/** The other way round, for the field of one row; null where it is wrong. */
export function readUnits(text: string, layer: LayerInfo): FigureRow['units'] | null {
  const first = /^\s*\*\s*(\d{1,3})\s*$/.exec(text);
  if (first) {
    const count = Number(first[1]);
    return count >= 1 && count <= Math.min(256, layer.units) ? { first: count, by: 'activation' } : null;
  }
  const units = text.split(/[\s,]+/).filter(Boolean);
  const fits =
    units.length > 0 &&
    units.length <= 256 &&
    units.every((unit) => /^\d{1,6}$/.test(unit) && Number(unit) < layer.units);
  return fits ? units.map(Number) : null;
}

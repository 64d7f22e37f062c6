import type { LayerInfo, LayerTable } from '../../preload/contract';
import type { Sort } from './route';

/** Whether a unit is silent: its strongest activation over all pictures is exactly zero, so nothing drives it. */
export function isSilent(table: LayerTable, unit: number): boolean {
  return table.activation[unit] === 0;
}

/** Whether a unit has a strongest entry to show: silent ones and those that are not scanned yet have none. */
export function hasEntry(table: LayerTable, unit: number): boolean {
  return !isSilent(table, unit) && Number.isFinite(table.activation[unit] ?? NaN);
}

/** How many units of a layer are silent. */
export function silentCount(table: LayerTable): number {
  return table.activation.reduce((sum, value) => sum + (value === 0 ? 1 : 0), 0);
}

/** Mean over a layer's units of the share of the pictures on which they fire, 0..1. */
export function meanFiring(table: LayerTable): number {
  return table.firing.length === 0 ? 0 : table.firing.reduce((sum, value) => sum + value, 0) / table.firing.length;
}

/** By what a sort puts the units in order, the smallest first; NaN and undefined come last. */
const keysOf: Record<
  Exclude<Sort, 'index'>,
  (table: LayerTable, similarity: Float32Array | null) => (unit: number) => number | undefined
> = {
  activation: (table) => (unit) => -(table.activation[unit] ?? NaN),
  density: (table) => (unit) => -(table.firing[unit] ?? NaN),
  sparsity: (table) => (unit) => (isSilent(table, unit) ? 2 : table.firing[unit]),
  selectivity: (table) => (unit) => -(table.selectivity[unit] ?? NaN),
  similarity: (_, similarity) => (unit) => -(similarity?.[unit] ?? NaN),
};

/**
 * The units in the order in which the grid shows them. Activation, density (on how many pictures they fire), selectivity and
 * similarity to another unit: most first. Sparsity: those that fire on the fewest pictures first, silent ones last. Ties and
 * units without a number stay in the order of the index.
 */
export function orderUnits(
  units: number,
  sort: Sort,
  table: LayerTable | null,
  similarity: Float32Array | null = null,
): number[] {
  const order = Array.from({ length: units }, (_, unit) => unit);
  if (sort === 'index' || !table) return order;
  const key = keysOf[sort](table, similarity);
  const keys = order.map((unit) => key(unit) ?? NaN).map((value) => (Number.isNaN(value) ? Infinity : value));
  return order.sort((a, b) => {
    const [x, y] = [keys[a] ?? 0, keys[b] ?? 0];
    return x < y ? -1 : x > y ? 1 : a - b;
  });
}

/** Units of this share of the picture's side see things, neither only edges nor everything: where a study opens. */
const startShare = 2 / 3;

/**
 * The layer that a study opens on: of those whose units see no more than that share, the one with the most units (not the
 * narrow one of a block), the deepest of equals; else the first.
 */
export function startLayer(layers: readonly LayerInfo[], [height, width]: readonly [number, number]): LayerInfo | null {
  const fits = layers.filter(
    ({ field, refused }) =>
      refused === null && field !== null && field[0] <= height * startShare && field[1] <= width * startShare,
  );
  const most = Math.max(...fits.map((layer) => layer.units));
  return fits.findLast((layer) => layer.units === most) ?? layers[0] ?? null;
}

import { defineStore } from 'pinia';
import { ref } from 'vue';

/** How many tiles stand in a row: the grid sets it, the arrow keys need it. */
export const useGridShape = defineStore('gridShape', () => {
  const columns = ref(1);
  return { columns };
});

/** A grid's measures in CSS px. */
export interface GridShape {
  columns: number;
  /** Size of a tile's picture; twice as wide where it holds a patch beside a reconstruction. */
  width: number;
  height: number;
  /** Height of a row with its caption and the gap below. */
  row: number;
}

export const gap = { x: 8, y: 8, caption: 19 } as const;

/** As many columns of at least `tile` px as fit, grown to fill the width. */
export function gridShape(available: number, tile: number, both: boolean): GridShape {
  const smallest = both ? tile * 2 + 1 : tile;
  const columns = Math.max(1, Math.floor((available + gap.x) / (smallest + gap.x)));
  const width = Math.max(8, Math.floor((available - gap.x * (columns - 1)) / columns));
  const height = both ? Math.floor((width - 1) / 2) : width;
  return { columns, width, height, row: height + gap.caption + gap.y };
}

/** Units in rows first..last (inclusive) of the order. */
export function unitsInRows(order: readonly number[], columns: number, first: number, last: number): number[] {
  return order.slice(Math.max(0, first) * columns, (last + 1) * columns);
}

/** Side to ask for, in device px: in steps, so that a small change of the window's width needs no new tiles. */
export function askedSize(side: number, ratio: number): number {
  return Math.min(1024, Math.max(16, Math.ceil((side * ratio) / 16) * 16));
}

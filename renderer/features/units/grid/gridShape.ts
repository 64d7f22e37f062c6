import { defineStore } from 'pinia';
import { ref } from 'vue';
import { clampTile, useLook } from '../../../stores/look';

/** A grid's measures in CSS px. */
export interface GridShape {
  columns: number;
  /** Size of a tile's picture; twice as wide where it holds a patch beside a reconstruction. */
  width: number;
  height: number;
  /** Between tiles, across and down: room for the outline of the one that is selected. */
  gap: number;
  /** Height of what stands below a picture. */
  caption: number;
  /** Height of a row with its caption and the gap below. */
  row: number;
}

const gap = 6;
/** Smaller tiles say their index only. */
const tiny = 52;
const leastOf = (tile: number, both: boolean): number => (both ? tile * 2 + 1 : tile);

/** So many columns, grown to fill the width. */
function shapeOf(available: number, columns: number, both: boolean): GridShape {
  const width = Math.max(8, Math.floor((available - gap * (columns - 1)) / columns));
  const height = both ? Math.floor((width - 1) / 2) : width;
  const caption = width < tiny ? 16 : 19;
  return { columns, width, height, gap, caption, row: height + caption + gap };
}

/** As many columns of at least `tile` px as fit, grown to fill the width. */
export function gridShape(available: number, tile: number, both: boolean): GridShape {
  const columns = Math.floor((available + gap) / (leastOf(tile, both) + gap));
  return shapeOf(available, Math.max(1, columns), both);
}

/** The shape whose tiles are the nearest to this side. */
export function nearestShape(available: number, side: number, both: boolean): GridShape {
  const larger = gridShape(available, side, both);
  const smaller = shapeOf(available, larger.columns + 1, both);
  const far = ({ height }: GridShape): number => Math.abs(Math.log(height / side));
  return far(smaller) < far(larger) ? smaller : larger;
}

/** The size of tiles that makes them one step larger (`by` 1) or smaller (-1): by a quarter, by one column at least. */
export function steppedTile(available: number, tile: number, both: boolean, by: 1 | -1): number {
  const { columns } = gridShape(available, tile, both);
  const next = by > 0 ? Math.min(columns - 1, Math.round(columns / 1.25)) : Math.max(columns + 1, Math.round(columns * 1.25)); // prettier-ignore
  return next < 1 ? tile : clampTile(shapeOf(available, next, both).height);
}

/** What the keys and the buttons need to know of the grid on the screen: it says so itself. */
export const useGridShape = defineStore('gridShape', () => {
  const look = useLook();
  /** How many tiles stand in a row, for the arrow keys. */
  const columns = ref(1);
  const available = ref(0);
  const both = ref(false);
  function zoom(by: 1 | -1): void {
    look.tile = steppedTile(available.value, look.tile, both.value, by);
  }
  return { columns, available, both, zoom };
});

/** Whether a tile of this shape has the room to say more than its unit's index. */
export const saysMore = ({ width }: GridShape): boolean => width >= tiny;

/** Units in rows first..last (inclusive) of the order. */
export function unitsInRows(order: readonly number[], columns: number, first: number, last: number): number[] {
  return order.slice(Math.max(0, first) * columns, (last + 1) * columns);
}

const sizes = [48, 64, 96, 128, 192, 256, 384, 512, 768, 1024] as const;
/** Side to ask for, in device px: in steps, so that a small change of the tiles or of the window needs no new ones. */
export function askedSize(side: number, ratio: number): number {
  return sizes.find((size) => size >= side * ratio) ?? sizes.at(-1)!;
}

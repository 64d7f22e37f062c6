import { computed, nextTick, onBeforeUnmount, ref, watch, type ComputedRef, type Ref } from 'vue';

/** Above the first row and below the last one, in CSS px. */
const padding = { start: 6, end: 14 } as const;
/** So many rows beside the screen are made as well, on either side. */
const beside = 2;
/** So many rows that are not needed stay for those that come, when a screen shows one row more, then one less. */
const spare = 2;

export interface TileRow {
  /** A row that leaves the screen hands its slot, and so its elements, to one that comes: the key to render it by. */
  slot: number;
  index: number;
  /** Its upper edge in CSS px. */
  start: number;
}

export interface TileRows {
  shown: ComputedRef<TileRow[]>;
  /** The rows on the screen, both inclusive; null before the size is known, or where there are none. */
  range: ComputedRef<{ first: number; last: number } | null>;
  /** Height of all rows in CSS px. */
  total: ComputedRef<number>;
  startOf(index: number): number;
  /** How far it is scrolled, in CSS px. */
  top: Readonly<Ref<number>>;
  scrollTo(top: number): void;
  /** Scrolls to a row: as little as shows it, or until it is in the middle. */
  reveal(index: number, align: 'least' | 'middle'): void;
}

/**
 * Which row each slot holds (-1: none): rows that stay keep their slot, rows that come take that of one that has left.
 * `first` .. `last` (inclusive) are needed, of so many `rows`.
 */
export function fillSlots(held: readonly number[], first: number, last: number, rows: number): number[] {
  const next = held.map((row) => (row < rows ? row : -1));
  const here = new Set(next.filter((row) => row >= first && row <= last));
  const free = next.map((row, slot) => ({ row, slot })).filter(({ row }) => row < first || row > last);
  // Rows that are made already before slots that are empty.
  free.sort((a, b) => Number(a.row < 0) - Number(b.row < 0));
  let used = 0;
  for (let row = first; row <= last; row++) if (!here.has(row)) next[free[used++]?.slot ?? next.length] = row;
  for (const { slot } of free.slice(used + spare)) next[slot] = -1;
  return next;
}

/**
 * Rows of tiles of one height, of which only those on the screen are made (styles: `tile-scroller`, `tile-rows`, `tile-row`).
 * There are none before the scroller's width and height are known.
 */
export function useTileRows(
  scroller: Readonly<Ref<HTMLElement | null>>,
  { width, height }: { width: Readonly<Ref<number>>; height: Readonly<Ref<number>> },
  rows: Readonly<Ref<number>>,
  rowHeight: () => number,
): TileRows {
  const top = ref(0);
  const read = (): void => {
    top.value = scroller.value?.scrollTop ?? 0;
  };
  watch(
    scroller,
    (now, old) => {
      old?.removeEventListener('scroll', read);
      now?.addEventListener('scroll', read, { passive: true });
      read();
    },
    { immediate: true },
  );
  onBeforeUnmount(() => scroller.value?.removeEventListener('scroll', read));

  const startOf = (index: number): number => padding.start + index * rowHeight();
  const total = computed(() => padding.start + rows.value * rowHeight() + padding.end);
  /** The row at a height, within those that there are. */
  const rowAt = (y: number): number =>
    Math.min(rows.value - 1, Math.max(0, Math.floor((y - padding.start) / rowHeight())));
  const known = computed(() => width.value > 0 && height.value > 0 && rows.value > 0);
  // Numbers of their own: what is behind them is worked out again only where a row comes or goes.
  const first = computed(() => rowAt(top.value));
  const last = computed(() => rowAt(top.value + height.value - 1));
  const range = computed(() => (known.value ? { first: first.value, last: last.value } : null));

  let held: number[] = [];
  const shown = computed(() => {
    if (!range.value) return [];
    const from = Math.max(0, range.value.first - beside);
    held = fillSlots(held, from, Math.min(rows.value - 1, range.value.last + beside), rows.value);
    return held.flatMap((index, slot) => (index < 0 ? [] : [{ slot, index, start: startOf(index) }]));
  });

  /** The rows that will be there are made at once; the element follows when it has its new height. */
  function scrollTo(to: number): void {
    top.value = Math.max(0, Math.min(to, total.value - height.value));
    void nextTick(() => {
      if (!scroller.value) return;
      scroller.value.scrollTop = top.value;
      read();
    });
  }
  function reveal(index: number, align: 'least' | 'middle'): void {
    const [start, room, own] = [startOf(index), height.value, rowHeight()];
    if (align === 'middle') scrollTo(start - Math.max(0, room - own) / 2);
    else if (start < top.value) scrollTo(start);
    else if (start + own > top.value + room) scrollTo(start + own - room);
  }

  return { shown, range, total, startOf, top, scrollTo, reveal };
}

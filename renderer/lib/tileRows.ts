import { useVirtualizer } from '@tanstack/vue-virtual';
import { computed, type Ref } from 'vue';

/**
 * Rows of tiles of which only those on the screen are made (styles: `tile-scroller`, `tile-rows`, `tile-row`). There are none
 * before the scroller's width is known.
 */
export function useTileRows(
  scroller: Readonly<Ref<HTMLElement | null>>,
  width: Readonly<Ref<number>>,
  rows: Readonly<Ref<number>>,
  rowHeight: () => number,
) {
  return useVirtualizer(
    computed(() => ({
      count: width.value > 0 ? rows.value : 0,
      getScrollElement: () => scroller.value,
      estimateSize: rowHeight,
      overscan: 2,
      paddingStart: 6,
      paddingEnd: 14,
    })),
  );
}

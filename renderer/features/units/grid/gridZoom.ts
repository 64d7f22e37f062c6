import { computed, nextTick, onBeforeUnmount, ref, shallowRef, watch, type CSSProperties, type Ref } from 'vue';
import { pinchOf, touchPinch } from '../../../lib/pinch';
import type { TileRows } from '../../../lib/tileRows';
import { clampTile, tileRange, useLook } from '../../../stores/look';
import { gridShape, nearestShape, type GridShape } from './gridShape';

/** A pinch that pauses for so long (ms) has ended: the wheel does not say. */
const pause = 180;
/** So long (ms) tiles take to come to rest after it. */
const settling = 140;

/** What stays where it is on the screen while tiles change their size. */
interface Anchor {
  /** The place in the order of the unit, and how far down in its tile, as a share of the tile's height: what is written below does not grow. */
  place: number;
  share: number;
  /** Where that is on the screen, in CSS px from the left edge of the rows and the upper edge of the scroller. */
  x: number;
  y: number;
}

/**
 * The shape of the grid, and how it changes. At rest tiles fill the width; while fingers or the wheel magnify, they follow
 * continuously: the rows are scaled about the pointer, and laid out anew where another number of columns is nearer.
 */
export function useGridZoom(
  scroller: Readonly<Ref<HTMLElement | null>>,
  width: Readonly<Ref<number>>,
  both: Ref<boolean>,
) {
  const look = useLook();
  /** The side that tiles are seen at while they are magnified; null at rest. */
  const side = ref<number | null>(null);
  const shape = computed<GridShape>((old) => {
    const next =
      side.value === null
        ? gridShape(width.value, look.tile, both.value)
        : nearestShape(width.value, side.value, both.value);
    return old && old.columns === next.columns && old.width === next.width && old.row === next.row ? old : next;
  });

  const anchor = shallowRef<Anchor | null>(null);
  const rests = ref(true);
  const style = computed<CSSProperties>(() => {
    if (rests.value || !anchor.value || !lines) return {};
    const { place, share, x } = anchor.value;
    const y = lines.startOf(Math.floor(place / shape.value.columns)) + share * shape.value.height;
    const scale = (side.value ?? shape.value.height) / shape.value.height;
    return {
      transform: `scale(${scale})`,
      transformOrigin: `${x}px ${y}px`,
      ...(side.value === null && { transition: `transform ${settling}ms ease-out` }),
    };
  });

  let lines: TileRows | null = null;
  /**
   * Keeps in place what one looks at: the unit under the pointer, else the selected one where it is on the screen, else the
   * middle. `placeOf`: the selected unit's place in the order, or -1.
   */
  function keepPlace(rows: TileRows, height: Readonly<Ref<number>>, placeOf: () => number): void {
    lines = rows;
    /** What is on the screen under the shape that has just been, which `rows` do not know any more. */
    function middle(old: GridShape): Anchor {
      const top = rows.top.value - rows.startOf(0);
      const start = (place: number): number => Math.floor(place / old.columns) * old.row - top;
      const selected = placeOf();
      const seen = selected >= 0 && start(selected) > -old.row / 2 && start(selected) < height.value - old.row / 2;
      const row = Math.max(0, Math.floor((top + height.value / 2) / old.row));
      const place = seen ? selected : row * old.columns;
      return { place, share: 0.5, x: 0, y: start(place) + old.height / 2 };
    }
    watch(shape, (next, old) => {
      if (old.columns === next.columns && old.row === next.row) return;
      // At the top it stays at the top.
      if (!anchor.value && rows.top.value <= 0) return;
      const { place, share, y } = anchor.value ?? middle(old);
      rows.scrollTo(rows.startOf(Math.floor(place / next.columns)) + share * next.height - y);
    });
  }

  let timer: ReturnType<typeof setTimeout> | undefined;
  let factor = 1;
  let frame = 0;
  function begin({ clientX, clientY }: { clientX: number; clientY: number }): void {
    clearTimeout(timer);
    if (side.value !== null || !scroller.value || !lines) return;
    const box = scroller.value.getBoundingClientRect();
    const { columns, width: wide, height, gap, row } = shape.value;
    const [x, y] = [clientX - box.left - parseFloat(getComputedStyle(scroller.value).paddingLeft), clientY - box.top];
    const at = Math.max(0, (lines.top.value + y - lines.startOf(0)) / row);
    const column = Math.min(columns - 1, Math.max(0, Math.floor(x / (wide + gap))));
    anchor.value = { place: Math.floor(at) * columns + column, share: ((at % 1) * row) / height, x, y };
    side.value = height;
    rests.value = false;
  }
  function magnify(by: number, at: { clientX: number; clientY: number }): void {
    begin(at);
    factor *= by;
    // Several come between two frames.
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      if (side.value === null) return;
      const [least, most] = tileRange.map((each) => gridShape(width.value, each, both.value).height) as [
        number,
        number,
      ];
      const { columns } = shape.value;
      side.value = Math.min(most, Math.max(least, side.value * factor));
      factor = 1;
      // The slider goes with it, but not in every frame: it is written down each time.
      if (shape.value.columns !== columns) look.tile = clampTile(shape.value.height);
    });
  }
  function end(): void {
    clearTimeout(timer);
    if (side.value === null) return;
    look.tile = clampTile(shape.value.height);
    side.value = null;
    void nextTick(() => {
      timer = setTimeout(() => {
        rests.value = true;
        anchor.value = null;
      }, settling);
    });
  }
  const touch = touchPinch(magnify, end);
  function wheel(event: WheelEvent): void {
    magnify(pinchOf(event), event);
    timer = setTimeout(end, pause);
  }
  onBeforeUnmount(() => {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
  });

  const magnifies = computed(() => side.value !== null);
  return { shape, style, magnifies, keepPlace, wheel, touch };
}

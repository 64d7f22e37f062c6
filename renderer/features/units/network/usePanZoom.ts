import { computed, ref, type Ref } from 'vue';
import { pinchOf } from '../../../lib/pinch';

const range = [0.08, 2.5] as const;
const step = 1.25;

/** A view of something larger: moved by dragging, magnified by the wheel, by pinching or by keys. Lengths in CSS px. */
export function usePanZoom(
  view: { width: Ref<number>; height: Ref<number> },
  size: () => { width: number; height: number },
) {
  const x = ref(0);
  const y = ref(0);
  const scale = ref(1);

  /** Magnifies about a point of the view. */
  function zoom(by: number, at = { x: view.width.value / 2, y: view.height.value / 2 }): void {
    const next = Math.min(range[1], Math.max(range[0], scale.value * by));
    const ratio = next / scale.value;
    x.value = at.x - (at.x - x.value) * ratio;
    y.value = at.y - (at.y - y.value) * ratio;
    scale.value = next;
  }
  const larger = (): void => zoom(step);
  const smaller = (): void => zoom(1 / step);

  /** All of it. */
  function fit(): void {
    const { width, height } = size();
    scale.value = Math.max(range[0], Math.min(1, view.width.value / width, view.height.value / height));
    x.value = (view.width.value - width * scale.value) / 2;
    y.value = Math.max(0, (view.height.value - height * scale.value) / 2);
  }

  /** As wide as the view where that can be read, no larger than it is, with a place of it in the middle. */
  function centre(at: { x: number; y: number }): void {
    const { width } = size();
    scale.value = Math.min(1, Math.max(0.6, view.width.value / width));
    const fits = width * scale.value <= view.width.value + 1;
    x.value = view.width.value / 2 - (fits ? width / 2 : at.x) * scale.value;
    y.value = view.height.value / 2 - at.y * scale.value;
  }

  /** Moves as little as shows this place. */
  function reveal(box: { x: number; y: number; width: number; height: number }, margin = 28): void {
    const inside = (from: number, length: number, offset: number, room: number): number => {
      const [low, high] = [from * scale.value + offset, (from + length) * scale.value + offset];
      return low < margin ? margin - low : high > room - margin ? room - margin - high : 0;
    };
    x.value += inside(box.x, box.width, x.value, view.width.value);
    y.value += inside(box.y, box.height, y.value, view.height.value);
  }

  function wheel(event: WheelEvent): void {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const lines = event.deltaMode === 1 ? 16 : 1;
    if (event.shiftKey) x.value -= (event.deltaX || event.deltaY) * lines;
    else
      zoom(event.ctrlKey ? pinchOf(event) : Math.exp(-event.deltaY * lines * 0.0016), {
        x: event.clientX - box.left,
        y: event.clientY - box.top,
      });
  }

  const dragging = ref(false);
  /** From the press of a button until it is let go. A press that does not move is a click. */
  function drag(event: PointerEvent): void {
    if (event.button !== 0 && event.button !== 1) return;
    const target = event.currentTarget as HTMLElement;
    let [lastX, lastY, moved] = [event.clientX, event.clientY, 0];
    const move = (next: PointerEvent): void => {
      moved += Math.abs(next.clientX - lastX) + Math.abs(next.clientY - lastY);
      if (moved > 4 && !dragging.value) {
        dragging.value = true;
        target.setPointerCapture(next.pointerId);
      }
      if (dragging.value) {
        x.value += next.clientX - lastX;
        y.value += next.clientY - lastY;
      }
      [lastX, lastY] = [next.clientX, next.clientY];
    };
    const stop = (): void => {
      target.removeEventListener('pointermove', move);
      target.removeEventListener('pointerup', stop);
      target.removeEventListener('pointercancel', stop);
      // The click that ends a drag chooses nothing.
      setTimeout(() => (dragging.value = false));
    };
    target.addEventListener('pointermove', move);
    target.addEventListener('pointerup', stop);
    target.addEventListener('pointercancel', stop);
  }

  /** What is on the screen, in px of the thing. */
  const seen = computed(() => ({
    left: -x.value / scale.value,
    top: -y.value / scale.value,
    right: (view.width.value - x.value) / scale.value,
    bottom: (view.height.value - y.value) / scale.value,
  }));
  const transform = computed(() => `translate(${x.value}px, ${y.value}px) scale(${scale.value})`);

  return { x, y, scale, seen, transform, dragging, zoom, larger, smaller, fit, centre, reveal, wheel, drag };
}

import { onBeforeUnmount, onMounted, shallowRef, type ShallowRef } from 'vue';

/**
 * What is large comes up in parts, one a frame, so that the page can answer in between: 0 when it is mounted, then one more
 * in each frame, up to `last`.
 */
export function useStages(last: number): Readonly<ShallowRef<number>> {
  const stage = shallowRef(0);
  let request = 0;
  function next(): void {
    stage.value++;
    if (stage.value < last) request = requestAnimationFrame(next);
  }
  onMounted(() => {
    if (last > 0) request = requestAnimationFrame(next);
  });
  onBeforeUnmount(() => cancelAnimationFrame(request));
  return stage;
}

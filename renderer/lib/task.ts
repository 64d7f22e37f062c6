import type { ShallowRef } from 'vue';

/** Something that takes a while. */
export interface Task {
  what: string;
  done: number;
  total: number;
  /** Seconds left; null where not known yet. */
  left: number | null;
  stop(): void;
}

/** Shows a task in `place` while it runs, with the time that is left, from the speed so far. */
export function trackTask(
  place: ShallowRef<Task | null>,
  what: string,
  controller: AbortController,
): { tell(progress: { done: number; total: number }): void; end(): void } {
  const started = performance.now();
  let own: Task = { what, done: 0, total: 0, left: null, stop: () => controller.abort() };
  place.value = own;
  return {
    tell({ done, total }) {
      if (place.value !== own) return;
      const seconds = (performance.now() - started) / 1000;
      const left = done > 0 && seconds > 1 ? (seconds / done) * (total - done) : null;
      own = { ...own, done, total, left };
      place.value = own;
    },
    end() {
      if (place.value === own) place.value = null;
    },
  };
}

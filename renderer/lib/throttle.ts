import { onScopeDispose } from 'vue';

/** Calls at once, then at most every `wait` ms, the last call never lost. */
export function useThrottle(work: () => void, wait: number): () => void {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let again = false;
  const run = (): void => {
    if (timer !== null) {
      again = true;
      return;
    }
    work();
    timer = setTimeout(() => {
      timer = null;
      if (again) {
        again = false;
        run();
      }
    }, wait);
  };
  onScopeDispose(() => {
    if (timer !== null) clearTimeout(timer);
  });
  return run;
}

/** So many ms of a frame may be drawn in: the rest of a frame of 16 ms, or of two, is the page's. */
const most = 12;

let spent = 0;
let waitsForFrame = false;
const waiting = new Set<() => void>();

function timed(work: () => void): void {
  const started = performance.now();
  work();
  spent += performance.now() - started;
}

function awaitFrame(): void {
  if (waitsForFrame) return;
  waitsForFrame = true;
  requestAnimationFrame(() => {
    waitsForFrame = false;
    spent = 0;
    for (const work of waiting) {
      if (spent >= most) break;
      waiting.delete(work);
      timed(work);
    }
    if (spent > 0 || waiting.size > 0) awaitFrame();
  });
}

/** Does the work now where the frame has time for it, else in one of those that follow, in turn. Whether it was done now. */
export function inFrame(work: () => void): boolean {
  waiting.delete(work);
  const now = spent < most;
  if (now) timed(work);
  else waiting.add(work);
  awaitFrame();
  return now;
}

/** Work that is not wanted any more. */
export function forgetWork(work: () => void): void {
  waiting.delete(work);
}

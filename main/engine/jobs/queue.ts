import { CancelledError } from '../../core/errors';

/** Who goes first: what somebody waits for, then the tiles of a grid, then a scan's next batch, then what may be wanted later. */
export const priorities = ['interactive', 'grid', 'scan', 'background'] as const;
export type Priority = (typeof priorities)[number];

/** Runs heavy tasks one at a time, so that they do not fight over the processor; a task is never interrupted. */
export interface ComputeQueue {
  /** Rejects with CancelledError where `signal` is aborted before the task's turn. */
  run<T>(priority: Priority, task: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void>;
}

export function createQueue(): ComputeQueue {
  const waiting: Record<Priority, (() => Promise<void>)[]> = { interactive: [], grid: [], scan: [], background: [] };
  let working: Promise<void> | null = null;

  async function work(): Promise<void> {
    for (;;) {
      const priority = priorities.find((each) => waiting[each].length > 0);
      if (!priority) break;
      await waiting[priority].shift()!();
    }
    working = null;
  }

  return {
    run: (priority, task, signal) =>
      new Promise((resolve, reject) => {
        waiting[priority].push(async () => {
          if (signal?.aborted) return reject(new CancelledError());
          try {
            resolve(await task());
          } catch (error) {
            reject(error as Error);
          }
        });
        working ??= Promise.resolve().then(work);
      }),
    async idle() {
      while (working) await working;
    },
  };
}

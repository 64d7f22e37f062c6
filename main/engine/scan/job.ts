import type { ScanState } from '../../../preload/contract';
import type { Scanner } from '../../core/program/scanner';
import { batchEnd } from './ranges';
import { addToTables, type BatchResult, type ScanTables } from './tables';

/** One batch of pictures made ready: those that could be read, one after the other in `data`, and why others could not. */
export interface LoadedBatch {
  data: Float32Array;
  pictures: number[];
  /** Two halves a picture. */
  hashes: Uint32Array;
  broken: [picture: number, reason: string][];
}

export interface ScanOptions {
  scanner: Scanner;
  tables: ScanTables;
  /** Sizes of the parts of the picture list, and pictures in a batch. */
  parts: readonly number[];
  batch: number;
  perPicture: number;
  /** Class of a picture, -1 for none. */
  classOf(picture: number): number;
  /** Decodes the pictures [from, to), and those of `then` ahead, so that decoding and computing overlap. */
  load(from: number, to: number, then: readonly [from: number, to: number]): Promise<LoadedBatch>;
  /** The file that has been waited for longest, and for how many ms. */
  waiting(): { file: string; since: number } | null;
  /** Runs a batch when its turn comes. */
  compute<T>(task: () => Promise<T>): Promise<T>;
  /** Notes a batch where a killed scan finds it again. */
  note(batch: BatchResult): Promise<void>;
  /** Writes the tables there; what was noted before is in them. */
  checkpoint(): Promise<void>;
  progress(state: Pick<ScanState, 'done' | 'rate' | 'left' | 'waiting'>): void;
  /** The tables hold more than when this was called last. */
  changed(): void;
  signal: AbortSignal;
  /** ms between checkpoints, where not the usual. */
  checkpointEvery?: number;
}

/** ms between events and checkpoints, over which the rate is measured, and after which a file is said to be waited for. */
const timing = { progress: 200, changed: 1500, checkpoint: 10_000, rate: 8000, stalled: 5000, look: 500 } as const;

/**
 * Scans from where the tables are to their end, batch by batch; of each, whatever pictures can be read. Returns whether it
 * came to the end: false where `signal` stopped it between two batches, or while it waited for pictures, with the tables as
 * they are then.
 */
export async function runScan(options: ScanOptions): Promise<boolean> {
  const { tables, parts, batch, signal } = options;
  const last = { progress: 0, changed: performance.now(), checkpoint: performance.now() };
  let checkpointEvery = options.checkpointEvery ?? timing.checkpoint;
  const marks = [{ time: performance.now(), done: tables.next }];
  const endOf = (from: number): number => Math.min(tables.to, batchEnd(from, parts, batch));

  const report = (waiting?: string) => {
    const now = performance.now();
    marks.push({ time: now, done: tables.next });
    while (marks.length > 2 && now - marks[0]!.time > timing.rate) marks.shift();
    const [first] = marks;
    const rate = now > first!.time ? ((tables.next - first!.done) / (now - first!.time)) * 1000 : 0;
    const left = rate > 0 ? (tables.to - tables.next) / rate : null;
    options.progress({ done: tables.next - tables.from, rate, left, ...(waiting !== undefined && { waiting }) });
    last.progress = now;
  };

  /** The batch; null where the scan is stopped before it is there. A drive that stalls is waited for, and told. */
  async function loaded(from: number, to: number): Promise<LoadedBatch | null> {
    const loading = options.load(from, to, [to, endOf(to)]);
    loading.catch(() => undefined); // seen below, or nobody waits for it any more
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const pause = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), timing.look)));
      const got = await Promise.race([loading, pause]).finally(() => clearTimeout(timer));
      if (signal.aborted) return null;
      if (got) return got;
      const waiting = options.waiting();
      if (waiting && waiting.since >= timing.stalled) report(waiting.file);
    }
  }

  while (tables.next < tables.to) {
    if (signal.aborted) return false;
    const from = tables.next;
    const to = endOf(from);
    const ready = await loaded(from, to);
    if (!ready) return false;
    const { data, pictures, hashes, broken } = ready;
    const maxima = pictures.length > 0 ? await options.compute(() => options.scanner.run(data, pictures.length)) : [];
    const result: BatchResult = { from, to, pictures, hashes, broken, maxima };
    await options.note(result);
    addToTables(tables, result, options.classOf, options.perPicture);

    const now = performance.now();
    if (now - last.progress >= timing.progress) report();
    if (now - last.changed >= timing.changed) {
      options.changed();
      last.changed = now;
    }
    if (now - last.checkpoint >= checkpointEvery && to < tables.to) {
      await options.checkpoint();
      last.checkpoint = performance.now();
      // Large tables on a slow disk: at most a tenth of the time goes into writing them.
      checkpointEvery = Math.max(checkpointEvery, 10 * (last.checkpoint - now));
    }
  }
  report();
  return true;
}

import type { ScanState } from '../../../preload/contract';
import type { Scanner } from '../../core/program/scanner';
import { addMaxima, type ScanTables } from './tables';

/** One batch of pictures made ready: those that could be read, one after the other in `data`, and why others could not. */
export interface LoadedBatch {
  data: Float32Array;
  pictures: number[];
  broken: [picture: number, reason: string][];
}

export interface ScanOptions {
  scanner: Scanner;
  tables: ScanTables;
  total: number;
  batch: number;
  perPicture: number;
  /** Class of a picture, -1 for none. */
  classOf(picture: number): number;
  /** Decodes the pictures [from, to), and the range after it ahead, so that decoding and computing overlap. */
  load(from: number, to: number): Promise<LoadedBatch>;
  /** Runs a batch when its turn comes. */
  compute<T>(task: () => Promise<T>): Promise<T>;
  /** Writes the tables where a killed scan finds them again. */
  checkpoint(tables: ScanTables): Promise<void>;
  progress(state: Pick<ScanState, 'done' | 'rate' | 'left' | 'broken'>): void;
  /** The tables hold more than when this was called last. */
  changed(): void;
  signal: AbortSignal;
  /** ms between checkpoints, where not the usual. */
  checkpointEvery?: number;
}

/** ms between events and checkpoints, and over which the rate is measured. */
const timing = { progress: 200, changed: 1500, checkpoint: 3000, rate: 8000 } as const;

/**
 * Scans from where the tables are to the end; batch b is the pictures [b * batch, (b + 1) * batch), whatever of them can be
 * read. Returns whether it came to the end: false where `signal` stopped it
 * between two batches, with the tables as they are then.
 */
export async function runScan(options: ScanOptions): Promise<boolean> {
  const { tables, total, batch, signal } = options;
  const last = { progress: 0, changed: performance.now(), checkpoint: performance.now() };
  let checkpointEvery = options.checkpointEvery ?? timing.checkpoint;
  const marks = [{ time: performance.now(), done: tables.next }];

  const report = () => {
    const now = performance.now();
    marks.push({ time: now, done: tables.next });
    while (marks.length > 2 && now - marks[0]!.time > timing.rate) marks.shift();
    const [first] = marks;
    const rate = now > first!.time ? ((tables.next - first!.done) / (now - first!.time)) * 1000 : 0;
    const left = rate > 0 ? (total - tables.next) / rate : null;
    options.progress({ done: tables.next, rate, left, broken: tables.broken.size });
    last.progress = now;
  };

  while (tables.next < total) {
    if (signal.aborted) return false;
    const end = Math.min(total, tables.next + batch);
    const { data, pictures, broken } = await options.load(tables.next, end);
    if (signal.aborted) return false;
    if (pictures.length > 0) {
      const maxima = await options.compute(() => options.scanner.run(data, pictures.length));
      addMaxima(tables, pictures, pictures.map(options.classOf), maxima, options.perPicture);
    }
    for (const [picture, reason] of broken) tables.broken.set(picture, reason);
    tables.next = end;

    const now = performance.now();
    if (now - last.progress >= timing.progress) report();
    if (now - last.changed >= timing.changed) {
      options.changed();
      last.changed = now;
    }
    if (now - last.checkpoint >= checkpointEvery && end < total) {
      await options.checkpoint(tables);
      last.checkpoint = performance.now();
      // Large tables on a slow disk: at most a tenth of the time goes into writing them.
      checkpointEvery = Math.max(checkpointEvery, 10 * (last.checkpoint - now));
    }
  }
  report();
  return true;
}

import { Worker } from 'node:worker_threads';
import type { ErrorInfo, Preprocessing } from '../../../preload/contract';
import { UnpoolError } from '../../core/errors';
import { preparePicture, type Prepared } from './prepare';

/** Makes pictures ready for a network. */
export interface Decoders {
  /** How many pictures at a time keep it busy. */
  readonly together: number;
  prepare(file: string, preprocessing: Preprocessing): Promise<Prepared>;
}

/** What a thread is asked and answers. A preprocessing is sent once, and goes by its number from then on. */
export type ToDecoder = { id: number; file: string; key: number; preprocessing?: Preprocessing };
export type FromDecoder = { id: number; prepared: Prepared } | { id: number; error: ErrorInfo };

/** In this thread: reading and decoding overlap with it, resizing does not. */
export const decodersHere: Decoders = { together: 4, prepare: preparePicture };

/** ms without work after which threads are let go of. */
const idle = 20_000;

interface Thread {
  worker: Worker;
  known: Set<number>;
  waiting: Map<number, { resolve(prepared: Prepared): void; reject(error: unknown): void }>;
}

/**
 * Threads of their own, so that pictures are decoded and resized while this one is inside the runtime. `script` is the built
 * decoder.ts.
 */
export function createDecoders(script: string, threads: number): Decoders {
  const pool: Thread[] = [];
  const keys = new WeakMap<Preprocessing, number>();
  let lastKey = 0;
  let lastId = 0;
  let timer: NodeJS.Timeout | null = null;

  function start(): Thread {
    const thread: Thread = { worker: new Worker(script), known: new Set(), waiting: new Map() };
    const over = (error: Error): void => {
      const at = pool.indexOf(thread);
      if (at >= 0) pool.splice(at, 1);
      for (const { reject } of thread.waiting.values()) reject(error);
      thread.waiting.clear();
    };
    thread.worker.on('message', (message: FromDecoder) => {
      const asked = thread.waiting.get(message.id);
      thread.waiting.delete(message.id);
      if ('prepared' in message) asked?.resolve(message.prepared);
      else {
        const { code, message: text, ...more } = message.error;
        asked?.reject(new UnpoolError(code, text, more));
      }
      if (pool.every(({ waiting }) => waiting.size === 0)) rest();
    });
    thread.worker.on('error', over);
    thread.worker.on('exit', () => over(new Error('a thread that decodes pictures ended')));
    thread.worker.unref();
    pool.push(thread);
    return thread;
  }

  function rest(): void {
    if (timer) clearTimeout(timer);
    timer = setTimeout(() => {
      for (const { worker, waiting } of [...pool]) if (waiting.size === 0) void worker.terminate();
    }, idle);
    timer.unref();
  }

  return {
    together: 2 * threads,
    prepare(file, preprocessing) {
      if (timer) clearTimeout(timer);
      timer = null;
      const free = pool.find(({ waiting }) => waiting.size === 0);
      const thread =
        free ?? (pool.length < threads ? start() : pool.reduce((a, b) => (b.waiting.size < a.waiting.size ? b : a)));
      let key = keys.get(preprocessing);
      if (key === undefined) keys.set(preprocessing, (key = ++lastKey));
      const id = ++lastId;
      return new Promise((resolve, reject) => {
        thread.waiting.set(id, { resolve, reject });
        const message: ToDecoder = { id, file, key, ...(!thread.known.has(key) && { preprocessing }) };
        thread.known.add(key);
        thread.worker.postMessage(message);
      });
    },
  };
}

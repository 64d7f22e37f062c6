import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { UnpoolError } from '../../../../main/core/errors';
import { readModel } from '../../../../main/core/formats/index';
import { openNetwork } from '../../../../main/core/program/network';
import { mutantOf } from './mutate';

/** Reads mutants in a thread of its own, which the test ends where one does not come back. */
export interface Task {
  files: string[];
  seed: number;
  from: number;
  to: number;
  /** [the case at work, MiB of memory outside the heap] */
  progress: Int32Array;
}
export interface Result {
  read: number;
  refused: number;
  /** [case, what was thrown] */
  failures: [number, string][];
}

const { files, seed, from, to, progress } = workerData as Task;
const result: Result = { read: 0, refused: 0, failures: [] };

async function run(): Promise<void> {
  for (let i = from; i < to; i++) {
    Atomics.store(progress, 0, i);
    const { file, bytes } = mutantOf(files, seed + i);
    try {
      await open(bytes, path.dirname(file));
      result.read++;
    } catch (error) {
      if (error instanceof UnpoolError && error.message) result.refused++;
      else result.failures.push([i, error instanceof Error ? (error.stack ?? error.message) : String(error)]);
    }
    Atomics.store(progress, 1, Math.round(process.memoryUsage().arrayBuffers / 2 ** 20));
    if (result.failures.length >= 10) break;
  }
}

async function open(mutated: Uint8Array, folder: string): Promise<void> {
  const external = (location: string, offset: number, length: number | null): Uint8Array => {
    let file: Uint8Array;
    try {
      file = readFileSync(path.join(folder, path.basename(location)));
    } catch {
      throw new UnpoolError('no-file', `"${location}" is not there.`);
    }
    return file.subarray(offset, length === null ? undefined : offset + length);
  };
  await openNetwork(await readModel(mutated, { external }));
}

void run().then(() => parentPort!.postMessage(result));

import { asked } from './allocations';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { UnpoolError } from '../../../../main/core/errors';
import { readModel } from '../../../../main/core/formats/index';
import { openNetwork } from '../../../../main/core/program/network';
import { hostileFiles } from './hand';
import { mutantOf } from './mutate';

/** Reads mutants in a thread of its own, which the test ends where one does not come back. */
export interface Task {
  /** Damaged files of these; none: the files made by hand. */
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
  /** Of files made by hand: [what it is, bytes of the file, bytes of the largest array that was asked for]. */
  asked: [string, number, number][];
  /** The case that took longest, in ms of processor time, and the one that asked for the most memory, in bytes of all its arrays. */
  slowest: [at: number, file: string, ms: number];
  greediest: [at: number, file: string, bytes: number];
}

/** In ms, of the whole process: nothing else in it computes. A busy machine makes it no longer. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const { files, seed, from, to, progress } = workerData as Task;
const result: Result = { read: 0, refused: 0, failures: [], asked: [], slowest: [-1, '', 0], greediest: [-1, '', 0] };
const hostile = files.length === 0 ? hostileFiles() : [];

async function run(): Promise<void> {
  for (let i = from; i < to; i++) {
    Atomics.store(progress, 0, i);
    const hand = hostile[i];
    const { file, bytes } = hand ? { file: hand[0], bytes: hand[1] } : mutantOf(files, seed + i);
    Object.assign(asked, { largest: 0, total: 0 });
    const start = processorTime();
    try {
      await open(bytes, path.dirname(file));
      result.read++;
    } catch (error) {
      if (error instanceof UnpoolError && error.message) result.refused++;
      else result.failures.push([i, error instanceof Error ? (error.stack ?? error.message) : String(error)]);
    }
    const ms = processorTime() - start;
    if (ms > result.slowest[2]) result.slowest = [i, file, ms];
    if (asked.total > result.greediest[2]) result.greediest = [i, file, asked.total];
    if (hand) result.asked.push([hand[0], bytes.length, asked.largest]);
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

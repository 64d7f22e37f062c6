import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { build } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { modelExtensions } from '../../../main/core/formats/index';
import { hostileFiles } from './fuzz/hand';
import { mutantOf } from './fuzz/mutate';
import type { Result, Task } from './fuzz/worker';

/**
 * Damaged files of every format end in a network or in an error in words: never in a crash, a hang or a full memory.
 * UNPOOL_FUZZ sets how many, UNPOOL_FUZZ_SEED which ones; a failure names its case, which UNPOOL_FUZZ=<case>-<case + 1>
 * makes again, and the file that the damaged one was written to.
 */
const seed = Number(process.env['UNPOOL_FUZZ_SEED'] ?? 1);
const given = process.env['UNPOOL_FUZZ'] ?? (process.env['CI'] ? '20000' : '2000');
const [from, to] = (given.includes('-') ? given.split('-') : [0, given]).map(Number) as [number, number];

/**
 * A case counts as a hang after this much processor time (ten times the second that it may take), or after this long where
 * nothing computes. What bounds the work is asserted by what no machine changes: the bytes of all arrays that a case asks for.
 */
const longest = { computing: 10_000, waiting: 120_000 };
const mostWork = 2 ** 28;
const mostMemory = 1024; // MiB
const largestFixture = 300_000;

/** Every model among the tests' files, so that a new format's fixtures join by lying there. */
function fixtures(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return fixtures(file);
    const isModel = modelExtensions.some((extension) => entry.name.endsWith(`.${extension}`));
    // JSON is also what other tests keep their results in.
    const isDescription = !entry.name.endsWith('.json') || entry.name === 'model.json';
    return isModel && isDescription && statSync(file).size <= largestFixture ? [file] : [];
  });
}

const root = path.resolve(import.meta.dirname, '../../..');
const folder = mkdtempSync(path.join(tmpdir(), 'unpool-fuzz-'));
beforeAll(async () => {
  const entry = path.join(import.meta.dirname, 'fuzz/worker.ts');
  await build({
    configFile: false,
    logLevel: 'error',
    root,
    build: { ssr: entry, outDir: folder, rollupOptions: { output: { format: 'cjs', entryFileNames: 'worker.cjs' } } },
    ssr: { noExternal: true },
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes the damaged file of a case, to look at, and names it. */
function keep(files: readonly string[], at: number): string {
  if (files.length === 0) return hostileFiles()[at]?.[0] ?? '';
  const { file, bytes } = mutantOf(files, seed + at);
  const kept = path.join(tmpdir(), `unpool-fuzz-${seed}-${at}${path.extname(file)}`);
  writeFileSync(kept, bytes);
  return `case ${at} of seed ${seed} (${path.relative(root, file)}, damaged: ${kept})`;
}

async function fuzz(task: Omit<Task, 'progress'>): Promise<Result> {
  const progress = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(path.join(folder, 'worker.cjs'), {
    workerData: { ...task, progress } satisfies Task,
    resourceLimits: { maxOldGenerationSizeMb: mostMemory },
  });
  let [last, since, used] = [-1, Date.now(), process.cpuUsage()];
  let memory = 0;
  return new Promise<Result>((resolve, reject) => {
    const end = (error: Error): void => {
      clearInterval(watch);
      void worker.terminate();
      reject(error);
    };
    const watch = setInterval(() => {
      const now = Atomics.load(progress, 0);
      memory = Math.max(memory, Atomics.load(progress, 1));
      if (memory > mostMemory) end(new Error(`${keep(task.files, now)} takes ${memory} MiB`));
      const { user, system } = process.cpuUsage(used);
      if (now !== last) [last, since, used] = [now, Date.now(), process.cpuUsage()];
      else if ((user + system) / 1000 > longest.computing || Date.now() - since > longest.waiting)
        end(new Error(`${keep(task.files, now)} does not come back`));
    }, 50);
    worker.once('message', (result: Result) => {
      clearInterval(watch);
      void worker.terminate();
      resolve(result);
    });
    worker.once('error', (error: Error) =>
      end(new Error(`${keep(task.files, Atomics.load(progress, 0))}: ${error.message}`)),
    );
  });
}

it(
  `damaged files, seed ${seed}, cases ${given}`,
  async () => {
    const files = fixtures(path.resolve(import.meta.dirname, '../..')).sort();
    expect(files.length).toBeGreaterThan(10);
    console.info(`fuzz: UNPOOL_FUZZ_SEED=${seed} UNPOOL_FUZZ=${given}, ${files.length} fixtures`);
    const result = await fuzz({ files, seed, from, to });
    const [[slow, slowFile, ms], [, greedyFile, bytes]] = [result.slowest, result.greediest];
    console.info(
      `fuzz: slowest case ${slow} (${path.relative(root, slowFile)}), ${Math.round(ms)} ms of processor time; the most work ${(bytes / 2 ** 20).toFixed(1)} MiB of arrays (${path.relative(root, greedyFile)})`,
    );
    expect(result.failures.map(([at, what]) => `${keep(files, at)}: ${what}`)).toEqual([]);
    expect(bytes, greedyFile).toBeLessThan(mostWork);
    if (to - from < 1000) return;
    // Both ends are reached: the mutants are neither harmless nor hopeless.
    expect(result.read).toBeGreaterThan((to - from) / 50);
    expect(result.refused).toBeGreaterThan((to - from) / 10);
  },
  20 * 60_000,
);

/** Work that is bounded by the file, not by the numbers in it: no array beyond so many times its size, give or take a megabyte. */
const largestShare = 64;

it('files that ask for more than they are worth are refused before anything is made for them', async () => {
  const result = await fuzz({ files: [], seed: 0, from: 0, to: hostileFiles().length });
  expect(result.failures.map(([at, what]) => `${hostileFiles()[at]![0]}: ${what}`)).toEqual([]);
  expect(result.read).toBe(0);
  expect(result.asked.length).toBe(hostileFiles().length);
  expect(result.asked.filter(([, bytes, asked]) => asked > largestShare * bytes + 2 ** 20)).toEqual([]);
}, 60_000);

import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import { float32 } from '../../main/core/graph/tensor';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';
import type { Runtime } from '../../main/core/runtime/runtime';
import { copiedBytes } from '../../main/engine/runtimes';
import { usableCores } from '../../main/engine/cores';
import { benchAnswers } from './answers';
import { words, type Bench, type Section } from './measure';
import { BenchNet } from './net';
import { benchRuntimes } from './runtimes';
import { benchScans } from './scans';
import { fill, table } from './tables';
import { benchUnits } from './units';

const parts = { units: benchUnits, answers: benchAnswers, scans: benchScans, runtimes: benchRuntimes };
const page = path.resolve(import.meta.dirname, '../../docs/performance.md');

/**
 * `npm run bench -- [PART ...] [--quick] [--json FILE] [--write]`: ratios of things run in turn, each with its spread. `--write`
 * puts the tables of the parts that ran into docs/performance.md.
 */
export async function main(args: readonly string[]): Promise<void> {
  const threads = usableCores();
  const runtime = createOrtRuntime(ort as unknown as Ort, { threads, largest: copiedBytes });
  const peak = await measurePeak(runtime);
  const machine = {
    processor: cpus()[0]?.model ?? 'not named',
    threads,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    runtime: runtime.name,
    peak: `${Math.round(peak / 5e5)} GFLOP/s`,
  };
  const about = `${machine.processor}, ${threads} thread${threads === 1 ? '' : 's'}, ${machine.memory}; Node ${machine.node}, ${machine.runtime}; peak ${machine.peak}`;
  console.log(about);
  const done: Record<string, Section[]> = {};
  const named = Object.keys(parts).filter((name) => args.includes(name));
  for (const [name, run] of Object.entries(parts)) {
    if (named.length > 0 && !named.includes(name)) continue;
    const sections: Section[] = (done[name] = []);
    const last = (): Section => sections.at(-1)!;
    const bench: Bench = {
      args,
      quick: args.includes('--quick'),
      threads,
      add(row) {
        last().rows.push(row);
        const aim = row.aim === null ? '' : `, aim ${row.aim}${row.ratio >= row.aim ? '' : ': missed'}`;
        console.log(
          `${row.what.padEnd(36)} ${words(row.ours, row.unit).padEnd(34)} ${row.peer}: ${words(row.against, row.unit).padEnd(30)} ratio ${row.ratio.toFixed(2)}${aim}`,
        );
      },
      skip(what, why) {
        last().skipped.push({ what, why });
        console.log(`skipped: ${what}: ${why}`);
      },
      heading(heading) {
        sections.push({ heading, rows: [], skipped: [] });
        console.log(`\n${heading}`);
      },
    };
    await run(bench, runtime);
    const text = sections.map((section) => table(section, peak)).join('\n\n');
    console.log(`\n${text}`);
    if (args.includes('--write')) await fill(page, name, `${about}.\n\n${text}`);
  }
  const at = args.indexOf('--json');
  if (at >= 0) writeFileSync(args[at + 1] ?? 'bench.json', JSON.stringify({ machine, parts: done }, null, 2));
}

/** Multiply-adds a millisecond of a convolution that fits the processor well: the best of several runs. */
async function measurePeak(runtime: Runtime): Promise<number> {
  const net = new BenchNet();
  const [channels, side] = [256, 56];
  const filters = net.weights('filters', [channels, channels, 3, 3], 0.01);
  let x = net.node('Conv', 'first', ['picture', net.weights('head', [channels, 3, 4, 4], 0.1)], {
    kernel_shape: [4, 4],
    strides: [4, 4],
  });
  const layers = 4;
  for (let i = 0; i < layers; i++)
    x = net.node('Conv', `conv${i}`, [x, filters], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  const program = await runtime.compile(net.graph('peak', net.node('GlobalAveragePool', 'mean', [x])));
  let best = Infinity;
  for (let i = 0; i < 12; i++) {
    const start = performance.now();
    await program.run({ picture: float32([1, 3, 224, 224]) });
    best = Math.min(best, performance.now() - start);
  }
  await program.dispose();
  return (layers * channels * channels * 9 * side * side) / best;
}

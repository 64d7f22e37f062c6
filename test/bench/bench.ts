import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import * as ort from 'onnxruntime-node';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';
import { words, type Bench, type Row } from './measure';
import { benchRuntimes } from './runtimes';
import { benchScans } from './scans';
import { benchUnits } from './units';

const parts = { units: benchUnits, scans: benchScans, runtimes: benchRuntimes };

/** `npm run bench -- [PART ...] [--quick] [--json FILE]`: ratios of things run in turn, each with its spread. */
export async function main(args: readonly string[]): Promise<void> {
  const threads = availableParallelism();
  const runtime = createOrtRuntime(ort as unknown as Ort, { threads });
  const machine = {
    processor: cpus()[0]?.model ?? 'not named',
    threads,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    runtime: runtime.name,
  };
  console.log(Object.values(machine).join('; ').replace(`; ${threads};`, `; ${threads} threads;`));
  const rows: Row[] = [];
  const skipped: { what: string; why: string }[] = [];
  const bench: Bench = {
    quick: args.includes('--quick'),
    threads,
    add(row) {
      rows.push(row);
      const aim = row.aim === null ? '' : `, aim ${row.aim}${row.ratio >= row.aim ? '' : ': missed'}`;
      console.log(
        `${row.what.padEnd(36)} ${words(row.ours, row.unit).padEnd(34)} ${row.peer}: ${words(row.against, row.unit).padEnd(30)} ratio ${row.ratio.toFixed(2)}${aim}`,
      );
    },
    skip(what, why) {
      skipped.push({ what, why });
      console.log(`skipped: ${what}: ${why}`);
    },
    heading: (text) => console.log(`\n${text}`),
  };
  const named = Object.keys(parts).filter((name) => args.includes(name));
  for (const [name, run] of Object.entries(parts))
    if (named.length === 0 || named.includes(name)) await run(bench, runtime);
  const at = args.indexOf('--json');
  if (at >= 0) writeFileSync(args[at + 1] ?? 'bench.json', JSON.stringify({ machine, rows, skipped }, null, 2));
}

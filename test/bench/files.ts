import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import type { Preprocessing } from '../../preload/contract';
import { float32 } from '../../main/core/graph/tensor';
import type { Network } from '../../main/core/program/network';
import { createScanner } from '../../main/core/program/scanner';
import type { Runtime } from '../../main/core/runtime/runtime';
import { listPictures, type Dataset } from '../../main/engine/pictures/dataset';
import { createDecoders } from '../../main/engine/pictures/decoders';
import { createLoader } from '../../main/engine/pictures/loader';
import { batchSize } from '../../main/engine/scan/batch';
import { runScan } from '../../main/engine/scan/job';
import { Journal } from '../../main/engine/scan/journal';
import { loadBatch } from '../../main/engine/scan/range';
import { emptyTables } from '../../main/engine/scan/tables';
import { median, spread, type Bench, type Row } from './measure';

export interface Files {
  list: Dataset;
  preprocessing: Preprocessing;
}

/** Real photographs at the size of ImageNet's (500 x 375 on average), as JPEG of quality 90. */
export async function photographs(from: string, to: string, count: number): Promise<Dataset> {
  const { files, root } = await listPictures(from);
  mkdirSync(to, { recursive: true });
  for (let i = 0; i < count; i++)
    await sharp(path.join(root, files[(i * 7) % files.length]!))
      .resize(500, 375, { fit: 'cover' })
      .jpeg({ quality: 90 })
      .toFile(path.join(to, `${String(i).padStart(4, '0')}.jpg`));
  return listPictures(to);
}

export const demoPictures = (folder: string): Promise<Dataset> => listPictures(folder);

/** Milliseconds, on the clock and of cores. */
interface Pace {
  wall: number;
  cores: number;
}

async function timed(work: () => Promise<unknown>): Promise<Pace> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { wall: performance.now() - start, cores: (user + system) / 1000 };
}

/** A scan as the engine makes it, journal and tables included, against the forward pass of tensors in memory; in turn. */
export async function compareFiles(
  bench: Bench,
  runtime: Runtime,
  name: string,
  network: Network,
  { list, preprocessing }: Files,
  aim: number | null,
): Promise<void> {
  const out = mkdtempSync(path.join(tmpdir(), 'unpool-files-'));
  const decoder = path.resolve(import.meta.dirname, '../../dist/main/decoder.cjs');
  const decoders = createDecoders(decoder, Math.min(4, bench.threads));
  const scanner = await createScanner(runtime, network, { before: false, perPicture: 1 });
  const bare = await runtime.compile(network.graph);
  const batch = batchSize(network);
  const count = Math.floor(list.count / batch) * batch;
  const { channels, size } = network.input;
  const data = new Float32Array(batch * channels * size[0] * size[1]).fill(0.5);
  const feed = { [network.input.name]: float32([batch, channels, ...size], data) };
  const journal = await Journal.open(path.join(out, 'scan.log'), '');
  const scan = async (): Promise<void> => {
    const tables = emptyTables(scanner.layers, 9, 0, { from: 0, to: count }, count);
    const loader = createLoader(list, preprocessing, decoders);
    await runScan({
      scanner,
      tables,
      parts: [count],
      batch,
      perPicture: 1,
      classOf: () => -1,
      load: (from, to, then) => loadBatch(list, loader, from, to, then),
      waiting: () => loader.waiting(),
      compute: (task) => task(),
      note: (result) => journal.append(result),
      checkpoint: () => journal.clear(),
      progress: () => undefined,
      changed: () => undefined,
      signal: new AbortController().signal,
    });
    if (tables.broken.size > 0) throw new Error('pictures could not be read');
  };
  const forward = async (): Promise<void> => {
    for (let at = 0; at < count; at += batch) await bare.run(feed);
  };
  try {
    await forward();
    await scan();
    const [ours, theirs]: [Pace[], Pace[]] = [[], []];
    for (let round = 0; round < (bench.quick ? 3 : 7); round++) {
      ours.push(await timed(scan));
      theirs.push(await timed(forward));
    }
    const row = (key: keyof Pace, unit: Row['unit'], wanted: number | null): Row => ({
      part: 'scan',
      what: `${name}, batches of ${batch}`,
      unit,
      ours: spread(ours.map((one) => one[key] / count)),
      against: spread(theirs.map((one) => one[key] / count)),
      peer: 'the forward pass',
      ratio: median(ours.map((one, i) => theirs[i]![key] / one[key])),
      aim: wanted,
    });
    bench.add(row('wall', 'ms a picture', aim));
    bench.add(row('cores', 'core ms a picture', null));
  } finally {
    await journal.close();
    await scanner.dispose();
    await bare.dispose();
    rmSync(out, { recursive: true, force: true });
  }
}

import { readFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';
import { readModel } from '../../main/core/formats/index';
import { float32 } from '../../main/core/graph/tensor';
import { presetsFor } from '../../main/core/preprocess/presets';
import { openNetwork, type Network } from '../../main/core/program/network';
import { createScanner } from '../../main/core/program/scanner';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';
import { usableCores } from '../../main/engine/cores';
import { listPictures, type Dataset } from '../../main/engine/pictures/dataset';
import { createDecoders } from '../../main/engine/pictures/decoders';
import { createLoader } from '../../main/engine/pictures/loader';
import { batchSize } from '../../main/engine/scan/batch';
import { Journal } from '../../main/engine/scan/journal';
import { runScan } from '../../main/engine/scan/job';
import { loadBatch } from '../../main/engine/scan/range';
import { emptyTables } from '../../main/engine/scan/tables';
import { vgg16 } from '../bench/vgg';
import { option, root } from './support';

const shared = process.env['UNPOOL_SHARED'] ?? path.resolve(root, '../shared');
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** Real photographs at the size of ImageNet's (500 x 375 on average), as JPEG of quality 90. */
async function photographs(from: string, to: string, count: number): Promise<Dataset> {
  const { files, root: place } = await listPictures(from);
  mkdirSync(to, { recursive: true });
  for (let i = 0; i < count; i++)
    await sharp(path.join(place, files[(i * 7) % files.length]!))
      .resize(500, 375, { fit: 'cover' })
      .jpeg({ quality: 90 })
      .toFile(path.join(to, `${String(i).padStart(4, '0')}.jpg`));
  return listPictures(to);
}

interface Pace {
  /** Pictures per second, and core seconds a picture. */
  rate: number;
  cores: number;
}

async function timed(pictures: number, work: () => Promise<unknown>): Promise<Pace> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { rate: (1000 * pictures) / (performance.now() - start), cores: (user + system) / 1e6 / pictures };
}

async function compare(
  name: string,
  network: Network,
  dataset: Dataset,
  rounds: number,
  threads: number,
): Promise<void> {
  const runtime = createOrtRuntime(ort as unknown as Ort, { threads });
  const out = mkdtempSync(path.join(tmpdir(), 'unpool-pace-'));
  const { preprocessing } = presetsFor(network.input.channels, network.input.size)[0]!;
  const decoders = createDecoders(path.join(root, 'dist/main/decoder.cjs'), Math.min(4, threads));
  const scanner = await createScanner(runtime, network, { before: false, perPicture: 1 });
  const bare = await runtime.compile(network.graph);
  const batch = batchSize(network);
  const layers = network.layers.filter(({ scanned }) => scanned);
  const { channels, size } = network.input;
  const tensor = float32([batch, channels, ...size], new Float32Array(batch * channels * size[0] * size[1]).fill(0.5));
  const count = Math.floor(dataset.count / batch) * batch;
  const journal = await Journal.open(path.join(out, 'scan.log'), '');
  const scan = async (): Promise<void> => {
    const tables = emptyTables(layers, 9, 0, { from: 0, to: count }, count);
    const loader = createLoader(dataset, preprocessing, decoders);
    await runScan({
      scanner,
      tables,
      parts: [count],
      batch,
      perPicture: 1,
      classOf: () => -1,
      load: (from, to, then) => loadBatch(dataset, loader, from, to, then),
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
    for (let at = 0; at < count; at += batch) await bare.run({ [network.input.name]: tensor });
  };
  await forward();
  await scan();
  const [ours, theirs]: [Pace[], Pace[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    ours.push(await timed(count, scan));
    theirs.push(await timed(count, forward));
  }
  const of = (values: Pace[], key: keyof Pace): number => median(values.map((each) => each[key]));
  const ratios = ours.map(({ rate }, i) => rate / theirs[i]!.rate);
  console.log(
    `${name}, batches of ${batch}: scan ${of(ours, 'rate').toFixed(2)} pictures/s, bare forward ${of(theirs, 'rate').toFixed(2)}; ratio ${median(ratios).toFixed(3)} (${Math.min(...ratios).toFixed(3)} to ${Math.max(...ratios).toFixed(3)}); ` +
      `core seconds a picture ${of(ours, 'cores').toFixed(4)} against ${of(theirs, 'cores').toFixed(4)}: ratio ${(of(theirs, 'cores') / of(ours, 'cores')).toFixed(3)}`,
  );
  await journal.close();
  await scanner.dispose();
  await bare.dispose();
  rmSync(out, { recursive: true, force: true });
}

/** A scan of JPEG photographs, decoding and resizing included, against the bare forward pass of tensors in memory; in turn. */
export async function main(args: readonly string[]): Promise<number> {
  const threads = option(args, 'threads', usableCores());
  const rounds = option(args, 'rounds', 3);
  console.log(`${threads} threads; ${cpus()[0]?.model ?? 'processor not named'}; Node ${process.version}`);
  const out = mkdtempSync(path.join(tmpdir(), 'unpool-photographs-'));
  try {
    const from = path.join(shared, 'photos/grocery');
    const large = await photographs(from, out, option(args, 'pictures', 192));
    if (!args.includes('--vgg')) {
      const squeezenet = await openNetwork(
        await readModel(readFileSync(path.join(shared, 'models/squeezenet1.0.onnx'))),
      );
      await compare('SqueezeNet, 500 x 375', squeezenet, large, rounds, threads);
    }
    if (!args.includes('--squeezenet')) {
      const network = await openNetwork(vgg16());
      const few = { ...large, count: Math.min(large.count, 32) };
      await compare('VGG-16, 500 x 375', network, few, rounds, threads);
    }
    return 0;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

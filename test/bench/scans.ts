import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readModel } from '../../main/core/formats/index';
import { float32 } from '../../main/core/graph/tensor';
import { presetsFor } from '../../main/core/preprocess/presets';
import { openNetwork, type Network } from '../../main/core/program/network';
import { createScanner } from '../../main/core/program/scanner';
import type { Runtime } from '../../main/core/runtime/runtime';
import { batchSize } from '../../main/engine/scan/batch';
import { addToTables, emptyTables } from '../../main/engine/scan/tables';
import { readManifest } from '../../main/engine/study/manifest';
import { alternate, each, type Bench } from './measure';
import { python, startPeer, writeForPeer } from './peer';
import { compareFiles, demoPictures, photographs, type Files } from './files';
import { picture, vgg16 } from './vgg';

interface Case {
  name: string;
  network: Network;
  /** What the scan of files is of; null: not there. */
  files(folder: string): Promise<Files | null>;
  aims: { tensors: number | null; files: number | null; hooks: number | null };
}

const root = path.resolve(import.meta.dirname, '../..');
export const shared = process.env['UNPOOL_SHARED'] ?? path.resolve(root, '../shared');

/** A scan of all layers, tables included, against the bare forward pass, with and without files, and against PyTorch's hooks. */
export async function benchScans(bench: Bench, runtime: Runtime): Promise<void> {
  const cases = await casesOf(bench.quick);
  const out = mkdtempSync(path.join(tmpdir(), 'unpool-bench-'));
  try {
    bench.heading(
      'A scan of all layers, tensors in memory, against the forward pass alone and against hooks in PyTorch',
    );
    const found: Case[] = [];
    for (const [name, make] of cases) {
      const made = await make();
      if (made) found.push(made);
      else bench.skip(name, 'its model is not there');
    }
    if (!python) bench.skip('hooks in PyTorch', 'UNPOOL_PYTHON names no Python with PyTorch');
    for (const each of found) await tensors(bench, runtime, each, out);
    bench.heading(
      'A scan of files, decoding and resizing included, against the forward pass alone of tensors in memory',
    );
    for (const { name, network, files, aims } of found) {
      const given = await files(path.join(out, name));
      if (given) await compareFiles(bench, runtime, name, network, given, aims.files);
      else bench.skip(name, `${shared}/photos/grocery is not there`);
    }
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

async function casesOf(quick: boolean): Promise<[string, () => Promise<Case | null>][]> {
  const photos = async (folder: string, network: Network, count: number): Promise<Files | null> => {
    const from = path.join(shared, 'photos/grocery');
    const { preprocessing } = presetsFor(network.input.channels, network.input.size)[0]!;
    return existsSync(from) ? { list: await photographs(from, folder, count), preprocessing } : null;
  };
  const squeezenet = path.join(shared, 'models/squeezenet1.0.onnx');
  const demo = path.join(root, 'assets/demo-study');
  return [
    [
      'VGG-16',
      async () => {
        const network = await openNetwork(vgg16());
        const files = (folder: string) => photos(folder, network, quick ? 12 : 32);
        return { name: 'VGG-16', network, files, aims: { tensors: 0.93, files: 0.85, hooks: 1.3 } };
      },
    ],
    [
      'SqueezeNet',
      async () => {
        if (!existsSync(squeezenet)) return null;
        const network = await openNetwork(await readModel(readFileSync(squeezenet)));
        const files = (folder: string) => photos(folder, network, quick ? 96 : 192);
        return { name: 'SqueezeNet', network, files, aims: { tensors: null, files: 0.85, hooks: null } };
      },
    ],
    [
      'demo',
      async () => {
        const network = await openNetwork(await readModel(readFileSync(path.join(demo, 'model.onnx'))));
        const { preprocessing } = await readManifest(demo);
        const files = async () => ({ list: await demoPictures(path.join(demo, 'pictures')), preprocessing });
        return { name: 'demo', network, files, aims: { tensors: null, files: null, hooks: null } };
      },
    ],
  ];
}

async function tensors(bench: Bench, runtime: Runtime, { name, network, aims }: Case, out: string): Promise<void> {
  const { channels, size } = network.input;
  const batch = batchSize(network);
  const pictures = Array.from({ length: batch }, (_, seed) => picture(seed, size[0]));
  const data = new Float32Array(batch * pictures[0]!.length);
  pictures.forEach((one, i) => data.set(one, i * one.length));
  const scanner = await createScanner(runtime, network, { before: false, perPicture: 1 });
  const bare = await runtime.compile(network.graph);
  const feed = { [network.input.name]: float32([batch, channels, ...size], data) };
  /** Runs of a batch in one timed piece: none is shorter than a tenth of a second. */
  const runs = name === 'VGG-16' ? 2 : name === 'demo' ? 16 : 8;
  const rounds = bench.quick ? 3 : 9;
  const scan = async (): Promise<void> => {
    const tables = emptyTables(scanner.layers, 9, 0, { from: 0, to: runs * batch }, runs * batch);
    for (let from = 0; from < runs * batch; from += batch) {
      const maxima = await scanner.run(data, batch);
      const numbers = Array.from({ length: batch }, (_, i) => from + i);
      const hashes = new Uint32Array(2 * batch);
      addToTables(tables, { from, to: from + batch, pictures: numbers, hashes, broken: [], maxima }, () => -1, 1);
    }
  };
  const times = await alternate(rounds, scan, async () => {
    for (let i = 0; i < runs; i++) await bare.run(feed);
  });
  const macs = Math.max(...network.layers.map((layer) => layer.macs));
  const row = { part: 'scan', what: `${name}, batches of ${batch}`, unit: 'ms a picture', macs } as const;
  bench.add({ ...row, peer: 'the forward pass', aim: aims.tensors, ...each(times, runs * batch) });
  await bare.dispose();
  if (python) {
    const peer = await startPeer('scan.py', [String(bench.threads)]);
    try {
      await peer.ask(`load ${name} ${writeForPeer(out, network.graph.initializers, pictures)} ${batch} ${size[0]}`);
      const against = await alternate(rounds, scan, async () => Number((await peer.ask(`scan ${runs}`))['ms']));
      const about = `PyTorch ${String(peer.about['torch'])}, hooks`;
      bench.add({ ...row, peer: about, aim: aims.hooks, ...each(against, runs * batch) });
    } finally {
      peer.end();
    }
  }
  await scanner.dispose();
}

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openNetwork } from '../../main/core/program/network';
import { readModel } from '../../main/core/formats/index';
import { writeOnnx } from '../../main/core/formats/onnx/index';
import { addBatch } from '../../main/core/reduce/statistics';
import { insertBatch } from '../../main/core/reduce/topk';
import { emptyTables } from '../../main/engine/scan/tables';
import { writeImages } from '../../main/engine/study/images';
import { writeManifest, type Manifest } from '../../main/engine/study/manifest';
import { Study } from '../../main/engine/study/study';
import { Net, random } from '../core/support';
import { preprocessing } from '../engine/place';
import { builtEngine, memoryOf, option } from './support';

/** A network of 5,000 units in four layers. */
function wideNetwork(units: number) {
  const net = new Net([3, 24, 24], 1);
  let x = net.relu(net.conv(net.picture, 3, units >> 2, 3, {}, true, 'conv1'));
  x = net.add('GlobalAveragePool', [x]);
  for (const name of ['conv2', 'conv3', 'conv4']) x = net.relu(net.conv(x, units >> 2, units >> 2, 1, {}, true, name));
  return net.graph(x);
}

/** Writes a study as a scan of so many pictures would leave it; its numbers are drawn. The pictures are not there. */
export async function makeLargeStudy(folder: string, pictures: number, units: number): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const model = writeOnnx(wideNetwork(units));
  writeFileSync(path.join(folder, 'model.onnx'), model);
  const network = await openNetwork(await readModel(model));
  const layers = network.layers.filter(({ scanned }) => scanned);
  const classes = Array.from({ length: 1000 }, (_, i) => `class ${String(i).padStart(4, '0')}`);
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  const manifest: Manifest = {
    format: 'unpool-study',
    version: 1,
    app: '0',
    name: `${pictures} pictures`,
    created: new Date(0).toISOString(),
    model: {
      path: path.join(folder, 'model.onnx'),
      relative: 'model.onnx',
      name: 'model.onnx',
      bytes: model.length,
      sha256: sha256(model),
    },
    pictures: {
      path: path.join(folder, 'pictures'),
      relative: 'pictures',
      count: pictures,
      identity: '0'.repeat(64),
      classes,
    },
    input: network.input,
    preprocessing,
    settings: { k: 9, onePerPicture: true, before: false, batch: 32 },
    layers: network.layers,
    labels: null,
    outputLayer: null,
    notes: [],
    scan: { phase: 'none', done: 0, total: pictures, error: null },
  };
  const rows = Array.from({ length: pictures }, (_, i) => ({
    file: `n${String(i % 1000).padStart(8, '0')}/ILSVRC2012_${String(i).padStart(8, '0')}.JPEG`,
    class: classes[i % 1000]!,
    bytes: 110_000 + (i % 977),
  }));
  writeFileSync(path.join(folder, 'images.arrow'), writeImages(rows));
  await writeManifest(folder, manifest);
  const study = await Study.open(folder, false);
  // Of a scan's pictures some decide what the tables hold: twenty are enough to fill them.
  const tables = emptyTables(layers, 9, 0, { from: 0, to: pictures }, pictures);
  const next = random(3);
  const chosen = Array.from({ length: 20 }, () => Math.floor(next() * pictures)).sort((a, b) => a - b);
  for (const { top, statistics } of tables.results) {
    const max = Float32Array.from({ length: chosen.length * top.units }, () => next() * 9);
    insertBatch(top, chosen, max, new Int32Array(max.length), 1);
    addBatch(statistics, chosen.map(() => 0), max, 1); // prettier-ignore
  }
  tables.next = pictures;
  for (let i = 0; i < tables.hashes.length; i++) tables.hashes[i] = next() * 2 ** 32;
  tables.broken.set(77, 'The picture is damaged or cut off.');
  study.tables = tables;
  study.manifest.scan.done = pictures;
  await study.writeTables();
  await study.writeManifest('done');
}

export interface LargeResult {
  /** ms from the call to its answer; the first of a new engine, and the median of more. */
  open: number;
  again: number;
  /** ms for a layer's table, a unit's entries (first and median), in the same engine. */
  table: number;
  unit: number;
  units: number;
  /** Bytes of the files, and resident bytes of the engine before and after. */
  files: Record<string, number>;
  before: number;
  after: number;
}

export async function openLarge(folder: string, home: string): Promise<LargeResult> {
  const engine = builtEngine(home);
  try {
    await engine.client.call('app.info', {});
    const before = memoryOf(engine.pid())!.now;
    const time = async <T>(work: () => Promise<T>): Promise<[number, T]> => {
      const start = performance.now();
      const result = await work();
      return [performance.now() - start, result];
    };
    const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;
    const opening = () => time(() => engine.client.call('study.open', { path: folder }));
    const [open, { layers }] = await opening();
    const layer = layers.filter(({ scanned }) => scanned)[2]!;
    const [table] = await time(() => engine.client.call('layer.table', { study: folder, layer: layer.id }));
    const detail = (unit: number) => time(() => engine.client.call('unit.detail', { study: folder, layer: layer.id, unit })); // prettier-ignore
    const [unit] = await detail(0);
    const more: number[] = [];
    for (let i = 1; i < 200; i++) more.push((await detail((i * 37) % layer.units))[0]);
    const opens: number[] = [];
    for (let i = 0; i < 5; i++) opens.push((await opening())[0]);
    const files = Object.fromEntries(
      ['study.json', 'images.arrow', 'units.arrow', 'stats.arrow', 'sample.arrow'].map((name) => [
        name,
        statSync(path.join(folder, name)).size,
      ]),
    );
    return {
      open,
      again: median(opens),
      table,
      unit,
      units: median(more),
      files,
      before,
      after: memoryOf(engine.pid())!.now,
    };
  } finally {
    await engine.stop();
  }
}

export async function main(args: readonly string[]): Promise<number> {
  const out = mkdtempSync(path.join(tmpdir(), 'unpool-million-'));
  try {
    const pictures = option(args, 'pictures', 1_000_000);
    const units = option(args, 'units', 5000);
    const start = performance.now();
    await makeLargeStudy(path.join(out, 'study'), pictures, units);
    console.log(`Made in ${((performance.now() - start) / 1000).toFixed(1)} s.`);
    const result = await openLarge(path.join(out, 'study'), path.join(out, 'home'));
    const ms = (value: number) => `${value.toFixed(1)} ms`;
    console.log(
      `${pictures} pictures, ${units} units: opens in ${ms(result.open)} (again: ${ms(result.again)}); layer's table ${ms(result.table)}; a unit's entries ${ms(result.unit)} (then ${ms(result.units)}).`,
    );
    for (const [name, bytes] of Object.entries(result.files)) console.log(`${name}: ${(bytes / 1e6).toFixed(2)} MB`);
    console.log(`The engine holds ${(result.before / 1e6).toFixed(0)} MB before, ${(result.after / 1e6).toFixed(0)} MB after.`); // prettier-ignore
    return result.open < 500 ? 0 : 1;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

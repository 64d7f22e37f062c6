import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeOnnx } from '../../main/core/formats/onnx/index';
import { vgg16 } from '../bench/vgg';
import { makePlace, preprocessing } from '../engine/place';
import { builtEngine, linkMany, memoryOf, option, root, scanned, tinyModel } from './support';

export interface MemoryResult {
  /**
   * Resident bytes of the engine about the first pictures and at the end: medians of readings, each after its garbage was
   * collected. What is read without that is how long ago the collector happened to run.
   */
  early: number;
  late: number;
  /** Most that it ever held. */
  most: number;
  /** Pictures per second, all in all. */
  rate: number;
}

/** Scans many pictures and reads on the way what the engine holds. */
export async function memoryTest(
  { model, size, pictures, first }: { model: Uint8Array; size: number; pictures: number; first: number },
  tell: (text: string) => void = () => undefined,
): Promise<MemoryResult> {
  const place = await makePlace(Math.min(300, pictures));
  const out = mkdtempSync(path.join(tmpdir(), 'unpool-memory-'));
  const before = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] = `--require ${path.join(root, 'test/endurance/collect.cjs')}`;
  const engine = builtEngine(path.join(out, 'home'));
  if (before === undefined) delete process.env['NODE_OPTIONS'];
  else process.env['NODE_OPTIONS'] = before;
  try {
    writeFileSync(path.join(out, 'model.onnx'), model);
    const many = linkMany(place.pictures, path.join(out, 'pictures'), pictures);
    const readings: { done: number; bytes: number }[] = [];
    let most = 0;
    let told = 0;
    const pid = engine.pid();
    const started = performance.now();
    await scanned(
      engine.client,
      {
        model: path.join(out, 'model.onnx'),
        pictures: many,
        preprocessing: { ...preprocessing, size: [size, size] },
        folder: path.join(out, 'study'),
      },
      ({ done, rate }) => {
        const memory = memoryOf(pid);
        if (!memory) return;
        most = memory.most;
        readings.push({ done, bytes: memory.now });
        // It is done by the time of the next reading.
        if (done > 0) process.kill(pid, 'SIGUSR2');
        if (Date.now() - told < 10_000) return;
        told = Date.now();
        tell(`${done} pictures, ${rate.toFixed(0)} per second: ${(memory.now / 1e6).toFixed(0)} MB`);
      },
    );
    const seconds = (performance.now() - started) / 1000;
    const median = (from: number, to: number): number => {
      const bytes = readings.filter(({ done }) => done >= from && done <= to).map((each) => each.bytes);
      if (bytes.length === 0) throw new Error(`nothing was read between ${from} and ${to} pictures`);
      return bytes.sort((a, b) => a - b)[bytes.length >> 1]!;
    };
    return {
      early: median(first, 4 * first),
      late: median(pictures * 0.9, pictures),
      most,
      rate: pictures / seconds,
    };
  } finally {
    await engine.stop();
    rmSync(out, { recursive: true, force: true });
    await place.remove();
  }
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** `--vgg`: VGG-16 on a few pictures, against 1.5 GB, in place of many pictures. */
export async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--vgg')) {
    const pictures = option(args, 'pictures', 64);
    const { most, rate } = await memoryTest({ model: writeOnnx(vgg16()), size: 224, pictures, first: 1 }, console.log);
    console.log(`VGG-16, ${pictures} pictures: at most ${megabytes(most)}; ${rate.toFixed(2)} pictures per second.`);
    return most > 1.5e9 ? 1 : 0;
  }
  const pictures = option(args, 'pictures', 100_000);
  const first = option(args, 'first', 1000);
  const { early, late, most, rate } = await memoryTest({ model: tinyModel(), size: 24, pictures, first }, console.log);
  const growth = late / early - 1;
  console.log(
    `${megabytes(early)} after ${first} pictures, ${megabytes(late)} after ${pictures} (${(100 * growth).toFixed(1)} %); at most ${megabytes(most)}; ${rate.toFixed(0)} pictures per second.`,
  );
  // Less than at first is no fault: the allocator gives back what the start of the program took.
  return growth > 0.05 ? 1 : 0;
}

import { Builder } from '../../core/graph/builder';
import { emptyGraph, type Graph } from '../../core/graph/graph';
import { float32, sizeOf, toFloat32 } from '../../core/graph/tensor';
import { openNetwork, type Network } from '../../core/program/network';
import { createReconstructor } from '../../core/program/reconstructor';
import { createScanner } from '../../core/program/scanner';
import type { Runtime } from '../../core/runtime/runtime';
import type { MethodChoice } from '../../../preload/contract';

/** What a runtime says to the exam's questions: the same on every one, up to `tolerance`. */
export interface Answers {
  values: { name: string; tolerance: number; data: Float32Array }[];
  /** Of one forward pass of the larger network, the best of a few. */
  milliseconds: number;
}

/**
 * Another order of adding changes the sixth digit. A provider that rounds its products to ten bits (TF32, half precision) is off
 * by more than this, and takes other switches than the processor: it is not used. A figure has 256 grey levels.
 */
const rounding = 1e-3;
/** Sums of small whole numbers are exact in any order, so that equal values stay equal and the first place must win. */
const exact = 0;

const deconvnet: MethodChoice = { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' };
const guided: MethodChoice = { ...deconvnet, id: 'guided' };
const timedRuns = 3;

/** Puts the exam to a runtime. Throws what the runtime throws. */
export async function sit(runtime: Runtime): Promise<Answers> {
  const values: Answers['values'] = [];
  let milliseconds = Infinity;
  for (const { whole, size, channels } of [
    { whole: true, size: 32, channels: [8, 8, 12, 12] },
    { whole: false, size: 64, channels: [32, 32, 64, 64] },
  ] as const) {
    const next = generator(whole ? 3 : 5);
    const network = await openNetwork(examNetwork(size, channels, whole, next));
    const tolerance = whole ? exact : rounding;
    const take: Take = (name, data) =>
      void values.push({ name: `${whole ? 'whole' : 'real'} ${name}`, tolerance, data: Float32Array.from(data) });
    const pictures = [0, 1].map(() =>
      Float32Array.from({ length: 3 * size * size }, () => (whole ? Math.round(3 * next()) - 1 : 2 * next() - 1)),
    );

    if (whole) await scan(runtime, network, pictures, take);
    else milliseconds = await forward(runtime, network, pictures[0]!, take);
    await reconstruct(runtime, network, pictures, take, whole);
  }
  return { values, milliseconds };
}

type Take = (name: string, data: Float32Array | Int32Array) => void;

/** The classes of a picture; returns the milliseconds of the quickest run. */
async function forward(runtime: Runtime, network: Network, picture: Float32Array, take: Take): Promise<number> {
  const program = await runtime.compile(network.graph);
  const feed = { [network.input.name]: float32([1, network.input.channels, ...network.input.size], picture) };
  take('classes', toFloat32((await program.run(feed))[network.graph.outputs[0]!.name]!));
  let milliseconds = Infinity;
  for (let run = 0; run < timedRuns; run++) {
    const started = performance.now();
    await program.run(feed);
    milliseconds = Math.min(milliseconds, performance.now() - started);
  }
  await program.dispose();
  return milliseconds;
}

/** Every unit's maximum and its place: of equal values the first. */
async function scan(runtime: Runtime, network: Network, pictures: readonly Float32Array[], take: Take): Promise<void> {
  const scanner = await createScanner(runtime, network, { before: false, perPicture: 1 });
  const batch = new Float32Array(pictures.length * pictures[0]!.length);
  pictures.forEach((picture, i) => batch.set(picture, i * picture.length));
  for (const [i, { max, place }] of (await scanner.run(batch, pictures.length)).entries()) {
    take(`maxima of layer ${i + 1}`, max);
    take(`places of layer ${i + 1}`, place);
  }
  await scanner.dispose();
}

async function reconstruct(
  runtime: Runtime,
  network: Network,
  pictures: readonly Float32Array[],
  take: Take,
  whole: boolean,
): Promise<void> {
  const reconstructor = createReconstructor(runtime, network);
  // The last convolution by what its units see; the classes on the whole picture.
  const layers = network.layers.filter((layer) => layer.scanned).slice(-2);
  for (const layer of whole ? layers : layers.slice(0, 1))
    for (const method of whole ? [deconvnet, guided] : [deconvnet]) {
      const [height, width] = layer.map;
      // A corner, an edge and the middle: with and without what lies outside the picture.
      const places = [
        [0, 0],
        [height >> 1, width - 1],
        [height >> 1, width >> 1],
      ] as const;
      const requests = [...places, ...places, ...places].map(([y, x], i) => ({
        picture: pictures[i % 2]!,
        unit: (5 * i + 1) % layer.units,
        y,
        x,
      }));
      const made = await reconstructor.run(layer, method, false, requests);
      made.forEach(({ signal }, i) => take(`${method.id} of layer ${layer.name}, place ${i + 1}`, signal.data));
    }
  await reconstructor.dispose();
}

/** Where a provider's answers leave the processor's, in words; null where they do not. */
export function compare(answers: Answers, expected: Answers): { worst: number; difference: string | null } {
  let worst = 0;
  let difference: string | null = null;
  if (answers.values.length !== expected.values.length)
    return { worst: Infinity, difference: 'some answers are missing' };
  expected.values.forEach(({ name, tolerance, data }, i) => {
    const given = answers.values[i]!.data;
    const off = distance(given, data);
    worst = Math.max(worst, off);
    if (off > tolerance) difference ??= `${name}: off by ${off.toPrecision(2)} of the largest value`;
  });
  return { worst, difference };
}

/** The largest difference by the largest value; what is no number is as far as can be. */
function distance(given: Float32Array, expected: Float32Array): number {
  if (given.length !== expected.length) return Infinity;
  let [worst, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const off = Math.abs(given[i]! - expected[i]!);
    if (Number.isNaN(off)) return Infinity;
    worst = Math.max(worst, off);
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return worst === 0 ? 0 : worst / largest;
}

/** Convolutions, both kinds of pools (apart and overlapping), a mean and a dense layer. `whole`: of small whole numbers. */
function examNetwork(size: number, channels: readonly number[], whole: boolean, next: () => number): Graph {
  const builder = new Builder(emptyGraph('exam'));
  const weights = (dims: number[]): string => {
    const fanIn = sizeOf(dims) / dims[0]!;
    // Mostly zeros where whole, so that sums stay far below 2^11.
    const draw = () =>
      whole ? [-1, 0, 0, 0, 0, 0, 0, 1][Math.floor(8 * next())]! : (2 * next() - 1) * Math.sqrt(6 / fanIn);
    return builder.constant(float32(dims, Float32Array.from({ length: sizeOf(dims) }, draw)), 'weights');
  };
  let x = builder.input({ name: 'picture', type: 'float32', shape: ['N', 3, size, size] });
  let width = 3;
  channels.forEach((out, at) => {
    const filters = weights([out, width, 3, 3]);
    // Biases that keep most units awake.
    const bias = builder.constant(float32([out], new Float32Array(out).fill(1)), 'bias');
    x = builder.add('Conv', [x, filters, bias], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }, `conv${at + 1}`);
    x = builder.add('Relu', [x], {}, `relu${at + 1}`);
    if (at === 1) x = builder.add('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] }, 'pool1');
    if (at === 2)
      x = builder.add('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }, 'pool2');
    width = out;
  });
  const mean = builder.add('GlobalAveragePool', [x], {}, 'mean');
  const flat = builder.add('Flatten', [mean], {}, 'flat');
  const classes = builder.add('Gemm', [flat, weights([10, width]), weights([10])], { transB: 1 }, 'classes');
  return builder.build([{ name: classes, type: 'float32', shape: ['N', 10] }]);
}

/** Park and Miller's generator, in 0..1: the same pictures and filters wherever the exam is taken. */
function generator(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as ort from 'onnxruntime-node';
import type { MethodChoice } from '../../preload/contract';
import type { Graph } from '../../main/core/graph/graph';
import { toFloat32 } from '../../main/core/graph/tensor';
import { layerOfValue } from '../../main/core/program/layers';
import { openNetwork } from '../../main/core/program/network';
import { buildDeconvnet, feedsFor } from '../../main/core/program/deconvnet';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';
import type { Runtime } from '../../main/core/runtime/runtime';
import { placed } from './cases';

/** Reads what random_graphs.py, families.py and keras_families.py wrote: many small networks in one file, a few numbers for each reconstruction. */

export const modes = ['deconvnet', 'deconvnet-derivative', 'guided', 'guided-derivative', 'gradient'] as const;

/** Where the numbers of one reconstruction lie, how many, and the box outside of which it is exactly zero. */
type Print = [offset: number, count: number, y0: number, x0: number, y1: number, x1: number];
export type Segments = [offset: number, length: number][];
/** The pictures, and what is expected of layers of a network that several exporters (or formats) wrote. */
export interface Expected {
  input: [offset: number, shape: [number, number, number, number]];
  layers: {
    module: string;
    /** The value's name, by exporter. */
    values: Record<string, string>;
    units: [picture: number, channel: number, y: number, x: number, activation: number, prints: Print[]][];
  }[];
}
export interface Case extends Expected {
  name: string;
  /** What it is made of, in words of random_graphs.py. */
  made?: string[];
  /** By exporter: the ONNX file's segments. */
  models: Record<string, Segments>;
}

export interface Pack<C = Case> {
  cases: C[];
  floats(offset: number, count: number): Float32Array;
  /** A file of a model. */
  file(segments: Segments): Uint8Array;
}

export function readPack<C = Case>(name: string, folder = 'differential'): Pack<C> {
  const data = new Uint8Array(gunzipSync(readFileSync(path.join(import.meta.dirname, folder, `${name}.gz`))));
  const start = 4 + new DataView(data.buffer).getUint32(0, true);
  const cases = JSON.parse(new TextDecoder().decode(data.subarray(4, start))) as C[];
  const bytes = (offset: number, length: number) => data.subarray(start + offset, start + offset + length);
  return {
    cases,
    floats: (offset, count) => new Float32Array(bytes(offset, 4 * count).slice().buffer),
    file: (segments) => new Uint8Array(Buffer.concat(segments.map(([offset, length]) => bytes(offset, length)))),
  };
}

const places = 24;
const goldenRatio = 0.6180339887498949;

/**
 * How far a reconstruction [channels, height, width] is from the golden numbers: of the values at fixed places as a share of
 * the largest, of the sums (plain, of magnitudes, against a pattern) as a share of the sum of magnitudes. Outside the box
 * it has to be zero.
 */
export function distance(
  golden: Float32Array,
  box: readonly number[],
  signal: Float32Array,
  dims: readonly number[],
): number {
  const [y0 = 0, x0 = 0, y1 = 0, x1 = 0] = box;
  const [channels = 0, height = 0, width = 0] = dims;
  const inside: number[] = [];
  let outside = 0;
  for (let c = 0, i = 0; c < channels; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++, i++)
        if (y >= y0 && y < y1 && x >= x0 && x < x1) inside.push(signal[i]!);
        else outside = Math.max(outside, Math.abs(signal[i]!));
  const [sum, magnitude, pattern, largest] = golden as unknown as [number, number, number, number];
  if (largest === 0) return Math.max(outside, ...inside.map(Math.abs), 0);
  const n = inside.length;
  const total = (f: (value: number, i: number) => number) => inside.reduce((all, value, i) => all + f(value, i), 0);
  const sums = [
    total((value) => value) - sum,
    total(Math.abs) - magnitude,
    total((value, i) => (value * (((i * 73) % 101) - 50)) / 50) - pattern,
  ].map((difference) => Math.abs(difference) / magnitude);
  const values = Array.from(golden.subarray(4), (value, k) => {
    const at = n <= places ? k : Math.floor(((k * goldenRatio) % 1) * n);
    return Math.abs(inside[at]! - value) / largest;
  });
  const most = Math.max(outside / largest, ...sums, ...values);
  return Number.isNaN(most) ? Infinity : most;
}

const tolerance = 1e-4;
/** Opens networks: exporters compute shapes by ops that the reference does not know, and that are gone from what it runs. */
const opener = createOrtRuntime(ort as unknown as Ort, { threads: 1 });

const choiceOf = (mode: (typeof modes)[number]): MethodChoice => ({
  id: mode.split('-')[0] as MethodChoice['id'],
  leaky: 'strict',
  smooth: mode.endsWith('derivative') ? 'derivative' : 'rectify',
});

/**
 * What is not as the golden numbers have it, in words: each layer, unit and method of a case, on the cone and on the whole picture,
 * all units of a layer in one run. `graph` is the file that the exporter wrote, read. `only`: the methods to compare. `turn`: of these the first, and of
 * the others only the one with this number, counted round. `coneMacs`: no
 * cones with more multiply-adds than that, for a runtime that is slow (a deep layer's cone is larger than a small picture; the app
 * takes the picture there).
 */
export async function differences(
  pack: Pick<Pack, 'floats'>,
  golden: Expected,
  exporter: string,
  graph: Graph,
  runtime: Runtime,
  {
    only = modes,
    coneMacs = Infinity,
    turn,
  }: { only?: readonly (typeof modes)[number][]; coneMacs?: number; turn?: number | undefined } = {},
): Promise<string[]> {
  const wrong: string[] = [];
  const [offset, shape] = golden.input;
  const length = shape[1] * shape[2] * shape[3];
  const pictures = pack.floats(offset, shape[0] * length);
  const network = await openNetwork(graph, { runtime: opener });
  for (const expected of golden.layers) {
    const layer = layerOfValue(network, expected.values[exporter]!);
    // Where the paper has a rule for every node, the choice for the others changes nothing: once is enough.
    const distinct = only.filter((mode) => {
      const m = modes.indexOf(mode);
      const rectifying = modes.indexOf(mode.replace('-derivative', '') as typeof mode);
      return rectifying === m || expected.units.some(([, , , , , prints]) => prints[m]![0] !== prints[rectifying]![0]);
    });
    const [first, ...others] = distinct;
    const chosen = turn === undefined || others.length === 0 ? distinct : [first!, others[turn % others.length]!];
    for (const mode of chosen)
      for (const extent of ['cone', 'picture'] as const) {
        const where = `${exporter}, ${runtime.name}, layer ${expected.module}, ${mode}`;
        try {
          const deconvnet = buildDeconvnet(network, layer, choiceOf(mode), false, extent);
          if (deconvnet.extent !== extent) continue; // no cone: the picture comes next
          if (extent === 'cone' && deconvnet.macs > coneMacs) continue;
          const program = await runtime.compile(deconvnet.graph);
          const requests = expected.units.map(([picture, unit, y, x]) => ({
            picture: pictures.subarray(picture * length, (picture + 1) * length),
            unit,
            y,
            x,
          }));
          // A model with a batch of exactly one takes them one by one.
          const runs = network.batchOne ? requests.map((request) => [request]) : [requests];
          let u = 0;
          for (const run of runs) {
            const results = await program.run(feedsFor(network, deconvnet, layer.units, layer.map, run));
            const signals = placed(network.input, deconvnet, results['reconstruction']!, run);
            const activations = toFloat32(results['activation']!);
            run.forEach((request, i) => {
              const [, , , , activation, prints] = expected.units[u++]!;
              const [at, count, ...box] = prints[modes.indexOf(mode)]!;
              const error = distance(pack.floats(at, count), box, signals[i]!, shape.slice(1));
              const off = Math.abs(activations[i]! - activation) / Math.abs(activation);
              if (!(Math.max(error, off) < tolerance))
                wrong.push(
                  `${where}, ${extent}, unit ${request.unit} at ${request.y}, ${request.x}: ${error.toExponential(1)}, activation ${off.toExponential(1)}`,
                );
            });
          }
          await program.dispose();
        } catch (error) {
          const words = `${exporter}, layer ${expected.module}: ${(error as Error).message}`;
          if (!wrong.includes(words)) wrong.push(words);
        }
      }
  }
  return wrong;
}

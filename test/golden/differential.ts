import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

/** Reads what random_graphs.py and families.py wrote: many small networks in one file, a few numbers for each reconstruction. */

export const modes = ['deconvnet', 'deconvnet-derivative', 'guided', 'guided-derivative', 'gradient'] as const;

/** Where the numbers of one reconstruction lie, how many, and the box outside of which it is exactly zero. */
type Print = [offset: number, count: number, y0: number, x0: number, y1: number, x1: number];
export interface Case {
  name: string;
  input: [offset: number, shape: [number, number, number, number]];
  /** By exporter: the ONNX file's segments. */
  models: Record<string, [offset: number, length: number][]>;
  layers: {
    module: string;
    /** The value's name, by exporter. */
    values: Record<string, string>;
    units: [picture: number, channel: number, y: number, x: number, activation: number, prints: Print[]][];
  }[];
}

export interface Pack {
  cases: Case[];
  floats(offset: number, count: number): Float32Array;
  /** The ONNX file that an exporter wrote. */
  model(golden: Case, exporter: string): Uint8Array;
}

export function readPack(name: string): Pack {
  const data = new Uint8Array(gunzipSync(readFileSync(path.join(import.meta.dirname, 'differential', `${name}.gz`))));
  const start = 4 + new DataView(data.buffer).getUint32(0, true);
  const cases = JSON.parse(new TextDecoder().decode(data.subarray(4, start))) as Case[];
  const bytes = (offset: number, length: number) => data.subarray(start + offset, start + offset + length);
  return {
    cases,
    floats: (offset, count) => new Float32Array(bytes(offset, 4 * count).slice().buffer),
    model: (golden, exporter) =>
      new Uint8Array(Buffer.concat(golden.models[exporter]!.map(([offset, length]) => bytes(offset, length)))),
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

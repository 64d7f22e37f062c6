import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { toFloat32 } from '../../main/core/graph/tensor';
import { layerOfValue } from '../../main/core/program/layers';
import type { Network } from '../../main/core/program/network';
import { buildDeconvnet, feedsFor } from '../../main/core/program/deconvnet';
import type { Runtime } from '../../main/core/runtime/runtime';
import type { MethodChoice } from '../../preload/contract';

/** Reads what make.py and real.py wrote. */

interface Ref {
  offset: number;
  shape: number[];
  box?: [number, number, number, number];
}
export type MethodName = 'deconvnet' | 'guided' | 'gradient' | 'deconvnet-own';
type Place = Pick<Unit, 'channel' | 'y' | 'x'>;
interface Unit extends Record<MethodName, Ref> {
  picture: number;
  channel: number;
  y: number;
  x: number;
  activation: number;
}
export interface Golden {
  case: string;
  input: Ref & { name: string };
  methods: MethodName[];
  layers: { module: string; value: string; activations: Ref; units: Unit[] }[];
}

export interface GoldenCase {
  golden: Golden;
  array(ref: Ref): Float32Array;
  /** A reconstruction in the whole picture [channels, height, width]: outside of its box all is zero. */
  whole(ref: Ref, height: number, width: number): Float32Array;
}

export function readCase(folder: string): GoldenCase {
  const golden = JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8')) as Golden;
  const bytes = readFileSync(path.join(folder, 'expected.bin'));
  const data = new Float32Array(new Uint8Array(bytes).buffer);
  const array = ({ offset, shape }: Ref) =>
    data.subarray(offset, offset + shape.reduce((product, dim) => product * dim, 1));
  return {
    golden,
    array,
    whole(ref, height, width) {
      const [y0 = 0, x0 = 0] = ref.box ?? [];
      const [channels = 0, h = 0, w = 0] = ref.shape;
      const out = new Float32Array(channels * height * width);
      const part = array(ref);
      for (let c = 0; c < channels; c++)
        for (let y = 0; y < h; y++)
          out.set(part.subarray((c * h + y) * w, (c * h + y + 1) * w), (c * height + y0 + y) * width + x0);
      return out;
    },
  };
}

export const choiceOf = (name: MethodName): MethodChoice =>
  name === 'deconvnet-own'
    ? { id: 'deconvnet', leaky: 'own', smooth: 'rectify' }
    : { id: name, leaky: 'strict', smooth: 'rectify' };

/** What a runtime reconstructs of a unit, in the whole picture [channels, height, width], how, and the activation. */
export async function reconstruct(
  runtime: Runtime,
  network: Network,
  value: string,
  unit: Place,
  method: MethodName,
  picture: Float32Array,
  extent?: 'cone' | 'picture',
) {
  const layer = layerOfValue(network, value);
  const deconvnet = buildDeconvnet(network, layer, choiceOf(method), false, extent);
  const program = await runtime.compile(deconvnet.graph);
  const request = { picture, unit: unit.channel, y: unit.y, x: unit.x };
  const results = await program.run(feedsFor(network, deconvnet, layer.units, layer.map, [request]));
  await program.dispose();
  const [whole] = placed(network.input, deconvnet, results['reconstruction']!, [request]);
  return { whole: whole!, extent: deconvnet.extent, activation: toFloat32(results['activation']!)[0]! };
}

/** What a cone gives, put where it belongs in the whole picture. */
export function placed(
  { channels, size: [height, width] }: { channels: number; size: readonly [number, number] },
  { frame }: Pick<ReturnType<typeof buildDeconvnet>, 'frame'>,
  reconstruction: Parameters<typeof toFloat32>[0],
  requests: readonly { y: number; x: number }[],
): Float32Array[] {
  const signal = toFloat32(reconstruction);
  const [rows = 0, columns = 0] = reconstruction.dims.slice(2);
  return requests.map((request, i) => {
    const { top, left } = frame(request.y, request.x);
    const out = new Float32Array(channels * height * width);
    for (let c = 0; c < channels; c++)
      for (let y = Math.max(0, -top); y < rows && top + y < height; y++)
        for (let x = Math.max(0, -left); x < columns && left + x < width; x++)
          out[(c * height + top + y) * width + left + x] = signal[((i * channels + c) * rows + y) * columns + x]!;
    return out;
  });
}

/** Models and photographs that lie beside the checkout; tests that use them skip where they are not there. */
export const shared = (...parts: string[]): string =>
  path.join(process.env['UNPOOL_SHARED'] ?? path.resolve(import.meta.dirname, '../../../shared'), ...parts);
export const hasShared = (...parts: string[]): boolean => existsSync(shared(...parts));
/** In the gate nothing may be skipped. */
export const everything = process.env['UNPOOL_TEST_ALL'] === '1';

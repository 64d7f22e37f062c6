import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { readOnnx } from '../../main/core/formats/onnx/index';
import { openNetwork } from '../../main/core/program/network';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';
import { referenceRuntime } from '../../main/core/runtime/reference';
import { everything, hasShared, reconstruct, shared, type MethodName } from './cases';

/** Real networks against PyTorch in float64 (real.py). The networks lie beside the checkout, not in it. */

interface Ref {
  offset: number;
  shape: number[];
}
interface Expected {
  box: [number, number, number, number];
  largest: number;
  magnitude: number;
  offset?: number;
  shape?: number[];
  blocks?: Ref;
  magnitudes?: Ref;
  strongest?: { at: [number, number, number][]; values: Ref | number[] };
}
type Unit = Record<MethodName, Expected> & {
  channel: number;
  y: number;
  x: number;
  activation: number;
  spread: number;
};
interface Golden {
  picture: { mean: number[]; divisor: number; shape: [number, number, number, number]; pixelSum: number };
  methods: MethodName[];
  layers: { value: string; units: Unit[] }[];
}

/** The picture of the golden, from whole numbers (its formula is in expected.json). */
function syntheticPicture({ mean, divisor, shape, pixelSum }: Golden['picture']): Float32Array {
  const [, channels, height, width] = shape;
  const triangle = (n: number): number => (n % 256 < 128 ? 2 * (n % 256) : 511 - 2 * (n % 256));
  const out = new Float32Array(channels * height * width);
  let total = 0;
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const stripes = triangle(3 * x + (c + 1) * y);
        const rings = triangle(Math.floor((x * x + y * y) / 32) + 40 * c);
        const grain = (73 * x + 151 * y + 199 * c + 31 * x * y) % 64;
        const pixel = Math.floor((3 * stripes + 4 * rings + 4 * grain) / 8);
        total += pixel;
        out[(c * height + y) * width + x] = (pixel - mean[c]!) / divisor;
      }
  expect(total).toBe(pixelSum);
  return out;
}

function expectSignal(
  whole: Float32Array,
  [height, width]: readonly [number, number],
  expected: Expected,
  data: Float32Array,
  tolerance: number,
): void {
  const { box, largest } = expected;
  const plane = height * width;
  const at = (c: number, y: number, x: number): number => whole[c * plane + y * width + x]!;
  const read = ({ offset, shape }: Ref) => data.subarray(offset, offset + shape.reduce((a, b) => a * b, 1));
  let outside = 0;
  let magnitude = 0;
  whole.forEach((value, i) => {
    const [y, x] = [Math.floor((i % plane) / width), i % width];
    magnitude += Math.abs(value);
    if (y < box[0] || x < box[1] || y >= box[2] || x >= box[3]) outside = Math.max(outside, Math.abs(value));
  });
  expect(outside).toBeLessThanOrEqual(tolerance * largest);
  expect(Math.abs(magnitude - expected.magnitude)).toBeLessThan(10 * tolerance * expected.magnitude);
  if (expected.offset !== undefined && expected.shape) {
    const stored = read({ offset: expected.offset, shape: expected.shape });
    const [, h = 0, w = 0] = expected.shape;
    stored.forEach((value, i) => {
      const [c, y, x] = [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w];
      if (Math.abs(at(c, box[0] + y, box[1] + x) - value) > tolerance * largest)
        expect.fail(
          `at ${c}, ${box[0] + y}, ${box[1] + x}: ${at(c, box[0] + y, box[1] + x)} instead of ${value} (largest ${largest})`,
        );
    });
    return;
  }
  const { values, at: places } = expected.strongest!;
  const strongest = Array.isArray(values) ? values : [...read(values)];
  places.forEach(([c, y, x], i) => expect(Math.abs(at(c, y, x) - strongest[i]!)).toBeLessThan(tolerance * largest));
  const [blocks, magnitudes] = [read(expected.blocks!), read(expected.magnitudes!)];
  blocks.forEach((sum, i) => {
    const [c, by, bx] = [Math.floor(i / 256), Math.floor(i / 16) % 16, i % 16];
    let own = 0;
    for (let y = Math.floor((by * height) / 16); y < Math.floor(((by + 1) * height) / 16); y++)
      for (let x = Math.floor((bx * width) / 16); x < Math.floor(((bx + 1) * width) / 16); x++) own += at(c, y, x);
    expect(Math.abs(own - sum)).toBeLessThan(tolerance * (largest + magnitudes[i]!) * 4);
  });
}

const onnxRuntime = createOrtRuntime(ort as unknown as Ort, { threads: 2 });

describe.each(['squeezenet1.0', 'tinydarknet'])('%s', (name) => {
  const model = shared('models', `${name}.onnx`);
  const missing = !hasShared('models', `${name}.onnx`) && !everything;
  const folder = path.join(import.meta.dirname, 'real', name);
  const golden = JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8')) as Golden;
  const data = new Float32Array(new Uint8Array(readFileSync(path.join(folder, 'expected.bin'))).buffer);

  describe.skipIf(missing)(missing ? `skipped: ${model} is not there` : 'against PyTorch', () => {
    it.each(golden.layers.map((layer) => layer.value))('%s, on ONNX Runtime, all methods', async (value) => {
      const network = await openNetwork(readOnnx(readFileSync(model)));
      const picture = syntheticPicture(golden.picture);
      for (const unit of golden.layers.find((layer) => layer.value === value)!.units)
        for (const method of golden.methods) {
          const { whole, activation } = await reconstruct(onnxRuntime, network, value, unit, method, picture);
          expect(Math.abs(activation - unit.activation)).toBeLessThan(1e-4 * unit.activation);
          // Single precision may decide a switch otherwise in deep layers: by how much is the golden's `spread`.
          expectSignal(whole, network.input.size, unit[method], data, 1e-4 + unit.spread);
        }
    });

    it('the deepest layer, on the float64 reference: no rounding decides, so no allowance', async () => {
      const network = await openNetwork(readOnnx(readFileSync(model)));
      const { value, units } = golden.layers.at(-1)!;
      const picture = syntheticPicture(golden.picture);
      const { whole } = await reconstruct(referenceRuntime, network, value, units[0]!, 'deconvnet', picture);
      expectSignal(whole, network.input.size, units[0]!.deconvnet, data, 1e-5);
    });
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { readOnnx } from '../../main/core/formats/onnx/index';
import { float32, toFloat32 } from '../../main/core/graph/tensor';
import { Builder } from '../../main/core/graph/builder';
import { openNetwork } from '../../main/core/program/network';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';
import { referenceRuntime } from '../../main/core/runtime/reference';
import { relativeDifference } from '../core/support';
import { readCase, reconstruct } from './cases';

const root = path.join(import.meta.dirname, 'cases');
const runtimes = [createOrtRuntime(ort as unknown as Ort, { threads: 1 }), referenceRuntime];
const tolerance = 1e-4;

describe.each(readdirSync(root).sort())('%s', (name) => {
  const { golden, array, whole } = readCase(path.join(root, name));
  const graph = readOnnx(readFileSync(path.join(root, name, 'model.onnx')));
  const [count = 0, channels = 0, height = 0, width = 0] = golden.input.shape;
  const pictures = array(golden.input);
  const length = channels * height * width;
  const pictureOf = (index: number) => pictures.slice(index * length, (index + 1) * length);

  it.each(runtimes)('on $name', async (runtime) => {
    const network = await openNetwork(graph);
    expect(network.input).toMatchObject({ channels, size: [height, width] });
    for (const expected of golden.layers) {
      const forward = await runtime.compile(
        new Builder(network.graph).build([{ name: expected.value, type: 'float32', shape: null }]),
      );
      const maps: Float32Array[] = [];
      for (let i = 0; i < count; i++) {
        const result = await forward.run({ [network.input.name]: float32([1, channels, height, width], pictureOf(i)) });
        maps.push(toFloat32(result[expected.value]!));
      }
      const activations = Float32Array.from(maps.flatMap((map) => [...map]));
      expect(relativeDifference(array(expected.activations), activations)).toBeLessThan(tolerance);

      const [top] = expected.units;
      expect(Math.max(...activations)).toBeCloseTo(top!.activation, 3);
      for (const unit of expected.units)
        for (const method of golden.methods)
          for (const extent of ['cone', 'picture'] as const) {
            const picture = pictureOf(unit.picture);
            const made = await reconstruct(runtime, network, expected.value, unit, method, picture, extent);
            const difference = relativeDifference(whole(unit[method], height, width), made.whole);
            expect(
              difference,
              `${expected.module}, ${method}, by ${made.extent}, unit ${unit.channel} at ${unit.y}, ${unit.x}`,
            ).toBeLessThan(tolerance);
          }
    }
  });
});

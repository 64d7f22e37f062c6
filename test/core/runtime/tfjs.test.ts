import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import * as core from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { readOnnx } from '../../../main/core/formats/onnx/index';
import { float32 } from '../../../main/core/graph/tensor';
import { layerOfValue } from '../../../main/core/program/layers';
import { openNetwork } from '../../../main/core/program/network';
import { buildDeconvnet, feedsFor } from '../../../main/core/program/deconvnet';
import { createScanner } from '../../../main/core/program/scanner';
import { createOrtRuntime, type Ort } from '../../../main/core/runtime/ort';
import type { Runtime } from '../../../main/core/runtime/runtime';
import { choiceOf, readCase, reconstruct } from '../../golden/cases';
import { relativeDifference } from '../support';
import { backendsToTest } from './backends';

const root = path.resolve(import.meta.dirname, '../../golden/cases');
const names = readdirSync(root).sort();
const tolerance = 1e-4;
const onnx = createOrtRuntime(ort as unknown as Ort, { threads: 1 });

const open = async (name: string) => {
  const { golden, array, whole } = readCase(path.join(root, name));
  const network = await openNetwork(readOnnx(readFileSync(path.join(root, name, 'model.onnx'))));
  const [count = 0, channels = 0, height = 0, width = 0] = golden.input.shape;
  const pictures = array(golden.input);
  const length = channels * height * width;
  const pictureOf = (index: number) => pictures.slice(index * length, (index + 1) * length);
  return { golden, array, whole, network, count, channels, height, width, length, pictures, pictureOf };
};

describe.each(backendsToTest)('TensorFlow.js, backend $title', ({ runtime: maybe }) => {
  describe.skipIf(!maybe)('runs', () => {
    const runtime = maybe as Runtime;

    it.each(names)('%s: reconstructions as PyTorch makes them, by cone and by whole picture', async (name) => {
      const { golden, whole, network, height, width, pictureOf } = await open(name);
      for (const expected of golden.layers) {
        for (const unit of expected.units)
          for (const method of golden.methods)
            for (const extent of ['cone', 'picture'] as const) {
              const picture = pictureOf(unit.picture);
              const made = await reconstruct(runtime, network, expected.value, unit, method, picture, extent);
              expect(
                relativeDifference(whole(unit[method], height, width), made.whole),
                `${expected.module}, ${method}, by ${extent}`,
              ).toBeLessThan(tolerance);
              expect(made.activation).toBeCloseTo(unit.activation, 3);
            }
      }
    });

    it.each(names)('%s: the scan finds what ONNX Runtime finds', async (name) => {
      const { network, count, pictures } = await open(name);
      for (const perPicture of [1, 3]) {
        const options = { before: false, perPicture };
        const [ours, theirs] = [
          await createScanner(runtime, network, options),
          await createScanner(onnx, network, options),
        ];
        const [found, expected] = [await ours.run(pictures, count), await theirs.run(pictures, count)];
        found.forEach(({ max, place }, layer) => {
          const other = expected[layer]!;
          // Maps smaller than what is asked for leave minus infinity.
          const finite = (values: Float32Array) => values.map((value) => (value === -Infinity ? 0 : value));
          expect(relativeDifference(finite(other.max), finite(max))).toBeLessThan(tolerance);
          const scale = Math.max(...finite(other.max).map(Math.abs));
          // Places may differ where two values are equal but for rounding.
          other.place.forEach((at, i) => {
            if (at === place[i]) return;
            const near = other.max.some(
              (value, j) => j !== i && Math.abs(value - other.max[i]!) <= 1e-5 * scale && other.place[j] === place[i],
            );
            expect(near || other.max[i] === 0 || Math.abs(max[i]! - other.max[i]!) <= 1e-6 * scale).toBe(true);
          });
        });
        await ours.dispose();
        await theirs.dispose();
      }
    });

    it('lets go of everything: after 50 runs no tensor more than after one', async () => {
      const { golden, network, channels, height, width, pictureOf } = await open('vgg');
      const before = core.memory().numTensors;
      const expected = golden.layers.at(-1)!;
      const layer = layerOfValue(network, expected.value);
      const deconvnet = buildDeconvnet(network, layer, choiceOf('deconvnet'), false);
      const unit = expected.units[0]!;
      const feeds = feedsFor(network, deconvnet, layer.units, layer.map, [
        { picture: pictureOf(unit.picture), unit: unit.channel, y: unit.y, x: unit.x },
      ]);
      const program = await runtime.compile(deconvnet.graph);
      await program.run(feeds);
      const after = core.memory().numTensors;
      for (let i = 0; i < 50; i++) await program.run(feeds);
      expect(core.memory().numTensors).toBe(after);
      await program.dispose();
      expect(core.memory().numTensors).toBe(before);
      const forward = await runtime.compile(network.graph);
      const wrong = { [network.input.name]: float32([1, channels + 1, height, width]) };
      await expect(forward.run(wrong)).rejects.toMatchObject({ code: 'runtime' });
      await forward.dispose();
      expect(core.memory().numTensors).toBe(before);
    });
  });
});

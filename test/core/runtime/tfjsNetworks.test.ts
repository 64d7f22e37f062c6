import { describe, expect, it } from 'vitest';
import { readModel } from '../../../main/core/formats/index';
import type { Runtime } from '../../../main/core/runtime/runtime';
import { differences, readPack } from '../../golden/differential';
import { backendsToTest } from './backends';

/** Ten of the networks that ONNX Runtime is held against PyTorch with, spread over the pack, on every backend of TensorFlow.js. */
const pack = readPack('random-0');
const sample = Array.from({ length: 10 }, (_, i) => pack.cases[Math.floor((i * pack.cases.length) / 10)]!);

describe.each(backendsToTest)('TensorFlow.js, backend $title', ({ backend, runtime }) => {
  describe.skipIf(!runtime)('runs', () => {
    it.each(sample)('$name: as PyTorch has it, to 1e-4', async (golden) => {
      const [[exporter, segments]] = Object.entries(golden.models) as [[string, (typeof golden.models)[string]]];
      const graph = await readModel(pack.file(segments));
      const coneMacs = backend === 'cpu' ? 2e6 : Infinity;
      expect(await differences(pack, golden, exporter, graph, runtime as Runtime, { coneMacs })).toEqual([]);
    });
  });
});

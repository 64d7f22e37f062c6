import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { readModel } from '../../main/core/formats/index';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';
import { referenceRuntime } from '../../main/core/runtime/reference';
import { differences, readPack } from './differential';

/**
 * The networks of the literature with their own topology, narrow and for small pictures, as PyTorch exports them (both ONNX
 * exporters, and .pt2), against its autograd (README.md): every method, on the cone and on the whole picture.
 */
const onnxRuntime = createOrtRuntime(ort as unknown as Ort, { threads: 1 });
const pack = readPack('families');
/** The reference is slow: one exporter's file of some. */
const onReference = new Set(['ZFNet', 'SqueezeNet 1.1', 'ShuffleNet v2']);
const minutes = 60_000;

it('has the families of the literature, three layers of each', () => {
  expect(pack.cases).toHaveLength(19);
  expect(pack.cases.filter((golden) => golden.layers.length !== 3)).toEqual([]);
  expect(pack.cases.filter(({ name }) => onReference.has(name))).toHaveLength(onReference.size);
});

describe.each(pack.cases)('$name', (golden) => {
  it.each(Object.entries(golden.models))(
    'as %s',
    async (exporter, segments) => {
      const graph = await readModel(pack.file(segments));
      const alsoOn = exporter === 'new' && onReference.has(golden.name) ? [referenceRuntime] : [];
      const wrong: string[] = [];
      for (const runtime of [onnxRuntime, ...alsoOn])
        wrong.push(...(await differences(pack, golden, exporter, graph, runtime)));
      expect(wrong).toEqual([]);
    },
    5 * minutes,
  );
});

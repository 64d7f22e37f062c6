import * as ort from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { float32 } from '../../../main/core/graph/tensor';
import { createOrtRuntime } from '../../../main/core/runtime/ort';
import { referenceRuntime } from '../../../main/core/runtime/reference';
import { Net } from '../support';

test('zeros around a map of negative values are zeros to a MaxPool', async () => {
  const net = new Net([1, 4, 4]);
  const padded = net.add('Pad', [net.picture, net.builder.ints([0, 0, 0, 0, 0, 0, 1, 1])]);
  const graph = net.graph(net.add('MaxPool', [padded], { kernel_shape: [3, 3], strides: [1, 1] }));
  const picture = float32(
    [1, 1, 4, 4],
    Array.from({ length: 16 }, (_, i) => -1 - i),
  );
  for (const runtime of [createOrtRuntime(ort as never, { threads: 1 }), referenceRuntime]) {
    const results = await (await runtime.compile(graph)).run({ [net.picture]: picture });
    expect(Array.from(results[graph.outputs[0]!.name]!.data as Float32Array)).toEqual([-1, -2, 0, -5, -6, 0, 0, 0, 0]);
  }
});

test('a rim wider than the window of the AveragePool behind it', async () => {
  const net = new Net([1, 3, 3]);
  const padded = net.add('Pad', [net.picture, net.builder.ints([0, 0, 2, 3, 0, 0, 1, 2])]);
  const graph = net.graph(net.add('AveragePool', [padded], { kernel_shape: [2, 2], strides: [2, 2] }));
  const picture = float32(
    [1, 1, 3, 3],
    Array.from({ length: 9 }, (_, i) => 4 * i),
  );
  for (const runtime of [createOrtRuntime(ort as never, { threads: 1 }), referenceRuntime]) {
    const results = await (await runtime.compile(graph)).run({ [net.picture]: picture });
    // A quarter of each 2x2 window of 4 i is the sum of its i.
    const [left, right, below, corner] = [0 + 3, 1 + 2 + 4 + 5, 6, 7 + 8];
    expect(Array.from(results[graph.outputs[0]!.name]!.data as Float32Array)).toEqual([
      0,
      0,
      0,
      0,
      0,
      left,
      right,
      0,
      0,
      below,
      corner,
      0,
    ]);
  }
});

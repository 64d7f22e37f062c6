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

import * as ort from 'onnxruntime-node';
import { expect, test } from 'vitest';
import type { Graph } from '../../../main/core/graph/graph';
import { float32 } from '../../../main/core/graph/tensor';
import { createOrtRuntime } from '../../../main/core/runtime/ort';
import { widenNarrow } from '../../../main/core/runtime/ortNarrow';
import { referenceRuntime } from '../../../main/core/runtime/reference';
import { Net } from '../support';

/** A convolution of 16 channels to few; whole numbers, so that any order of adding gives the same. */
function narrow(out: number, kernel: [number, number], pads: number[], size: [number, number], free = false) {
  const net = new Net([16, ...size]);
  const whole = (name: string) => {
    const tensor = net.builder.initializers.get(name)!;
    tensor.data.forEach((value, i) => (tensor.data[i] = Math.round(Number(value) * 30)));
  };
  const rectified = net.relu(net.conv(net.picture, 16, 16, [3, 1], { pads: [1, 2, 0, 1] }));
  const y = net.conv(rectified, 16, out, kernel, { pads });
  for (const name of net.builder.initializers.keys()) whole(name);
  const graph: Graph = net.graph(net.add('Neg', [y]));
  const inputs = graph.inputs.map((input) => ({ ...input, shape: ['N', 16, 'height', 'width'] }));
  const picture = float32(
    [2, 16, ...size],
    net.pictures(2).map((value) => Math.round(value * 10)),
  );
  return { graph: free ? { ...graph, inputs } : graph, picture };
}

const cases: [string, ...Parameters<typeof narrow>][] = [
  ['sides that are even', 3, [3, 3], [2, 2, 2, 2], [10, 12]],
  ['sides that are odd', 3, [3, 3], [2, 2, 2, 2], [9, 12]],
  ['pads that differ', 4, [3, 5], [0, 2, 1, 4], [8, 7]],
  ['one pixel of one channel', 1, [1, 1], [0, 0, 0, 0], [2, 1]],
  ['sizes that come with the run', 2, [3, 3], [1, 1, 1, 1], [7, 10], true],
];

test.each(cases)('a convolution to few channels is as it was: %s', async (_, ...made) => {
  const { graph, picture } = narrow(...made);
  expect(widenNarrow(graph).nodes.map((node) => node.opType)).toContain('DepthToSpace');
  const [ours, exact] = await Promise.all(
    [createOrtRuntime(ort as never, { threads: 1 }), referenceRuntime].map(async (runtime) => {
      const results = await (await runtime.compile(graph)).run({ picture });
      return results[graph.outputs[0]!.name]!;
    }),
  );
  expect(ours!.dims).toEqual(exact!.dims);
  expect(ours!.data).toEqual(exact!.data);
});

test('others are left alone', () => {
  const net = new Net([16, 8, 8]);
  const strided = net.conv(net.picture, 16, 3, 3, { strides: [2, 2] });
  const wide = net.conv(net.picture, 16, 8, 3);
  const grouped = net.conv(net.conv(net.picture, 16, 4, 3, { group: 4 }), 4, 3, 3, { dilations: [2, 2] });
  const graph = net.graph(strided, wide, grouped);
  expect(widenNarrow(graph)).toBe(graph);
});

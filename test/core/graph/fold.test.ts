import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { foldConstants } from '../../../main/core/graph/fold';
import { float32, type Tensor } from '../../../main/core/graph/tensor';
import { openNetwork } from '../../../main/core/program/network';
import { createOrtRuntime } from '../../../main/core/runtime/ort';
import { Net, relativeDifference } from '../support';

it('weights that the file computes become constants, and the network computes the same', async () => {
  const net = new Net([3, 8, 8], 3);
  const { builder } = net;
  const base = net.weights([3, 3, 3, 4], 0.4);
  const turned = net.add('Transpose', [base], { perm: [3, 2, 0, 1] });
  // Weight normalisation: g * v / |v|.
  const square = net.add('Mul', [turned, turned]);
  const norm = net.add('Sqrt', [
    net.add('ReduceSum', [net.add('Reshape', [square, builder.ints([4, -1])]), builder.ints([1])]),
  ]);
  const gain = net.add('Unsqueeze', [net.add('Div', [net.weights([4, 1]), norm]), builder.ints([2, 3])]);
  const filters = net.add('Identity', [net.add('Mul', [turned, gain])]);
  const conv = net.add('Conv', [net.picture, filters, net.add('Neg', [net.weights([4])])], { kernel_shape: [3, 3] });
  const dense = net.add('Gemm', [
    net.add('Flatten', [net.relu(conv)]),
    net.add('Transpose', [net.weights([5, 144])], { perm: [1, 0] }),
  ]);
  const graph = net.graph(dense);
  const folded = foldConstants(graph);
  expect(folded.nodes.map((node) => node.opType)).toEqual(['Conv', 'Relu', 'Flatten', 'Gemm']);
  const network = await openNetwork(graph);
  expect(network.layers.map((layer) => layer.refused)).toEqual([null, null]);
  const runtime = createOrtRuntime(ort as never, { threads: 1 });
  const picture: Tensor = float32([1, 3, 8, 8], net.pictures(1));
  const [before, after] = await Promise.all(
    [graph, folded].map(async (each) => {
      const program = await runtime.compile(each);
      const results = await program.run({ picture });
      await program.dispose();
      return results[dense]!.data as Float32Array;
    }),
  );
  expect(relativeDifference(before!, after!)).toBeLessThan(1e-6);
});

it('leaves what is an output, what is huge, and what does not fit', () => {
  const net = new Net([3, 4, 4]);
  const out = net.add('Neg', [net.weights([4])]);
  const huge = net.add('Expand', [net.weights([1]), net.builder.ints([1 << 20, 1 << 20])]);
  const wrong = net.add('Reshape', [net.weights([4]), net.builder.ints([5])]);
  const rest = net.add('Sum', [huge, wrong]);
  const graph = net.graph(out, rest);
  expect(foldConstants(graph).nodes.map((node) => node.opType)).toEqual(['Neg', 'Expand', 'Reshape', 'Sum']);
});

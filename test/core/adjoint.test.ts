import { describe, expect, it } from 'vitest';
import { analyse } from '../../main/core/graph/analyse';
import { Builder } from '../../main/core/graph/builder';
import { gradient } from '../../main/core/methods/gradient';
import { fromTensor } from '../../main/core/ops/nd';
import { walkBack } from '../../main/core/program/walk';
import { runReference } from '../../main/core/runtime/reference';
import { dot, Net, random, randomTensor } from './support';

/** <Ax, y> = <x, A'y> for an op that is linear in the picture (no bias), whatever it is. */
function expectAdjoint(net: Net, shape: readonly number[], out: string): void {
  const graph = net.graph(out);
  const next = random(99);
  const shapes = new Map([[net.picture, [2, ...shape]]]);
  const analysis = analyse(graph, shapes);
  const outShape = analysis.shape(out)!;
  const builder = new Builder(graph);
  const seed = builder.input({ name: 'seed', type: 'float32', shape: outShape });
  const signal = walkBack(builder, analysis, gradient(), { tap: out, seed, picture: net.picture });
  const both = builder.build([out, signal].map((name) => ({ name, type: 'float32', shape: null })));
  const x = fromTensor(randomTensor([2, ...shape], next));
  const y = fromTensor(randomTensor(outShape, next));
  const results = runReference(
    both,
    new Map([
      [net.picture, x],
      [seed, y],
    ]),
  );
  const back = results.get(signal)!;
  expect(back.dims).toEqual(x.dims);
  const [left, right] = [dot(results.get(out)!, y), dot(x, back)];
  expect(Math.abs(left - right)).toBeLessThan(1e-7 * Math.max(1, Math.abs(left))); // constants such as 1/9 are float32;
  expect(Math.abs(left)).toBeGreaterThan(1e-6);
}

const cases: Record<string, { shape: [number, number, number]; make: (net: Net) => string }> = {
  'conv 3x3': { shape: [3, 9, 8], make: (net) => net.conv(net.picture, 3, 4, 3, { pads: [1, 1, 1, 1] }, false) },
  'conv 5x3, stride 2 and 3, uneven remainder': {
    shape: [2, 12, 13],
    make: (net) => net.conv(net.picture, 2, 3, [5, 3], { strides: [2, 3] }, false),
  },
  'conv, asymmetric pads': {
    shape: [2, 7, 7],
    make: (net) => net.conv(net.picture, 2, 3, 3, { pads: [0, 2, 1, 0] }, false),
  },
  'conv, dilation 2': {
    shape: [2, 11, 10],
    make: (net) => net.conv(net.picture, 2, 3, 3, { dilations: [2, 2], pads: [2, 2, 2, 2] }, false),
  },
  'conv, stride 2, dilation 2, groups': {
    shape: [4, 12, 11],
    make: (net) =>
      net.conv(net.picture, 4, 6, 3, { dilations: [2, 2], strides: [2, 2], group: 2, pads: [1, 0, 2, 1] }, false),
  },
  'conv, groups': {
    shape: [4, 6, 6],
    make: (net) => net.conv(net.picture, 4, 6, 3, { group: 2, pads: [1, 1, 1, 1] }, false),
  },
  'conv, depthwise': {
    shape: [4, 6, 6],
    make: (net) => net.conv(net.picture, 4, 4, 3, { group: 4, pads: [1, 1, 1, 1] }, false),
  },
  'conv 1x1 with pads': {
    shape: [2, 5, 5],
    make: (net) => net.conv(net.picture, 2, 3, 1, { pads: [1, 1, 1, 1] }, false),
  },
  'conv, SAME_UPPER': {
    shape: [2, 8, 7],
    make: (net) => net.conv(net.picture, 2, 3, 3, { strides: [2, 2], auto_pad: 'SAME_UPPER' }, false),
  },
  'conv, SAME_LOWER': {
    shape: [2, 8, 7],
    make: (net) => net.conv(net.picture, 2, 3, 4, { strides: [2, 2], auto_pad: 'SAME_LOWER' }, false),
  },
  'average pool': {
    shape: [3, 8, 8],
    make: (net) => net.add('AveragePool', [net.picture], { kernel_shape: [2, 2], strides: [2, 2] }),
  },
  'average pool, pads not counted': {
    shape: [3, 9, 8],
    make: (net) => net.add('AveragePool', [net.picture], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  },
  'average pool, pads counted, ceil': {
    shape: [2, 8, 9],
    make: (net) =>
      net.add('AveragePool', [net.picture], {
        kernel_shape: [3, 3],
        strides: [2, 2],
        pads: [1, 1, 1, 1],
        ceil_mode: 1,
        count_include_pad: 1,
      }),
  },
  'average pool, stride 1': {
    shape: [2, 6, 6],
    make: (net) => net.add('AveragePool', [net.picture], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
  },
  'global average pool': { shape: [3, 5, 4], make: (net) => net.add('GlobalAveragePool', [net.picture]) },
  'mean over places': {
    shape: [3, 5, 4],
    make: (net) => net.add('ReduceMean', [net.picture], { axes: [2, -1], keepdims: 0 }),
  },
  'flatten and gemm': {
    shape: [2, 3, 4],
    make: (net) =>
      net.add('Gemm', [net.add('Flatten', [net.picture]), net.weights([5, 24])], { transB: 1, alpha: { float: 0.5 } }),
  },
  'gemm, not transposed': {
    shape: [2, 3, 4],
    make: (net) => net.add('Gemm', [net.add('Flatten', [net.picture]), net.weights([24, 5])]),
  },
  matmul: {
    shape: [2, 3, 4],
    make: (net) => net.add('MatMul', [net.add('Flatten', [net.picture]), net.weights([24, 5])]),
  },
  'matmul of rank 4': { shape: [2, 3, 4], make: (net) => net.add('MatMul', [net.picture, net.weights([4, 6])]) },
  'reshape, transpose, squeeze': {
    shape: [2, 3, 4],
    make(net) {
      const flat = net.add('Reshape', [net.picture, net.builder.ints([0, 6, 4])]);
      const turned = net.add('Transpose', [flat], { perm: [0, 2, 1] });
      const wide = net.add('Unsqueeze', [turned, net.builder.ints([1])]);
      return net.add('Squeeze', [wide, net.builder.ints([1])]);
    },
  },
  'pad and slice': {
    shape: [2, 5, 6],
    make(net) {
      const padded = net.add('Pad', [net.picture, net.builder.ints([0, 0, 1, 2, 0, 0, 0, 1])], { mode: 'constant' });
      return net.add('Slice', [
        padded,
        net.builder.ints([1, -6]),
        net.builder.ints([5, 2 ** 40]),
        net.builder.ints([2, 3]),
      ]);
    },
  },
  'negative pad': {
    shape: [2, 5, 6],
    make: (net) => net.add('Pad', [net.picture, net.builder.ints([0, 0, -1, 0, 0, 0, 2, -2])]),
  },
  'concat of branches': {
    shape: [2, 6, 6],
    make: (net) =>
      net.add(
        'Concat',
        [
          net.conv(net.picture, 2, 2, 1, {}, false),
          net.picture,
          net.conv(net.picture, 2, 3, 3, { pads: [1, 1, 1, 1] }, false),
        ],
        { axis: 1 },
      ),
  },
  'add of branches, sub, neg': {
    shape: [2, 6, 6],
    make(net) {
      const a = net.conv(net.picture, 2, 2, 3, { pads: [1, 1, 1, 1] }, false);
      return net.add('Sub', [net.add('Add', [a, net.picture]), net.add('Neg', [net.picture])]);
    },
  },
  'add that broadcasts': {
    shape: [2, 4, 4],
    make: (net) => net.add('Add', [net.add('GlobalAveragePool', [net.picture]), net.picture]),
  },
  'mul and div by constants': {
    shape: [2, 4, 4],
    make: (net) =>
      net.add('Div', [
        net.add('Mul', [net.weights([1, 2, 1, 1]), net.picture]),
        net.builder.constant({ type: 'float32', dims: [2, 1, 1], data: Float32Array.of(3, -2) }, 'd'),
      ]),
  },
  'a sum of three, twice the same': {
    shape: [2, 4, 4],
    make: (net) => net.add('Sum', [net.picture, net.picture, net.conv(net.picture, 2, 2, 1, {}, false)]),
  },
};

describe("adjoints: <Ax, y> = <x, A'y>", () => {
  for (const [name, { shape, make }] of Object.entries(cases))
    it(name, () => {
      const net = new Net(shape);
      expectAdjoint(net, shape, make(net));
    });

  it('batch norm on its own is affine: its linear part', () => {
    const shape = [3, 4, 4] as const;
    const net = new Net(shape);
    const zero = net.builder.constant({ type: 'float32', dims: [3], data: new Float32Array(3) }, 'zero');
    const variance = net.builder.constant({ type: 'float32', dims: [3], data: Float32Array.of(0.5, 2, 1) }, 'variance');
    expectAdjoint(
      net,
      shape,
      net.add('BatchNormalization', [net.picture, net.weights([3]), zero, zero, variance], {
        epsilon: { float: 1e-3 },
      }),
    );
  });
});

describe('unpooling', () => {
  /** For a max pool the switches are fixed by x; then <pool(x) as a choice of x, y> = <x, unpool(y)>. */
  const pools = {
    '2x2, stride 2': { kernel_shape: [2, 2], strides: [2, 2] },
    '3x3, stride 2: windows overlap': { kernel_shape: [3, 3], strides: [2, 2] },
    '3x3, stride 1, pads': { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] },
    '3x3, stride 2, ceil': { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 },
    '2x2, stride 2, pads, ceil': { kernel_shape: [2, 2], strides: [2, 2], pads: [1, 0, 0, 1], ceil_mode: 1 },
    '2x2, stride 3: gaps': { kernel_shape: [2, 2], strides: [3, 3] },
    '2x2, dilation 2': { kernel_shape: [2, 2], strides: [1, 1], dilations: [2, 2] },
  };
  for (const [name, plain] of Object.entries(pools))
    it(`max pool ${name}`, () => {
      const net = new Net([3, 9, 8]);
      expectAdjoint(net, [3, 9, 8], net.add('MaxPool', [net.picture], plain));
    });

  it('global max pool', () => {
    const net = new Net([3, 5, 4]);
    expectAdjoint(net, [3, 5, 4], net.add('GlobalMaxPool', [net.picture]));
  });
});

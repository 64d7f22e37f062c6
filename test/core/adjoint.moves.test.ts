import { describe, expect, it } from 'vitest';
import { analyse } from '../../main/core/graph/analyse';
import { Builder } from '../../main/core/graph/builder';
import { float32, int64 } from '../../main/core/graph/tensor';
import { gradient } from '../../main/core/methods/gradient';
import { walkBack } from '../../main/core/program/walk';
import { runReference } from '../../main/core/runtime/reference';
import { expectAdjoint, onnxRuntime, opsetsOf, type Case } from './linear';
import { Net, node, relativeDifference } from './support';

const ints = (net: Net, ...values: number[]): string => net.builder.ints(values);
const floats = (net: Net, ...values: number[]): string => net.builder.constant(float32([values.length], values), 'f');

function split(net: Net, parts: number, inputs: string[], plain: Parameters<Net['add']>[2]): string[] {
  const outputs = Array.from({ length: parts }, (_, i) => `part${i}`);
  net.builder.addNode(node('Split', inputs, outputs, plain));
  return outputs;
}

const moves: Record<string, Case> = {
  'split in equal parts, one of them left': {
    shape: [6, 3, 4],
    make: (net) => split(net, 3, [net.picture], { axis: 1 })[1]!,
  },
  'split in given parts, joined in another order': {
    shape: [6, 3, 4],
    make(net) {
      const [a, b, c] = split(net, 3, [net.picture, ints(net, 1, 3, 2)], { axis: -3 });
      return net.add('Concat', [net.add('Mul', [c!, net.builder.scalar(3)]), a!, b!], { axis: 1 });
    },
    opsets: [17, 24],
  },
  'split in unequal parts by their number': {
    shape: [2, 3, 7],
    make(net) {
      const parts = split(net, 3, [net.picture], { axis: 3, num_outputs: 3 });
      return net.add('Concat', [parts[2]!, parts[0]!], { axis: 3 });
    },
    opsets: [18, 24],
  },
  'split along the height': {
    shape: [2, 6, 3],
    make: (net) => net.add('Add', split(net, 2, [net.picture], { axis: 2 })),
  },
  'slice, step 2 and 3': {
    shape: [2, 7, 8],
    make: (net) =>
      net.add('Slice', [net.picture, ints(net, 1, 0), ints(net, 7, 2 ** 40), ints(net, 2, 3), ints(net, 2, 3)]),
  },
  'slice, reversed': {
    shape: [3, 4, 5],
    make: (net) => net.add('Slice', [net.picture, ints(net, -1), ints(net, -(2 ** 63)), ints(net, 1), ints(net, -1)]),
  },
  'slice, steps -2 and -3 from the middle': {
    shape: [3, 8, 9],
    make: (net) =>
      net.add('Slice', [net.picture, ints(net, 6, -2), ints(net, 0, -9), ints(net, -2, -1), ints(net, -2, -3)]),
  },
  'slice of channels by 2': {
    shape: [5, 3, 4],
    make: (net) => net.add('Slice', [net.picture, ints(net, 1), ints(net, 5), ints(net, 1), ints(net, 2)]),
  },
  'space to depth by slices': {
    shape: [2, 6, 8],
    make(net) {
      const part = (y: number, x: number) =>
        net.add('Slice', [net.picture, ints(net, y, x), ints(net, 99, 99), ints(net, 2, 3), ints(net, 2, 2)]);
      return net.add('Concat', [part(0, 0), part(1, 0), part(0, 1), part(1, 1)], { axis: 1 });
    },
  },
  'pad by reflection': {
    shape: [2, 4, 5],
    make: (net) => net.add('Pad', [net.picture, ints(net, 0, 0, 2, 1, 0, 0, 3, 4)], { mode: 'reflect' }),
  },
  'pad by the edge': {
    shape: [2, 4, 5],
    make: (net) => net.add('Pad', [net.picture, ints(net, 0, 0, 2, 0, 0, 0, 6, 1)], { mode: 'edge' }),
  },
  'pad by the edge along the channels': {
    shape: [2, 4, 5],
    make: (net) => net.add('Pad', [net.picture, ints(net, 0, 1, 0, 0, 0, 2, 0, 0)], { mode: 'edge' }),
  },
  'pad by wrapping': {
    shape: [2, 4, 5],
    make: (net) => net.add('Pad', [net.picture, ints(net, 0, 0, 2, 0, 0, 0, 3, 1)], { mode: 'wrap' }),
    opsets: [19, 24],
  },
  'pad along named axes': {
    shape: [2, 4, 5],
    make: (net) => net.add('Pad', [net.picture, ints(net, 1, 2, 0, 3), '', ints(net, -1, 2)]),
    opsets: [18, 24],
  },
  'pad by reflection along named axes': {
    shape: [2, 4, 5],
    make: (net) => net.add('Pad', [net.picture, ints(net, 1, 2, 0, 3), '', ints(net, -1, 2)], { mode: 'reflect' }),
    opsets: [18, 24],
  },
  'depth to space, DCR': {
    shape: [8, 3, 4],
    make: (net) => net.add('DepthToSpace', [net.picture], { blocksize: 2 }),
  },
  'depth to space, CRD': {
    shape: [18, 3, 4],
    make: (net) => net.add('DepthToSpace', [net.picture], { blocksize: 3, mode: 'CRD' }),
  },
  'space to depth': { shape: [3, 6, 4], make: (net) => net.add('SpaceToDepth', [net.picture], { blocksize: 2 }) },
  expand: {
    shape: [3, 1, 4],
    make: (net) => net.add('Expand', [net.picture, ints(net, 1, 1, 5, 1)]),
  },
  'expand to a higher rank': {
    shape: [2, 3, 1],
    make(net) {
      const line = net.add('Reshape', [net.picture, ints(net, 0, 6, 1)]);
      return net.add('Expand', [line, ints(net, 1, 1, 4)]);
    },
  },
  tile: { shape: [2, 3, 4], make: (net) => net.add('Tile', [net.picture, ints(net, 1, 2, 1, 3)]) },
  'tile of nothing': { shape: [2, 3, 4], make: (net) => net.add('Tile', [net.picture, ints(net, 1, 1, 1, 1)]) },
  'gather of channels, some twice': {
    shape: [4, 3, 5],
    make: (net) => net.add('Gather', [net.picture, ints(net, 2, 0, 2, -1, 2)], { axis: 1 }),
  },
  'gather of rows and columns': {
    shape: [2, 4, 5],
    make(net) {
      const rows = net.add('Gather', [net.picture, ints(net, 3, 3, 1)], { axis: 2 });
      return net.add('Gather', [rows, ints(net, 4, 0, 0)], { axis: -1 });
    },
  },
  'gather of one channel': {
    shape: [4, 3, 5],
    make: (net) => net.add('Gather', [net.picture, net.builder.constant(int64([], [-2]), 'one')], { axis: 1 }),
  },
  'gather by a table': {
    shape: [4, 3, 5],
    make: (net) =>
      net.add('Gather', [net.picture, net.builder.constant(int64([2, 3], [0, 1, 1, 2, 0, -1]), 't')], { axis: 2 }),
  },
  'gather that permutes': {
    shape: [4, 3, 5],
    make: (net) => net.add('Gather', [net.picture, ints(net, 2, 0, 3, 1)], { axis: 1 }),
  },
  'channel shuffle': {
    shape: [6, 3, 4],
    make(net) {
      const groups = net.add('Reshape', [net.picture, ints(net, 0, 2, 3, 3, 4)]);
      const turned = net.add('Transpose', [groups], { perm: [0, 2, 1, 3, 4] });
      return net.add('Reshape', [turned, ints(net, 0, 6, 3, 4)]);
    },
  },
  'concat along the width, twice': {
    shape: [1, 2, 3],
    make(net) {
      const twice = net.add('Concat', [net.picture, net.add('Neg', [net.picture])], { axis: -1 });
      return net.add('Concat', [twice, net.picture], { axis: 3 });
    },
  },
  'flatten from the height, squeeze, unsqueeze': {
    shape: [1, 3, 4],
    make(net) {
      const squeezed = net.add('Squeeze', [net.picture, ints(net, 1)]);
      return net.add('Flatten', [net.add('Unsqueeze', [squeezed, ints(net, 1, -1)])], { axis: 1 });
    },
  },
  'cast, identity, dropout': {
    shape: [2, 3, 4],
    make: (net) => net.add('Dropout', [net.add('Identity', [net.add('Cast', [net.picture], { to: 1 })])]),
  },
  'where, by a constant condition': {
    shape: [2, 3, 4],
    make(net) {
      const data = Uint8Array.from([1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 0]);
      const condition = net.builder.constant({ type: 'bool', dims: [3, 4], data }, 'condition');
      const row = net.add('ReduceSum', [net.picture, ints(net, 2)], { keepdims: 1 });
      return net.add('Where', [condition, net.add('Neg', [net.picture]), row]);
    },
  },
  'where, nothing but the picture on one side': {
    shape: [2, 3, 4],
    make(net) {
      const data = Uint8Array.from([0, 1]);
      const condition = net.builder.constant({ type: 'bool', dims: [2, 1, 1], data }, 'condition');
      return net.add('Where', [condition, net.builder.scalar(0), net.picture]);
    },
  },
  'cast like': {
    shape: [2, 3, 4],
    make: (net) => net.add('CastLike', [net.picture, floats(net, 1)]),
  },
};

const dense: Record<string, Case> = {
  'matmul, batch of matrices on the right': {
    shape: [3, 4, 5],
    make: (net) => net.add('MatMul', [net.picture, net.weights([3, 5, 6])]),
  },
  'matmul, batch of matrices on the left': {
    shape: [3, 4, 5],
    make: (net) => net.add('MatMul', [net.weights([3, 2, 4]), net.picture]),
  },
  'matmul, one matrix on the left': {
    shape: [3, 4, 5],
    make: (net) => net.add('MatMul', [net.weights([2, 4]), net.picture]),
  },
  'matmul, the picture repeated': {
    shape: [1, 4, 5],
    make: (net) => net.add('MatMul', [net.picture, net.weights([3, 5, 2])]),
  },
  'matmul, the picture repeated, on the right': {
    shape: [1, 4, 5],
    make: (net) => net.add('MatMul', [net.weights([3, 2, 4]), net.picture]),
  },
  'matmul, a vector on the right': {
    shape: [3, 4, 5],
    make: (net) => net.add('MatMul', [net.picture, net.weights([5])]),
  },
  'matmul, a vector on the left': {
    shape: [3, 4, 5],
    make: (net) => net.add('MatMul', [net.weights([4]), net.picture]),
  },
  'gemm, transposed and scaled': {
    shape: [1, 2, 3],
    make: (net) =>
      net.add('Gemm', [net.add('Flatten', [net.picture]), net.weights([4, 6])], { transB: 1, alpha: { float: 2 } }),
  },
  'einsum: a dense layer over channels': {
    shape: [3, 4, 5],
    make: (net) => net.add('Einsum', [net.picture, net.weights([6, 3])], { equation: 'nchw, oc -> nohw' }),
  },
  'einsum: constant first, axes summed in both': {
    shape: [3, 4, 5],
    make: (net) => net.add('Einsum', [net.weights([4, 5, 2]), net.picture], { equation: 'hwk,nchw->nkc' }),
  },
  'einsum: an axis summed alone': {
    shape: [3, 4, 5],
    make: (net) => net.add('Einsum', [net.picture, net.weights([3, 2])], { equation: 'nchw,co->nwo' }),
  },
  'einsum: transposed': {
    shape: [3, 4, 5],
    make: (net) => net.add('Einsum', [net.picture], { equation: 'nchw->nwch' }),
  },
  'einsum: a sum': {
    shape: [3, 4, 5],
    make: (net) => net.add('Einsum', [net.picture], { equation: 'nchw->nw' }),
  },
  'einsum: an ellipsis': {
    shape: [3, 4, 5],
    make: (net) => net.add('Einsum', [net.picture, net.weights([5, 2])], { equation: '...w,wo->...o' }),
  },
  'einsum: an ellipsis that one operand lacks': {
    shape: [3, 4, 5],
    make: (net) => net.add('Einsum', [net.weights([2, 5]), net.picture], { equation: 'ow,...w->...o' }),
  },
};

for (const [family, cases] of Object.entries({ moves, dense }))
  describe(`${family}: <Ax, y> = <x, A'y>`, () => {
    for (const [name, each] of Object.entries(cases))
      for (const opset of opsetsOf(each))
        it(`${name}, opset ${opset}`, async () => {
          const net = new Net(each.shape);
          await expectAdjoint(net, each.shape, each.make(net), opset);
        });
  });

describe('what is refused says why', () => {
  const refusal = (shape: [number, number, number], make: (net: Net) => string): (() => void) => {
    const net = new Net(shape);
    const out = make(net);
    const graph = net.graph(out);
    const analysis = analyse(graph, new Map([[net.picture, [1, ...shape]]]));
    const builder = new Builder(graph);
    const seed = builder.input({ name: 'seed', type: 'float32', shape: null });
    return () => walkBack(builder, analysis, gradient(), { tap: out, seed, picture: net.picture });
  };
  const reasons: Record<string, [RegExp, [number, number, number], (net: Net) => string]> = {
    'a cast to integers': [/integers/, [1, 2, 2], (net) => net.add('Cast', [net.picture], { to: 7 })],
    attention: [
      /both factors depend on the picture/,
      [2, 3, 3],
      (net) => net.add('MatMul', [net.picture, net.picture]),
    ],
    'a product in Einsum': [
      /both factors depend/,
      [2, 3, 3],
      (net) => net.add('Einsum', [net.picture, net.picture], { equation: 'nchw,nchv->nchwv' }),
    ],
    'a diagonal': [/diagonal/, [2, 3, 3], (net) => net.add('Einsum', [net.picture], { equation: 'nchh->nch' })],
    'filters made of the picture': [
      /filters depend on the picture/,
      [2, 3, 3],
      (net) => net.add('Conv', [net.picture, net.picture]),
    ],
    'a crop by boxes': [
      /crops while it resizes/,
      [2, 3, 3],
      (net) =>
        net.add('Resize', [net.picture, floats(net, 0, 0, 0, 0, 1, 1, 1, 1), '', ints(net, 1, 2, 6, 6)], {
          coordinate_transformation_mode: 'tf_crop_and_resize',
        }),
    ],
    'indices that depend on the picture': [
      /indices depend/,
      [2, 3, 3],
      (net) =>
        net.add('Gather', [net.picture, net.add('ArgMax', [net.picture], { axis: 1, keepdims: 0 })], { axis: 1 }),
    ],
  };
  for (const [name, [reason, shape, make]] of Object.entries(reasons))
    it(name, () => expect(refusal(shape, make)).toThrow(reason));
});

describe('forward only', () => {
  const forward: Record<string, (net: Net) => string> = {
    'GatherND, batch_dims 1': (net) =>
      net.add(
        'GatherND',
        [net.picture, net.builder.constant(int64([3, 2, 2], [0, 1, 1, 0, -1, 2, 0, 0, 1, 1, 1, 2]), 'i')],
        {
          batch_dims: 1,
        },
      ),
    GatherND: (net) => net.add('GatherND', [net.picture, net.builder.constant(int64([2, 1], [2, 0]), 'i')]),
    'ScatterND, adding': (net) =>
      net.add(
        'ScatterND',
        [net.picture, net.builder.constant(int64([3, 2], [0, 1, 2, 0, 0, 1]), 'i'), net.weights([3, 3, 4])],
        {
          reduction: 'add',
        },
      ),
    'ScatterElements along the width': (net) =>
      net.add(
        'ScatterElements',
        [net.picture, net.builder.constant(int64([1, 2, 1, 2], [3, 0, -1, 1]), 'i'), net.weights([1, 2, 1, 2])],
        {
          axis: -1,
        },
      ),
    ReduceMin: (net) => net.add('ReduceMin', [net.picture], { axes: [1, 3] }),
    ReduceProd: (net) => net.add('ReduceProd', [net.picture], { axes: [2], keepdims: 0 }),
    ReduceSumSquare: (net) => net.add('ReduceSumSquare', [net.picture], { axes: [1] }),
    'part of a shape': (net) => net.add('Cast', [net.add('Shape', [net.picture], { start: 1, end: -1 })], { to: 1 }),
    Size: (net) => net.add('Cast', [net.add('Size', [net.picture])], { to: 1 }),
    'Gemm with everything transposed': (net) =>
      net.add('Gemm', [net.weights([5, 4]), net.weights([3, 5]), net.weights([4, 1])], {
        transA: 1,
        transB: 1,
        beta: { float: 0.5 },
      }),
    'pad with a value': (net) =>
      net.add('Pad', [net.picture, ints(net, 0, 0, 1, 2, 0, 0, -1, 1), net.builder.scalar(7)]),
  };
  for (const [name, make] of Object.entries(forward))
    it(`${name}: the reference and ONNX Runtime`, async () => {
      const net = new Net([2, 3, 4]);
      const out = make(net);
      const graph = net.graph(out);
      const feed = float32([3, 2, 3, 4], net.pictures(3));
      const data = Float64Array.from(feed.data as Float32Array);
      const feeds = new Map([[net.picture, { dims: feed.dims, data, type: 'float' as const }]]);
      const expected = runReference(graph, feeds).get(out)!;
      const program = await onnxRuntime.compile(graph);
      const fast = (await program.run(graph.inputs.length ? { [net.picture]: feed } : {}))[out]!;
      await program.dispose();
      expect(fast.dims).toEqual(expected.dims);
      expect(relativeDifference(expected.data, fast.data as Float32Array)).toBeLessThan(1e-5);
    });
});

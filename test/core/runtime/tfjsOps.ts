import { attributes } from '../../../main/core/graph/builder';
import { emptyGraph, type Graph } from '../../../main/core/graph/graph';
import { float32, int64, sizeOf, type Tensor } from '../../../main/core/graph/tensor';
import { random, randomTensor } from '../support';

/**
 * One node each, for every op of the registry: what is fed (more than what is computed on the host), what the graph holds,
 * and attributes. Several cases where modes differ.
 */

type Plain = Parameters<typeof attributes>[0];
export interface OpCase {
  /** What sets it apart from the other cases of the op. */
  what?: string;
  /** In the order of the node's inputs: fed, held by the graph, or left out. */
  inputs: ({ fed: Tensor } | { held: Tensor } | null)[];
  plain?: Plain;
  tensor?: Record<string, Tensor>;
  outputs?: number;
}

export const map = [2, 6, 11, 10] as const;
const next = random(20);
const fed = (dims: readonly number[] = map, scale = 1) => ({ fed: randomTensor(dims, next, scale) });
const held = (dims: readonly number[], scale = 1) => ({ held: randomTensor(dims, next, scale) });
const given = (dims: readonly number[], values: readonly number[]) => ({ held: float32(dims, [...values]) });
const ints = (...values: number[]) => ({ held: int64([values.length], values) });
const scalar = (value: number) => given([], [value]);
const mapped = (f: (value: number, i: number) => number, dims: readonly number[] = map) => ({
  fed: float32(
    dims,
    Float32Array.from({ length: sizeOf(dims) }, (_, i) => f(next() * 2 - 1, i)),
  ),
});
const positive = (dims: readonly number[] = map) => mapped((value) => Math.abs(value) + 0.1, dims);
const whole = (limit: number, dims: readonly number[] = map) => ({
  fed: {
    type: 'int32' as const,
    dims,
    data: Int32Array.from({ length: sizeOf(dims) }, () => Math.floor((next() * 2 - 1) * limit)),
  },
});
const below = (limit: number, dims: readonly number[]) => ({
  fed: int64(
    dims,
    Array.from({ length: sizeOf(dims) }, () => Math.floor(next() * limit)),
  ),
});
const flags = () => ({
  fed: { type: 'bool' as const, dims: map, data: Uint8Array.from({ length: sizeOf(map) }, () => Math.round(next())) },
});
/** Equal values among them, for comparisons and switches. */
const coarse = (dims: readonly number[] = map) => mapped((value) => Math.round(value * 3) / 2, dims);

const unary = (plain?: Plain): OpCase[] => [{ inputs: [fed()], ...(plain && { plain }) }];
const norms = (dims: readonly number[], plain: Plain = {}): OpCase[] => [
  { inputs: [fed(), held(dims), held(dims)], plain: { epsilon: { float: 1e-3 }, ...plain } },
];
const binary = (): OpCase[] => [
  { inputs: [fed(), fed()] },
  { what: 'by channel', inputs: [fed(), held([6, 1, 1])] },
  { what: 'a scalar', inputs: [scalar(0.7), fed()] },
];
const compared = (): OpCase[] => [
  { inputs: [coarse(), coarse()] },
  { what: 'a scalar', inputs: [coarse(), scalar(0.5)] },
];
const logical = (): OpCase[] => [{ inputs: [flags(), flags()] }];
const reductions = (x = fed): OpCase[] => [
  { inputs: [x()], plain: { axes: [2, 3], keepdims: 1 } },
  { what: 'channels', inputs: [x()], plain: { axes: [1], keepdims: 0 } },
  { what: 'all', inputs: [x()], plain: { keepdims: 0 } },
];
const sums: OpCase[] = [
  { inputs: [fed(), ints(-1, 2)], plain: { keepdims: 1 } },
  { what: 'no axes', inputs: [fed()], plain: { noop_with_empty_axes: 1 } },
];
const pools = (plain: Plain = {}): OpCase[] => [
  { what: '2×2', inputs: [fed()], plain: { kernel_shape: [2, 2], strides: [2, 2], ...plain } },
  {
    what: 'padded, overlapping',
    inputs: [fed()],
    plain: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ...plain },
  },
  {
    what: 'uneven, ceil_mode',
    inputs: [fed()],
    plain: { kernel_shape: [3, 2], strides: [2, 3], ceil_mode: 1, ...plain },
  },
  { what: 'dilated', inputs: [fed()], plain: { kernel_shape: [3, 3], dilations: [2, 2], ...plain } },
  { what: 'one axis', inputs: [fed([3, 5, 100])], plain: { kernel_shape: [4], strides: [3], pads: [1, 0], ...plain } },
  {
    what: 'three axes',
    inputs: [fed([2, 3, 6, 7, 8])],
    plain: { kernel_shape: [2, 3, 2], strides: [2, 1, 2], pads: [0, 1, 0, 0, 1, 1], ...plain },
  },
];
const sampling = (mode: string, more: Plain = {}): OpCase[] =>
  ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric', 'half_pixel_symmetric'].flatMap((how) => [
    {
      what: `${mode}, ${how}, larger`,
      inputs: [fed(), null, null, ints(2, 6, 17, 25)],
      plain: { mode, coordinate_transformation_mode: how, ...more },
    },
    {
      what: `${mode}, ${how}, smaller`,
      inputs: [fed(), null, given([4], [1, 1, 0.6, 0.5])],
      plain: { mode, coordinate_transformation_mode: how, ...more },
    },
  ]);

export const opCases: Record<string, OpCase[]> = {
  Abs: unary(),
  Add: binary(),
  And: logical(),
  ArgMax: [
    { inputs: [coarse()], plain: { axis: 1, keepdims: 0 } },
    { what: 'kept', inputs: [coarse()], plain: { axis: -1, keepdims: 1 } },
  ],
  AveragePool: [
    ...pools(),
    {
      what: 'padding counts',
      inputs: [fed()],
      plain: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], count_include_pad: 1 },
    },
  ],
  BatchNormalization: [{ inputs: [fed(), held([6]), held([6]), held([6]), { held: positive([6]).fed }] }],
  Cast: [
    { what: 'to whole numbers', inputs: [fed(map, 5)], plain: { to: 7 } },
    { what: 'to booleans', inputs: [coarse()], plain: { to: 9 } },
    { what: 'to floats', inputs: [whole(9)], plain: { to: 1 } },
  ],
  CastLike: [
    { what: 'whole numbers', inputs: [fed(map, 5), ints(1)] },
    { what: 'floats', inputs: [whole(9), fed()] },
    { what: 'booleans', inputs: [coarse(), flags()] },
  ],
  Ceil: [{ inputs: [fed(map, 4)] }],
  Celu: unary({ alpha: { float: 1.3 } }),
  ChannelNormalization: norms([6]),
  Clip: [{ inputs: [fed(), scalar(-0.3), scalar(0.4)] }, { what: 'above only', inputs: [fed(), null, scalar(0.4)] }],
  Concat: [
    { inputs: [fed(), fed([2, 3, 11, 10])], plain: { axis: 1 } },
    { what: 'rows', inputs: [fed(), fed()], plain: { axis: -2 } },
  ],
  ConstantOfShape: [{ inputs: [ints(2, 6, 11, 10)], tensor: { value: float32([1], [0.5]) } }],
  Conv: [
    { inputs: [fed(), held([8, 6, 3, 3]), held([8])], plain: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] } },
    {
      what: 'strided, uneven',
      inputs: [fed(), held([8, 6, 3, 2])],
      plain: { kernel_shape: [3, 2], strides: [2, 3], pads: [0, 1, 1, 0] },
    },
    { what: 'dilated', inputs: [fed(), held([8, 6, 3, 3])], plain: { kernel_shape: [3, 3], dilations: [2, 1] } },
    {
      what: 'dilated and strided',
      inputs: [fed(), held([8, 6, 3, 3])],
      plain: { kernel_shape: [3, 3], dilations: [2, 2], strides: [2, 2] },
    },
    { what: 'in groups', inputs: [fed(), held([4, 3, 3, 3]), held([4])], plain: { kernel_shape: [3, 3], group: 2 } },
    {
      what: 'depthwise',
      inputs: [fed(), held([12, 1, 3, 3]), held([12])],
      plain: { kernel_shape: [3, 3], group: 6, strides: [2, 2] },
    },
    {
      what: 'depthwise, dilated',
      inputs: [fed(), held([6, 1, 3, 3])],
      plain: { kernel_shape: [3, 3], group: 6, dilations: [2, 2], strides: [1, 2] },
    },
    {
      what: 'one axis',
      inputs: [fed([3, 5, 100]), held([4, 5, 3])],
      plain: { kernel_shape: [3], strides: [2], pads: [1, 1] },
    },
  ],
  ConvTranspose: [
    {
      inputs: [fed(), held([6, 5, 3, 3]), held([5])],
      plain: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    },
    {
      what: 'in groups, output padding',
      inputs: [fed(), held([6, 2, 3, 2])],
      plain: { kernel_shape: [3, 2], strides: [2, 3], group: 3, output_padding: [1, 1] },
    },
    {
      what: 'depthwise, dilated',
      inputs: [fed(), held([6, 1, 3, 3])],
      plain: { kernel_shape: [3, 3], group: 6, dilations: [2, 2] },
    },
  ],
  DepthToSpace: ['DCR', 'CRD'].map((mode) => ({
    what: mode,
    inputs: [fed([2, 12, 7, 8])],
    plain: { blocksize: 2, mode },
  })),
  DequantizeLinear: [
    { inputs: [whole(120), scalar(0.05), { held: { type: 'uint8', dims: [], data: Uint8Array.of(7) } }] },
    { what: 'by channel', inputs: [whole(120), { held: positive([6]).fed }], plain: { axis: 1 } },
  ],
  Div: [
    { inputs: [fed(), positive()] },
    { what: 'by channel', inputs: [fed(), { held: positive([6, 1, 1]).fed }] },
    { what: 'whole numbers', inputs: [whole(50), { fed: { type: 'int32', dims: [1], data: Int32Array.of(7) } }] },
  ],
  Dropout: [{ inputs: [fed()], outputs: 2 }],
  Einsum: [
    { what: 'matrices', inputs: [fed([2, 6, 11, 10]), fed([2, 6, 10, 9])], plain: { equation: 'bhij,bhjk->bhik' } },
    { what: 'channels', inputs: [fed(), held([6, 5])], plain: { equation: 'nchw,cd->ndhw' } },
    { what: 'an ellipsis', inputs: [fed(), held([10, 4])], plain: { equation: '...i,ij->...j' } },
    { what: 'sums', inputs: [fed()], plain: { equation: 'nchw->cn' } },
    { what: 'diagonals', inputs: [fed([12, 10, 12])], plain: { equation: 'iji->ji' } },
    {
      what: 'three values',
      inputs: [fed([40, 30]), held([30, 20]), held([20, 40])],
      plain: { equation: 'ij,jk,kl->il' },
    },
    { what: 'axes of length 1', inputs: [fed([2, 6, 11, 10]), held([1, 6, 10])], plain: { equation: 'nchw,ncw->nch' } },
    { what: 'no arrow', inputs: [fed([40, 30]), held([30, 20])], plain: { equation: 'ij,jk' } },
  ],
  Elu: unary({ alpha: { float: 0.8 } }),
  Equal: compared(),
  Erf: [{ inputs: [fed(map, 3)] }],
  Exp: unary(),
  Expand: [
    { inputs: [fed([2, 600, 1]), ints(2, 600, 3)] },
    { what: 'more axes', inputs: [fed(), ints(3, 1, 6, 1, 1)] },
  ],
  Flatten: [{ inputs: [fed()], plain: { axis: 2 } }],
  Floor: [{ inputs: [fed(map, 4)] }],
  Gather: [
    { what: 'channels', inputs: [fed(), ints(3, 0, 3, -1)], plain: { axis: 1 } },
    { what: 'many', inputs: [fed(), below(11, [40, 30])], plain: { axis: 2 } },
  ],
  GatherElements: [{ inputs: [fed(), below(6, [2, 6, 11, 10])], plain: { axis: 1 } }],
  GatherND: [
    { inputs: [fed(), below(2, [40, 30, 2])] },
    { what: 'in batches', inputs: [fed(), below(6, [2, 7, 2])], plain: { batch_dims: 1 } },
  ],
  Gelu: [{ inputs: [fed(map, 2)] }, { what: 'tanh', inputs: [fed(map, 2)], plain: { approximate: 'tanh' } }],
  Gemm: [
    {
      inputs: [fed([30, 40]), held([20, 40]), held([20])],
      plain: { transB: 1, alpha: { float: 0.5 }, beta: { float: 2 } },
    },
    { what: 'turned', inputs: [fed([40, 30]), held([40, 20])], plain: { transA: 1 } },
  ],
  GlobalAveragePool: unary(),
  GlobalLpPool: [...unary(), { what: 'of order 3', inputs: [fed()], plain: { p: 3 } }],
  GlobalMaxPool: unary(),
  Greater: compared(),
  GreaterOrEqual: compared(),
  GroupNormalization: norms([6], { num_groups: 3 }),
  HardSigmoid: [{ inputs: [fed(map, 4)] }],
  HardSwish: [{ inputs: [fed(map, 4)] }],
  Identity: unary(),
  InstanceNormalization: norms([6]),
  LRN: [
    { inputs: [fed(map, 3)], plain: { size: 3, alpha: { float: 0.3 }, beta: { float: 0.75 } } },
    { what: 'an even number of channels', inputs: [fed(map, 3)], plain: { size: 4, alpha: { float: 0.3 } } },
  ],
  LayerNormalization: [
    ...norms([10], { axis: -1 }),
    { what: 'two axes', inputs: [fed(), held([11, 10])], plain: { axis: 2 } },
  ],
  LeakyRelu: unary({ alpha: { float: 0.2 } }),
  Less: compared(),
  LessOrEqual: compared(),
  Log: [{ inputs: [positive()] }],
  LpNormalization: [
    { inputs: [mapped((value, i) => (i % 100 < 60 ? 0 : value))], plain: { axis: -1 } },
    { what: 'of order 1', inputs: [fed()], plain: { axis: 1, p: 1 } },
  ],
  LpPool: [...pools(), { what: 'of order 3', inputs: [fed()], plain: { kernel_shape: [2, 2], strides: [2, 2], p: 3 } }],
  MatMul: [
    { inputs: [fed([2, 3, 20, 30]), held([30, 12])] },
    { what: 'in batches', inputs: [fed([2, 3, 20, 30]), fed([2, 3, 30, 12])] },
    { what: 'repeated batches', inputs: [held([20, 11]), fed()] },
  ],
  Max: binary(),
  MaxPool: [
    ...pools(),
    ...pools().map((each) => ({ ...each, what: `${each.what}, with switches`, outputs: 2 })),
    {
      what: 'equal maxima, with switches',
      inputs: [coarse()],
      plain: { kernel_shape: [3, 3], strides: [2, 2] },
      outputs: 2,
    },
  ],
  MaxUnpool: [
    {
      inputs: [
        fed([2, 6, 11, 10]),
        {
          fed: int64(
            map,
            Array.from({ length: sizeOf(map) }, (_, i) => 2 * i + (i % 2)),
          ),
        },
        ints(2, 6, 22, 10),
      ],
      plain: { kernel_shape: [2, 1], strides: [2, 1] },
    },
  ],
  MeanVarianceNormalization: [
    { inputs: [fed()], plain: { axes: [2, 3] } },
    { what: 'of all pictures', inputs: [fed()] },
  ],
  Min: binary(),
  Mish: [{ inputs: [fed(map, 3)] }],
  Mul: binary(),
  Neg: unary(),
  Not: [{ inputs: [flags()] }],
  Or: logical(),
  PRelu: [{ inputs: [fed(), held([6, 1, 1])] }],
  Pad: [
    { inputs: [fed(), ints(0, 1, 2, 0, 0, 0, 1, 3), scalar(0.5)] },
    { what: 'cuts', inputs: [fed(), ints(0, -1, -2, 0, 0, 0, 1, -3)] },
    { what: 'some axes', inputs: [fed(), ints(1, 2, 3, 0), null, ints(-1, 2)] },
    ...['reflect', 'edge', 'wrap'].map((mode) => ({
      what: mode,
      inputs: [fed(), ints(0, 0, 2, 1, 0, 0, 3, 4)],
      plain: { mode },
    })),
  ],
  Pow: [
    { inputs: [positive(), scalar(1.7)] },
    { what: 'squares', inputs: [fed(), scalar(2)] },
    { what: 'two values', inputs: [positive(), fed()] },
  ],
  QuantizeLinear: [
    { inputs: [fed(map, 3), scalar(0.02), { held: { type: 'uint8', dims: [], data: Uint8Array.of(128) } }] },
    {
      what: 'halves',
      inputs: [
        mapped((value) => Math.round(value * 8) + 0.5),
        scalar(1),
        { held: { type: 'int8', dims: [], data: Int8Array.of(0) } },
      ],
    },
    {
      what: 'by channel',
      inputs: [
        fed(),
        { held: positive([6]).fed },
        { held: { type: 'int8', dims: [6], data: Int8Array.of(0, 1, 2, 3, 4, 5) } },
      ],
      plain: { axis: 1 },
    },
  ],
  RMSNormalization: [{ inputs: [fed(), held([10])], plain: { axis: -1 } }],
  Range: [{ inputs: [{ held: int64([], [2]) }, { held: int64([], [6002]) }, { held: int64([], [3]) }] }],
  Reciprocal: [{ inputs: [positive()] }],
  ReduceL1: reductions(),
  ReduceL2: reductions(),
  ReduceMax: reductions(),
  ReduceMean: reductions(),
  ReduceMin: reductions(),
  ReduceProd: [{ inputs: [positive()], plain: { axes: [1], keepdims: 0 } }],
  ReduceSum: sums,
  ReduceSumSquare: reductions(),
  Relu: unary(),
  Reshape: [{ inputs: [fed(), ints(0, -1, 5, 2)] }],
  Resize: [
    ...['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'].flatMap((nearest_mode) =>
      sampling('nearest', { nearest_mode }),
    ),
    ...sampling('linear'),
    ...sampling('cubic', { cubic_coeff_a: { float: -0.5 } }),
    ...sampling('cubic', { exclude_outside: 1 }),
    { what: 'some axes', inputs: [fed(), null, null, ints(20, 22)], plain: { mode: 'linear', axes: [3, 2] } },
    {
      what: 'at their aspect',
      inputs: [fed(), null, null, ints(30, 20)],
      plain: { mode: 'linear', axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' },
    },
    { what: 'one axis', inputs: [fed([2, 6, 100]), null, given([3], [1, 1, 2])], plain: { mode: 'linear' } },
  ],
  Round: [{ inputs: [fed(map, 4)] }, { what: 'halves', inputs: [mapped((value) => Math.round(value * 8) + 0.5)] }],
  ScatterElements: ['none', 'add', 'mul', 'max', 'min'].map((reduction) => ({
    what: reduction,
    inputs: [
      fed(),
      // Where the order would matter, each place once.
      reduction === 'none'
        ? {
            fed: int64(
              [2, 3, 11, 10],
              Array.from({ length: 660 }, (_, i) => (Math.floor(i / 110) % 3) * 2),
            ),
          }
        : below(6, [2, 3, 11, 10]),
      fed([2, 3, 11, 10]),
    ],
    plain: { axis: 1, reduction },
  })),
  ScatterND: ['none', 'add', 'max'].map((reduction) => ({
    what: reduction,
    inputs: [fed(), { fed: int64([3, 2], [0, 1, 1, 5, 0, -1]) }, fed([3, 11, 10])],
    plain: { reduction },
  })),
  Selu: unary(),
  Shape: unary(),
  Shrink: unary({ lambd: { float: 0.3 }, bias: { float: 0.2 } }),
  Sigmoid: [{ inputs: [fed(map, 4)] }],
  Sign: [{ inputs: [coarse()] }],
  Size: unary(),
  Slice: [
    { inputs: [fed(), ints(1, -8), ints(5, 100), ints(1, 2), ints(1, 3)] },
    { what: 'backwards', inputs: [fed(), ints(-1, 9), ints(-100, 2), ints(2, 3), ints(-2, -3)] },
  ],
  Softmax: [
    { inputs: [fed(map, 4)], plain: { axis: 1 } },
    { what: 'last axis', inputs: [fed()], plain: { axis: -1 } },
  ],
  Softplus: [{ inputs: [fed(map, 5)] }],
  Softsign: unary(),
  SpaceToDepth: [{ inputs: [fed([2, 3, 14, 16])], plain: { blocksize: 2 } }],
  Split: [
    { inputs: [fed(), ints(1, 3, 2)], plain: { axis: 1 }, outputs: 3 },
    { what: 'rows', inputs: [fed(), ints(4, 7)], plain: { axis: -2 }, outputs: 2 },
  ],
  Sqrt: [{ inputs: [positive()] }],
  Squeeze: [{ inputs: [fed([2, 1, 66, 10]), ints(1)] }],
  Sub: binary(),
  Sum: [{ inputs: [fed(), held([6, 1, 1]), fed()] }],
  Swish: [{ inputs: [fed(map, 3)], plain: { alpha: { float: 1.7 } } }],
  Tanh: unary(),
  ThresholdedRelu: unary({ alpha: { float: 0.3 } }),
  Tile: [{ inputs: [fed(), ints(1, 2, 1, 3)] }],
  TopK: [{ inputs: [coarse(), ints(4)], plain: { axis: 1 }, outputs: 2 }],
  Transpose: [
    { inputs: [fed()], plain: { perm: [0, 2, 3, 1] } },
    { what: 'turned round', inputs: [fed()] },
  ],
  Unsqueeze: [{ inputs: [fed(), ints(0, -1)] }],
  Where: [{ inputs: [flags(), fed(), fed()] }, { what: 'a scalar', inputs: [flags(), fed(), scalar(0)] }],
};

/** The graph of one node, and what it is fed. */
export function graphOf(
  opType: string,
  { inputs, plain, tensor, outputs = 1 }: OpCase,
): { graph: Graph; feeds: Record<string, Tensor> } {
  const named = inputs.map((input, i) => ({ name: input ? `x${i}` : '', input }));
  const fedOnes = named.flatMap(({ name, input }) => (input && 'fed' in input ? [{ name, tensor: input.fed }] : []));
  const results = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const tensors = Object.entries(tensor ?? {}).map(
    ([name, value]) => [name, { kind: 'tensor' as const, value }] as const,
  );
  const graph: Graph = {
    ...emptyGraph('test', opType),
    inputs: fedOnes.map(({ name, tensor: { type, dims } }) => ({ name, type, shape: dims })),
    outputs: results.map((name) => ({ name, type: 'float32', shape: null })),
    initializers: new Map(
      named.flatMap(({ name, input }) => (input && 'held' in input ? [[name, input.held] as const] : [])),
    ),
    nodes: [
      {
        name: 'node',
        opType,
        domain: opType === 'ChannelNormalization' ? 'unpool' : '',
        inputs: named.map(({ name }) => name),
        outputs: results,
        attributes: { ...attributes(plain ?? {}), ...Object.fromEntries(tensors) },
      },
    ],
  };
  return { graph, feeds: Object.fromEntries(fedOnes.map(({ name, tensor: value }) => [name, value])) };
}

import { clip6, type Translate } from './windows';
import { boolOf, failAt, floatOf, typeOf } from './node';

const same =
  (opType: string): Translate =>
  (context, node, inputs) =>
    context.emit(node, opType, inputs);

const reduce =
  (opType: string): Translate =>
  (context, node, inputs) => {
    const axes = context.numbers(node, inputs, 1, 'axes');
    const keepdims = Number(boolOf(node, 'keep_dims'));
    if (opType === 'ReduceSum')
      return context.emit(node, opType, [inputs[0]!, context.builder.ints(axes)], { keepdims });
    return context.emit(node, opType, [inputs[0]!], { axes, keepdims });
  };

const pass: Translate = (_context, _node, inputs) => inputs[0]!;

/** ONNX's numbers of element types, with every integer as int64. */
const castTo: Record<string, number> = { FLOAT: 1, HALF: 1, DOUBLE: 1, INT32: 7, INT64: 7, UINT8: 7, BOOL: 9 };

const cast: Translate = (context, node, inputs) => {
  const to = castTo[typeOf(node, 'DstT')];
  if (to === undefined) throw failAt(node, `casts to ${typeOf(node, 'DstT') || 'an unknown type'}`);
  return context.emit(node, 'Cast', [inputs[0]!], { to });
};

/** Source: tensorflow/core/kernels/image/image_resizer_state.h, and resize_nearest_neighbor_op.cc for the rounding. */
const resize =
  (mode: 'linear' | 'nearest'): Translate =>
  (context, node, inputs) => {
    const corners = boolOf(node, 'align_corners');
    const half = boolOf(node, 'half_pixel_centers');
    const plain = {
      mode,
      coordinate_transformation_mode: corners ? 'align_corners' : half ? 'half_pixel' : 'asymmetric',
      ...(mode === 'nearest' && { nearest_mode: corners || half ? 'round_prefer_ceil' : 'floor' }),
    };
    const { builder } = context;
    return context.channelsFirst(node, inputs[0]!, (x) => {
      const start = context.add('Slice', [context.add('Shape', [x]), builder.ints([0]), builder.ints([2])]);
      const sizes = context.add('Concat', [start, inputs[1]!], { axis: 0 });
      return context.emit(node, 'Resize', [x, '', '', sizes], plain);
    });
  };

/** Ops on each value, reductions, and what changes no value. */
export const valueOps: Readonly<Record<string, Translate>> = {
  ...Object.fromEntries(
    ['Relu', 'Selu', 'Sigmoid', 'Tanh', 'Softplus', 'Softsign', 'Erf', 'Sub', 'Mul', 'Sqrt', 'Pow', 'Exp', 'Log', 'Neg']
      .concat(['Abs', 'Floor', 'Ceil', 'Reciprocal', 'Sign', 'Greater', 'Less', 'Equal'])
      .map((op) => [op, same(op)]),
  ),
  Add: same('Add'),
  AddV2: same('Add'),
  AddN: same('Sum'),
  RealDiv: same('Div'),
  Div: same('Div'),
  Maximum: same('Max'),
  Minimum: same('Min'),
  GreaterEqual: same('GreaterOrEqual'),
  LessEqual: same('LessOrEqual'),
  LogicalAnd: same('And'),
  LogicalOr: same('Or'),
  LogicalNot: same('Not'),
  Select: same('Where'),
  SelectV2: same('Where'),
  Prelu: same('PRelu'),
  Identity: pass,
  StopGradient: pass,
  PreventGradient: pass,
  Snapshot: pass,
  CheckNumerics: pass,
  PlaceholderWithDefault: pass,
  Relu6: (context, node, [x]) => clip6(context, x!, node.name),
  LeakyRelu: (context, node, [x]) =>
    context.emit(node, 'LeakyRelu', [x!], { alpha: { float: floatOf(node, 'alpha', 0.2) } }),
  Elu: (context, node, [x]) => context.emit(node, 'Elu', [x!], { alpha: { float: 1 } }),
  Softmax: (context, node, [x]) => context.emit(node, 'Softmax', [x!], { axis: -1 }),
  LogSoftmax: (context, node, [x]) => context.emit(node, 'LogSoftmax', [x!], { axis: -1 }),
  Square: (context, node, [x]) => context.emit(node, 'Mul', [x!, x!]),
  SquaredDifference: (context, node, [a, b]) => {
    const difference = context.add('Sub', [a!, b!]);
    return context.emit(node, 'Mul', [difference, difference]);
  },
  Rsqrt: (context, node, [x]) => context.emit(node, 'Reciprocal', [context.add('Sqrt', [x!])]),
  Mean: reduce('ReduceMean'),
  Sum: reduce('ReduceSum'),
  Max: reduce('ReduceMax'),
  Min: reduce('ReduceMin'),
  Prod: reduce('ReduceProd'),
  ArgMax: (context, node, inputs) => {
    const [axis] = context.numbers(node, inputs, 1, 'axis');
    return context.emit(node, 'ArgMax', [inputs[0]!], { axis: axis!, keepdims: 0 });
  },
  Cast: cast,
  ResizeBilinear: resize('linear'),
  ResizeNearestNeighbor: resize('nearest'),
  Fill: (context, node, [dims, value]) => context.emit(node, 'Expand', [value!, dims!]),
};

import type { Context } from './context';
import { failAt, intOf, intsOf, stringOf, type TfNode } from './node';
import type { Translate } from './windows';

/** ONNX's "to the end". */
const end = 2 ** 63;

const toVector = (context: Context, value: string): string =>
  context.tensor(value)?.dims.length === 0 ? context.add('Unsqueeze', [value, context.builder.ints([0])]) : value;

const pad =
  (mode: (node: TfNode) => string): Translate =>
  (context, node, inputs) => {
    const value = inputs[2] ? [inputs[2]] : [];
    return context.emit(node, 'Pad', [inputs[0]!, padsOf(context, node, inputs), ...value], { mode: mode(node) });
  };

/** TensorFlow has a pair for each axis, ONNX all that come before, then all that come behind. */
function padsOf(context: Context, node: TfNode, inputs: readonly string[]): string {
  const { builder } = context;
  if (!context.tensor(inputs[1] ?? '')) {
    const pairs = context.add('Cast', [inputs[1]!], { to: 7 });
    return context.add('Reshape', [context.transpose(pairs, [1, 0]), builder.ints([-1])]);
  }
  const pairs = context.numbers(node, inputs, 1, 'paddings');
  return builder.ints([...pairs.filter((_, i) => i % 2 === 0), ...pairs.filter((_, i) => i % 2 === 1)]);
}

const mirror = (node: TfNode): string => {
  const mode = stringOf(node, 'mode', 'REFLECT');
  if (mode !== 'REFLECT') throw failAt(node, `pads in the mode "${mode}"`);
  return 'reflect';
};

const concat: Translate = (context, node, inputs) => {
  const [axis] = context.numbers(node, inputs, inputs.length - 1, 'axis');
  const values = inputs.slice(0, -1);
  return values.length === 1 ? values[0]! : context.emit(node, 'Concat', values, { axis: axis! });
};

function splitInto(
  context: Context,
  node: TfNode,
  value: string,
  axis: number,
  count: number,
  sizes: string[],
): string[] {
  const outputs = Array.from({ length: count }, (_, i) =>
    context.builder.fresh(i === 0 ? node.name : `${node.name}:${i}`),
  );
  context.builder.addNode({
    opType: 'Split',
    inputs: [value, ...sizes],
    attributes: { axis: { kind: 'int', value: axis } },
    outputs,
  });
  return outputs;
}

const split: Translate = (context, node, inputs) => {
  const [axis] = context.numbers(node, inputs, 0, 'axis');
  return splitInto(context, node, inputs[1]!, axis!, intOf(node, 'num_split', 1), []);
};

const splitV: Translate = (context, node, inputs) => {
  const sizes = context.numbers(node, inputs, 1, 'sizes');
  const [axis] = context.numbers(node, inputs, 2, 'axis');
  if (sizes.includes(-1)) throw failAt(node, 'leaves one of its sizes open');
  return splitInto(context, node, inputs[0]!, axis!, sizes.length, [context.builder.ints(sizes)]);
};

const pack: Translate = (context, node, inputs) => {
  const axis = intOf(node, 'axis', 0);
  const values = inputs.map((value) => context.add('Unsqueeze', [value, context.builder.ints([axis])]));
  return context.emit(node, 'Concat', values, { axis });
};

const unpack: Translate = (context, node, inputs) => {
  const axis = intOf(node, 'axis', 0);
  const parts = splitInto(context, node, inputs[0]!, axis, intOf(node, 'num', 1), []);
  return parts.map((part) => context.add('Squeeze', [part, context.builder.ints([axis])]));
};

const slice: Translate = (context, node, inputs) => {
  const begin = context.numbers(node, inputs, 1, 'begin');
  const size = context.numbers(node, inputs, 2, 'size');
  const ends = size.map((length, axis) => (length < 0 ? end : begin[axis]! + length));
  const ints = [begin, ends, begin.map((_, axis) => axis)].map((list) => context.builder.ints(list));
  return context.emit(node, 'Slice', [inputs[0]!, ...ints]);
};

/** Source: tensorflow/core/util/strided_slice_op.cc. Axes behind an ellipsis are counted from the last. */
const stridedSlice: Translate = (context, node, inputs) => {
  const [begin, stop, step] = [1, 2, 3].map((index) => context.numbers(node, inputs, index, 'bounds')) as [
    number[],
    number[],
    number[],
  ];
  const masked = (name: string, i: number) => ((intOf(node, `${name}_mask`, 0) >> i) & 1) === 1;
  const dense = begin.map((_, i) => !masked('new_axis', i) && !masked('ellipsis', i));
  const ellipsis = begin.findIndex((_, i) => masked('ellipsis', i));
  const taken: { axis: number; from: number; to: number; step: number }[] = [];
  const dropped: number[] = [];
  const fresh: number[] = [];
  for (let i = 0; i < begin.length; i++) {
    const behind = ellipsis >= 0 && i > ellipsis;
    if (masked('new_axis', i)) {
      if (behind) throw failAt(node, 'makes an axis behind an ellipsis');
      fresh.push(dense.slice(0, i).filter((each, j) => each && !masked('shrink_axis', j)).length + fresh.length);
    }
    if (!dense[i]) continue;
    const axis = behind ? -dense.slice(i).filter(Boolean).length : dense.slice(0, i).filter(Boolean).length;
    const stride = step[i]!;
    const at = begin[i]!;
    if (masked('shrink_axis', i)) {
      taken.push({ axis, from: at, to: at === -1 ? end : at + 1, step: 1 });
      dropped.push(axis);
      continue;
    }
    const from = masked('begin', i) ? (stride > 0 ? 0 : end) : at;
    const to = masked('end', i) ? (stride > 0 ? end : -end) : stop[i]!;
    if (from !== 0 || to !== end || stride !== 1) taken.push({ axis, from, to, step: stride });
  }
  let value = inputs[0]!;
  const { builder } = context;
  if (taken.length) {
    const lists = [
      taken.map((t) => t.from),
      taken.map((t) => t.to),
      taken.map((t) => t.axis),
      taken.map((t) => t.step),
    ];
    value = context.emit(node, 'Slice', [value, ...lists.map((list) => builder.ints(list))]);
  }
  if (dropped.length) value = context.emit(node, 'Squeeze', [value, builder.ints(dropped)]);
  if (fresh.length) value = context.emit(node, 'Unsqueeze', [value, builder.ints(fresh)]);
  return value;
};

const gather: Translate = (context, node, inputs) => {
  const [axis] = inputs[2] ? context.numbers(node, inputs, 2, 'axis') : [0];
  if (intOf(node, 'batch_dims', 0)) throw failAt(node, 'gathers per picture');
  return context.emit(node, 'Gather', [inputs[0]!, inputs[1]!], { axis: axis! });
};

/** Ops that move values, and those that make and read shapes. */
export const shapeOps: Readonly<Record<string, Translate>> = {
  Pad: pad(() => 'constant'),
  PadV2: pad(() => 'constant'),
  MirrorPad: pad(mirror),
  ConcatV2: concat,
  Split: split,
  SplitV: splitV,
  Pack: pack,
  Unpack: unpack,
  Slice: slice,
  StridedSlice: stridedSlice,
  Gather: gather,
  GatherV2: gather,
  Reshape: (context, node, [x, shape]) => context.emit(node, 'Reshape', [x!, toVector(context, shape!)]),
  Shape: (context, node, [x]) => context.emit(node, 'Shape', [x!]),
  Tile: (context, node, [x, repeats]) => context.emit(node, 'Tile', [x!, repeats!]),
  BroadcastTo: (context, node, [x, shape]) => context.emit(node, 'Expand', [x!, shape!]),
  Squeeze: (context, node, [x]) => {
    const axes = [...intsOf(node, 'squeeze_dims'), ...intsOf(node, 'axis')];
    return context.emit(node, 'Squeeze', axes.length ? [x!, context.builder.ints(axes)] : [x!]);
  },
  ExpandDims: (context, node, inputs) => {
    const axes = context.numbers(node, inputs, 1, 'axis');
    return context.emit(node, 'Unsqueeze', [inputs[0]!, context.builder.ints(axes)]);
  },
  Transpose: (context, node, inputs) =>
    context.emit(node, 'Transpose', [inputs[0]!], { perm: context.numbers(node, inputs, 1, 'order of axes') }),
};

import type { Call } from './context';
import type { Translate } from './windows';

/** ONNX's "to the end"; PyTorch's is the largest int64, which JSON rounds to the same. */
const end = 2 ** 63;

const same: Translate = (call) => {
  const [from, to] = [call.type('self'), call.outputType()];
  const isFloat = (type: string | undefined) => type?.includes('float') ?? true;
  const x = call.optional('self') ?? call.tensor('input');
  if (isFloat(from) === isFloat(to)) return x;
  return call.emit('Cast', [x], { to: isFloat(to) ? 1 : 7 });
};

/** A batch that the exporter fixed stays free: as many pictures as there are. */
const reshape: Translate = (call) => {
  const name = call.op === 'reshape' ? 'shape' : 'size';
  const batch = call.shape('self')[0];
  const fixed = call.fixed(name);
  const target = fixed && batch && fixed[0] === batch ? call.builder.ints([0, ...fixed.slice(1)]) : call.vector(name);
  return call.emit('Reshape', [call.tensor('self'), target]);
};

function flatten(call: Call): string {
  const rank = call.shape('self').length;
  const at = (axis: number) => (axis < 0 ? axis + rank : axis);
  const [start, stop] = [at(call.int('start_dim', 0)), at(call.int('end_dim', -1))];
  if (start === 1 && stop === rank - 1) return call.emit('Flatten', [call.tensor('self')], { axis: 1 });
  const rest = call.shape('self').slice(stop + 1);
  const target = [...Array<number>(start).fill(0), -1, ...rest.map((dim) => call.known(dim, 'a size'))];
  return call.emit('Reshape', [call.tensor('self'), call.builder.ints(target)]);
}

function swap(call: Call): string {
  const rank = call.shape('self').length;
  const at = (axis: number) => (axis < 0 ? axis + rank : axis);
  const [a, b] = call.op === 't' ? [0, rank - 1] : [at(call.int('dim0', 0)), at(call.int('dim1', 1))];
  const perm = Array.from({ length: rank }, (_, axis) => (axis === a ? b : axis === b ? a : axis));
  return call.emit('Transpose', [call.tensor('self')], { perm });
}

const permute: Translate = (call) => {
  const dims = call.ints('dims') ?? [];
  const perm = dims.map((axis) => (axis < 0 ? axis + dims.length : axis));
  return call.emit('Transpose', [call.tensor('self')], { perm });
};

function slice(call: Call): string {
  const { builder } = call;
  const start = call.has('start') ? call.vector('start') : builder.ints([0]);
  const stop = call.has('end') ? call.vector('end') : builder.ints([end]);
  const rest = [builder.ints([call.int('dim', 0)]), builder.ints([call.int('step', 1)])];
  return call.emit('Slice', [call.tensor('self'), start, stop, ...rest]);
}

function select(call: Call): string {
  const [axis, index] = [call.int('dim', 0), call.int('index', 0)];
  const bounds = [[index], [index === -1 ? end : index + 1], [axis]].map((list) => call.builder.ints(list));
  const part = call.add('Slice', [call.tensor('self'), ...bounds]);
  return call.emit('Squeeze', [part, call.builder.ints([axis])]);
}

/** Parts of an axis: how long each is, the exporter has noted. */
function split(call: Call): string[] {
  const names = call.outputNames();
  const axis = call.int('dim', 0);
  const sizes = names.map((_, index) => call.known(call.outputShape(index).at(axis), 'the size of a part'));
  const outputs = names.map((_, index) => call.builder.fresh(index ? `${call.label}:${index}` : call.label));
  call.builder.addNode({
    opType: 'Split',
    inputs: [call.tensor('self'), call.builder.ints(sizes)],
    attributes: { axis: { kind: 'int', value: axis } },
    outputs,
  });
  return outputs;
}

function stack(call: Call): string {
  const axis = call.int('dim', 0);
  const parts = call.tensors('tensors').map((each) => call.add('Unsqueeze', [each, call.builder.ints([axis])]));
  return call.emit('Concat', parts, { axis });
}

function pad(call: Call, given?: string): string {
  const rank = call.shape('self').length;
  const pairs = call.ints(call.has('pad') ? 'pad' : 'padding') ?? [];
  const pads = Array<number>(2 * rank).fill(0);
  // PyTorch lists the last axis first, each with its two ends.
  pairs.forEach((size, i) => (pads[rank - 1 - (i >> 1) + (i % 2 ? rank : 0)] = size));
  const mode = given ?? call.text('mode') ?? 'constant';
  const names: Record<string, string> = { constant: 'constant', reflect: 'reflect', replicate: 'edge' };
  if (!names[mode]) throw call.fail(`pads in the mode "${mode}"`);
  const value = mode === 'constant' ? [call.constant([], [call.number('value', 0)])] : [];
  return call.emit('Pad', [call.tensor('self'), call.builder.ints(pads), ...value], { mode: names[mode] });
}

function squeeze(call: Call): string {
  const shape = call.shape('self');
  const axes = call.ints('dim') ?? shape.map((_, axis) => axis);
  const ones = axes.filter((axis) => shape.at(axis) === 1); // others, PyTorch leaves alone
  return ones.length ? call.emit('Squeeze', [call.tensor('self'), call.builder.ints(ones)]) : call.tensor('self');
}

function expand(call: Call): string {
  const sizes = call.ints('size')?.map((size) => (size === -1 ? 1 : size));
  return call.emit('Expand', [call.tensor('self'), sizes ? call.builder.ints(sizes) : call.vector('size')]);
}

function symSize(call: Call): string {
  const axis = call.int('dim', 0);
  const bounds = [axis, axis === -1 ? end : axis + 1].map((at) => call.builder.ints([at]));
  return call.add('Slice', [call.add('Shape', [call.tensor('self')]), ...bounds]);
}

/** Python's arithmetic on sizes. */
const integer =
  (opType: string): Translate =>
  (call) => {
    const [a, b] = call.node.inputs.map(({ name }) => call.vector(name));
    return call.add(opType, [a!, b!]);
  };

/** Ops that move values, those that keep them, and sizes. */
export const shapeOps: Readonly<Record<string, Translate>> = {
  view: reshape,
  reshape,
  _unsafe_view: reshape,
  flatten,
  t: swap,
  transpose: swap,
  numpy_T: swap,
  permute,
  cat: (call) => call.emit('Concat', call.tensors('tensors'), { axis: call.int('dim', 0) }),
  stack,
  slice,
  select,
  split,
  split_with_sizes: split,
  chunk: split,
  unsqueeze: (call) => call.emit('Unsqueeze', [call.tensor('self'), call.builder.ints(call.ints('dim') ?? [])]),
  squeeze,
  expand,
  pad: (call) => pad(call),
  constant_pad_nd: (call) => pad(call, 'constant'),
  reflection_pad2d: (call) => pad(call, 'reflect'),
  replication_pad2d: (call) => pad(call, 'replicate'),
  dropout: (call) => call.tensor('input'),
  feature_dropout: (call) => call.tensor('input'),
  native_dropout: (call) => call.tensor('input'),
  clone: same,
  contiguous: same,
  detach: same,
  alias: same,
  lift_fresh_copy: same,
  _to_copy: same,
  to: same,
  type_as: same,
  sym_size: symSize,
  '_operator.mul': integer('Mul'),
  '_operator.add': integer('Add'),
  '_operator.sub': integer('Sub'),
  '_operator.floordiv': integer('Div'),
};

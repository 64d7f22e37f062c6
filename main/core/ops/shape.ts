import { intAttribute, intsAttribute, type Node } from '../graph/graph';
import { sizeOf } from '../graph/tensor';
import { inputShape, integers, reshapedLike } from './axes';
import { fromTensor, map, nd, normalAxis, reshape as view, transpose as permute, type Nd } from './nd';
import { first, inputName, need, NotKnown, type Op, type Shape } from './op';

function viewOp(target: (node: Node, input: Shape, second: Nd | undefined) => number[], needsSecond: boolean): Op {
  return {
    role: 'shape',
    shapes(node, [x], known) {
      const second = node.inputs[1] ? known.constant(node.inputs[1]) : undefined;
      if (needsSecond && node.inputs[1] && !second) throw new NotKnown(`"${node.inputs[1]}" is not constant`);
      const input = need(x, 'the shape of the input');
      const out = target(node, input, second);
      if (sizeOf(out) !== sizeOf(input))
        throw new RangeError(`[${input.join(', ')}] does not fit into [${out.join(', ')}]`);
      return [out];
    },
    evaluate: (node, [x, second]) => [view(x!, target(node, x!.dims, second))],
    adjoint: (step) => first(step.node, reshapedLike(step, step.signal, inputName(step.node, 0))),
  };
}

export const reshape = viewOp((node, input, second) => {
  const wanted = integers(second, 'the shape');
  const zeros = intAttribute(node, 'allowzero', 0) === 1;
  const dims = wanted.map((dim, axis) => (dim === 0 && !zeros ? need(input[axis], `dimension ${axis}`) : dim));
  const free = dims.indexOf(-1);
  if (free >= 0) dims[free] = sizeOf(input) / -sizeOf(dims);
  if (!Number.isInteger(dims[free] ?? 0))
    throw new RangeError(`[${input.join(', ')}] does not fit into [${wanted.join(', ')}]`);
  return dims;
}, true);

export const flatten = viewOp((node, input) => {
  const axis = normalAxis(intAttribute(node, 'axis', 1), input.length);
  return [sizeOf(input.slice(0, axis)), sizeOf(input.slice(axis))];
}, false);

export const squeeze = viewOp((_node, input, second) => {
  const axes = second ? integers(second, 'the axes').map((axis) => normalAxis(axis, input.length)) : null;
  return input.filter((dim, axis) => (axes ? !axes.includes(axis) : dim !== 1));
}, true);

export const unsqueeze = viewOp((_node, input, second) => {
  const rank = input.length + need(second, 'the axes').data.length;
  const axes = integers(second, 'the axes').map((axis) => normalAxis(axis, rank));
  const rest = [...input];
  return Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : rest.shift()!));
}, true);

export const identity: Op = {
  role: 'shape',
  shapes: (node, [x]) => node.outputs.map(() => need(x, 'the shape of the input')),
  evaluate: (node, [x]) => node.outputs.map((_, index) => (index === 0 ? x! : map(x!, () => 1, 'bool'))),
  extent: () => ({ kind: 'pointwise' }),
  adjoint: ({ node, signal }) => first(node, signal),
};

/** ONNX's numbers of the floating-point types and of bool. */
const floats = [1, 10, 11, 16];
const bool = 9;

const castTo = (x: Nd, type: Nd['type']): Nd =>
  type === 'bool'
    ? map(x, (value) => Number(value !== 0), 'bool')
    : map(x, type === 'int' ? Math.trunc : (value) => value, type);
const rounds = 'it turns values into integers or booleans';

/** Between floating-point types it passes the signal. */
export const cast: Op = {
  ...identity,
  evaluate(node, [x]) {
    const to = intAttribute(node, 'to', 1);
    return [castTo(x!, to === bool ? 'bool' : floats.includes(to) ? 'float' : 'int')];
  },
  refuses: (node) => (floats.includes(intAttribute(node, 'to', 1)) ? null : rounds),
};

/** To the type of its second input. What depends on the picture counts as floating-point. */
export const castLike: Op = {
  ...identity,
  evaluate: (_node, [x, like]) => [castTo(x!, like!.type)],
  refuses: (node, known) => ((known.constant(inputName(node, 1))?.type ?? 'float') === 'float' ? null : rounds),
};

export const transpose: Op = {
  role: 'shape',
  shapes(node, [x]) {
    const input = need(x, 'the shape of the input');
    return [permutation(node, input.length).map((axis) => input[axis]!)];
  },
  evaluate: (node, [x]) => [permute(x!, permutation(node, x!.dims.length))],
  adjoint({ node, builder, known, signal }) {
    const perm = permutation(node, inputShape(known, node).length);
    const inverse = perm.map((_, axis) => perm.indexOf(axis));
    return first(node, builder.add('Transpose', [signal], { perm: inverse }, `${node.outputs[0]}:back`));
  },
};
const permutation = (node: Node, rank: number): readonly number[] =>
  intsAttribute(node, 'perm') ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);

const shapePart = (node: Node, dims: Shape): Shape => {
  const end = node.attributes['end'];
  return dims.slice(intAttribute(node, 'start', 0), end?.kind === 'int' ? end.value : undefined);
};

/** A shape, or from opset 15 on the part of it from `start` to `end`. */
export const shapeOf: Op = {
  role: 'shape',
  shapes: (node, [x]) => [[shapePart(node, need(x, 'the shape of the input')).length]],
  evaluate(node, [x]) {
    const dims = shapePart(node, x!.dims);
    return [nd([dims.length], Float64Array.from(dims), 'int')];
  },
};

export const size: Op = {
  role: 'shape',
  shapes: () => [[]],
  evaluate: (_node, [x]) => [nd([], Float64Array.of(sizeOf(x!.dims)), 'int')],
};

export const constantOfShape: Op = {
  role: 'shape',
  shapes: (node, _inputs, known) => [integers(known.constant(inputName(node, 0)), 'the shape')],
  evaluate(node, [shape]) {
    const value = node.attributes['value'];
    const given = value?.kind === 'tensor' ? fromTensor(value.value) : undefined;
    const out = nd(Array.from(shape!.data), undefined, given?.type ?? 'float');
    if (given) out.data.fill(given.data[0]!);
    return [out];
  },
};

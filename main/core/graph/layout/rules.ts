import { normalAxis } from '../../ops/nd';
import { intAttribute, intsAttribute, type Attribute, type Node } from '../graph';
import { channelsLast, inverse, reshapeTarget, samePerm, type LayoutPass } from './pass';
import { mergeAxes } from './blocks';
import { sizeOf, transposeTensor } from '../tensor';

/**
 * Writes a node for the views of its inputs; false where it cannot, so that the node gets its inputs in their own layouts.
 * An axis of the old value is axis perm[axis] of its view.
 */
type Rule = (pass: LayoutPass, node: Node) => boolean;

const range = (rank: number): number[] => Array.from({ length: rank }, (_, axis) => axis);
const int = (value: number): Attribute => ({ kind: 'int', value });
const ints = (value: readonly number[]): Attribute => ({ kind: 'ints', value });

/** The permutation of the input that has one; rules below are for those only. */
const moved =
  (rule: (pass: LayoutPass, node: Node, perm: readonly number[], name: string) => boolean): Rule =>
  (pass, node) => {
    const { name, perm } = pass.view(node.inputs[0] ?? '');
    return perm !== null && rule(pass, node, perm, name);
  };

/** What is left of a permutation when old axes go. */
function dropAxes(perm: readonly number[], dropped: readonly number[]): number[] {
  const kept = perm.filter((_, axis) => !dropped.includes(axis));
  const order = [...kept].sort((a, b) => a - b);
  return kept.map((axis) => order.indexOf(axis));
}

/** Each value is computed from its own alone (further inputs are bounds, or a seed). */
const unary = moved((pass, node, perm, name) => pass.emit(node, [name, ...node.inputs.slice(1)], perm));

/** Inputs that are repeated over each other are brought to the layout of the largest that was moved. */
const elementwise: Rule = (pass, node) => {
  const perms = node.inputs
    .map((name) => ({ perm: pass.view(name).perm, size: sizeOf(pass.shape(name) ?? []) }))
    .sort((a, b) => b.size - a.size);
  const perm = perms.find((each) => each.perm)?.perm;
  if (!perm) return false;
  const ranks = node.inputs.map((name) => pass.view(name).perm?.length ?? pass.shape(name)?.length);
  if (ranks.some((rank) => rank === undefined || rank > perm.length)) return false;
  return pass.emit(
    node,
    node.inputs.map((name) => pass.as(name, perm)!),
    perm,
  );
};

/** One axis in an attribute; all else alike. */
const alongAxis = (fallback: number | null): Rule =>
  moved((pass, node, perm, name) => {
    const given = node.attributes['axis']?.kind === 'int' ? node.attributes['axis'].value : fallback;
    if (given === null) return false;
    const axis = int(perm[normalAxis(given, perm.length)]!);
    return pass.emit(node, [name, ...node.inputs.slice(1)], perm, { attributes: { ...node.attributes, axis } });
  });

const concat: Rule = (pass, node) => {
  const perm = pass.permOf(node);
  const axis = node.attributes['axis'];
  if (!perm || axis?.kind !== 'int') return false;
  const inputs = node.inputs.map((name) => pass.as(name, perm));
  if (inputs.some((name) => name === null)) return false;
  const attributes = { ...node.attributes, axis: int(perm[normalAxis(axis.value, perm.length)]!) };
  return pass.emit(node, inputs as string[], perm, { attributes });
};

/** Axes as an attribute or as a constant input, which became the other kind with an operator set. */
const reduce = moved((pass, node, perm, name) => {
  const given = intsAttribute(node, 'axes') ?? (node.inputs[1] ? pass.ints(node.inputs[1]) : []);
  if (!given) return false;
  const axes = given.map((axis) => normalAxis(axis, perm.length));
  const idle = intAttribute(node, 'noop_with_empty_axes', 0) === 1;
  const all = axes.length > 0 ? axes : idle ? [] : range(perm.length);
  const kept = intAttribute(node, 'keepdims', 1) === 1;
  const mapped = axes.map((axis) => perm[axis]!).sort((a, b) => a - b);
  const fromInput = Boolean(node.inputs[1]);
  return pass.emit(node, fromInput ? [name, pass.builder.ints(mapped)] : [name], kept ? perm : dropAxes(perm, all), {
    attributes: node.attributes['axes'] ? { ...node.attributes, axes: ints(mapped) } : node.attributes,
  });
});

const argMax = moved((pass, node, perm, name) => {
  const axis = normalAxis(intAttribute(node, 'axis', 0), perm.length);
  const kept = intAttribute(node, 'keepdims', 1) === 1;
  return pass.emit(node, [name], kept ? perm : dropAxes(perm, [axis]), {
    attributes: { ...node.attributes, axis: int(perm[axis]!) },
  });
});

const slice = moved((pass, node, perm, name) => {
  const starts = pass.ints(node.inputs[1]);
  const axes = node.inputs[3] ? pass.ints(node.inputs[3]) : starts && range(starts.length);
  if (!axes) return false;
  const mapped = pass.builder.ints(axes.map((axis) => perm[normalAxis(axis, perm.length)]!));
  return pass.emit(node, [name, node.inputs[1]!, node.inputs[2]!, mapped, ...node.inputs.slice(4)], perm);
});

const pad = moved((pass, node, perm, name) => {
  const rank = perm.length;
  const given = pass.ints(node.inputs[1]);
  const axes = node.inputs[3] ? pass.ints(node.inputs[3]) : range(rank);
  if (!given || !axes) return false;
  const pads = new Array<number>(2 * rank).fill(0);
  axes.forEach((axis, i) => {
    const to = perm[normalAxis(axis, rank)]!;
    pads[to] = given[i]!;
    pads[to + rank] = given[i + axes.length]!;
  });
  return pass.emit(node, [name, pass.builder.ints(pads), ...node.inputs.slice(2, 3)], perm);
});

const squeeze = moved((pass, node, perm, name) => {
  const shape = pass.shape(node.inputs[0]!);
  const given = node.inputs[1] ? pass.ints(node.inputs[1]) : shape?.flatMap((dim, axis) => (dim === 1 ? [axis] : []));
  if (!given) return false;
  const axes = given.map((axis) => normalAxis(axis, perm.length));
  const mapped = axes.map((axis) => perm[axis]!).sort((a, b) => a - b);
  return pass.emit(node, [name, pass.builder.ints(mapped)], dropAxes(perm, axes));
});

/** New axes between batch and channels stand behind the channels in the view: [N, C] to [N, 1, 1, C] is a map. */
const unsqueeze: Rule = (pass, node) => {
  const { name, perm } = pass.view(node.inputs[0]!);
  const rank = perm?.length ?? pass.shape(node.inputs[0]!)?.length;
  const given = pass.ints(node.inputs[1]);
  if (rank === undefined || rank < 2 || !given) return false;
  const total = rank + given.length;
  const axes = given.map((axis) => normalAxis(axis, total));
  const between = axes.every((axis) => axis > 0 && axis < total - 1);
  const map = perm ? samePerm(perm, channelsLast(rank)) : total === 4 && rank === 2;
  if (!between || !map || total < 3) return false;
  const to = channelsLast(total);
  return pass.emit(node, [name, pass.builder.ints(axes.map((axis) => to[axis]!).sort((a, b) => a - b))], to);
};

const gather = moved((pass, node, perm, name) => {
  const indices = pass.shape(node.inputs[1]!);
  const axis = normalAxis(intAttribute(node, 'axis', 0), perm.length);
  if (!indices || indices.length > 1 || pass.view(node.inputs[1]!).perm) return false;
  return pass.emit(node, [name, node.inputs[1]!], indices.length === 1 ? perm : dropAxes(perm, [axis]), {
    attributes: { ...node.attributes, axis: int(perm[axis]!) },
  });
});

const transpose: Rule = (pass, node) => {
  const { name, perm } = pass.view(node.inputs[0]!);
  const rank = perm?.length ?? pass.shape(node.inputs[0]!)?.length;
  const turn = intsAttribute(node, 'perm') ?? (rank === undefined ? undefined : range(rank).reverse());
  if (!turn) return false;
  return pass.rename(node, name, perm ? turn.map((axis) => perm[axis]!) : turn);
};

/** Over the last axis of maps with channels last: over the channels of the view, place by place. */
const layerNormalization = moved((pass, node, perm, name) => {
  const rank = perm.length;
  const axis = normalAxis(intAttribute(node, 'axis', -1), rank);
  if (rank !== 4 || axis !== 3 || perm[3] !== 1 || node.outputs.slice(1).some(Boolean)) return false;
  const { axis: _axis, stash_type: _stash, ...attributes } = node.attributes;
  const changed = { opType: 'ChannelNormalization', domain: 'unpool', attributes };
  return pass.emit(node, [name, ...node.inputs.slice(1)], perm, changed);
});

/** A dense layer at every place of a map with channels last is a convolution of 1 by 1. */
const matMul = moved((pass, node, perm, name) => {
  const weights = pass.tensor(node.inputs[1]!);
  if (!samePerm(perm, channelsLast(4)) || weights?.type !== 'float32' || weights.dims.length !== 2) return false;
  const turned = transposeTensor(weights, [1, 0]);
  const filters = { ...turned, dims: [...turned.dims, 1, 1] };
  return pass.emit(node, [name, pass.builder.constant(filters, node.inputs[1]!)], perm, {
    opType: 'Conv',
    attributes: { kernel_shape: ints([1, 1]) },
  });
});

const shapeOf = moved((pass, node, perm, name) => {
  if (node.attributes['start'] || node.attributes['end']) return false;
  const shape = pass.builder.add('Shape', [name], {}, `${name}:shape`);
  return pass.emit({ ...node, attributes: {} }, [shape, pass.builder.ints(perm)], null, {
    opType: 'Gather',
    attributes: { axis: int(0) },
  });
});

/** Target shapes and repetitions: one entry per axis. */
const perAxis = (input: number): Rule =>
  moved((pass, node, perm, name) => {
    const given = node.inputs[input];
    if (!given || pass.shape(given)?.[0] !== perm.length) return false;
    const inputs = node.inputs.map((each, index) =>
      index === 0 ? name : index === input ? pass.vector(each, perm) : each,
    );
    return pass.emit(node, inputs, perm);
  });

const resize = moved((pass, node, perm, name) => {
  const rank = perm.length;
  const axes = intsAttribute(node, 'axes');
  if (node.inputs[1] && sizeOf(pass.shape(node.inputs[1]) ?? [0]) > 0) return false; // a region of interest
  if (axes) {
    const mapped = ints(axes.map((axis) => perm[normalAxis(axis, rank)]!));
    return pass.emit(node, [name, ...node.inputs.slice(1)], perm, { attributes: { ...node.attributes, axes: mapped } });
  }
  const given = (index: number) => {
    const each = node.inputs[index];
    return each && sizeOf(pass.shape(each) ?? [1]) > 0 ? pass.vector(each, perm) : '';
  };
  const inputs = [name, node.inputs[1] ?? '', given(2), given(3)];
  while (inputs.at(-1) === '') inputs.pop();
  return pass.emit(node, inputs, perm);
});

/** Only places with more than one element matter for the order of values; the batch always does. */
const order = (shape: readonly number[], axes: readonly number[]): number[] =>
  axes.filter((axis) => axis === 0 || shape[axis] !== 1);

const reshape: Rule = (pass, node) => {
  const input = node.inputs[0]!;
  const { name, perm } = pass.view(input);
  const from = pass.shape(input);
  const to = pass.shape(node.outputs[0]!);
  if (!from || !to) return false;
  const own = perm ?? range(from.length);
  // How the output is to be seen: maps of one place made from vectors, and maps of one channel, have channels last.
  const single = to.length === 4 && to[0] === from[0] && to[1] === 1 && to[2] === 1 && to[3] !== 1;
  if (isUnitMove(from, to)) {
    const turn = unitMove(from, to);
    if (perm || single)
      return pass.rename(
        node,
        name,
        turn.map((axis) => own[axis]!),
      );
  }
  const view = inverse(own);
  const sameOrder = order(from, view).every((axis, i, all) => i === 0 || axis > all[i - 1]!);
  if (single && sameOrder && (perm || from.length === 2)) {
    const target = reshapeTarget(pass, node, to, channelsLast(4));
    return target !== null && pass.emit(node, [name, target], channelsLast(4));
  }
  if (!perm) return false;
  if (sameOrder && view[0] === 0) {
    const target = reshapeTarget(pass, node, to, null);
    if (target !== null) return pass.emit(node, [name, target], null);
  }
  return mergeAxes(pass, node, { name, perm, from, to });
};

/** Whether only axes of one element change places. */
const isUnitMove = (from: readonly number[], to: readonly number[]): boolean =>
  from.length === to.length &&
  from[0] === to[0] &&
  from
    .slice(1)
    .filter((dim) => dim !== 1)
    .join() ===
    to
      .slice(1)
      .filter((dim) => dim !== 1)
      .join();

/** The transposition that such a Reshape is: units go to units, the rest keeps its order. */
function unitMove(from: readonly number[], to: readonly number[]): number[] {
  const axes = range(from.length).slice(1);
  const units = axes.filter((axis) => from[axis] === 1);
  const rest = axes.filter((axis) => from[axis] !== 1);
  return [0, ...axes.map((axis) => (to[axis] === 1 ? units : rest).shift()!)];
}

const flatten = moved((pass, node, perm, name) => {
  const from = pass.shape(node.inputs[0]!);
  if (!from || normalAxis(intAttribute(node, 'axis', 1), perm.length) !== 1 || perm[0] !== 0) return false;
  const view = order(from, inverse(perm));
  return view.every((axis, i) => i === 0 || axis > view[i - 1]!) && pass.emit(node, [name], null);
});

const quantise = moved((pass, node, perm, name) => {
  const scale = pass.shape(node.inputs[1]!);
  if (!scale || node.attributes['block_size']) return false;
  if (sizeOf(scale) === 1 && scale.length === 0) return pass.emit(node, [name, ...node.inputs.slice(1)], perm);
  const axis = int(perm[normalAxis(intAttribute(node, 'axis', 1), perm.length)]!);
  return pass.emit(node, [name, ...node.inputs.slice(1)], perm, { attributes: { ...node.attributes, axis } });
});

const named = (rule: Rule, names: string): [string, Rule][] => names.split(' ').map((name) => [name, rule]);

export const rules: Readonly<Record<string, Rule>> = Object.fromEntries([
  ...named(
    unary,
    'Abs Cast Ceil Celu Clip Dropout Elu Erf Exp Floor Gelu HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Log Mish ' +
      'Neg Not Reciprocal Relu Round Selu Shrink Sigmoid Sign Softplus Softsign Sqrt Swish Tanh ThresholdedRelu',
  ),
  ...named(
    elementwise,
    'Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or PRelu Pow Sub Sum Where Xor',
  ),
  ...named(alongAxis(-1), 'Hardmax LogSoftmax Softmax TopK'),
  ...named(alongAxis(0), 'Split'),
  ...named(
    reduce,
    'ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare',
  ),
  ...named(argMax, 'ArgMax ArgMin'),
  ...named(quantise, 'QuantizeLinear DequantizeLinear'),
  ...named(perAxis(1), 'Expand Tile'),
  ...Object.entries({
    Concat: concat,
    Flatten: flatten,
    Gather: gather,
    LayerNormalization: layerNormalization,
    MatMul: matMul,
    Pad: pad,
    Reshape: reshape,
    Resize: resize,
    Shape: shapeOf,
    Slice: slice,
    Squeeze: squeeze,
    Transpose: transpose,
    Unsqueeze: unsqueeze,
  }),
]);

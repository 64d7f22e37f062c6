import { intAttribute, intsAttribute, type Node } from '../graph/graph';
import { sizeOf } from '../graph/tensor';
import { freeBatch, inputShape, integers, shapeAtRun, toFirstMaximum } from './axes';
import { lpShares, signedPower } from './lp';
import { nd, normalAxis, stridesOf, type Nd } from './nd';
import { first, inputName, need, type Known, type Op, type Shape, type Step } from './op';

/**
 * The axes that a node reduces: an attribute, or from opset 18 on (ReduceSum: 13) an input. None given: all, or with
 * noop_with_empty_axes none.
 */
function axesOf(node: Node, rank: number, second: Nd | undefined): number[] {
  const given = intsAttribute(node, 'axes') ?? (second ? integers(second, 'the axes') : []);
  if (given.length > 0) return given.map((axis) => normalAxis(axis, rank));
  return intAttribute(node, 'noop_with_empty_axes', 0) === 1 ? [] : Array.from({ length: rank }, (_, axis) => axis);
}

const knownAxes = (node: Node, known: Known): number[] => {
  const second = node.inputs[1] ? need(known.constant(node.inputs[1]), 'the axes') : undefined;
  return axesOf(node, inputShape(known, node).length, second);
};

const reducedDims = (dims: Shape, axes: readonly number[], keep: boolean): number[] =>
  dims.flatMap((dim, axis) => (axes.includes(axis) ? (keep ? [1] : []) : [dim]));

/** Visits each output element with the flat input indices that it reduces, in row-major order. */
function reduceOver(
  x: Nd,
  axes: readonly number[],
  keep: boolean,
  type: Nd['type'],
  f: (places: number[]) => number,
): Nd {
  const out = nd(reducedDims(x.dims, axes, keep), undefined, type);
  const groups: number[][] = Array.from({ length: out.data.length }, () => []);
  const strides = stridesOf(x.dims);
  const kept = x.dims.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const outStrides = stridesOf(kept.map((axis) => x.dims[axis]!));
  for (let i = 0; i < x.data.length; i++) {
    let at = 0;
    kept.forEach((axis, k) => (at += (Math.floor(i / strides[axis]!) % x.dims[axis]!) * outStrides[k]!));
    groups[at]!.push(i);
  }
  groups.forEach((places, at) => (out.data[at] = f(places)));
  return out;
}

/** Runs forward only, unless more is said. */
const reduction = (f: (values: number[]) => number): Op => ({
  role: 'squash',
  shapes(node, [x], known) {
    const input = need(x, 'the shape of the input');
    const second = node.inputs[1] ? need(known.constant(node.inputs[1]), 'the axes') : undefined;
    return [reducedDims(input, axesOf(node, input.length, second), intAttribute(node, 'keepdims', 1) === 1)];
  },
  evaluate: (node, [x, second]) => [
    reduceOver(x!, axesOf(node, x!.dims.length, second), intAttribute(node, 'keepdims', 1) === 1, x!.type, (places) =>
      f(places.map((at) => x!.data[at]!)),
    ),
  ],
});

const total = (values: number[]): number => values.reduce((sum, value) => sum + value, 0);

/** Emits a signal with the reduced axes put back as axes of length 1. */
function keptSignal({ node, builder, known, signal }: Step, value = signal): string {
  if (intAttribute(node, 'keepdims', 1) === 1) return value;
  const axes = knownAxes(node, known);
  const kept = inputShape(known, node).map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  return builder.add('Reshape', [value, builder.ints(axes.includes(0) ? kept : freeBatch(kept))]);
}

const expanded = (step: Step, value: string): string =>
  step.builder.add('Expand', [value, shapeAtRun(step, inputName(step.node, 0))], {}, `${step.node.outputs[0]}:back`);

const countOf = (node: Node, known: Known): number =>
  knownAxes(node, known).reduce((product, axis) => product * inputShape(known, node)[axis]!, 1);

/** Each place gets the whole signal. */
export const reduceSum: Op = {
  ...reduction(total),
  role: 'linear',
  words: ['sum', 'copied to every term'],
  adjoint: (step) => first(step.node, expanded(step, keptSignal(step))),
  note: (node, known) => `sum of ${countOf(node, known)}`,
};

/** As a pooling over the axes (exporters write global average pools so): each share goes back to where it came from. */
export const reduceMean: Op = {
  ...reduction((values) => total(values) / values.length),
  role: 'linear',
  words: ['average', 'shared out evenly'],
  adjoint(step) {
    const share = step.builder.scalar(1 / countOf(step.node, step.known));
    return first(step.node, expanded(step, step.builder.add('Mul', [keptSignal(step), share])));
  },
  note: (node, known) => `mean of ${countOf(node, known)}`,
};

/** A max pool whose windows are the whole of its axes (over channels: maxout), with switches. */
export const reduceMax: Op = {
  ...reduction((values) => values.reduce((best, value) => Math.max(best, value), -Infinity)),
  role: 'select',
  adjoint: (step) => first(step.node, toFirstMaximum(step, knownAxes(step.node, step.known))),
  note: (node, known) => `the first maximum of ${countOf(node, known)}`,
};

/** As an LpPool whose windows are the whole of its axes. */
const reduceNorm = (p: 1 | 2): Op => ({
  ...reduction((values) => total(values.map((value) => Math.abs(value) ** p)) ** (1 / p)),
  role: 'select',
  adjoint(step) {
    const { node, builder } = step;
    const shared = lpShares(step, p);
    const back = builder.add('Mul', [keptSignal(step, shared), signedPower(builder, inputName(node, 0), p)]);
    return first(node, back);
  },
  note: (node, known) => `${p === 1 ? 'sum of sizes' : 'root of squares'} of ${countOf(node, known)}`,
});
export const reduceL1 = reduceNorm(1);
export const reduceL2 = reduceNorm(2);

export const reduceMin = reduction((values) => values.reduce((best, value) => Math.min(best, value), Infinity));
export const reduceProd = reduction((values) => values.reduce((product, value) => product * value, 1));
export const reduceSumSquare = reduction((values) => total(values.map((value) => value * value)));

/** The first maximum along an axis. */
export const argMax: Op = {
  role: 'squash',
  shapes(node, [x]) {
    const input = need(x, 'the shape of the input');
    return [
      reducedDims(
        input,
        [normalAxis(intAttribute(node, 'axis', 0), input.length)],
        intAttribute(node, 'keepdims', 1) === 1,
      ),
    ];
  },
  evaluate(node, [x]) {
    const axis = normalAxis(intAttribute(node, 'axis', 0), x!.dims.length);
    return [
      reduceOver(x!, [axis], intAttribute(node, 'keepdims', 1) === 1, 'int', (places) => {
        let best = 0;
        places.forEach((at, i) => (best = x!.data[at]! > x!.data[places[best]!]! ? i : best));
        return best;
      }),
    ];
  },
};

/** The k largest along an axis, largest first; of equal ones the lower index first. */
export const topK: Op = {
  role: 'squash',
  shapes(node, [x], known) {
    const input = need(x, 'the shape of the input');
    const axis = normalAxis(intAttribute(node, 'axis', -1), input.length);
    const k = need(known.constant(inputName(node, 1)), 'k').data[0]!;
    const out = input.map((dim, i) => (i === axis ? k : dim));
    return [out, out];
  },
  evaluate(node, [x, k]) {
    const axis = normalAxis(intAttribute(node, 'axis', -1), x!.dims.length);
    const count = k!.data[0]!;
    const dims = x!.dims.map((dim, i) => (i === axis ? count : dim));
    const [values, indices] = [nd(dims), nd(dims, undefined, 'int')];
    const inner = sizeOf(x!.dims.slice(axis + 1));
    const length = x!.dims[axis]!;
    for (let o = 0; o < sizeOf(x!.dims.slice(0, axis)); o++)
      for (let i = 0; i < inner; i++) {
        const at = (j: number) => (o * length + j) * inner + i;
        const order = Array.from({ length }, (_, j) => j).sort((a, b) => x!.data[at(b)]! - x!.data[at(a)]! || a - b);
        for (let j = 0; j < count; j++) {
          values.data[(o * count + j) * inner + i] = x!.data[at(order[j]!)]!;
          indices.data[(o * count + j) * inner + i] = order[j]!;
        }
      }
    return [values, indices];
  },
};

export const maxUnpool: Op = {
  role: 'squash',
  shapes: (node, _inputs, known) => [
    Array.from(need(known.constant(inputName(node, 2)), 'the shape of the output').data),
  ],
  evaluate(_node, [x, indices, shape]) {
    const out = nd(Array.from(shape!.data));
    indices!.data.forEach((at, i) => (out.data[at] = x!.data[i]!));
    return [out];
  },
};

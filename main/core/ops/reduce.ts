import { intAttribute, intsAttribute, stringAttribute, type Node } from '../graph/graph';
import { sizeOf } from '../graph/tensor';
import { nd, normalAxis, stridesOf, type Nd } from './nd';
import { inputName, need, type Op, type Shape } from './op';

/** What the program appends to a graph to reduce maps where they are, and to unpool. They run forward only. */

const axesOf = (node: Node, rank: number, second: Nd | undefined): number[] => {
  const given =
    intsAttribute(node, 'axes') ?? (second ? Array.from(second.data) : Array.from({ length: rank }, (_, axis) => axis));
  return given.map((axis) => normalAxis(axis, rank));
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

export const reduceMax = reduction((values) => values.reduce((best, value) => Math.max(best, value), -Infinity));
export const reduceSum = reduction((values) => values.reduce((total, value) => total + value, 0));
/** As a pooling over the axes (exporters write global average pools so): each share goes back to where it came from. */
export const reduceMean: Op = {
  ...reduction((values) => values.reduce((total, value) => total + value, 0) / values.length),
  role: 'linear',
  adjoint({ node, builder, known, signal }) {
    const input = need(known.shape(inputName(node, 0)), 'the shape of the input');
    const axes = axesOf(node, input.length, node.inputs[1] ? known.constant(node.inputs[1]) : undefined);
    const count = axes.reduce((product, axis) => product * input[axis]!, 1);
    const kept = input.map((dim, axis) => (axis === 0 ? 0 : axes.includes(axis) ? 1 : dim));
    const share = builder.add('Mul', [builder.add('Reshape', [signal, builder.ints(kept)]), builder.scalar(1 / count)]);
    const shape = builder.add('Shape', [inputName(node, 0)], {}, `${inputName(node, 0)}:shape`);
    return node.inputs.map((_, index) =>
      index === 0 ? builder.add('Expand', [share, shape], {}, `${node.outputs[0]}:back`) : null,
    );
  },
};

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

export const gatherElements: Op = {
  role: 'squash',
  shapes: (_node, [, indices]) => [need(indices, 'the shape of the indices')],
  evaluate(node, [x, indices]) {
    const axis = normalAxis(intAttribute(node, 'axis', 0), x!.dims.length);
    const out = nd(indices!.dims, undefined, x!.type);
    const strides = stridesOf(x!.dims);
    const own = stridesOf(indices!.dims);
    for (let i = 0; i < out.data.length; i++) {
      let offset = 0;
      for (let a = 0; a < own.length; a++) {
        const at = a === axis ? indices!.data[i]! : Math.floor(i / own[a]!) % indices!.dims[a]!;
        offset += at * strides[a]!;
      }
      out.data[i] = x!.data[offset]!;
    }
    return [out];
  },
};

/** Along axis 0 of flat arrays, as the unpooling emits it. */
export const scatterElements: Op = {
  role: 'squash',
  shapes: (_node, [x]) => [need(x, 'the shape of the input')],
  evaluate(node, [x, indices, updates]) {
    if (x!.dims.length !== 1) throw new RangeError('ScatterElements over more than one axis');
    const adds = stringAttribute(node, 'reduction', 'none') === 'add';
    const out = nd(x!.dims, Float64Array.from(x!.data), x!.type);
    indices!.data.forEach((at, i) => (out.data[at] = (adds ? out.data[at]! : 0) + updates!.data[i]!));
    return [out];
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

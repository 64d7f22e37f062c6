import { intAttribute, type Node } from '../graph/graph';
import { sizeOf } from '../graph/tensor';
import { inputShape, integers, shapeAtRun } from './axes';
import { nd, normalAxis, slice as cut, type Nd } from './nd';
import { first, inputName, need, type Op, type Shape } from './op';

/** Joins along an axis; on the way back it splits. */
export const concat: Op = {
  role: 'shape',
  shapes(node, inputs) {
    const shapes = inputs.map((shape) => need(shape, 'the shape of an input'));
    const axis = normalAxis(intAttribute(node, 'axis', 1), shapes[0]!.length);
    const out = [...shapes[0]!];
    for (const shape of shapes.slice(1)) {
      if (shape.length !== out.length || shape.some((dim, i) => i !== axis && dim !== out[i]))
        throw new RangeError(`[${shapes.map((s) => s.join(', ')).join('] and [')}] do not join along axis ${axis}`);
      out[axis] = out[axis]! + shape[axis]!;
    }
    return [out];
  },
  evaluate(node, inputs) {
    const arrays = inputs as Nd[];
    const axis = normalAxis(intAttribute(node, 'axis', 1), arrays[0]!.dims.length);
    const dims = [...arrays[0]!.dims];
    dims[axis] = arrays.reduce((total, array) => total + array.dims[axis]!, 0);
    const out = nd(dims, undefined, arrays[0]!.type);
    const inner = sizeOf(dims.slice(axis + 1));
    const outer = sizeOf(dims.slice(0, axis));
    let start = 0;
    for (const array of arrays) {
      const block = array.dims[axis]! * inner;
      for (let i = 0; i < outer; i++)
        out.data.set(array.data.subarray(i * block, (i + 1) * block), i * dims[axis]! * inner + start);
      start += block;
    }
    return [out];
  },
  /** A constant part is as large as the whole map. */
  extent(node, known) {
    const rank = known.shape(node.outputs[0]!)?.length ?? 0;
    const channels = normalAxis(intAttribute(node, 'axis', 1), rank) === 1;
    return channels && !node.inputs.some((name) => known.isConstant(name)) ? { kind: 'pointwise' } : { kind: 'global' };
  },
  adjoint({ node, builder, known, signal, onPath }) {
    const rank = need(known.shape(node.outputs[0]!), 'the shape of the output').length;
    const axis = normalAxis(intAttribute(node, 'axis', 1), rank);
    let start = 0;
    return node.inputs.map((name, index) => {
      const from = start;
      start += inputShape(known, node, index)[axis]!;
      if (!onPath(name)) return null;
      return builder.add(
        'Slice',
        [signal, builder.ints([from]), builder.ints([start]), builder.ints([axis])],
        {},
        `${name}:part`,
      );
    });
  },
};

const partsOf = (node: Node, dims: Shape, given: Nd | undefined): { axis: number; sizes: number[] } => {
  const axis = normalAxis(intAttribute(node, 'axis', 0), dims.length);
  const length = need(dims[axis], `axis ${axis}`);
  const parts = node.outputs.length;
  // Equal parts; from opset 18 on the last may be smaller.
  const part = Math.ceil(length / parts);
  const sizes = given
    ? integers(given, 'the sizes')
    : Array.from({ length: parts }, (_, i) => (i < parts - 1 ? part : length - part * (parts - 1)));
  if (sizes.length !== parts || sizes.some((size) => size < 0) || sizes.reduce((a, b) => a + b, 0) !== length)
    throw new RangeError(`${length} elements do not split into ${sizes.join(' + ')}`);
  return { axis, sizes };
};

/** Cuts along an axis; on the way back its parts are joined, with zeros for those that carry no signal. */
export const split: Op = {
  role: 'shape',
  several: true,
  shapes(node, [x], known) {
    const dims = need(x, 'the shape of the input');
    const given = node.inputs[1] ? need(known.constant(node.inputs[1]), 'the sizes of the parts') : undefined;
    const { axis, sizes } = partsOf(node, dims, given);
    return sizes.map((size) => dims.map((dim, i) => (i === axis ? size : dim)));
  },
  evaluate(node, [x, given]) {
    const { axis, sizes } = partsOf(node, x!.dims, given);
    let start = 0;
    return sizes.map((size) => {
      const starts = x!.dims.map((_, i) => (i === axis ? start : 0));
      start += size;
      return cut(
        x!,
        starts,
        x!.dims.map((dim, i) => (i === axis ? size : dim)),
        starts.map(() => 1),
      );
    });
  },
  extent(node, known) {
    const rank = known.shape(inputName(node, 0))?.length ?? 0;
    return normalAxis(intAttribute(node, 'axis', 0), rank) === 1 ? { kind: 'pointwise' } : { kind: 'global' };
  },
  adjoint(step) {
    const { node, builder, known, signals } = step;
    const axis = normalAxis(intAttribute(node, 'axis', 0), inputShape(known, node).length);
    const parts = node.outputs.map(
      (name, index) => signals[index] ?? builder.add('ConstantOfShape', [shapeAtRun(step, name)], {}, `${name}:zeros`),
    );
    return first(node, builder.add('Concat', parts, { axis }, `${node.outputs[0]}:back`));
  },
  note: (node) => (node.outputs.length > 1 ? `${node.outputs.length} parts joined again` : ''),
};

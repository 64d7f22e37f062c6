import { intAttribute } from '../graph/graph';
import { sizeOf } from '../graph/tensor';
import { adjointAlong, axisMap, freeBatch, inputShape, integers } from './axes';
import { nd, normalAxis } from './nd';
import { first, inputName, need, type Op } from './op';

export const gather: Op = {
  role: 'shape',
  shapes(node, [x, indices]) {
    const data = need(x, 'the shape of the input');
    const axis = normalAxis(intAttribute(node, 'axis', 0), data.length);
    return [[...data.slice(0, axis), ...need(indices, 'the shape of the indices'), ...data.slice(axis + 1)]];
  },
  evaluate(node, [x, indices]) {
    const axis = normalAxis(intAttribute(node, 'axis', 0), x!.dims.length);
    const length = x!.dims[axis]!;
    const inner = sizeOf(x!.dims.slice(axis + 1));
    const outer = sizeOf(x!.dims.slice(0, axis));
    const out = nd([...x!.dims.slice(0, axis), ...indices!.dims, ...x!.dims.slice(axis + 1)], undefined, x!.type);
    let at = 0;
    for (let o = 0; o < outer; o++)
      for (const index of indices!.data) {
        const from = (o * length + normalAxis(index, length)) * inner;
        out.data.set(x!.data.subarray(from, from + inner), at);
        at += inner;
      }
    return [out];
  },
  extent(node, known) {
    const channels = normalAxis(intAttribute(node, 'axis', 0), inputShape(known, node).length) === 1;
    return channels && inputShape(known, node, 1).length === 1 ? { kind: 'pointwise' } : { kind: 'global' };
  },
  refuses(node, known, onPath) {
    if (onPath(inputName(node, 1))) return 'its indices depend on the picture';
    return known.constant(inputName(node, 1)) ? null : 'its indices are not constant';
  },
  /** Each value back to where it was picked; what was picked several times adds. */
  adjoint(step) {
    const { node, builder, known, signal } = step;
    const dims = inputShape(known, node);
    const axis = normalAxis(intAttribute(node, 'axis', 0), dims.length);
    const length = dims[axis]!;
    const indices = integers(known.constant(inputName(node, 1)), 'the indices').map((i) => normalAxis(i, length));
    const flat = dims.map((dim, i) => (i === axis ? indices.length : dim));
    const line =
      inputShape(known, node, 1).length === 1
        ? signal
        : builder.add('Reshape', [signal, builder.ints(axis === 0 ? flat : freeBatch(flat))]);
    if (indices.length === length && new Set(indices).size === length) {
      const back = builder.ints(indices.map((_, i) => indices.indexOf(i)));
      return first(node, builder.add('Gather', [line, back], { axis }, `${node.outputs[0]}:back`));
    }
    const picks = axisMap(
      length,
      indices.map((i) => [[i, 1]]),
    );
    return first(node, adjointAlong(step, line, picks, axis, dims.length));
  },
};

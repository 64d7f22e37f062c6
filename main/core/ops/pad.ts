import { stringAttribute, type Node } from '../graph/graph';
import { adjointAlong, applyAlong, axisMap, inputShape, integers, type AxisMap } from './axes';
import { nd, normalAxis, stridesOf, type Nd } from './nd';
import { first, inputName, need, type Op } from './op';
import { plainWindow } from './windows';

const modeOf = (node: Node): string => stringAttribute(node, 'mode', 'constant');

/** The place inside that a place beyond an axis is filled from; null where it is filled with the constant. */
function sourceOf(mode: string, at: number, length: number): number | null {
  if (at >= 0 && at < length) return at;
  switch (mode) {
    case 'constant':
      return null;
    case 'edge':
      return at < 0 ? 0 : length - 1;
    case 'wrap':
      return ((at % length) + length) % length;
    case 'reflect': {
      const period = Math.max(1, 2 * (length - 1));
      const folded = ((at % period) + period) % period;
      return Math.min(folded, period - folded);
    }
    default:
      throw new RangeError(`it pads by "${mode}"`);
  }
}

/** What one axis is padded with, as a map; negative pads cut. */
const padding = (mode: string, length: number, begin: number, end: number): AxisMap =>
  axisMap(
    length,
    Array.from({ length: length + begin + end }, (_, i) => {
      const from = sourceOf(mode, i - begin, length);
      return from === null ? [] : [[from, 1] as const];
    }),
  );

export const pad: Op = {
  role: 'shape',
  shapes(node, [x], known) {
    const input = need(x, 'the shape of the input');
    const pads = padsOf(node, input.length, (name) => known.constant(name));
    return [input.map((dim, axis) => dim + pads[axis]! + pads[axis + input.length]!)];
  },
  evaluate(node, [x, given, value, axes]) {
    const byName = new Map([
      [node.inputs[1], given],
      [node.inputs[3], axes],
    ]);
    const rank = x!.dims.length;
    const pads = padsOf(node, rank, (name) => byName.get(name));
    const padded = x!.dims.reduce(
      (array, length, axis) => applyAlong(array, padding(modeOf(node), length, pads[axis]!, pads[axis + rank]!), axis),
      x!,
    );
    const filling = value?.data[0] ?? 0;
    if (modeOf(node) !== 'constant' || filling === 0) return [padded];
    const strides = stridesOf(padded.dims);
    const outside = (i: number) =>
      x!.dims.some((length, axis) => {
        const at = (Math.floor(i / strides[axis]!) % padded.dims[axis]!) - pads[axis]!;
        return at < 0 || at >= length;
      });
    return [
      nd(
        padded.dims,
        padded.data.map((kept, i) => (outside(i) ? filling : kept)),
        x!.type,
      ),
    ];
  },
  extent(node, known) {
    const rank = inputShape(known, node).length;
    const pads = padsOf(node, rank, (name) => known.constant(name));
    const value = node.inputs[2] ? known.constant(node.inputs[2])?.data[0] : 0;
    const spatialOnly = pads.every((size, i) => i % rank >= 2 || size === 0);
    if (rank !== 4 || !spatialOnly || value !== 0 || modeOf(node) !== 'constant' || pads.some((size) => size < 0))
      return { kind: 'global' };
    const out = need(known.shape(node.outputs[0]!), 'the shape of the output');
    const axis = (i: number) => ({ ...plainWindow(out[i]!), begin: pads[i]!, end: pads[i + rank]! });
    return { kind: 'window', axes: [axis(2), axis(3)] };
  },
  /** Zeros are cut off; what was repeated from inside adds up where it came from. */
  adjoint(step) {
    const { node, builder, known, signal } = step;
    if (builder.inputs.some(({ name }) => name === node.inputs[1])) {
      // Amounts that are fed with each run: those of all axes, in the constant mode.
      const back = builder.add('Neg', [inputName(node, 1)], {}, `${node.inputs[1]}:back`);
      return first(node, builder.add('Pad', [signal, back], { mode: 'constant' }, `${node.outputs[0]}:back`));
    }
    const input = inputShape(known, node);
    const rank = input.length;
    const pads = padsOf(node, rank, (name) => known.constant(name));
    if (pads.every((size) => size === 0)) return first(node, signal);
    if (modeOf(node) === 'constant') {
      // A negative pad cuts; its adjoint puts zeros back.
      const back = builder.ints(pads.map((size) => 0 - size));
      return first(node, builder.add('Pad', [signal, back], { mode: 'constant' }, `${node.outputs[0]}:back`));
    }
    return first(
      node,
      input.reduce((back, length, axis) => {
        const [begin, end] = [pads[axis]!, pads[axis + rank]!];
        if (begin === 0 && end === 0) return back;
        return adjointAlong(step, back, padding(modeOf(node), length, begin, end), axis, rank);
      }, signal),
    );
  },
  note: (node) => (modeOf(node) === 'constant' ? 'cut off' : `padded by "${modeOf(node)}": repeated values add`),
};

/** Begins of all axes, then ends. */
function padsOf(node: Node, rank: number, constant: (name: string) => Nd | undefined): number[] {
  const given = integers(constant(inputName(node, 1)), 'the pads');
  const axes = node.inputs[3]
    ? integers(constant(node.inputs[3]), 'the axes').map((axis) => normalAxis(axis, rank))
    : null;
  if (!axes) return given;
  const pads = new Array<number>(2 * rank).fill(0);
  axes.forEach((axis, i) => {
    pads[axis] = given[i]!;
    pads[axis + rank] = given[i + axes.length]!;
  });
  return pads;
}

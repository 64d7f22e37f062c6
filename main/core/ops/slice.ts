import type { Builder } from '../graph/builder';
import type { Node } from '../graph/graph';
import { freeBatch, inputShape, integers } from './axes';
import { normalAxis, slice as cut, type Nd } from './nd';
import { first, need, type Known, type Op, type Shape } from './op';
import { plainWindow, type Window } from './windows';

export interface Range {
  start: number;
  count: number;
  step: number;
}
/** What is cut along each axis, with starts and ends that are negative or beyond the axis resolved. */
function resolve(node: Node, shape: Shape, constant: (name: string) => Nd | undefined): Range[] {
  const list = (index: number) =>
    node.inputs[index] ? integers(constant(node.inputs[index]), `input ${index}`) : undefined;
  const starts = need(list(1), 'the starts');
  const ends = need(list(2), 'the ends');
  const axes = list(3) ?? starts.map((_, axis) => axis);
  const steps = list(4) ?? starts.map(() => 1);
  const ranges = shape.map((dim) => ({ start: 0, count: dim, step: 1 }));
  axes.forEach((given, i) => {
    const axis = normalAxis(given, shape.length);
    const dim = shape[axis]!;
    const step = steps[i]!;
    const clamp = (value: number, low: number, high: number) =>
      Math.max(low, Math.min(high, value < 0 ? value + dim : value));
    const start = step > 0 ? clamp(starts[i]!, 0, dim) : clamp(starts[i]!, 0, dim - 1);
    const end = step > 0 ? clamp(ends[i]!, 0, dim) : ends[i]! < -dim ? -1 : clamp(ends[i]!, -1, dim - 1);
    ranges[axis] = { start, count: Math.max(0, Math.ceil((end - start) / step)), step };
  });
  return ranges;
}

export const rangesOf = (node: Node, known: Known): Range[] =>
  resolve(node, inputShape(known, node), (name) => known.constant(name));

export const slice: Op = {
  role: 'shape',
  shapes: (node, [x], known) => [
    resolve(node, need(x, 'the shape of the input'), (name) => known.constant(name)).map((range) => range.count),
  ],
  evaluate(node, inputs) {
    const byName = new Map(node.inputs.map((name, index) => [name, inputs[index]]));
    const ranges = resolve(node, inputs[0]!.dims, (name) => byName.get(name));
    const pick = (key: keyof Range) => ranges.map((range) => range[key]);
    return [cut(inputs[0]!, pick('start'), pick('count'), pick('step'))];
  },
  /** Along height and width it may take every so manieth place, forwards; along the batch nothing. */
  extent(node, known) {
    const shape = inputShape(known, node);
    const ranges = rangesOf(node, known);
    const whole = (axis: number) => ranges[axis]!.count === shape[axis] && ranges[axis]!.step === 1;
    const spatial = [2, 3].filter((axis) => axis < shape.length && !whole(axis));
    if (shape.some((_, axis) => (axis === 0 || axis > 3) && !whole(axis))) return { kind: 'global' };
    if (spatial.length === 0) return { kind: 'pointwise' };
    if (shape.length !== 4 || spatial.some((axis) => ranges[axis]!.step < 1)) return { kind: 'global' };
    const window = (axis: number): Window => {
      const { start, count, step } = ranges[axis]!;
      return { ...plainWindow(count), stride: step, begin: -start, end: (count - 1) * step + 1 + start - shape[axis]! };
    };
    return { kind: 'window', axes: [window(2), window(3)] };
  },
  /** Reversed where it was, zeros between where it stepped, and zeros around. */
  adjoint({ node, builder, known, signal }) {
    const shape = inputShape(known, node);
    const ranges = rangesOf(node, known);
    const steps = ranges.map((range) => Math.abs(range.step));
    let back = signal;
    const reversed = ranges.flatMap((range, axis) => (range.step < 0 ? [axis] : []));
    if (reversed.length)
      back = builder.add('Slice', [
        back,
        builder.ints(reversed.map(() => -1)),
        builder.ints(reversed.map(() => -(2 ** 63))),
        builder.ints(reversed),
        builder.ints(reversed.map(() => -1)),
      ]);
    if (steps.some((step) => step > 1)) back = spaced(builder, back, ranges);
    const begins = ranges.map((range) => (range.step < 0 ? range.start + (range.count - 1) * range.step : range.start));
    const ends = ranges.map((range, axis) => shape[axis]! - begins[axis]! - range.count * steps[axis]!);
    return first(
      node,
      builder.add('Pad', [back, builder.ints([...begins, ...ends])], { mode: 'constant' }, `${node.outputs[0]}:back`),
    );
  },
};

/** Puts step - 1 zeros behind each element along the axes with steps. */
function spaced(builder: Builder, signal: string, ranges: readonly Range[]): string {
  const split = ranges.flatMap(({ count, step }) => (Math.abs(step) > 1 ? [count, 1] : [count]));
  const zeros = ranges.flatMap(({ step }) => (Math.abs(step) > 1 ? [0, Math.abs(step) - 1] : [0]));
  const joined = ranges.map(({ count, step }) => count * Math.abs(step));
  // The first dimension is the batch, whatever it is, unless that is cut.
  const free = (dims: number[]) => (Math.abs(ranges[0]!.step) > 1 ? dims : freeBatch(dims));
  const apart = builder.add('Reshape', [signal, builder.ints(free(split))]);
  const padded = builder.add('Pad', [apart, builder.ints([...zeros.map(() => 0), ...zeros])], { mode: 'constant' });
  return builder.add('Reshape', [padded, builder.ints(free(joined))]);
}

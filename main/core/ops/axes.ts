import type { Node } from '../graph/graph';
import { float32 } from '../graph/tensor';
import { nd, stridesOf, type Nd } from './nd';
import { inputName, need, type Known, type Shape, type Step } from './op';

/** What several adjoints are made of. All of it leaves the length of axis 0, the batch, to the signal. */

export const inputShape = (known: Known, node: Node, index = 0): Shape =>
  need(known.shape(inputName(node, index)), 'the shape of the input');

/** The values of an integer input such as a shape or axes. */
export const integers = (array: Nd | undefined, what: string): number[] => Array.from(need(array, what).data);

/** A shape for Reshape whose first dimension is that of what is reshaped. */
export const freeBatch = (dims: readonly number[]): number[] => dims.map((dim, axis) => (axis === 0 ? 0 : dim));

export const swapped = (rank: number, a: number, b: number): number[] =>
  Array.from({ length: rank }, (_, axis) => (axis === a ? b : axis === b ? a : axis));

/** Emits the shape that a value has at run time. */
export const shapeAtRun = ({ builder }: Pick<Step, 'builder'>, value: string): string =>
  builder.add('Shape', [value], {}, `${value}:shape`);

/** Emits a Reshape to the shape that an input of the node has at run time. */
export const reshapedLike = (step: Step, signal: string, input: string): string =>
  step.builder.add('Reshape', [signal, shapeAtRun(step, input)], {}, `${step.node.outputs[0]}:back`);

/** A small linear map along one axis: row i holds what output i takes of each input. */
export interface AxisMap {
  rows: number;
  columns: number;
  data: Float64Array;
}

/** From the places that each output reads and their weights. */
export function axisMap(columns: number, reads: readonly (readonly [place: number, weight: number])[][]): AxisMap {
  const data = new Float64Array(reads.length * columns);
  reads.forEach((row, i) => row.forEach(([at, weight]) => (data[i * columns + at] = data[i * columns + at]! + weight)));
  return { rows: reads.length, columns, data };
}

/** Applies a map along an axis; zeros are passed over, so that what is not read may be anything. */
export function applyAlong(x: Nd, map: AxisMap, axis: number): Nd {
  const dims = x.dims.map((dim, i) => (i === axis ? map.rows : dim));
  const out = nd(dims, undefined, x.type);
  const inner = stridesOf(x.dims)[axis]!;
  const outer = x.data.length / (inner * map.columns);
  for (let o = 0; o < outer; o++)
    for (let row = 0; row < map.rows; row++)
      for (let column = 0; column < map.columns; column++) {
        const weight = map.data[row * map.columns + column]!;
        if (weight === 0) continue;
        const [to, from] = [(o * map.rows + row) * inner, (o * map.columns + column) * inner];
        for (let i = 0; i < inner; i++) out.data[to + i] = out.data[to + i]! + weight * x.data[from + i]!;
      }
  return out;
}

/** Emits the adjoint of a map along an axis of a signal of this rank: its transpose, as a matrix product. */
export function adjointAlong(
  { node, builder }: Step,
  signal: string,
  map: AxisMap,
  axis: number,
  rank: number,
): string {
  const last = axis === rank - 1;
  const dims = last ? [map.rows, map.columns] : [map.columns, map.rows];
  const values = Float32Array.from(map.data, (_, i) =>
    last ? map.data[i]! : map.data[(i % map.rows) * map.columns + Math.floor(i / map.rows)]!,
  );
  const matrix = builder.constant(float32(dims, values), `${node.outputs[0]}:axis${axis}`);
  const hint = `${node.outputs[0]}:back`;
  if (last) return builder.add('MatMul', [signal, matrix], {}, hint);
  if (axis === rank - 2) return builder.add('MatMul', [matrix, signal], {}, hint);
  const perm = swapped(rank, axis, rank - 2);
  const turned = builder.add('Transpose', [signal], { perm });
  return builder.add('Transpose', [builder.add('MatMul', [matrix, turned])], { perm }, hint);
}

/** Undoes broadcasting: sums the signal over the axes along which an input was repeated. */
export function unbroadcast(step: Step, signal: string, input: string): string {
  const { builder, known, node } = step;
  const out = need(known.shape(node.outputs[0]!), 'the shape of the output');
  const own = need(known.shape(input), 'the shape of an input');
  const lead = out.length - own.length;
  const axes = out.flatMap((dim, axis) => (axis < lead || (own[axis - lead] === 1 && dim !== 1) ? [axis] : []));
  if (axes.length === 0) return signal;
  return reshapedLike(step, builder.add('ReduceSum', [signal, builder.ints(axes)], { keepdims: 1 }), input);
}

/**
 * Emits the adjoint of a maximum over these axes: all of the signal to the first maximum in row-major order, zero
 * elsewhere (the switches of a max pool whose windows are the whole of the axes).
 */
export function toFirstMaximum(step: Step, axes: readonly number[]): string {
  const { node, builder, known, signal } = step;
  const input = inputName(node, 0);
  const dims = inputShape(known, node);
  const kept = dims.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const perm = [...kept, ...[...axes].sort((a, b) => a - b)];
  const idle = perm.every((axis, i) => axis === i);
  const turned = idle ? input : builder.add('Transpose', [input], { perm });
  // The batch stays first and free, unless it is among the axes.
  const lead = kept.map((axis) => (axis === 0 ? 0 : dims[axis]!));
  const length = axes.reduce((product, axis) => product * dims[axis]!, 1);
  const flat = builder.add('Reshape', [turned, builder.ints([...lead, length])]);
  const switches = builder.add('ArgMax', [flat], { axis: -1, keepdims: 1 }, `${node.outputs[0]}:switches`);
  const values = builder.add('Reshape', [signal, builder.ints([...lead, 1])]);
  const zeros = builder.add('ConstantOfShape', [shapeAtRun(step, flat)], {}, `${node.outputs[0]}:zeros`);
  const placed = builder.add('ScatterElements', [zeros, switches, values], { axis: -1 });
  const hint = `${node.outputs[0]}:unpooled`;
  if (idle) return builder.add('Reshape', [placed, shapeAtRun(step, input)], {}, hint);
  const shaped = builder.add('Reshape', [placed, shapeAtRun(step, turned)]);
  return builder.add('Transpose', [shaped], { perm: perm.map((_, axis) => perm.indexOf(axis)) }, hint);
}

import { analyse, type Analysis } from '../graph/analyse';
import { attributes, Builder } from '../graph/builder';
import type { Graph, Node } from '../graph/graph';
import { averageCount, includesPad } from '../ops/pool';
import { float32, type Tensor } from '../graph/tensor';
import { opOf } from '../ops/index';
import { toTensor } from '../ops/nd';
import type { Extent } from '../ops/op';
import { rangesOf, type Range } from '../ops/slice';
import { span, type Window } from '../ops/windows';
import type { Frame, Part } from './clip';
import { inputIntervals, lengthOf, type Intervals } from './trace';
import { pathNodes } from './walk';

/** A small tensor that depends on the unit's place only, given beside the picture: a map [1, 1, height, width], or amounts [8]. */
export interface PlaceFeed {
  name: string;
  /** For a unit at row y and column x. */
  tensor(y: number, x: number): Tensor;
}

/** The same network on exactly what one unit can see (DESIGN: the cone), shapes alike for every place. */
export interface Cone {
  builder: Builder;
  analysis: Analysis;
  picture: string;
  /** The receptive field in px of the input, relative to the unit's place. */
  field: Intervals;
  feeds: PlaceFeed[];
  /** What a value is at a place; null where it is not a part of one of the network's. */
  part(value: string, y: number, x: number): Part | null;
  /** Whether at this place no mask and no count changes anything. */
  liesInside(y: number, x: number): boolean;
  /** Multiply-adds of one forward pass. */
  macs: number;
}

/**
 * A number that every activation exceeds, yet ONNX Runtime's pool still prefers over nothing (its start value), and whose cube is
 * finite: norms and activations after the pool see it outside the picture, where it is masked away.
 */
export const floor = -1e10;

/**
 * Builds the cone of `tap`: paddings are taken away, each value is cut to its interval. Outside the picture maps are zero,
 * which is what padding means: a mask per level, multiplied in where a padded reader follows (so that it masks the signal
 * on the way back too). A max pool with padding wants its outside lowest instead. Without masks it holds for places whose
 * cone lies inside the picture.
 */
export function buildCone(
  graph: Graph,
  analysis: Analysis,
  tap: string,
  intervals: ReadonlyMap<string, Intervals>,
  masks = true,
): Cone {
  const picture = graph.inputs[0]!.name;
  const builder = new Builder(graph, false);
  const feeds = new Map<string, PlaceFeed>();
  /** Of each feed its factors along one axis: 1 is inside the picture, and a full count. */
  const lines: ((axis: 0 | 1, place: number) => Float64Array)[] = [];
  const made = new Map<string, string>();
  const once = (key: string, make: () => string): string => {
    let name = made.get(key);
    if (name === undefined) made.set(key, (name = make()));
    return name;
  };

  const feed = (
    hint: string,
    own: Intervals,
    valueAt: (axis: 0 | 1) => (index: number) => number,
    join: (h: number, w: number) => number,
  ) => {
    const [height, width] = [lengthOf(own[0]), lengthOf(own[1])];
    const name = builder.fresh(hint);
    builder.input({ name, type: 'float32', shape: ['N', 1, height, width] });
    const at = [valueAt(0), valueAt(1)] as const;
    const line = (axis: 0 | 1, place: number) =>
      Float64Array.from({ length: axis ? width : height }, (_, i) =>
        at[axis](place * own[axis].stride + own[axis].low + i),
      );
    const tensor: PlaceFeed['tensor'] = (y, x) => {
      const [rows, columns] = [line(0, y), line(1, x)];
      const out = new Float32Array(height * width);
      for (let i = 0; i < height; i++) for (let j = 0; j < width; j++) out[i * width + j] = join(rows[i]!, columns[j]!);
      return float32([1, 1, height, width], out);
    };
    feeds.set(name, { name, tensor });
    lines.push(line);
    return name;
  };
  const sizeAt = (value: string, axis: 0 | 1): number => analysis.shape(value)![axis + 2]!;
  const key = (value: string, own: Intervals, kind: string) =>
    `${kind}:${own.map((i, axis) => `${i.stride},${i.low},${i.high},${sizeAt(value, axis as 0 | 1)}`).join(':')}`;
  const inside = (value: string) => (axis: 0 | 1) => (index: number) =>
    index >= 0 && index < sizeAt(value, axis) ? 1 : 0;

  /** Values that were masked or cut: of what, which of it, and what its outside is. */
  const parts = new Map<string, { source: string; own: Intervals; outside: number }>();
  const partOf = (name: string) => {
    const own = intervals.get(name);
    return parts.get(name) ?? (own && { source: name, own, outside: 0 });
  };

  /** The value with its outside made zero, or lowest for a max pool. */
  const masked = (value: string, lowest: boolean): string =>
    once(`${value}|${lowest}`, () => {
      const own = intervals.get(value)!;
      const mask = once(key(value, own, 'mask'), () => feed(`${value}:mask`, own, inside(value), (h, w) => h * w));
      const zeroed = once(`${value}|zeroed`, () => builder.add('Mul', [value, mask], {}, `${value}:masked`));
      parts.set(zeroed, { source: value, own, outside: 0 });
      if (!lowest) return zeroed;
      const low = once(key(value, own, 'floor'), () =>
        feed(`${value}:floor`, own, inside(value), (h, w) => (h * w ? 0 : floor)),
      );
      const floored = builder.add('Add', [zeroed, low], {}, `${value}:floored`);
      parts.set(floored, { source: value, own, outside: floor });
      return floored;
    });

  const held = (name: string): string => heldConstant(builder, analysis, made, name);

  const cut = (value: string, name: string, wanted: Intervals): string => {
    const own = intervals.get(value)!;
    const axes = [0, 1].filter((axis) => lengthOf(own[axis]!) !== lengthOf(wanted[axis]!));
    if (axes.length === 0) return name;
    const starts = axes.map((axis) => wanted[axis]!.low - own[axis]!.low);
    const ends = axes.map((axis, i) => starts[i]! + lengthOf(wanted[axis]!));
    return once(`${name}|${axes}|${starts}|${ends}`, () => {
      const along = builder.ints(axes.map((axis) => axis + 2));
      const part = builder.add('Slice', [name, builder.ints(starts), builder.ints(ends), along], {}, `${value}:cut`);
      parts.set(part, { source: value, own: wanted, outside: partOf(name)!.outside });
      return part;
    });
  };

  for (const node of pathNodes(graph.nodes, analysis, tap).reverse()) {
    const own = intervals.get(node.outputs[0]!)!;
    const extent = opOf(node)!.extent!(node, analysis);
    const wanted = inputIntervals(own, extent);
    const padded = extent.kind === 'window' && extent.axes.some((window) => window.begin > 0 || window.end > 0);
    const inputs = node.inputs.map((name) => {
      if (!name) return name;
      if (!analysis.onPath(name)) return held(name);
      return cut(name, padded && masks ? masked(name, node.opType === 'MaxPool') : name, wanted);
    });
    emit(node, inputs, extent, own);
  }

  function emit(node: Node, inputs: string[], extent: Extent, own: Intervals): void {
    if (extent.kind === 'pointwise') {
      builder.addNode({ ...node, inputs });
      return;
    }
    if (extent.kind !== 'window') throw new Error(`${node.name} reads everything`);
    if (node.opType === 'Pad') {
      builder.addNode({ ...node, opType: 'Identity', inputs: inputs.slice(0, 1), attributes: {} });
      return;
    }
    if (node.opType === 'Slice') {
      builder.addNode({ ...node, inputs: [inputs[0]!, ...stepsOnly(builder, rangesOf(node, analysis))] });
      return;
    }
    if (node.opType === 'SpaceToDepth') {
      builder.addNode({ ...node, inputs });
      return;
    }
    const plain = attributes({
      kernel_shape: extent.axes.map((window) => window.kernel),
      strides: extent.axes.map((window) => window.stride),
      dilations: extent.axes.map((window) => window.dilation),
      pads: [0, 0, 0, 0],
    });
    if (node.opType === 'Conv' || node.opType === 'ConvTranspose') {
      const reach = extent.axes.map((window) => span(window) - 1);
      builder.addNode({
        ...node,
        inputs,
        attributes: {
          ...plain,
          ...(node.attributes['group'] && { group: node.attributes['group'] }),
          // A transposed convolution adds a rim that its padding takes away.
          ...(node.opType === 'ConvTranspose' && attributes({ pads: [...reach, ...reach] })),
        },
      });
      return;
    }
    const { dilations: _dilations, ...withoutDilations } = plain;
    const dilated = extent.axes.some((window) => window.dilation > 1);
    const pooling = {
      ...node,
      inputs,
      attributes: { ...(dilated ? plain : withoutDilations), ...(node.attributes['p'] && { p: node.attributes['p'] }) },
    };
    if (node.opType !== 'AveragePool' || !masks || !countsVary(node, extent.axes)) {
      builder.addNode(pooling);
      return;
    }
    const counts = (axis: 0 | 1) => countFactor(node, extent.axes[axis], sizeAt(node.inputs[0]!, axis));
    addCounted(
      builder,
      pooling,
      feed(`${node.outputs[0]}:counts`, own, counts, (h, w) => h * w),
    );
  }

  const field = intervals.get(picture)!;
  const input = graph.inputs[0]!;
  const [height, width] = [lengthOf(field[0]), lengthOf(field[1])];
  const channels = analysis.shape(picture)![1]!;
  builder.inputs = [{ ...input, shape: ['N', channels, height, width] }, ...builder.inputs.slice(1)];
  const shapes = new Map<string, readonly number[]>([[picture, [1, channels, height, width]]]);
  for (const each of feeds.values()) shapes.set(each.name, each.tensor(0, 0).dims);
  const forward = builder.build([{ name: tap, type: 'float32', shape: null }]);
  const own = analyse(forward, shapes, new Map(), [picture]);
  const macs = forward.nodes.reduce((total, node) => total + (opOf(node)?.macs?.(node, own) ?? 0), 0);
  const liesInside: Cone['liesInside'] = (y, x) =>
    lines.every((line) => [line(0, y), line(1, x)].every((factors) => factors.every((factor) => factor === 1)));
  return {
    ...{ builder, analysis: own, picture, field, feeds: [...feeds.values()], liesInside, macs },
    part(value, y, x) {
      const part = partOf(value);
      return part ? { source: part.source, frame: frameOf(part.own, y, x), outside: part.outside } : null;
    },
  };
}

/** Where a cone's interval lies for a unit at this place. */
export const frameOf = ([h, w]: Intervals, y: number, x: number): Frame => ({
  top: y * h.stride + h.low,
  left: x * w.stride + w.low,
  height: lengthOf(h),
  width: lengthOf(w),
});

/** What the file computes for every picture alike, such as sizes from the shape of the whole map, stays what it is there. */
export function heldConstant(builder: Builder, analysis: Analysis, made: Map<string, string>, name: string): string {
  const constant = analysis.producer(name) && analysis.constant(name);
  if (!constant) return name;
  const key = `${name}|held`;
  const known = made.get(key) ?? builder.constant(toTensor(constant), `${name}:held`);
  made.set(key, known);
  return known;
}

/** By what a pool's mean over its whole window, at this index of the output, is short of the mean over what counts. */
export const countFactor =
  (node: Node, window: Window, size: number) =>
  (index: number): number => {
    const count = averageCount(window, size, includesPad(node), index * window.stride - window.begin);
    return count === 0 ? 0 : window.kernel / count;
  };

/** A pool that divides by its window, and the correction (by place) of what it divided by. */
export function addCounted(builder: Builder, pooling: Node, correction: string): void {
  const result = pooling.outputs[0]!;
  const whole = builder.fresh(`${result}:whole`);
  builder.addNode({ ...pooling, name: `${pooling.name}:whole`, outputs: [whole] });
  builder.addNode({
    name: `${pooling.name}:counted`,
    opType: 'Mul',
    inputs: [whole, correction],
    outputs: [result],
    attributes: {},
  });
}

const countsVary = (node: Node, axes: readonly [Window, Window]): boolean =>
  axes.some((window) => window.overhang > 0 || (!includesPad(node) && (window.begin > 0 || window.end > 0)));

/** The inputs of a Slice whose starts and ends along height and width are cut already: their steps, and the channels' part. */
function stepsOnly(builder: Builder, ranges: readonly Range[]): string[] {
  const [, channels, ...places] = ranges;
  const { start, count, step } = channels!;
  const past = start + count * step;
  return [
    builder.ints([start, 0, 0]),
    builder.ints([past < 0 ? -(2 ** 63) : past, 2 ** 62, 2 ** 62]),
    builder.ints([1, 2, 3]),
    builder.ints([step, ...places.map((range) => range.step)]),
  ];
}

import { floatAttribute, intAttribute, intsAttribute, stringAttribute, type Node } from '../graph/graph';
import { adjointAlong, applyAlong, axisMap, inputShape, type AxisMap } from './axes';
import { normalAxis, type Nd } from './nd';
import { first, need, type Known, type Op, type Shape } from './op';

/** What is done to one axis. Scales are single precision, as runtimes compute with them. */
interface Scaled {
  input: number;
  output: number;
  scale: number;
}

type Constant = (index: number) => Nd | undefined;

/** Lengths and scales of all axes. Source: ONNX operator specification (Resize). */
function scaledAxes(node: Node, dims: Shape, constant: Constant): Scaled[] {
  const axes = (intsAttribute(node, 'axes') ?? dims.map((_, axis) => axis)).map((axis) =>
    normalAxis(axis, dims.length),
  );
  const out = dims.map((input): Scaled => ({ input, output: input, scale: 1 }));
  const given = (index: number): number[] | undefined => {
    const values = node.inputs[index] ? Array.from(need(constant(index), `input ${index}`).data) : [];
    return values.length > 0 ? values : undefined;
  };
  const [scales, sizes] = [given(2), given(3)];
  const policy = stringAttribute(node, 'keep_aspect_ratio_policy', 'stretch');
  const ratios = sizes?.map((size, i) => size / dims[axes[i]!]!) ?? [];
  const common = policy === 'not_larger' ? Math.min(...ratios) : policy === 'not_smaller' ? Math.max(...ratios) : null;
  axes.forEach((axis, i) => {
    const input = dims[axis]!;
    if (sizes) {
      const output = common === null ? sizes[i]! : Math.round(common * input);
      out[axis] = { input, output, scale: Math.fround(common ?? output / input) };
    } else {
      const scale = need(scales, 'neither scales nor sizes: what to resize to')[i]!;
      out[axis] = { input, output: Math.floor(Math.fround(scale * input)), scale: Math.fround(scale) };
    }
  });
  return out;
}

const coordinates = (node: Node): string => stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel');

/** Where an output element lies on the input's axis; in single precision, which decides what is nearest. */
function positionOf(mode: string, { input, output, scale }: Scaled): (at: number) => number {
  const f = Math.fround;
  switch (mode) {
    case 'half_pixel':
      return (at) => f(f((at + 0.5) / scale) - 0.5);
    case 'pytorch_half_pixel':
      return (at) => (output > 1 ? f(f((at + 0.5) / scale) - 0.5) : 0);
    case 'half_pixel_symmetric': {
      const adjustment = output / f(scale * input);
      const offset = (input / 2) * (1 - adjustment);
      return (at) => f(offset + f((at + 0.5) / scale) - 0.5);
    }
    case 'tf_half_pixel_for_nn':
      return (at) => f((at + 0.5) / scale);
    case 'align_corners':
      return (at) => (output === 1 ? 0 : f(f(at * (input - 1)) / (output - 1)));
    case 'asymmetric':
      return (at) => f(at / scale);
    default:
      throw new RangeError(`it resizes with "${mode}"`);
  }
}

const nearest: Record<string, (position: number) => number> = {
  round_prefer_floor: (position) => Math.ceil(position - 0.5),
  round_prefer_ceil: (position) => Math.floor(position + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** The weights of the four neighbours at a fraction between the middle two. Source: R. Keys (1981), with a = cubic_coeff_a. */
function cubicWeights(fraction: number, a: number): number[] {
  const near = (t: number) => ((a + 2) * t - (a + 3)) * t * t + 1;
  const far = (t: number) => ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
  return [far(fraction + 1), near(fraction), near(1 - fraction), far(2 - fraction)];
}

/** Resizing one axis is a linear map: each output reads one, two or four places. */
function resizing(node: Node, axis: Scaled): AxisMap {
  const position = positionOf(coordinates(node), axis);
  const last = axis.input - 1;
  const inside = (at: number) => Math.max(0, Math.min(last, at));
  const mode = stringAttribute(node, 'mode', 'nearest');
  const round = need(nearest[stringAttribute(node, 'nearest_mode', 'round_prefer_floor')], 'the nearest_mode');
  const excludes = intAttribute(node, 'exclude_outside', 0) === 1;
  const reads = (at: number): (readonly [number, number])[] => {
    const x = position(at);
    if (mode === 'nearest') return [[inside(round(x)), 1]];
    if (mode === 'linear') {
      const low = Math.floor(inside(x));
      const fraction = inside(x) - low;
      return [
        [low, 1 - fraction],
        [inside(low + 1), fraction],
      ];
    }
    if (mode !== 'cubic') throw new RangeError(`it resizes by "${mode}"`);
    const low = Math.floor(x);
    const all = cubicWeights(x - low, floatAttribute(node, 'cubic_coeff_a', -0.75)).map(
      (weight, i) => [low - 1 + i, weight] as const,
    );
    const kept = excludes ? all.filter(([place]) => place >= 0 && place <= last) : all;
    const sum = excludes ? kept.reduce((total, [, weight]) => total + weight, 0) : 1;
    return kept.map(([place, weight]) => [inside(place), weight / sum]);
  };
  return axisMap(
    axis.input,
    Array.from({ length: axis.output }, (_, at) => reads(at)),
  );
}

/** An axis that keeps its length and scale keeps its values. */
const resized = (axis: Scaled): boolean => axis.output !== axis.input || axis.scale !== 1;

/** How many times each element is repeated, where that is all that happens; else null. */
function repeats({ rows, columns, data }: AxisMap): number | null {
  const times = rows / columns;
  if (!Number.isInteger(times)) return null;
  for (let row = 0; row < rows; row++) if (data[row * columns + Math.floor(row / times)] !== 1) return null;
  return times;
}

const knownAxes = (node: Node, known: Known): Scaled[] =>
  scaledAxes(node, inputShape(known, node), (index) => known.constant(node.inputs[index]!));

/** Per axis the map that resizes it; null where it keeps its values. */
export const resizeMaps = (node: Node, dims: Shape, constant: Constant): (AxisMap | null)[] =>
  scaledAxes(node, dims, constant).map((axis) => (resized(axis) ? resizing(node, axis) : null));

export const refusedResize = (node: Node): string | null => {
  if (coordinates(node) === 'tf_crop_and_resize') return 'it crops while it resizes (tf_crop_and_resize)';
  return intAttribute(node, 'antialias', 0) === 1 ? 'it resizes with antialiasing' : null;
};

export const resize: Op = {
  role: 'shape',
  shapes: (node, [x], known) => [
    scaledAxes(node, need(x, 'the shape of the input'), (index) => known.constant(node.inputs[index]!)).map(
      (axis) => axis.output,
    ),
  ],
  evaluate(node, inputs) {
    const maps = resizeMaps(node, inputs[0]!.dims, (index) => inputs[index]);
    return [maps.reduce((x, map, axis) => (map ? applyAlong(x, map, axis) : x), inputs[0]!)];
  },
  refuses: refusedResize,
  /** Every mode is a linear map along each axis; the transposed maps, one after the other. */
  adjoint(step) {
    const { node, builder, known, signal } = step;
    const maps = resizeMaps(node, inputShape(known, node), (index) => known.constant(node.inputs[index]!));
    const [height, width] = [maps[2], maps[3]].map((map) => (map ? repeats(map) : 1));
    // Whole repetitions, as in decoders: the sum over each block.
    if (maps.length === 4 && !maps[0] && !maps[1] && height && width) {
      const block = [height, width];
      const mean = builder.add('AveragePool', [signal], { kernel_shape: block, strides: block });
      return first(node, builder.add('Mul', [mean, builder.scalar(height * width)], {}, `${node.outputs[0]}:back`));
    }
    return first(
      node,
      maps.reduce<string>((back, map, axis) => (map ? adjointAlong(step, back, map, axis, maps.length) : back), signal),
    );
  },
  note(node, known) {
    const sizes = knownAxes(node, known).filter(resized);
    const [from, to] = [sizes.map((axis) => axis.input), sizes.map((axis) => axis.output)];
    return `${stringAttribute(node, 'mode', 'nearest')}, ${from.join('×')} to ${to.join('×')}`;
  },
};

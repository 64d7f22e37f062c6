import { floatAttribute, intAttribute, intsAttribute, type Node } from '../graph/graph';
import { float32, sizeOf, toNumbers, type Tensor } from '../graph/tensor';
import { mapBroadcast, nd, normalAxis, stridesOf, type Nd } from './nd';
import { first, inputName, need, type Op, type Shape, type Step } from './op';

/** The affine map that a batch norm is at test time: y = scale * x + shift per channel. */
export function batchNormAffine(
  node: Node,
  tensor: (name: string) => Tensor,
): { scale: Float64Array; shift: Float64Array } {
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((index) => toNumbers(tensor(inputName(node, index))));
  const epsilon = floatAttribute(node, 'epsilon', 1e-5);
  const scale = gamma!.map((value, i) => value / Math.sqrt(variance![i]! + epsilon));
  return { scale, shift: beta!.map((value, i) => value - mean![i]! * scale[i]!) };
}

/** Standing alone (one behind a convolution is folded into it): an affine map, its adjoint the scale. */
export const batchNormalization: Op = {
  role: 'linear',
  words: ['batch norm', 'times its scale, no offset'],
  shapes: (_node, [x]) => [need(x, 'the shape of the input')],
  evaluate(node, [x, gamma, beta, mean, variance]) {
    const epsilon = floatAttribute(node, 'epsilon', 1e-5);
    const [, channels = 1] = x!.dims;
    const area = sizeOf(x!.dims.slice(2));
    const out = nd(x!.dims);
    for (let i = 0; i < out.data.length; i++) {
      const c = Math.floor(i / area) % channels;
      const scale = gamma!.data[c]! / Math.sqrt(variance!.data[c]! + epsilon);
      out.data[i] = (x!.data[i]! - mean!.data[c]!) * scale + beta!.data[c]!;
    }
    return [out];
  },
  extent: () => ({ kind: 'pointwise' }),
  refuses: (node, known) =>
    node.inputs.slice(1).every((name) => known.isConstant(name)) ? null : 'its statistics are not constant',
  adjoint({ node, builder, known, signal }) {
    const { scale } = batchNormAffine(node, (name) => need(builder.initializers.get(name), `"${name}"`));
    const rank = need(known.shape(inputName(node, 0)), 'the shape of the input').length;
    const dims = [1, scale.length, ...new Array<number>(Math.max(0, rank - 2)).fill(1)];
    const factor = builder.constant(float32(dims, Float32Array.from(scale)), `${node.outputs[0]}:scale`);
    return first(node, builder.add('Mul', [signal, factor], {}, `${node.outputs[0]}:back`));
  },
  note: () => 'on its own: affine',
};

/** Local response normalisation across channels. The deconvnet passes it straight through. */
export const lrn: Op = {
  role: 'normalise',
  shapes: (_node, [x]) => [need(x, 'the shape of the input')],
  evaluate(node, [x]) {
    const size = intAttribute(node, 'size', 1);
    const alpha = floatAttribute(node, 'alpha', 1e-4);
    const beta = floatAttribute(node, 'beta', 0.75);
    const bias = floatAttribute(node, 'bias', 1);
    const [n = 0, channels = 0] = x!.dims;
    const area = sizeOf(x!.dims.slice(2));
    const out = nd(x!.dims);
    for (let b = 0; b < n; b++)
      for (let c = 0; c < channels; c++)
        for (let i = 0; i < area; i++) {
          let sum = 0;
          const low = Math.max(0, c - Math.floor((size - 1) / 2));
          const high = Math.min(channels - 1, c + Math.ceil((size - 1) / 2));
          for (let k = low; k <= high; k++) sum += x!.data[(b * channels + k) * area + i]! ** 2;
          const at = (b * channels + c) * area + i;
          out.data[at] = x!.data[at]! / (bias + (alpha / size) * sum) ** beta;
        }
    return [out];
  },
  extent: () => ({ kind: 'pointwise' }),
  /**
   * Of y = x / d^beta with d = bias + alpha * mean of x^2 over the window:
   * signal / d^beta - 2 alpha beta x * (mean over the channels whose window holds this one of signal * y / d).
   */
  adjoint({ node, builder: b, known, signal }) {
    const size = intAttribute(node, 'size', 1);
    const alpha = floatAttribute(node, 'alpha', 1e-4);
    const beta = floatAttribute(node, 'beta', 0.75);
    const x = inputName(node, 0);
    const [, channels = 0] = need(known.shape(x), 'the shape of the input');
    const [before, after] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
    const mean = (value: string, pads: readonly number[]): string => {
      const flat = b.add('Reshape', [value, b.ints([0, 1, channels, -1])]);
      const pooled = b.add('AveragePool', [flat], { kernel_shape: [size, 1], pads, count_include_pad: 1 });
      return b.add('Reshape', [pooled, b.add('Shape', [x], {}, `${x}:shape`)]);
    };
    const squares = mean(b.add('Mul', [x, x]), [before, 0, after, 0]);
    const d = b.add('Add', [b.add('Mul', [squares, b.scalar(alpha)]), b.scalar(floatAttribute(node, 'bias', 1))]);
    const direct = b.add('Mul', [signal, b.add('Pow', [d, b.scalar(-beta)])]);
    const across = mean(b.add('Div', [b.add('Mul', [signal, node.outputs[0]!]), d]), [after, 0, before, 0]);
    const rest = b.add('Mul', [b.add('Mul', [x, b.scalar(2 * alpha * beta)]), across]);
    return first(node, b.add('Sub', [direct, rest], {}, `${node.outputs[0]}:back`));
  },
};

/** What a normalisation divides by: the statistics of a part of the map, and where its scale and bias stand. */
interface Normaliser {
  /** Elements with the same number share their statistics. */
  groupOf(node: Node, dims: Shape): (place: number) => number;
  /** The shape of the input in which `axes` are what statistics are taken over; null: as it is. */
  view(node: Node, dims: Shape): readonly number[] | null;
  axes(node: Node, dims: Shape): readonly number[];
  /** The shape in which the scale is multiplied onto the input. */
  affine(node: Node, dims: Shape, scale: Shape): readonly number[];
  /** False: divides by the root of the mean square, without taking the mean away. */
  centred?: boolean;
  /** Added to the variance, where the node does not say. */
  epsilon?: number;
}

const channelColumn = (dims: Shape): number[] => dims.map((_, axis) => (axis === 1 ? -1 : 1));
const layerAxis = (node: Node, dims: Shape): number => normalAxis(intAttribute(node, 'axis', -1), dims.length);
/** Runs of so many elements that lie one behind the other. */
const blocksOf =
  (size: number) =>
  (place: number): number =>
    Math.floor(place / size);
const groupsOf = (node: Node): number => intAttribute(node, 'num_groups', 1);

/**
 * y = scale * (x - mean) / std + bias. The deconvnet's paper knows only the contrast normalisation that it passes straight
 * through; a scale left out gives visibly wrong pictures, so here the statistics are held at their forward values (as a batch
 * norm's are): the signal times scale / std. The derivative knows that they depend on the picture.
 */
const normaliser = ({
  groupOf,
  view,
  axes,
  affine,
  centred: centres = true,
  epsilon: least = 1e-5,
}: Normaliser): Op => {
  const epsilonOf = (node: Node): number => floatAttribute(node, 'epsilon', least);
  const pieces = ({ node, builder: b, known }: Step) => {
    const input = inputName(node, 0);
    const dims = need(known.shape(input), 'the shape of the input');
    const viewed = view(node, dims);
    const x = viewed ? b.add('Reshape', [input, b.ints(viewed)]) : input;
    const over = (value: string) => b.reduce('ReduceMean', value, axes(node, dims));
    const centred = centres ? b.add('Sub', [x, over(x)]) : x;
    const epsilon = b.scalar(epsilonOf(node));
    const std = b.add('Sqrt', [b.add('Add', [over(b.add('Mul', [centred, centred])), epsilon])]);
    const scaled = (signal: string): string => {
      const scale = node.inputs[1];
      if (!scale) return viewed ? b.add('Reshape', [signal, b.ints(viewed)]) : signal;
      const own = need(known.shape(scale), 'the shape of the scale');
      const place = affine(node, dims, own);
      // One per group: for each of its channels.
      const repeats = place[1] === -1 ? dims[1]! / own[0]! : 1;
      const column =
        repeats === 1 ? scale : b.add('Expand', [b.add('Reshape', [scale, b.ints([-1, 1])]), b.ints([1, repeats])]);
      const product = b.add('Mul', [signal, b.add('Reshape', [column, b.ints(place)])]);
      return viewed ? b.add('Reshape', [product, b.ints(viewed)]) : product;
    };
    const back = (value: string): string => (viewed ? b.add('Reshape', [value, b.add('Shape', [input])]) : value);
    return { over, centred, std, scaled, back };
  };
  return {
    role: 'normalise',
    shapes: (_node, [x]) => [need(x, 'the shape of the input')],
    evaluate(node, [x, scale, bias]) {
      const epsilon = epsilonOf(node);
      const group = groupOf(node, x!.dims);
      const sums = new Map<number, { count: number; mean: number; square: number }>();
      x!.data.forEach((value, i) => {
        const sum = sums.get(group(i)) ?? { count: 0, mean: 0, square: 0 };
        sums.set(group(i), { count: sum.count + 1, mean: sum.mean + value, square: 0 });
      });
      for (const sum of sums.values()) sum.mean = centres ? sum.mean / sum.count : 0;
      x!.data.forEach((value, i) => (sums.get(group(i))!.square += (value - sums.get(group(i))!.mean) ** 2));
      const unit = x!.data.map((value, i) => {
        const { count, mean, square } = sums.get(group(i))!;
        return (value - mean) / Math.sqrt(square / count + epsilon);
      });
      const spread = (values: Nd) => reshaped(values, affine(node, x!.dims, values.dims), x!.dims);
      let out: Nd = { dims: x!.dims, data: unit, type: 'float' };
      if (scale) out = mapBroadcast([out, spread(scale)], 'float', (a, b) => a * b);
      if (bias) out = mapBroadcast([out, spread(bias)], 'float', (a, b) => a + b);
      return [out];
    },
    refuses: (node, known) =>
      node.inputs.slice(1).every((name) => !name || known.isConstant(name)) ? null : 'its scale is not constant',
    held(step) {
      const { std, scaled, back } = pieces(step);
      return first(step.node, back(step.builder.add('Div', [scaled(step.signal), std])));
    },
    adjoint(step) {
      const b = step.builder;
      const { over, centred, std, scaled, back } = pieces(step);
      const g = scaled(step.signal);
      const unit = b.add('Div', [centred, std]);
      const along = b.add('Mul', [unit, over(b.add('Mul', [g, unit]))]);
      const apart = centres ? b.add('Sub', [g, over(g)]) : g;
      return first(step.node, back(b.add('Div', [b.add('Sub', [apart, along]), std])));
    },
  };
};

/** A parameter with its -1 spelled out; a group's parameter is repeated for each of its channels. */
function reshaped(values: Nd, place: readonly number[], dims: Shape): Nd {
  const size = values.data.length;
  const known = place.reduce((product, dim) => (dim > 0 ? product * dim : product), 1);
  const spelled = place.map((dim) => (dim < 0 ? size / known : dim));
  if (spelled[1] === dims[1] || spelled[1] === 1 || spelled.length !== dims.length) return { ...values, dims: spelled };
  const repeats = dims[1]! / spelled[1]!;
  const data = Float64Array.from({ length: dims[1]! }, (_, c) => values.data[Math.floor(c / repeats)]!);
  return { dims: spelled.map((dim, axis) => (axis === 1 ? dims[1]! : dim)), data, type: values.type };
}

export const instanceNormalization = normaliser({
  groupOf: (_node, dims) => blocksOf(sizeOf(dims.slice(2))),
  view: () => null,
  axes: (_node, dims) => dims.flatMap((_, axis) => (axis >= 2 ? [axis] : [])),
  affine: (_node, dims) => channelColumn(dims),
});

const overLastAxes: Normaliser = {
  groupOf: (node, dims) => blocksOf(sizeOf(dims.slice(layerAxis(node, dims)))),
  view: () => null,
  axes: (node, dims) => dims.flatMap((_, axis) => (axis >= layerAxis(node, dims) ? [axis] : [])),
  affine: (_node, _dims, scale) => [...scale],
};

/** Over the axes from `axis` on. Source: J. L. Ba et al. (1607.06450). */
export const layerNormalization = normaliser(overLastAxes);

/** In groups of channels. Source: Y. Wu, K. He (1803.08494). Scale and bias by channel, or by group (opset 18). */
export const groupNormalization: Op = normaliser({
  groupOf: (node, dims) => blocksOf((dims[1]! / groupsOf(node)) * sizeOf(dims.slice(2))),
  view: (node) => [0, groupsOf(node), -1],
  axes: () => [2],
  affine: (_node, dims) => channelColumn(dims),
});

/** A layer norm over the channels of a map, each place on its own: this program's op for ConvNeXt's channels-last norm. */
export const channelNormalization: Op = {
  ...normaliser({
    groupOf(_node, dims) {
      const area = sizeOf(dims.slice(2));
      return (place) => Math.floor(place / (dims[1]! * area)) * area + (place % area);
    },
    view: () => null,
    axes: () => [1],
    affine: (_node, dims) => channelColumn(dims),
  }),
  extent: () => ({ kind: 'pointwise' }),
};

/** By the root of the mean square. Source: B. Zhang, R. Sennrich (1910.07467). */
export const rmsNormalization = normaliser({ ...overLastAxes, centred: false });

/** Without scale and bias. Its axes hold the batch in ONNX's default; `fuse` takes that away: pictures are seen one by one. */
export const meanVarianceNormalization = normaliser({
  groupOf(node, dims) {
    const axes = varianceAxes(node);
    const strides = stridesOf(dims);
    const kept = dims.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]));
    return (place) =>
      kept.reduce((key, axis) => key * dims[axis]! + (Math.floor(place / strides[axis]!) % dims[axis]!), 0);
  },
  view: () => null,
  axes: varianceAxes,
  affine: (_node, _dims, scale) => [...scale],
  epsilon: 1e-18,
});

export function varianceAxes(node: Node): readonly number[] {
  return intsAttribute(node, 'axes') ?? [0, 2, 3];
}

/** x / (sum |x|^p)^(1/p) along an axis, p being 1 or 2; zeros stay zeros. */
export const lpNormalization: Op = {
  role: 'normalise',
  shapes: (_node, [x]) => [need(x, 'the shape of the input')],
  evaluate(node, [x]) {
    const axis = layerAxis(node, x!.dims);
    const inner = sizeOf(x!.dims.slice(axis + 1));
    const group = (place: number) => Math.floor(place / (inner * x!.dims[axis]!)) * inner + (place % inner);
    const p = intAttribute(node, 'p', 2);
    const sums = new Map<number, number>();
    x!.data.forEach((value, i) => sums.set(group(i), (sums.get(group(i)) ?? 0) + Math.abs(value) ** p));
    return [
      nd(
        x!.dims,
        x!.data.map((value, i) => value / (sums.get(group(i))! ** (1 / p) || 1)),
      ),
    ];
  },
  extent: (node, known) =>
    layerAxis(node, known.shape(inputName(node, 0)) ?? []) === 1 ? { kind: 'pointwise' } : { kind: 'global' },
  held: (step) => first(step.node, step.builder.add('Div', [step.signal, normOf(step)])),
  /** (signal - d norm / dx * sum of signal * y) / norm. */
  adjoint(step) {
    const { node, builder: b, known, signal } = step;
    const y = node.outputs[0]!;
    const axis = layerAxis(node, need(known.shape(y), 'the shape of the output'));
    const slope = intAttribute(node, 'p', 2) === 1 ? b.add('Sign', [y]) : y;
    const along = b.add('Mul', [slope, b.reduce('ReduceSum', b.add('Mul', [signal, y]), [axis])]);
    return first(node, b.add('Div', [b.add('Sub', [signal, along]), normOf(step)]));
  },
};

function normOf({ node, builder: b, known }: Step): string {
  const x = inputName(node, 0);
  const axis = layerAxis(node, need(known.shape(x), 'the shape of the input'));
  const one = intAttribute(node, 'p', 2) === 1;
  const sum = b.reduce('ReduceSum', one ? b.add('Abs', [x]) : b.add('Mul', [x, x]), [axis]);
  return b.add('Max', [one ? sum : b.add('Sqrt', [sum]), b.scalar(1e-18)]);
}

import { opOf } from '../ops/index';
import { nd, normalAxis, type Nd } from '../ops/nd';
import type { Known, Shape } from '../ops/op';
import { attributes } from './builder';
import { intsAttribute, type Node } from './graph';
import { float32, toNumbers, type Tensor } from './tensor';

/** Nodes that turn one value, the entry, into another: what is inside is read by nothing else. */
export interface Region {
  entry: string;
  /** In the order of the graph; the last makes the result. */
  nodes: readonly Node[];
}

/** One node that computes what a region does, its parameters after the entry. */
export interface Recognised {
  opType: string;
  domain?: string;
  plain: Parameters<typeof attributes>[0];
  /** What each is, and its values; null where an input is left out. */
  parameters: readonly (readonly [string, Tensor | null])[];
}

/** Of these alone no activation is made, although a factor and a Cast are one with unlucky parameters: x sigmoid(0 x) is x / 2. */
const affine = new Set(['Add', 'Cast', 'Div', 'Dropout', 'Identity', 'Mul', 'Neg', 'Sub']);

/** Klambauer et al. 2017. With other numbers it is an ELU and a factor, and the factor is walked back through. */
const selu = { alpha: 1.6732632423543772, gamma: 1.0507009873554805 };

export const statistics = new Set(['ReduceMean', 'ReduceSum', 'ReduceSumSquare', 'ReduceL2']);

/** What a region computes by ONNX's name for it, or null where it is none of those that the way back has a rule for. */
export function recognise(region: Region, known: Known): Recognised | null {
  const constants = region.nodes.flatMap((node) =>
    node.inputs.flatMap((name) => (name ? (known.constant(name) ?? []) : [])),
  );
  if (region.nodes.some((node) => statistics.has(node.opType))) return normalisation(region, known, constants);
  return constants.every(({ data }) => data.length === 1) ? activation(region, known, constants) : null;
}

/** Runs a region on values of the entry; null where it cannot work on these. */
function run({ entry, nodes }: Region, known: Known, input: Nd): Float64Array | null {
  const values = new Map([[entry, input]]);
  for (const node of nodes) {
    const inputs = node.inputs.map((name) => (name ? (values.get(name) ?? known.constant(name)) : undefined));
    if (inputs.some((value, index) => node.inputs[index] && !value)) return null;
    try {
      values.set(node.outputs[0]!, opOf(node)!.evaluate(node, inputs)[0]!);
    } catch (error) {
      if (error instanceof RangeError) return null; // does not broadcast
      throw error;
    }
  }
  const result = values.get(nodes.at(-1)!.outputs[0]!)!;
  return result.data.length === input.data.length ? result.data : null;
}

const nodeOf = ({ opType, domain = '', plain }: Omit<Recognised, 'parameters'>): Node => ({
  name: opType,
  opType,
  domain,
  inputs: [],
  outputs: ['y'],
  attributes: attributes(plain),
});

/** Largest difference, as a share of the larger of 1 and the value. NaN counts as infinite. */
function difference(expected: Float64Array, actual: Float64Array): number {
  const worst = expected.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - actual[i]!) / Math.max(1, Math.abs(value))),
    0,
  );
  return Number.isNaN(worst) ? Infinity : worst;
}

/** Far apart, close together around zero, and uneven, so that no kink hides between two. */
const samples = Float64Array.from(
  [-1, 0, 0.5, 1, -300, 300, -100, 100, -30, 30, -3, 3, 6, ...Array(97).keys()],
  (value, i) => (i < 13 ? value : (value - 48) * 0.1618),
);
/** Of two ops that a region may be, the one that is listed first, unless the other is closer by more than this. */
const closer = 1e-7;
/** Float32 constants are about 1e-7 off; GELU and its tanh approximation differ by 5e-4. */
const strict = 1e-5;
const halfPrecision = 3e-4;

/** Whether float16 holds the number: the constants of such models are rounded. */
const isHalf = (value: number): boolean =>
  value === 0 || Number.isInteger(value / 2 ** (Math.floor(Math.log2(Math.abs(value))) - 10));

function activation(region: Region, known: Known, constants: readonly Nd[]): Recognised | null {
  const readsOnce = region.nodes.every(
    (node) => node.inputs.filter((name) => name && !known.constant(name)).length === 1,
  );
  if (readsOnce && region.nodes.every((node) => affine.has(node.opType))) return null;
  const values = run(region, known, nd([samples.length], samples));
  if (!values) return null;
  let best: Recognised | null = null;
  let least = Infinity;
  const limit = constants.every(({ data }) => isHalf(data[0]!)) ? halfPrecision : strict;
  for (const candidate of candidatesFor(values, constants)) {
    const node = nodeOf(candidate);
    const parameters = candidate.parameters.map(([, tensor]) =>
      tensor ? nd(tensor.dims, toNumbers(tensor)) : undefined,
    );
    const own = opOf(node)!.evaluate(node, [nd([samples.length], samples), ...parameters])[0]!.data;
    const error = difference(values, own);
    if (error < limit && error < least - closer) [best, least] = [candidate, error];
  }
  return best;
}

/** The activations that may have these values at `samples`, their parameters read off there. */
function candidatesFor(values: Float64Array, constants: readonly Nd[]): Recognised[] {
  const [atMinusOne, atZero, atHalf, atOne, lowest, highest] = values as unknown as [
    ...[number, number, number, number, number, number],
  ];
  const scalar = (value: number, end: number): Tensor | null => (value === end ? null : float32([], [value]));
  const op = (opType: string, plain: Recognised['plain'] = {}, parameters: Recognised['parameters'] = []) => ({
    opType,
    plain,
    parameters,
  });
  return [
    op('Relu'),
    op('LeakyRelu', { alpha: { float: -atMinusOne } }),
    ...(lowest < highest
      ? [op('Clip', {}, [['low', scalar(lowest, -300)] as const, ['high', scalar(highest, 300)] as const])]
      : []),
    ...constants.map(({ data }) => op('ThresholdedRelu', { alpha: { float: data[0]! } })),
    ...constants.flatMap(({ data: [width] }) =>
      width! > 0 ? [width!, 0].map((bias) => op('Shrink', { lambd: { float: width! }, bias: { float: bias } })) : [],
    ),
    op('Swish'),
    op('Swish', { alpha: { float: -Math.log(1 / atOne - 1) } }),
    op('Gelu'),
    op('Gelu', { approximate: 'tanh' }),
    op('HardSwish'),
    op('Mish'),
    // Without an offset it would be a Clip and a factor.
    ...(atZero > 0 ? [op('HardSigmoid', { alpha: { float: 2 * (atHalf - atZero) }, beta: { float: atZero } })] : []),
    op('Sigmoid'),
    op('Tanh'),
    op('Softplus'),
    { ...op('Softplus', { beta: { float: Math.LN2 / atZero } }), domain: 'unpool' },
    op('Softsign'),
    // What is zero below zero is a rectifier and perhaps a factor: another rule than theirs.
    ...(lowest < 0
      ? [
          op('Elu', { alpha: { float: -lowest } }),
          op('Selu', { alpha: { float: selu.alpha }, gamma: { float: selu.gamma } }),
          op('Celu', { alpha: { float: -lowest } }),
        ]
      : []),
  ];
}

/** Along axes that each are normalised on their own: enough for every parameter to be solved for, and checked. */
const placesAlong = (axis: number): number => (axis === 0 ? 3 : 2);
const mostSamples = 2 ** 18;

/** A layer, channel, instance or RMS norm: scale and bias are solved for, so that it does not matter how they are applied. */
function normalisation(region: Region, known: Known, constants: readonly Nd[]): Recognised | null {
  const shape = known.shape(region.entry);
  const axes = shape && axesOf(region, known, shape.length);
  if (!axes) return null;
  for (const form of formsOf(axes, shape)) {
    const dims = shape.map((dim, axis) => (axes.includes(axis) || form.whole.includes(axis) ? dim : placesAlong(axis)));
    const size = dims.reduce((product, dim) => product * dim, 1);
    if (size > mostSamples) continue;
    // Rows of unlike strength, some as weak as what is added to the variance.
    const row = Math.max(1, Math.floor(size / 29));
    const input = nd(
      dims,
      Float64Array.from({ length: size }, (_, i) => Math.sin(i * i * 0.7 + i) * 10 ** -((Math.floor(i / row) * 7) % 4)),
    );
    const values = run(region, known, input);
    if (!values) continue;
    const epsilons = new Set([0, ...constants.flatMap(({ data }) => (data.length === 1 ? [data[0]!] : []))]);
    for (const epsilon of epsilons) {
      if (!(epsilon >= 0 && epsilon < 0.1)) continue;
      const found = { ...form.node, plain: { ...form.node.plain, epsilon: { float: epsilon } } };
      const node = nodeOf(found);
      const unit = opOf(node)!.evaluate(node, [input])[0]!.data;
      const fitted = fit(unit, values, form.parameter(dims), form.count);
      if (fitted && (form.biased || fitted.bias.every((value) => Math.abs(value) < strict)))
        return {
          ...found,
          parameters: [['scale', fitted.scale] as const, ...(form.biased ? [['bias', fitted.bias] as const] : [])].map(
            ([role, data]) => [role, float32(form.parameterDims, Float32Array.from(data))] as const,
          ),
        };
    }
  }
  return null;
}

/** The axes that all statistics of a region are taken over; null where they differ or are not known. */
function axesOf({ nodes }: Region, known: Known, rank: number): number[] | null {
  const each = nodes
    .filter((node) => statistics.has(node.opType))
    .map((node) => {
      const given = intsAttribute(node, 'axes') ?? (node.inputs[1] ? known.constant(node.inputs[1])?.data : undefined);
      return given && Array.from(given, (axis) => normalAxis(axis, rank)).sort((a, b) => a - b);
    });
  const [first] = each;
  return first && each.every((axes) => axes?.join() === first.join()) ? first : null;
}

interface Form {
  node: Omit<Recognised, 'parameters'>;
  /** Axes besides the normalised ones that have to be taken whole. */
  whole: readonly number[];
  parameter(dims: Shape): (place: number) => number;
  count: number;
  parameterDims: readonly number[];
  biased: boolean;
}

function formsOf(axes: readonly number[], shape: Shape): Form[] {
  const rank = shape.length;
  const axis = rank - axes.length;
  const forms: Form[] = [];
  const channels = shape[1] ?? 1;
  const byChannel = { count: channels, parameterDims: [channels], biased: true };
  const channelOf = (dims: Shape) => {
    const area = dims.slice(2).reduce((product, dim) => product * dim, 1);
    return (place: number) => Math.floor(place / area) % channels;
  };
  if (rank === 4 && axes.join() === '1')
    forms.push({
      node: { opType: 'ChannelNormalization', domain: 'unpool', plain: {} },
      whole: [],
      parameter: channelOf,
      ...byChannel,
    });
  if (rank > 2 && axis === 2 && axes[0] === 2)
    forms.push({
      node: { opType: 'InstanceNormalization', plain: {} },
      whole: [1],
      parameter: channelOf,
      ...byChannel,
    });
  if (axis > 0 && axes[0] === axis) {
    const inner = shape.slice(axis);
    const count = inner.reduce((product, dim) => product * dim, 1);
    const last = { whole: [], parameter: () => (place: number) => place % count, count, parameterDims: inner };
    forms.push({ node: { opType: 'LayerNormalization', plain: { axis: -axes.length } }, ...last, biased: true });
    forms.push({ node: { opType: 'RMSNormalization', plain: { axis: -axes.length } }, ...last, biased: false });
  }
  return forms;
}

/** values = scale * unit + bias, one scale and bias for each parameter, by least squares; null where it is not so. */
function fit(
  unit: Float64Array,
  values: Float64Array,
  parameterOf: (place: number) => number,
  count: number,
): { scale: Float64Array; bias: Float64Array } | null {
  const [n, u, v] = [0, 1, 2].map(() => new Float64Array(count)) as [Float64Array, Float64Array, Float64Array];
  const [scale, bias, square] = [0, 1, 2].map(() => new Float64Array(count)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  unit.forEach((x, i) => {
    const p = parameterOf(i);
    n[p]!++;
    u[p]! += x;
    v[p]! += values[i]!;
  });
  unit.forEach((x, i) => {
    const p = parameterOf(i);
    square[p]! += (x - u[p]! / n[p]!) ** 2;
    scale[p]! += (x - u[p]! / n[p]!) * (values[i]! - v[p]! / n[p]!);
  });
  for (let p = 0; p < count; p++) {
    scale[p]! /= square[p]!;
    bias[p] = v[p]! / n[p]! - (scale[p]! * u[p]!) / n[p]!;
  }
  const fitted = unit.map((x, i) => scale[parameterOf(i)]! * x + bias[parameterOf(i)]!);
  return difference(values, fitted) < strict ? { scale, bias } : null;
}

import { float32, type Tensor } from '../../../graph/tensor';
import type { LayerCall, Shape, Translate } from '../call';

/** The one axis that a layer is configured for. */
function oneAxis(call: LayerCall, rank: number): number {
  const axis = call.layer.config['axis'] ?? -1;
  const single: unknown = Array.isArray(axis) && axis.length === 1 ? axis[0] : axis;
  if (typeof single !== 'number') throw call.fail('works on several axes', undefined, 'axis');
  return call.axis(single, rank);
}

function sizeAlong(call: LayerCall, axis: number): number {
  const size = call.input.shape[axis];
  if (size == null) throw call.fail('works along an axis of unknown size');
  return size;
}

const filled = (size: number, value: number): Tensor => float32([size], new Float32Array(size).fill(value));

const batchNormalization: Translate = (call) => {
  const { input } = call;
  const rank = input.shape.length;
  const axis = oneAxis(call, rank);
  const size = sizeAlong(call, axis);
  const [scale, center] = [call.flag('scale', true), call.flag('center', true)];
  const found = call.weights([...(scale ? [[size]] : []), ...(center ? [[size]] : []), [size], [size]]);
  const [mean, variance] = found.slice(-2);
  const gamma = scale ? found[0]! : filled(size, 1);
  const beta = center ? found[scale ? 1 : 0]! : filled(size, 0);
  const parameters = [
    call.constant(gamma, 'gamma'),
    call.constant(beta, 'beta'),
    call.constant(mean!, 'mean'),
    call.constant(variance!, 'variance'),
  ];
  if (axis !== 1 && axis !== rank - 1) throw call.fail(`works on axis ${axis} of ${rank}`, undefined, 'axis');
  return call.channelsFirstly(input, axis === 1, (value) => ({
    name: call.emit('BatchNormalization', [value.name, ...parameters], {
      epsilon: { float: call.number('epsilon', 1e-3) },
    }),
    shape: value.shape,
  }));
};

const layerNormalization: Translate = (call) => {
  const { input } = call;
  const rank = input.shape.length;
  const given = call.layer.config['axis'] ?? -1;
  const axes = (Array.isArray(given) ? given : [given])
    .map((axis) => call.axis(Number(axis), rank))
    .sort((a, b) => a - b);
  const first = axes[0] ?? rank - 1;
  if (axes.some((axis, i) => axis !== first + i) || axes.at(-1) !== rank - 1)
    throw call.fail('works on axes that are not the last ones', undefined, 'axis');
  if (call.layer.config['rms_scaling'] === true)
    throw call.fail('scales by the root mean square', undefined, 'rms_scaling');
  const shape = axes.map((axis) => sizeAlong(call, axis));
  const [scale, center] = [call.flag('scale', true), call.flag('center', true)];
  const found = call.weights([...(scale ? [shape] : []), ...(center ? [shape] : [])]);
  const size = shape.reduce((a, b) => a * b, 1);
  const gamma = scale ? found[0]! : { ...filled(size, 1), dims: shape };
  const more = [call.constant(gamma, 'gamma'), ...(center ? [call.constant(found.at(-1)!, 'beta')] : [])];
  return call.keep('LayerNormalization', { axis: first, epsilon: { float: call.number('epsilon', 1e-3) } }, more);
};

/** Written as an instance norm over [N, groups, rest], as PyTorch's exporter does. Source: Y. Wu, K. He (1803.08494). */
const groupNormalization: Translate = (call) => {
  const { input } = call;
  const rank = input.shape.length;
  const axis = oneAxis(call, rank);
  const size = sizeAlong(call, axis);
  const wanted = call.number('groups', 32);
  const groups = wanted === -1 ? size : wanted;
  if (rank < 3 || !Number.isInteger(groups) || groups < 1 || size % groups !== 0 || (axis !== 1 && axis !== rank - 1))
    throw call.fail(`splits ${size} elements of axis ${axis} into ${groups} groups`, undefined, 'groups');
  const [scale, center] = [call.flag('scale', true), call.flag('center', true)];
  const found = call.weights([...(scale ? [[size]] : []), ...(center ? [[size]] : [])]);
  return call.channelsFirstly(input, axis === 1, (value) => {
    const grouped = call.emit('Reshape', [value.name, call.ints([0, groups, -1])]);
    const even = [call.constant(filled(groups, 1), 'ones'), call.constant(filled(groups, 0), 'zeros')];
    const normal = call.emit('InstanceNormalization', [grouped, ...even], {
      epsilon: { float: call.number('epsilon', 1e-3) },
    });
    let name = call.emit('Reshape', [normal, call.emit('Shape', [value.name])]);
    const across = (tensor: Tensor): Tensor => ({ ...tensor, dims: [size, ...new Array<number>(rank - 2).fill(1)] });
    if (scale) name = call.emit('Mul', [name, call.constant(across(found[0]!), 'gamma')]);
    if (center) name = call.emit('Add', [name, call.constant(across(found.at(-1)!), 'beta')]);
    return { name, shape: value.shape };
  });
};

/** x / max(|x|, 1e-6) along the axes. */
const unitNormalization: Translate = (call) => {
  const { input } = call;
  const given = call.layer.config['axis'] ?? -1;
  const axes = (Array.isArray(given) ? given : [given]).map((axis) => call.axis(Number(axis), input.shape.length));
  const length = call.emit('ReduceL2', [input.name], { axes, keepdims: 1 });
  return call.keep('Div', {}, [call.emit('Max', [length, call.scalar(1e-6)])]);
};

/** Numbers of a configuration (one, or lists of lists), flat. */
function numbersIn(call: LayerCall, field: string): number[] | null {
  const value = call.layer.config[field];
  if (value == null) return null;
  const flat = (Array.isArray(value) ? (value.flat(8) as unknown[]) : [value]).map(Number);
  if (flat.length === 0 || flat.some((each) => !Number.isFinite(each)))
    throw call.fail(`has ${field} without numbers`, undefined, field);
  return flat;
}

/** One number, or one per channel (the last axis). */
function constantOf(call: LayerCall, values: readonly number[], part: string): string {
  if (values.length === 1) return call.scalar(values[0]!);
  const channels = call.input.shape.at(-1);
  if (channels != null && channels !== values.length)
    throw call.fail(`has ${values.length} values for ${channels} channels`, undefined, part);
  return call.vector(values, part);
}

const rescaling: Translate = (call) => {
  const scale = numbersIn(call, 'scale') ?? [1];
  const offset = numbersIn(call, 'offset') ?? [0];
  const scaled = call.emit('Mul', [call.input.name, constantOf(call, scale, 'scale')]);
  if (offset.every((each) => each === 0)) return { name: scaled, shape: call.input.shape };
  return { name: call.emit('Add', [scaled, constantOf(call, offset, 'offset')]), shape: call.input.shape };
};

/** (x - mean) / max(sqrt(variance), 1e-7), with the statistics of the configuration or, where adapted, of the weights. */
const normalization: Translate = (call) => {
  const { input } = call;
  const rank = input.shape.length;
  let mean = numbersIn(call, 'mean');
  let variance = numbersIn(call, 'variance');
  let shape: number[] | null = null;
  if (!mean || !variance) {
    const given = call.layer.config['axis'] ?? -1;
    const axes = (Array.isArray(given) ? given : [given]).map((axis) => call.axis(Number(axis), rank));
    shape = input.shape.slice(1).map((dim, i) => (axes.includes(i + 1) ? (dim ?? 0) : 1));
    const stored: Shape = shape.filter((_, i) => axes.includes(i + 1));
    const found = call.weights([stored, stored]);
    [mean, variance] = [Array.from(found[0]!.data as Float32Array), Array.from(found[1]!.data as Float32Array)];
  }
  const own = (values: number[], part: string): string =>
    shape && values.length > 1 ? call.constant(float32(shape, values), part) : constantOf(call, values, part);
  const deviation = variance.map((each) => Math.max(Math.sqrt(each), 1e-7));
  if (call.flag('invert', false)) {
    const scaled = call.emit('Mul', [input.name, own(deviation, 'deviation')]);
    return { name: call.emit('Add', [scaled, own(mean, 'mean')]), shape: input.shape };
  }
  const centred = call.emit('Sub', [input.name, own(mean, 'mean')]);
  return { name: call.emit('Div', [centred, own(deviation, 'deviation')]), shape: input.shape };
};

/** A learned factor per channel (ConvNeXt). Source: Z. Liu et al. (2201.03545). */
const layerScale: Translate = (call) => {
  const channels = call.input.shape.at(-1) ?? null;
  const [gamma] = call.weights([[channels]]);
  return call.keep('Mul', {}, [call.constant(gamma!, 'gamma')]);
};

export const normaliseLayers: Record<string, Translate> = {
  BatchNormalization: batchNormalization,
  SyncBatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  GroupNormalization: groupNormalization,
  UnitNormalization: unitNormalization,
  Rescaling: rescaling,
  Normalization: normalization,
  LayerScale: layerScale,
};

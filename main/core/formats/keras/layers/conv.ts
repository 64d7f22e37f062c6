import { type Tensor, transposeTensor } from '../../../graph/tensor';
import type { LayerCall, Shape, Translate, Value } from '../call';
import { activate } from './activation';

/** Windows along the spatial axes, as Keras configures them. */
export interface Windows {
  kernel: readonly number[];
  strides: readonly number[];
  dilations: readonly number[];
  padding: string;
}

/**
 * Attributes and output sizes of windows over these spatial sizes. SAME puts the odd element of its padding at the end:
 * spelled out where the sizes are known, else said by auto_pad, which means the same.
 * Source: TensorFlow, "Notes on padding combinations" (tf.nn).
 */
export function slide(call: LayerCall, spatial: Shape, windows: Windows) {
  const { kernel, strides, dilations, padding } = windows;
  const reach = kernel.map((size, i) => (size - 1) * dilations[i]! + 1);
  const plain: Record<string, string | number[]> = { kernel_shape: [...kernel], strides: [...strides] };
  if (dilations.some((each) => each !== 1)) plain['dilations'] = [...dilations];
  const valid = (size: number | null, i: number, added = 0): number | null => {
    if (size === null) return null;
    const count = Math.floor((size + added - reach[i]!) / strides[i]!) + 1;
    if (count < 1) throw call.fail(`has windows of ${reach[i]}, which do not fit into ${size + added} elements`);
    return count;
  };
  if (padding === 'valid') return { plain, sizes: spatial.map((size, i) => valid(size, i)) };
  if (padding === 'causal' && kernel.length === 1) {
    plain['pads'] = [reach[0]! - 1, 0];
    return { plain, sizes: [valid(spatial[0] ?? null, 0, reach[0]! - 1)] };
  }
  if (padding !== 'same') throw call.fail(`has padding "${padding}"`, undefined, 'padding');
  const sizes = spatial.map((size, i) => (size === null ? null : Math.ceil(size / strides[i]!)));
  if (spatial.includes(null)) plain['auto_pad'] = 'SAME_UPPER';
  else {
    const total = spatial.map((size, i) => Math.max(0, (sizes[i]! - 1) * strides[i]! + reach[i]! - size!));
    const begin = total.map((each) => Math.floor(each / 2));
    plain['pads'] = [...begin, ...total.map((each, i) => each - begin[i]!)];
  }
  return { plain, sizes };
}

const windowsOf = (call: LayerCall, rank: number): Windows => ({
  kernel: call.sizes('kernel_size', rank),
  strides: call.sizes('strides', rank, 1),
  dilations: call.sizes('dilation_rate', rank, 1),
  padding: call.text('padding', 'valid'),
});

/** The input with its channels, checked to be of the right rank. */
function pictureOf(call: LayerCall, rank: number): { input: Value; channels: number } {
  const { input } = call;
  if (input.shape.length !== rank + 2) throw call.fail(`is called on a value of ${input.shape.length} axes`);
  const channels = input.shape[call.channelsFirst ? 1 : rank + 1] ?? null;
  if (channels === null) throw call.fail('is called on a value whose channels are not known');
  return { input, channels };
}

function convolve(
  call: LayerCall,
  value: Value,
  windows: Windows,
  filters: Tensor,
  bias: Tensor | undefined,
  group: number,
  part = '',
): Value {
  const { plain, sizes } = slide(call, value.shape.slice(2), windows);
  const label = part && `${part}.`;
  const inputs = [value.name, call.constant(filters, `${label}weight`)];
  if (bias) inputs.push(call.constant(bias, `${label}bias`));
  const name = call.emit('Conv', inputs, { ...plain, ...(group > 1 && { group }) }, part);
  return { name, shape: [value.shape[0] ?? null, filters.dims[0]!, ...sizes] };
}

const spatialAxes = (rank: number): number[] => Array.from({ length: rank }, (_, i) => i);
const withActivation = (call: LayerCall, value: Value): Value => activate(call, value, call.layer.config['activation']);
const biasShape = (call: LayerCall, outputs: number): Shape[] => (call.flag('use_bias', true) ? [[outputs]] : []);

/** Kernels are [height, width, in / groups, out]. */
const conv =
  (rank: number): Translate =>
  (call) => {
    const { input, channels } = pictureOf(call, rank);
    const windows = windowsOf(call, rank);
    const [outputs] = call.sizes('filters', 1);
    const [group] = call.sizes('groups', 1, 1);
    if (channels % group! !== 0)
      throw call.fail(`splits ${channels} channels into ${group} groups`, undefined, 'groups');
    const [kernel, bias] = call.weights([
      [...windows.kernel, channels / group!, outputs!],
      ...biasShape(call, outputs!),
    ]);
    const filters = transposeTensor(kernel!, [rank + 1, rank, ...spatialAxes(rank)]);
    const made = call.channelsFirstly(input, call.channelsFirst, (value) =>
      convolve(call, value, windows, filters, bias, group!),
    );
    return withActivation(call, made);
  };

/** Kernels are [height, width, in, multiplier]; output channel c * multiplier + m. */
function depthwiseFilters(kernel: Tensor, rank: number): Tensor {
  const turned = transposeTensor(kernel, [rank, rank + 1, ...spatialAxes(rank)]);
  const [channels, multiplier, ...size] = turned.dims;
  return { ...turned, dims: [channels! * multiplier!, 1, ...size] };
}

const depthwise =
  (rank: number): Translate =>
  (call) => {
    const { input, channels } = pictureOf(call, rank);
    const windows = windowsOf(call, rank);
    const [multiplier] = call.sizes('depth_multiplier', 1, 1);
    const [kernel, bias] = call.weights([
      [...windows.kernel, channels, multiplier!],
      ...biasShape(call, channels * multiplier!),
    ]);
    const made = call.channelsFirstly(input, call.channelsFirst, (value) =>
      convolve(call, value, windows, depthwiseFilters(kernel!, rank), bias, channels),
    );
    return withActivation(call, made);
  };

const separable =
  (rank: number): Translate =>
  (call) => {
    const { input, channels } = pictureOf(call, rank);
    const windows = windowsOf(call, rank);
    const ones = new Array<number>(rank).fill(1);
    const [outputs] = call.sizes('filters', 1);
    const [multiplier] = call.sizes('depth_multiplier', 1, 1);
    const [deep, point, bias] = call.weights([
      [...windows.kernel, channels, multiplier!],
      [...ones, channels * multiplier!, outputs!],
      ...biasShape(call, outputs!),
    ]);
    const pointFilters = transposeTensor(point!, [rank + 1, rank, ...spatialAxes(rank)]);
    const pointWindows = { kernel: ones, strides: ones, dilations: ones, padding: 'valid' };
    const made = call.channelsFirstly(input, call.channelsFirst, (value) => {
      const between = convolve(call, value, windows, depthwiseFilters(deep!, rank), undefined, channels, 'depthwise');
      return convolve(call, between, pointWindows, pointFilters, bias, 1);
    });
    return withActivation(call, made);
  };

/**
 * The gradient of a convolution: SAME gives size * stride, VALID size * stride + max(kernel - stride, 0). Kernels are
 * [height, width, out, in]. Source: keras/src/backend/common/backend_utils.py.
 */
const transposed =
  (rank: number): Translate =>
  (call) => {
    const { input, channels } = pictureOf(call, rank);
    const { kernel, strides, dilations, padding } = windowsOf(call, rank);
    if (call.layer.config['output_padding'] != null)
      throw call.fail('has a padding of its output', undefined, 'output_padding');
    if (padding !== 'same' && padding !== 'valid') throw call.fail(`has padding "${padding}"`, undefined, 'padding');
    const [outputs] = call.sizes('filters', 1);
    const [weights, bias] = call.weights([[...kernel, outputs!, channels], ...biasShape(call, outputs!)]);
    const filters = call.constant(transposeTensor(weights!, [rank + 1, rank, ...spatialAxes(rank)]), 'weight');
    const reach = kernel.map((size, i) => (size - 1) * dilations[i]! + 1);
    const cut = reach.map((size, i) => (padding === 'same' ? Math.max(0, size - strides[i]!) : 0));
    const begin = cut.map((each) => Math.floor(each / 2));
    const plain = {
      kernel_shape: kernel,
      strides,
      dilations,
      pads: [...begin, ...cut.map((each, i) => each - begin[i]!)],
      output_padding: reach.map((size, i) => Math.max(0, strides[i]! - size)),
    };
    const made = call.channelsFirstly(input, call.channelsFirst, (value) => {
      const inputs = [value.name, filters, ...(bias ? [call.constant(bias, 'bias')] : [])];
      const sizes = value.shape.slice(2).map((size, i) => {
        if (size === null) return null;
        return size * strides[i]! + (padding === 'same' ? 0 : Math.max(0, reach[i]! - strides[i]!));
      });
      return { name: call.emit('ConvTranspose', inputs, plain), shape: [value.shape[0] ?? null, outputs!, ...sizes] };
    });
    return withActivation(call, made);
  };

/** Works on the last axis, whatever the rank. */
const dense: Translate = (call) => {
  const { input } = call;
  const inputs = input.shape.at(-1) ?? null;
  const [units] = call.sizes('units', 1);
  const [kernel, bias] = call.weights([[inputs, units!], ...biasShape(call, units!)]);
  let name = call.emit('MatMul', [input.name, call.constant(kernel!, 'weight')]);
  if (bias) name = call.emit('Add', [name, call.constant(bias, 'bias')]);
  return withActivation(call, { name, shape: [...input.shape.slice(0, -1), units!] });
};

export const convLayers: Record<string, Translate> = {
  Conv1D: conv(1),
  Conv2D: conv(2),
  Convolution2D: conv(2),
  DepthwiseConv1D: depthwise(1),
  DepthwiseConv2D: depthwise(2),
  SeparableConv1D: separable(1),
  SeparableConv2D: separable(2),
  Conv1DTranspose: transposed(1),
  Conv2DTranspose: transposed(2),
  Dense: dense,
};

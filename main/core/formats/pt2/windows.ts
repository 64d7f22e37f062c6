import type { Call } from './context';

export type Translate = (call: Call) => string | readonly string[];

/** A list that may be one number for all axes. */
const spread = (values: readonly number[] | undefined, rank: number, fallback: number): number[] =>
  Array.from({ length: rank }, (_, axis) => (values?.length === 1 ? values[0]! : (values?.[axis] ?? fallback)));

const both = (pads: readonly number[]): number[] => [...pads, ...pads];

function conv(call: Call, transposed: boolean): string {
  const kernel = call.shape('weight').slice(2) as number[];
  const rank = kernel.length;
  const dilations = spread(call.ints('dilation'), rank, 1);
  const text = call.text('padding');
  let pads = both(spread(text === undefined ? call.ints('padding') : [0], rank, 0));
  if (text === 'same') {
    const whole = kernel.map((size, axis) => (size - 1) * dilations[axis]!);
    pads = [...whole.map((pad) => pad >> 1), ...whole.map((pad) => pad - (pad >> 1))];
  }
  const more = spread(call.ints('output_padding'), rank, 0);
  const plain = {
    kernel_shape: kernel,
    strides: spread(call.ints('stride'), rank, 1),
    pads,
    dilations,
    group: call.int('groups', 1),
    ...(transposed && more.some((each) => each > 0) && { output_padding: more }),
  };
  const bias = call.optional('bias');
  const inputs = [call.tensor('input'), call.tensor('weight'), ...(bias ? [bias] : [])];
  return call.emit(transposed ? 'ConvTranspose' : 'Conv', inputs, plain);
}

function batchNorm(call: Call): string {
  if (call.bool('training', false)) throw call.fail('is in training mode', 'Call model.eval() before the export.');
  const channels = call.known(call.shape('running_mean')[0], 'its channels');
  const affine = (name: string, value: number) =>
    call.optional(name) ?? call.constant([channels], Array<number>(channels).fill(value));
  const epsilon = { float: call.number('eps', 1e-5) };
  const inputs = [affine('weight', 1), affine('bias', 0), call.tensor('running_mean'), call.tensor('running_var')];
  return call.emit('BatchNormalization', [call.tensor('input'), ...inputs], { epsilon });
}

function groupNorm(call: Call): string {
  const channels = call.known(call.shape('input')[1], 'its channels');
  const affine = (name: string, value: number) =>
    call.optional(name) ?? call.constant([channels], Array<number>(channels).fill(value));
  return call.emit('GroupNormalization', [call.tensor('input'), affine('weight', 1), affine('bias', 0)], {
    num_groups: call.int('num_groups', call.int('group', 1)),
    epsilon: { float: call.number('eps', 1e-5) },
  });
}

function instanceNorm(call: Call): string {
  if (!call.bool('use_input_stats', true)) return batchNorm(call);
  const channels = call.known(call.shape('input')[1], 'its channels');
  const affine = (name: string, value: number) =>
    call.optional(name) ?? call.constant([channels], Array<number>(channels).fill(value));
  const epsilon = { float: call.number('eps', 1e-5) };
  return call.emit('InstanceNormalization', [call.tensor('input'), affine('weight', 1), affine('bias', 0)], {
    epsilon,
  });
}

function layerNorm(call: Call): string {
  const shape = call.ints('normalized_shape') ?? [];
  const size = shape.reduce((a, b) => a * b, 1);
  const scale = call.optional('weight') ?? call.constant(shape, Array<number>(size).fill(1));
  const bias = call.optional('bias');
  return call.emit('LayerNormalization', [call.tensor('input'), scale, ...(bias ? [bias] : [])], {
    axis: -shape.length,
    epsilon: { float: call.number('eps', 1e-5) },
  });
}

/** Kernel, strides (the kernel's own where left out), paddings and whether a last partial window counts. */
function window(call: Call, rank = 2) {
  const kernel = spread(call.ints('kernel_size'), rank, 1);
  const strides = call.ints('stride');
  return {
    kernel_shape: kernel,
    strides: strides?.length ? spread(strides, rank, 1) : kernel,
    pads: both(spread(call.ints('padding'), rank, 0)),
    ceil_mode: Number(call.bool('ceil_mode', false)),
  };
}

function averagePool(call: Call, rank: number): string {
  if (call.has('divisor_override')) throw call.fail('divides by a number of its own');
  const plain = { ...window(call, rank), count_include_pad: Number(call.bool('count_include_pad', true)) };
  return call.emit('AveragePool', [call.tensor('self')], plain);
}

/** Pooling to a given size: all of a map, or equal windows where the sizes divide. */
const adaptive =
  (global: string, pool: string): Translate =>
  (call) => {
    const size = spread(call.ints('output_size'), 2, 1);
    if (size.every((each) => each === 1)) return call.emit(global, [call.tensor('self')]);
    const from = call.shape('self').slice(-2);
    const kernel = size.map((to, axis) => {
      const dim = call.known(from[axis], 'the size of its map');
      if (dim % to)
        throw call.fail(
          `pools ${dim} places to ${to}, which does not divide`,
          'Export it for another size of picture.',
        );
      return dim / to;
    });
    return call.emit(pool, [call.tensor('self')], { kernel_shape: kernel, strides: kernel });
  };

function resize(call: Call, mode: 'nearest' | 'linear'): string {
  const corners = call.bool('align_corners', false);
  const x = call.optional('input') ?? call.tensor('self');
  const plain = {
    mode,
    coordinate_transformation_mode: mode === 'nearest' ? 'asymmetric' : corners ? 'align_corners' : 'half_pixel',
    ...(mode === 'nearest' && { nearest_mode: 'floor' }),
  };
  const one = [call.number('scales_h', 0), call.number('scales_w', 0)];
  const scales = call.floats('scale_factors') ?? (one.every((scale) => scale > 0) ? one : undefined);
  if (scales && !corners) return call.emit('Resize', [x, '', call.constant([4], [1, 1, ...scales])], plain);
  const size = call.outputShape().slice(-2);
  const fixed = size.map((dim) => call.known(dim, 'its size'));
  const { builder } = call;
  const start = call.add('Slice', [call.add('Shape', [x]), builder.ints([0]), builder.ints([2])]);
  return call.emit('Resize', [x, '', '', call.add('Concat', [start, builder.ints(fixed)], { axis: 0 })], plain);
}

function linear(call: Call): string {
  const bias = call.optional('bias');
  const [x, weight] = [call.tensor('input'), call.tensor('weight')];
  if (call.shape('input').length === 2) return call.emit('Gemm', [x, weight, ...(bias ? [bias] : [])], { transB: 1 });
  const product = call.emit('MatMul', [x, call.add('Transpose', [weight], { perm: [1, 0] })]);
  return bias ? call.emit('Add', [product, bias]) : product;
}

function addmm(call: Call): string {
  const [alpha, beta] = [call.number('alpha', 1), call.number('beta', 1)];
  const inputs = [call.tensor('mat1'), call.tensor('mat2'), call.tensor('self')];
  return call.emit('Gemm', inputs, { alpha: { float: alpha }, beta: { float: beta } });
}

const product: Translate = (call) =>
  call.emit('MatMul', [call.tensor('self'), call.optional('other') ?? call.tensor('mat2')]);

function channelShuffle(call: Call): string {
  const [, c, h, w] = call.shape('self').map((dim, axis) => (axis ? call.known(dim, 'the size of its map') : 0));
  const groups = call.int('groups', 1);
  const { builder } = call;
  const split = call.add('Reshape', [call.tensor('self'), builder.ints([0, groups, c! / groups, h!, w!])]);
  const moved = call.add('Transpose', [split], { perm: [0, 2, 1, 3, 4] });
  return call.emit('Reshape', [moved, builder.ints([0, c!, h!, w!])]);
}

const convolution: Translate = (call) => conv(call, call.bool('transposed', false));
const nearest: Translate = (call) => resize(call, 'nearest');
const bilinear: Translate = (call) => resize(call, 'linear');

/** Ops that have places and channels, and dense layers. */
export const windowOps: Readonly<Record<string, Translate>> = {
  conv1d: convolution,
  conv2d: convolution,
  convolution,
  _convolution: convolution,
  conv_transpose2d: (call) => conv(call, true),
  batch_norm: batchNorm,
  _native_batch_norm_legit_no_training: batchNorm,
  cudnn_batch_norm: batchNorm,
  group_norm: groupNorm,
  native_group_norm: groupNorm,
  instance_norm: instanceNorm,
  layer_norm: layerNorm,
  native_layer_norm: layerNorm,
  max_pool2d: (call) => maxPool(call),
  max_pool2d_with_indices: (call) => maxPool(call),
  avg_pool2d: (call) => averagePool(call, 2),
  avg_pool3d: (call) => averagePool(call, 3), // a response normalisation's, along the channels
  adaptive_avg_pool2d: adaptive('GlobalAveragePool', 'AveragePool'),
  _adaptive_avg_pool2d: adaptive('GlobalAveragePool', 'AveragePool'),
  adaptive_max_pool2d: adaptive('GlobalMaxPool', 'MaxPool'),
  upsample_nearest2d: nearest,
  upsample_bilinear2d: bilinear,
  pixel_shuffle: (call) =>
    call.emit('DepthToSpace', [call.tensor('self')], { blocksize: call.int('upscale_factor', 1), mode: 'CRD' }),
  channel_shuffle: channelShuffle,
  native_channel_shuffle: channelShuffle,
  linear,
  addmm,
  mm: product,
  bmm: product,
  matmul: product,
};

function maxPool(call: Call): string {
  const plain = { ...window(call), dilations: spread(call.ints('dilation'), 2, 1) };
  return call.emit('MaxPool', [call.tensor('self')], plain);
}

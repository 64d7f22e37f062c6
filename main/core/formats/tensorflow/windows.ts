import type { attributes } from '../../graph/builder';
import { sizeOf } from '../../graph/tensor';
import { isFirst, spatial, type Context } from './context';
import { failAt, floatOf, intsOf, stringOf, stringsOf, type TfNode } from './node';

export type Translate = (context: Context, node: TfNode, inputs: readonly string[]) => string | readonly string[];

type Plain = Parameters<typeof attributes>[0];

/** Strides, dilations and paddings. SAME puts the odd one behind: ONNX's SAME_UPPER. */
function windowOf(node: TfNode, kernel: readonly number[]): Plain {
  const strides = spatial(node, intsOf(node, 'strides'));
  const dilations = intsOf(node, 'dilations').length ? spatial(node, intsOf(node, 'dilations')) : [1, 1];
  const padding = stringOf(node, 'padding', 'VALID');
  const plain = { strides, ...(dilations.some((each) => each !== 1) && { dilations }) };
  if (padding === 'VALID') return plain;
  if (padding === 'SAME') {
    if (strides.some((stride) => stride !== 1)) return { ...plain, auto_pad: 'SAME_UPPER' };
    // With stride 1 the paddings do not depend on the size of the map.
    const whole = kernel.map((size, axis) => (size - 1) * dilations[axis]!);
    return { ...plain, pads: [...whole.map((pad) => pad >> 1), ...whole.map((pad) => pad - (pad >> 1))] };
  }
  const pads = intsOf(node, 'explicit_paddings');
  if (padding !== 'EXPLICIT' || pads.length !== 8) throw failAt(node, `has the padding "${padding}"`);
  const [h, w] = isFirst(node) ? [4, 6] : [2, 4];
  return { ...plain, pads: [pads[h]!, pads[w]!, pads[h + 1]!, pads[w + 1]!] };
}

const rank = (context: Context, node: TfNode, filters: string): readonly number[] => {
  const dims = context.tensor(filters)?.dims;
  if (!dims) throw failAt(node, 'computes its filters', 'Only constant filters are read.');
  if (dims.length !== 4) throw failAt(node, `has filters of [${dims.join(', ')}]; four dimensions are needed`);
  return dims;
};

/** What is fused into a convolution or a dense layer behind its bias; `rest` are the inputs that it reads. */
function fused(context: Context, node: TfNode, value: string, rest: readonly string[]): string {
  for (const op of stringsOf(node, 'fused_ops')) {
    if (op === 'BiasAdd') continue;
    if (op === 'Relu6') value = clip6(context, value, node.name);
    else if (op === 'Prelu') value = context.emit(node, 'PRelu', [value, rest[0]!]);
    else if (op === 'FusedBatchNorm') value = batchNorm(context, node, [value, ...rest]) as string;
    else if (op === 'LeakyRelu')
      value = context.emit(node, op, [value], { alpha: { float: floatOf(node, 'leakyrelu_alpha', 0.2) } });
    else if (op === 'Elu') value = context.emit(node, op, [value], { alpha: { float: 1 } });
    else if (['Relu', 'Sigmoid', 'Tanh'].includes(op)) value = context.emit(node, op, [value]);
    else throw failAt(node, `is fused with ${op}, which is not known`, 'Convert the model without fusing.');
  }
  return value;
}

export const clip6 = (context: Context, value: string, name: string): string =>
  context.add('Clip', [value, context.builder.scalar(0), context.builder.scalar(6)], {}, name);

const hasBias = (node: TfNode): boolean => stringsOf(node, 'fused_ops')[0] === 'BiasAdd';

/** Filters [height, width, input, output] become [output, input, height, width]; groups follow from the map's channels. */
function conv(depthwise: boolean): Translate {
  return (context, node, inputs) => {
    const [h, w, c, m] = rank(context, node, inputs[1]!) as [number, number, number, number];
    const filters = depthwise
      ? context.reorder(inputs[1]!, [2, 3, 0, 1], () => [c * m, 1, h, w])
      : context.reorder(inputs[1]!, [3, 2, 0, 1], (moved) => moved);
    const bias = hasBias(node) ? [inputs[2]!] : [];
    const plain = { ...windowOf(node, [h, w]), kernel_shape: [h, w], ...(depthwise && { group: c }) };
    const value = context.channelsFirst(node, inputs[0]!, (x) =>
      context.emit(node, 'Conv', [x, filters, ...bias], plain),
    );
    return fused(context, node, value, inputs.slice(2 + bias.length));
  };
}

/** The gradient of a convolution by its input: a transposed convolution. Filters [height, width, output, input]. */
const transposedConv: Translate = (context, node, inputs) => {
  const [h, w] = rank(context, node, inputs[1]!) as [number, number];
  const filters = context.reorder(inputs[1]!, [3, 2, 0, 1], (moved) => moved);
  const strides = spatial(node, intsOf(node, 'strides'));
  const padding = stringOf(node, 'padding', 'VALID');
  const given = context.tensor(inputs[0]!);
  const size = given && spatial(node, Array.from(given.data, Number));
  const [top, left] = [h, w].map((kernel, axis) => {
    const stride = strides[axis]!;
    const out = size?.[axis];
    // The size that the convolution would have made of `out`; where that is not known, `out` is taken as a multiple of it.
    const steps = out === undefined ? 2 : Math.ceil((padding === 'SAME' ? out : out - kernel + 1) / stride);
    const whole = (steps - 1) * stride + kernel;
    const pad = padding === 'SAME' ? Math.max(whole - (out ?? steps * stride), 0) : 0;
    return { pad, more: Math.max((out ?? (padding === 'SAME' ? steps * stride : whole)) - whole, 0) };
  }) as [{ pad: number; more: number }, { pad: number; more: number }];
  if (padding === 'EXPLICIT') throw failAt(node, 'has the padding "EXPLICIT"');
  const plain = {
    strides,
    kernel_shape: [h, w],
    pads: [top.pad >> 1, left.pad >> 1, top.pad - (top.pad >> 1), left.pad - (left.pad >> 1)],
    ...((top.more || left.more) && { output_padding: [top.more, left.more] }),
  };
  return context.channelsFirst(node, inputs[2]!, (x) => context.emit(node, 'ConvTranspose', [x, filters], plain));
};

const pool =
  (opType: string): Translate =>
  (context, node, inputs) => {
    const ksize = intsOf(node, 'ksize');
    const kernel = spatial(node, ksize);
    if (sizeOf(ksize) !== kernel[0] * kernel[1]) throw failAt(node, 'pools over pictures or channels');
    const plain = { ...windowOf(node, kernel), kernel_shape: kernel };
    return context.channelsFirst(node, inputs[0]!, (x) => context.emit(node, opType, [x], plain));
  };

/** The dense layer: rows times a matrix, which is turned here where the file says so. */
const matMul: Translate = (context, node, inputs) => {
  const [x, weights] = [
    node.attr['transpose_a']?.b ? context.transpose(inputs[0]!, [1, 0]) : inputs[0]!,
    node.attr['transpose_b']?.b ? context.reorder(inputs[1]!, [1, 0], (moved) => moved) : inputs[1]!,
  ];
  const product = context.emit(node, 'MatMul', [x, weights]);
  if (!hasBias(node)) return fused(context, node, product, inputs.slice(2));
  return fused(context, node, context.emit(node, 'Add', [product, inputs[2]!]), inputs.slice(3));
};

const batchMatMul: Translate = (context, node, inputs) => {
  const sides = inputs.slice(0, 2).map((value, side) => {
    if (!node.attr[side === 0 ? 'adj_x' : 'adj_y']?.b) return value;
    const dims = context.tensor(value)?.dims;
    if (!dims) throw failAt(node, 'turns a value that the graph computes', 'Only constants are turned here.');
    const axes = dims.map((_, axis) => axis);
    return context.reorder(value, [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!], (moved) => moved);
  });
  return context.emit(node, 'MatMul', sides);
};

const batchNorm: Translate = (context, node, inputs) => {
  if (node.attr['is_training']?.b) throw failAt(node, 'is in training mode', 'Convert the model for inference.');
  const plain = { epsilon: { float: floatOf(node, 'epsilon', 1e-4) } };
  return context.channelsFirst(node, inputs[0]!, (x) =>
    context.emit(node, 'BatchNormalization', [x, ...inputs.slice(1, 5)], plain),
  );
};

const biasAdd: Translate = (context, node, inputs) => {
  if (!isFirst(node)) return context.emit(node, 'Add', [inputs[0]!, inputs[1]!]);
  const bias = context.add('Unsqueeze', [inputs[1]!, context.builder.ints([1, 2])]);
  return context.emit(node, 'Add', [inputs[0]!, bias]);
};

const lrn: Translate = (context, node, inputs) => {
  const size = 2 * (node.attr['depth_radius']?.i ?? 5) + 1;
  const plain = {
    size,
    alpha: { float: floatOf(node, 'alpha', 1) * size },
    beta: { float: floatOf(node, 'beta', 0.5) },
    bias: { float: floatOf(node, 'bias', 1) },
  };
  return context.channelsFirst(node, inputs[0]!, (x) => context.emit(node, 'LRN', [x], plain));
};

const depth =
  (opType: string): Translate =>
  (context, node, inputs) => {
    const plain = { blocksize: node.attr['block_size']?.i ?? 2, ...(opType === 'DepthToSpace' && { mode: 'DCR' }) };
    return context.channelsFirst(node, inputs[0]!, (x) => context.emit(node, opType, [x], plain));
  };

/** Ops that have places and channels. */
export const windowOps: Readonly<Record<string, Translate>> = {
  Conv2D: conv(false),
  FusedConv2D: conv(false),
  _FusedConv2D: conv(false),
  DepthwiseConv2dNative: conv(true),
  FusedDepthwiseConv2dNative: conv(true),
  _FusedDepthwiseConv2dNative: conv(true),
  Conv2DBackpropInput: transposedConv,
  MaxPool: pool('MaxPool'),
  AvgPool: pool('AveragePool'),
  MatMul: matMul,
  _FusedMatMul: matMul,
  BatchMatMul: batchMatMul,
  BatchMatMulV2: batchMatMul,
  BiasAdd: biasAdd,
  BiasAddV1: biasAdd,
  FusedBatchNorm: batchNorm,
  FusedBatchNormV2: batchNorm,
  FusedBatchNormV3: batchNorm,
  LRN: lrn,
  DepthToSpace: depth('DepthToSpace'),
  SpaceToDepth: depth('SpaceToDepth'),
};

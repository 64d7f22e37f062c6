import { intAttribute, intsAttribute, stringAttribute, type Node } from '../../graph/graph';
import type { Tensor } from '../../graph/tensor';
import { toFloat32 } from '../../graph/tensor';
import { flipFilters } from '../../ops/conv';
import { windowsOf, type Window } from '../../ops/windows';
import type { Padding, Tf, TfTensor } from './library';
import { result, type Env, type Kernel } from './kernel';
import type { Value } from './value';

interface Axis {
  stride: number;
  dilation: number;
  begin: number;
  end: number;
}

/** Pads the two spatial axes of NHWC; a negative pad cuts. */
export function padded(tf: Tf, x: TfTensor, axes: readonly Pick<Axis, 'begin' | 'end'>[], value = 0): TfTensor {
  let out = x;
  if (axes.some(({ begin, end }) => begin < 0 || end < 0)) {
    const begins = [0, ...axes.map(({ begin }) => Math.max(0, -begin)), 0];
    const sizes = x.shape.map((length, i) => {
      const axis = axes[i - 1];
      return axis ? length + Math.min(0, axis.begin) + Math.min(0, axis.end) : length;
    });
    out = tf.slice(out, begins, sizes);
  }
  const padding: Padding = [
    [0, 0],
    ...axes.map(({ begin, end }): [number, number] => [Math.max(0, begin), Math.max(0, end)]),
    [0, 0],
  ];
  return padding.some(([begin, end]) => begin || end) ? tf.pad(out, padding, value) : out;
}

/** Filters [out, in / groups, h, w] as TensorFlow wants them: per group [h, w, in / groups, out / groups]. */
function hwio({ dims, data }: { dims: readonly number[]; data: Float32Array }, group: number, groups: number) {
  const [out = 0, inner = 0, h = 1, w = 1] = dims;
  const own = out / groups;
  const result = new Float32Array(h * w * inner * own);
  for (let o = 0; o < own; o++)
    for (let i = 0; i < inner; i++)
      for (let k = 0; k < h * w; k++)
        result[(k * inner + i) * own + o] = data[((group * own + o) * inner + i) * h * w + k]!;
  return { shape: [h, w, inner, own], data: result };
}

/** Filters [channels * multiplier, 1, h, w] as a depthwise convolution wants them: [h, w, channels, multiplier]. */
function depthwise(dims: readonly number[], data: Float32Array, dilations: readonly number[], groups: number) {
  const [out = 0, , h = 1, w = 1] = dims;
  const [dh = 1, dw = 1] = dilations;
  // TensorFlow's native kernel knows no dilation here: the zeros are written between the filter's elements.
  const [high, wide] = [(h - 1) * dh + 1, (w - 1) * dw + 1];
  const result = new Float32Array(high * wide * out);
  for (let o = 0; o < out; o++)
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++) result[(y * dh * wide + x * dw) * out + o] = data[(o * h + y) * w + x]!;
  return { shape: [high, wide, groups, out / groups], data: result };
}

/** x in NHWC; `oihw` gives the filters [out, in / groups, h, w]; what is made of them is kept with the weights. */
function convolve(
  tf: Tf,
  x: TfTensor,
  weights: Value,
  key: string,
  oihw: () => Tensor,
  axes: readonly [Axis, Axis],
  groups: number,
  bias: TfTensor | undefined,
): TfTensor {
  const [h, w] = axes;
  const dims = four(weights.dims);
  const filters = () => {
    const tensor = oihw();
    return { dims: four(tensor.dims), data: toFloat32(tensor) };
  };
  const upload = ({ shape, data }: { shape: number[]; data: Float32Array }) => tf.tensor(data, shape, 'float32');
  const extra = bias && { bias };
  const outward = (key.startsWith('transposed') ? dims[0]! : dims[1]! * groups) === groups;
  if (groups > 1 && outward) {
    const dilations = [h.dilation, w.dilation] as const;
    const filter = weights.form(`${key}:depthwise:${dilations.join()}`, () => {
      const { dims: own, data } = filters();
      return upload(depthwise(own, data, dilations, groups));
    });
    if (h.stride === w.stride)
      return tf.fused.depthwiseConv2d({
        ...{ x: padded(tf, x, axes), filter, strides: [h.stride, w.stride], dilations: [1, 1], pad: 'valid' },
        ...extra,
      });
    const dense = tf.fused.depthwiseConv2d({
      ...{ x: padded(tf, x, axes), filter, strides: [1, 1], dilations: [1, 1], pad: 'valid' },
      ...extra,
    });
    return strided(tf, dense, axes);
  }
  const both = axes.some((axis) => axis.stride > 1) && axes.some((axis) => axis.dilation > 1);
  const strides: [number, number] = both ? [1, 1] : [h.stride, w.stride];
  const input = padded(tf, x, axes);
  const channels = x.shape[3]! / groups;
  const parts = Array.from({ length: groups }, (_, group) => {
    const filter = weights.form(`${key}:${group}/${groups}`, () => upload(hwio(filters(), group, groups)));
    const part =
      groups === 1 ? input : tf.slice(input, [0, 0, 0, group * channels], [...input.shape.slice(0, 3), channels]);
    return tf.fused.conv2d({
      ...{ x: part, filter, strides, dilations: [h.dilation, w.dilation], pad: 'valid' },
      ...(groups === 1 && extra),
    });
  });
  const joined = groups === 1 ? parts[0]! : tf.concat(parts, 3);
  const out = both ? strided(tf, joined, axes) : joined;
  return groups > 1 && bias ? tf.add(out, bias) : out;
}

const strided = (tf: Tf, x: TfTensor, [h, w]: readonly [Axis, Axis]): TfTensor =>
  tf.stridedSlice(x, [0, 0, 0, 0], x.shape, [1, h.stride, w.stride, 1]);

/** One spatial axis is a convolution of height 1. */
const four = (dims: readonly number[]): readonly number[] =>
  dims.length === 3 ? [dims[0]!, dims[1]!, 1, dims[2]!] : dims;
const single: Axis = { stride: 1, dilation: 1, begin: 0, end: 0 };

function over2d(
  env: Env,
  x: Value,
  axes: readonly Axis[],
  work: (x: TfTensor, axes: readonly [Axis, Axis]) => TfTensor,
) {
  const { tf } = env;
  if (x.rank === 4) return result(env, work(x.in('last'), axes as [Axis, Axis]), 'last');
  if (x.rank !== 3) throw new RangeError(`a convolution over ${x.rank - 2} axes`);
  const [n, length, channels] = x.in('last').shape as [number, number, number];
  const out = work(tf.reshape(x.in('last'), [n, 1, length, channels]), [single, axes[0]!]);
  return result(env, tf.reshape(out, [n, ...out.shape.slice(2)]), 'last');
}

export const conv: Kernel = (node, [x, w, bias], env) => {
  const windows: readonly Window[] = windowsOf(node, x!.dims, w!.dims.slice(2));
  const groups = intAttribute(node, 'group', 1);
  return over2d(env, x!, windows, (input, axes) =>
    convolve(env.tf, input, w!, 'conv', () => w!.tensor, axes, groups, bias?.in('plain')),
  );
};

/** Zeros between the elements, then a convolution with the flipped filters: the WASM backend's own kernel is naive. */
export const convTranspose: Kernel = (node, [x, w, bias], env) => {
  const { tf } = env;
  const rank = x!.rank - 2;
  const groups = intAttribute(node, 'group', 1);
  const strides = intsAttribute(node, 'strides') ?? new Array<number>(rank).fill(1);
  const dilations = intsAttribute(node, 'dilations') ?? new Array<number>(rank).fill(1);
  const sizes = env.shapes[0]!.slice(2);
  const axes = sizes.map((size, axis): Axis => {
    const reach = (w!.dims[axis + 2]! - 1) * dilations[axis]! + 1;
    const spread = (x!.dims[axis + 2]! - 1) * strides[axis]! + 1;
    const begin = reach - 1 - beginOf(node, axis, spread - 1 + reach - size);
    // The spread input ends with stride - 1 zeros too many.
    const end = size + reach - 1 - spread - begin - (strides[axis]! - 1);
    return { stride: 1, dilation: dilations[axis]!, begin, end };
  });
  const steps = rank === 1 ? [1, strides[0]!] : strides;
  return over2d(env, x!, axes, (input, both) =>
    convolve(
      tf,
      spreadOut(tf, input, steps),
      w!,
      'transposed',
      () => ({ ...flipFilters(w!.tensor, groups) }),
      both,
      groups,
      bias?.in('plain'),
    ),
  );
};

function beginOf(node: Node, axis: number, total: number): number {
  const auto = stringAttribute(node, 'auto_pad', 'NOTSET');
  if (auto === 'VALID') return 0;
  if (auto !== 'NOTSET' || intsAttribute(node, 'output_shape'))
    return auto === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
  return intsAttribute(node, 'pads')?.[axis] ?? 0;
}

/** Puts stride - 1 zeros behind each element of the two spatial axes of NHWC. */
function spreadOut(tf: Tf, x: TfTensor, [sh = 1, sw = 1]: readonly number[]): TfTensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const stretch = (input: TfTensor, rows: number, length: number, step: number): TfTensor =>
    step === 1
      ? input
      : tf.pad(tf.reshape(input, [rows, 1, length]), [
          [0, 0],
          [0, step - 1],
          [0, 0],
        ]);
  const wide = stretch(x, n * h * w, c, sw);
  return tf.reshape(stretch(wide, n * h, w * sw * c, sh), [n, h * sh, w * sw, c]);
}

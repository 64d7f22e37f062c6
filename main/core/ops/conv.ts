import { intAttribute, type Node } from '../graph/graph';
import { sizeOf, toFloat32, type Tensor } from '../graph/tensor';
import { nd, type Nd } from './nd';
import { first, inputName, need, type Contributions, type Known, type Op, type Shape, type Step } from './op';
import { windowsOf, type Window } from './windows';

export function convWindows(node: Node, known: Known): Window[] {
  const x = need(known.shape(inputName(node, 0)), 'the shape of the input');
  const w = need(known.shape(inputName(node, 1)), 'the shape of the filters');
  return windowsOf(node, x, w.slice(2));
}

/**
 * The filters that turn a convolution's adjoint into a convolution: flipped in space, input and output channels swapped
 * within each group. [out, in / groups, ...] becomes [in, out / groups, ...].
 */
export function flipFilters(filters: Tensor, groups: number): Tensor {
  const [out = 0, perGroup = 0, ...kernel] = filters.dims;
  const area = sizeOf(kernel);
  const source = toFloat32(filters);
  const data = new Float32Array(source.length);
  const outPerGroup = out / groups;
  for (let o = 0; o < out; o++) {
    const group = Math.floor(o / outPerGroup);
    for (let i = 0; i < perGroup; i++) {
      const from = (o * perGroup + i) * area;
      const to = ((group * perGroup + i) * outPerGroup + (o - group * outPerGroup)) * area;
      for (let k = 0; k < area; k++) data[to + k] = source[from + area - 1 - k]!;
    }
  }
  return { type: 'float32', dims: [perGroup * groups, outPerGroup, ...kernel], data };
}

const flipped = new WeakMap<Tensor, Map<number, Tensor>>();
/** Flipped once per filter bank, however many programs use it. */
function flippedOnce(filters: Tensor, groups: number): Tensor {
  let byGroups = flipped.get(filters);
  if (!byGroups) flipped.set(filters, (byGroups = new Map()));
  let result = byGroups.get(groups);
  if (!result) byGroups.set(groups, (result = flipFilters(filters, groups)));
  return result;
}

/**
 * Emits the adjoint of a convolution with these windows and constant filters, for an input of shape [N, C, ...size].
 * Stride 1: a convolution with the flipped filters (the fast kernel on every runtime); else a transposed convolution.
 */
export function convAdjoint(
  step: Step,
  filters: string,
  windows: readonly Window[],
  groups: number,
  size: Shape,
): string {
  const { builder, signal } = step;
  const dilations = windows.map((window) => window.dilation);
  const flippedPads = (side: 'begin' | 'end') => windows.map((w) => (w.kernel - 1) * w.dilation - w[side]);
  const pads = [...flippedPads('begin'), ...flippedPads('end')];
  const kernel_shape = windows.map((window) => window.kernel);
  if (windows.every((window) => window.stride === 1) && pads.every((pad) => pad >= 0)) {
    const tensor = need(builder.initializers.get(filters), `the filters "${filters}"`);
    const name = `${filters}:flipped:${groups}`;
    builder.initializers.set(name, flippedOnce(tensor, groups));
    return builder.add(
      'Conv',
      [signal, name],
      { kernel_shape, pads, dilations, group: groups },
      `${step.node.outputs[0]}:back`,
    );
  }
  const reach = (w: Window) => (w.count - 1) * w.stride + (w.kernel - 1) * w.dilation + 1 - w.begin - w.end;
  return builder.add(
    'ConvTranspose',
    [signal, filters],
    {
      kernel_shape,
      strides: windows.map((window) => window.stride),
      dilations,
      group: groups,
      pads: [...windows.map((window) => window.begin), ...windows.map((window) => window.end)],
      output_padding: windows.map((window, axis) => size[axis]! - reach(window)),
    },
    `${step.node.outputs[0]}:back`,
  );
}

export function convolve(x: Nd, w: Nd, bias: Nd | undefined, windows: readonly Window[], groups: number): Nd {
  const [n = 0, channels = 0] = x.dims;
  const [out = 0, perGroup = 0] = w.dims;
  if (channels !== perGroup * groups)
    throw new RangeError(`${channels} channels, but the filters take ${perGroup * groups}`);
  // One spatial axis is a convolution of height 1.
  const [h, v] = windows.length === 1 ? [unitWindow, windows[0]!] : [windows[0]!, windows[1]!];
  const [height, width] = windows.length === 1 ? [1, x.dims[2]!] : [x.dims[2]!, x.dims[3]!];
  const result = nd([n, out, ...windows.map((window) => window.count)]);
  let at = 0;
  for (let b = 0; b < n; b++)
    for (let o = 0; o < out; o++) {
      const start = Math.floor(o / (out / groups)) * perGroup;
      for (let oy = 0; oy < h.count; oy++)
        for (let ox = 0; ox < v.count; ox++) {
          let sum = bias ? bias.data[o]! : 0;
          for (let i = 0; i < perGroup; i++)
            for (let ky = 0; ky < h.kernel; ky++) {
              const y = oy * h.stride - h.begin + ky * h.dilation;
              if (y < 0 || y >= height) continue;
              const row = ((b * channels + start + i) * height + y) * width;
              const filter = ((o * perGroup + i) * h.kernel + ky) * v.kernel;
              for (let kx = 0; kx < v.kernel; kx++) {
                const xx = ox * v.stride - v.begin + kx * v.dilation;
                if (xx >= 0 && xx < width) sum += x.data[row + xx]! * w.data[filter + kx]!;
              }
            }
          result.data[at++] = sum;
        }
    }
  return result;
}

const unitWindow: Window = { kernel: 1, stride: 1, dilation: 1, begin: 0, end: 0, overhang: 0, count: 1 };

export const conv: Op = {
  role: 'linear',
  shapes(node, [x, w]) {
    const input = need(x, 'the shape of the input');
    const filters = need(w, 'the shape of the filters');
    const groups = intAttribute(node, 'group', 1);
    if (input.length !== filters.length)
      throw new RangeError(`an input of rank ${input.length} and filters of rank ${filters.length}`);
    if (input[1] !== filters[1]! * groups)
      throw new RangeError(`${input[1]} channels, but the filters take ${filters[1]! * groups}`);
    return [[input[0]!, filters[0]!, ...windowsOf(node, input, filters.slice(2)).map((window) => window.count)]];
  },
  evaluate(node, [x, w, bias]) {
    return [convolve(x!, w!, bias, windowsOf(node, x!.dims, w!.dims.slice(2)), intAttribute(node, 'group', 1))];
  },
  extent(node, known) {
    const [h, w] = convWindows(node, known);
    return h && w ? { kind: 'window', axes: [h, w] } : { kind: 'global' };
  },
  macs(node, known) {
    const filters = need(known.shape(inputName(node, 1)), 'the shape of the filters');
    return sizeOf(need(known.shape(node.outputs[0]!), 'the shape of the output').slice(2)) * sizeOf(filters);
  },
  refuses(node, known, onPath) {
    if (onPath(inputName(node, 1))) return 'its filters depend on the picture';
    return known.isConstant(inputName(node, 1)) ? null : 'its filters are not constant';
  },
  adjoint(step): Contributions {
    const { node, known } = step;
    const x = need(known.shape(inputName(node, 0)), 'the shape of the input');
    return first(
      node,
      convAdjoint(step, inputName(node, 1), convWindows(node, known), intAttribute(node, 'group', 1), x.slice(2)),
    );
  },
  note(node, known) {
    const windows = convWindows(node, known);
    const [h, w] = windows;
    const parts = [`${windows.map((window) => window.kernel).join('×')}`];
    if (windows.some((window) => window.stride > 1))
      parts.push(`stride ${h!.stride}${w && w.stride !== h!.stride ? `, ${w.stride}` : ''}`);
    if (windows.some((window) => window.dilation > 1)) parts.push(`dilation ${h!.dilation}`);
    const groups = intAttribute(node, 'group', 1);
    if (groups > 1) parts.push(`${groups} groups`);
    return parts.join(', ');
  },
};

/** Transposed convolution: here for the way back only (an input's own is not walked through yet). */
export const convTranspose: Op = {
  role: 'linear',
  shapes(node, [x, w]) {
    const input = need(x, 'the shape of the input');
    const filters = need(w, 'the shape of the filters');
    return [[input[0]!, filters[1]! * intAttribute(node, 'group', 1), ...transposedSize(node, input, filters)]];
  },
  evaluate(node, [x, w, bias]) {
    const groups = intAttribute(node, 'group', 1);
    const [n = 0, channels = 0, height = 0, width = 0] = x!.dims;
    const [, perGroup = 0, kh = 0, kw = 0] = w!.dims;
    const [outHeight = 0, outWidth = 0] = transposedSize(node, x!.dims, w!.dims);
    const { strides, dilations, pads } = transposedAttributes(node, 2);
    const out = nd([n, perGroup * groups, outHeight, outWidth]);
    if (bias)
      for (let i = 0; i < out.data.length; i++)
        out.data[i] = bias.data[Math.floor(i / (outHeight * outWidth)) % (perGroup * groups)]!;
    for (let b = 0; b < n; b++)
      for (let c = 0; c < channels; c++) {
        const start = Math.floor(c / (channels / groups)) * perGroup;
        for (let y = 0; y < height; y++)
          for (let xx = 0; xx < width; xx++) {
            const value = x!.data[((b * channels + c) * height + y) * width + xx]!;
            if (value === 0) continue;
            for (let o = 0; o < perGroup; o++)
              for (let ky = 0; ky < kh; ky++) {
                const oy = y * strides[0]! - pads[0]! + ky * dilations[0]!;
                if (oy < 0 || oy >= outHeight) continue;
                for (let kx = 0; kx < kw; kx++) {
                  const ox = xx * strides[1]! - pads[1]! + kx * dilations[1]!;
                  if (ox < 0 || ox >= outWidth) continue;
                  const at = ((b * perGroup * groups + start + o) * outHeight + oy) * outWidth + ox;
                  out.data[at] = out.data[at]! + value * w!.data[((c * perGroup + o) * kh + ky) * kw + kx]!;
                }
              }
          }
      }
    return [out];
  },
  refuses: () => 'transposed convolutions have no way back here yet',
};

function transposedAttributes(node: Node, rank: number) {
  const ints = (name: string, fallback: number, length: number) => {
    const attribute = node.attributes[name];
    return attribute?.kind === 'ints' ? attribute.value : new Array<number>(length).fill(fallback);
  };
  return {
    strides: ints('strides', 1, rank),
    dilations: ints('dilations', 1, rank),
    pads: ints('pads', 0, 2 * rank),
    extra: ints('output_padding', 0, rank),
  };
}

function transposedSize(node: Node, x: Shape, w: Shape): number[] {
  const rank = x.length - 2;
  const { strides, dilations, pads, extra } = transposedAttributes(node, rank);
  return x.slice(2).map((length, axis) => {
    const reach = (w[axis + 2]! - 1) * dilations[axis]! + 1;
    return (length - 1) * strides[axis]! + reach - pads[axis]! - pads[axis + rank]! + extra[axis]!;
  });
}

import { intAttribute, type Node } from '../graph/graph';
import { sizeOf, toFloat32, type Tensor } from '../graph/tensor';
import { nd, type Nd } from './nd';
import { first, inputName, need, type Contributions, type Known, type Op, type Shape, type Step } from './op';
import { tapsOf, windowsOf, windowWords, type Window } from './windows';

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
 * Emits the adjoint of a convolution with these windows and these filters, for an input of shape [N, C, ...size].
 * Stride 1 and filters that the file holds: a convolution with the flipped filters (the fast kernel on every runtime); else a transposed convolution.
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
  const tensor = builder.initializers.get(filters);
  if (tensor && windows.every((window) => window.stride === 1) && pads.every((pad) => pad >= 0)) {
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
  const [n = 0, channels = 0, ...size] = x.dims;
  const [out = 0, perGroup = 0, ...kernel] = w.dims;
  if (channels !== perGroup * groups)
    throw new RangeError(`${channels} channels, but the filters take ${perGroup * groups}`);
  const places = tapsOf(windows, size);
  const [area, elements] = [sizeOf(size), sizeOf(kernel)];
  const result = nd([n, out, ...windows.map((window) => window.count)]);
  let at = 0;
  for (let b = 0; b < n; b++)
    for (let o = 0; o < out; o++) {
      const start = b * channels + Math.floor(o / (out / groups)) * perGroup;
      for (const taps of places) {
        let sum = bias ? bias.data[o]! : 0;
        for (let i = 0; i < perGroup; i++) {
          const map = (start + i) * area;
          const filter = (o * perGroup + i) * elements;
          for (let t = 0; t < taps.length; t += 2) sum += x.data[map + taps[t]!]! * w.data[filter + taps[t + 1]!]!;
        }
        result.data[at++] = sum;
      }
    }
  return result;
}

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
    const [h, w, depth] = convWindows(node, known);
    return h && w && !depth ? { kind: 'window', axes: [h, w] } : { kind: 'global' };
  },
  macs(node, known) {
    const filters = need(known.shape(inputName(node, 1)), 'the shape of the filters');
    return sizeOf(need(known.shape(node.outputs[0]!), 'the shape of the output').slice(2)) * sizeOf(filters);
  },
  refuses: (node, _known, onPath) => (onPath(inputName(node, 1)) ? 'its filters depend on the picture' : null),
  adjoint(step): Contributions {
    const { node, known } = step;
    const x = need(known.shape(inputName(node, 0)), 'the shape of the input');
    return first(
      node,
      convAdjoint(step, inputName(node, 1), convWindows(node, known), intAttribute(node, 'group', 1), x.slice(2)),
    );
  },
  note(node, known) {
    const groups = intAttribute(node, 'group', 1);
    return `${windowWords(convWindows(node, known))}${groups > 1 ? `, ${groups} groups` : ''}`;
  },
};

import { intAttribute, intsAttribute, stringAttribute, type Node } from '../graph/graph';
import { sizeOf } from '../graph/tensor';
import { nd } from './nd';
import { first, inputName, need, type Known, type Op, type Shape } from './op';
import { span, tapsOf, windowWords, type Window } from './windows';

interface Transposed {
  /** Spatial size of the output. */
  size: number[];
  /** The windows of the convolution, from the output's size to the input's, whose adjoint this is. */
  windows: Window[];
}

/**
 * Resolves pads, output_padding, output_shape and auto_pad for an input and filters [in, out / groups, ...kernel].
 * Source: ONNX operator specification (ConvTranspose); where SAME_UPPER and SAME_LOWER put the odd element of padding is
 * ONNX Runtime's.
 */
function transposed(node: Node, x: Shape, w: Shape): Transposed {
  const rank = x.length - 2;
  const ints = (name: string, fallback: number, length: number) =>
    intsAttribute(node, name) ?? new Array<number>(length).fill(fallback);
  const [strides, dilations] = [ints('strides', 1, rank), ints('dilations', 1, rank)];
  const [pads, extra] = [ints('pads', 0, 2 * rank), ints('output_padding', 0, rank)];
  const auto = stringAttribute(node, 'auto_pad', 'NOTSET');
  const wanted = intsAttribute(node, 'output_shape')?.slice(-rank);
  const size: number[] = [];
  const windows = x.slice(2).map((count, axis): Window => {
    const [kernel, stride, dilation] = [w[axis + 2]!, strides[axis]!, dilations[axis]!];
    const whole = (count - 1) * stride + (kernel - 1) * dilation + 1 + extra[axis]!;
    let [begin, end] = auto === 'NOTSET' ? [pads[axis]!, pads[axis + rank]!] : [0, 0];
    const target = wanted?.[axis] ?? (auto.startsWith('SAME') ? count * stride : undefined);
    if (target !== undefined) {
      const total = Math.max(0, whole - target);
      begin = auto === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
      end = total - begin;
    }
    size.push(target ?? whole - begin - end);
    return { kernel, stride, dilation, begin, end, overhang: 0, count };
  });
  if (size.some((length) => length < 1)) throw new RangeError(`its output would be [${size.join(', ')}]`);
  return { size, windows };
}

const transposedOf = (node: Node, known: Known): Transposed =>
  transposed(
    node,
    need(known.shape(inputName(node, 0)), 'the shape of the input'),
    need(known.shape(inputName(node, 1)), 'the shape of the filters'),
  );

/** Transposed convolution: the adjoint of a convolution with the same filters, so that its own adjoint is that one. */
export const convTranspose: Op = {
  role: 'linear',
  shapes(node, [x, w]) {
    const input = need(x, 'the shape of the input');
    const filters = need(w, 'the shape of the filters');
    if (input.length !== filters.length)
      throw new RangeError(`an input of rank ${input.length} and filters of rank ${filters.length}`);
    if (input[1] !== filters[0]) throw new RangeError(`${input[1]} channels, but the filters take ${filters[0]}`);
    const channels = filters[1]! * intAttribute(node, 'group', 1);
    return [[input[0]!, channels, ...transposed(node, input, filters).size]];
  },
  evaluate(node, [x, w, bias]) {
    const groups = intAttribute(node, 'group', 1);
    const [n = 0, channels = 0, ...inputSize] = x!.dims;
    const [, perGroup = 0, ...kernel] = w!.dims;
    const { size, windows } = transposed(node, x!.dims, w!.dims);
    const places = tapsOf(windows, size);
    const [area, elements, count] = [sizeOf(size), sizeOf(kernel), sizeOf(inputSize)];
    const out = nd([n, perGroup * groups, ...size]);
    if (bias) out.data.forEach((_, i) => (out.data[i] = bias.data[Math.floor(i / area) % (perGroup * groups)]!));
    for (let b = 0; b < n; b++)
      for (let c = 0; c < channels; c++) {
        const start = b * perGroup * groups + Math.floor(c / (channels / groups)) * perGroup;
        places.forEach((taps, place) => {
          const value = x!.data[(b * channels + c) * count + place]!;
          if (value === 0) return;
          for (let o = 0; o < perGroup; o++)
            for (let t = 0; t < taps.length; t += 2) {
              const at = (start + o) * area + taps[t]!;
              out.data[at] = out.data[at]! + value * w!.data[(c * perGroup + o) * elements + taps[t + 1]!]!;
            }
        });
      }
    return [out];
  },
  /** With stride 1 it is a convolution with the flipped filters; with another, places differ in what they read. */
  extent(node, known) {
    const { windows, size } = transposedOf(node, known);
    const [h, w] = windows.map((window, axis): Window => {
      const reach = span(window) - 1;
      const begin = reach - window.begin;
      return { ...window, begin, end: size[axis]! + reach - begin - window.count, count: size[axis]! };
    });
    return windows.length === 2 && windows.every((window) => window.stride === 1)
      ? { kind: 'window', axes: [h!, w!] }
      : { kind: 'global' };
  },
  macs(node, known) {
    const input = need(known.shape(inputName(node, 0)), 'the shape of the input');
    return sizeOf(input.slice(2)) * sizeOf(need(known.shape(inputName(node, 1)), 'the shape of the filters'));
  },
  refuses: (node, _known, onPath) => (onPath(inputName(node, 1)) ? 'its filters depend on the picture' : null),
  /** A convolution with the filters as they are: what is [in, out / groups] here is [out, in / groups] there. */
  adjoint({ node, builder, known, signal }) {
    const { size, windows } = transposedOf(node, known);
    // The end that makes the windows fit exactly; where it is negative, what no window reached is cut off.
    const ends = windows.map(
      (w, axis) => (w.count - 1) * w.stride + (w.kernel - 1) * w.dilation + 1 - w.begin - size[axis]!,
    );
    const crop = ends.flatMap((end, axis) => (end < 0 ? [axis] : []));
    const reached = crop.length
      ? builder.add('Slice', [
          signal,
          builder.ints(crop.map(() => 0)),
          builder.ints(crop.map((axis) => size[axis]! + ends[axis]!)),
          builder.ints(crop.map((axis) => axis + 2)),
        ])
      : signal;
    const plain = {
      kernel_shape: windows.map((window) => window.kernel),
      strides: windows.map((window) => window.stride),
      dilations: windows.map((window) => window.dilation),
      pads: [...windows.map((window) => window.begin), ...ends.map((end) => Math.max(0, end))],
      group: intAttribute(node, 'group', 1),
    };
    return first(node, builder.add('Conv', [reached, inputName(node, 1)], plain, `${node.outputs[0]}:back`));
  },
  note(node, known) {
    const groups = intAttribute(node, 'group', 1);
    return `${windowWords(transposedOf(node, known).windows)}${groups > 1 ? `, ${groups} groups` : ''}`;
  },
};

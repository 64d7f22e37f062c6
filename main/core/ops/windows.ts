import { intAttribute, intsAttribute, stringAttribute, type Node } from '../graph/graph';

/** A sliding window along one spatial axis: output i reads inputs i * stride - begin + j * dilation, j = 0 .. kernel - 1. */
export interface Window {
  kernel: number;
  stride: number;
  dilation: number;
  /** Padding before and after, in elements. `end` includes what ceil_mode adds. */
  begin: number;
  end: number;
  /** Of `end`, the part that ceil_mode adds: outside the padded input, never counted in an average. */
  overhang: number;
  /** Elements of the output. */
  count: number;
}

export const span = (window: Window): number => (window.kernel - 1) * window.dilation + 1;

/**
 * The windows of a convolution or pooling node, one per spatial axis, with auto_pad and ceil_mode resolved for an input of
 * these spatial sizes. Sources: ONNX operator specification (Conv, MaxPool); V. Dumoulin, F. Visin (1603.07285).
 */
export function windowsOf(node: Node, input: readonly number[], kernel: readonly number[]): Window[] {
  const rank = kernel.length;
  const strides = intsAttribute(node, 'strides') ?? new Array<number>(rank).fill(1);
  const dilations = intsAttribute(node, 'dilations') ?? new Array<number>(rank).fill(1);
  const pads = intsAttribute(node, 'pads') ?? new Array<number>(2 * rank).fill(0);
  const auto = stringAttribute(node, 'auto_pad', 'NOTSET');
  const ceil = intAttribute(node, 'ceil_mode', 0) === 1;
  return kernel.map((size, axis) => {
    const stride = strides[axis] ?? 1;
    const dilation = dilations[axis] ?? 1;
    const length = input[axis + 2]!;
    const reach = (size - 1) * dilation + 1;
    let begin = pads[axis] ?? 0;
    let end = pads[axis + rank] ?? 0;
    if (auto === 'VALID') begin = end = 0;
    else if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
      const total = Math.max(0, (Math.ceil(length / stride) - 1) * stride + reach - length);
      begin = auto === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
      end = total - begin;
    }
    const room = length + begin + end - reach;
    if (room < 0) throw new RangeError(`a window of ${reach} does not fit into ${length} + ${begin} + ${end} elements`);
    let count = (ceil ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
    // As in PyTorch and ONNX Runtime: a window that would start in the end padding is left out, and what only it would read.
    if (ceil && (count - 1) * stride >= length + begin) {
      count--;
      end = Math.max(0, (count - 1) * stride + reach - length - begin);
    }
    const overhang = Math.max(0, (count - 1) * stride + reach - (length + begin + end));
    return { kernel: size, stride, dilation, begin, end: end + overhang, overhang, count };
  });
}

/** The attributes that spell these windows out: no auto_pad, no ceil_mode. */
export function explicitPads(windows: readonly Window[]): number[] {
  return [...windows.map((window) => window.begin), ...windows.map((window) => window.end - window.overhang)];
}

/**
 * For each output place, row-major: the places of the input that its window reads and the elements of the kernel that meet
 * them, alternating, in row-major order. What lies in the padding is left out. `size`: the input's spatial size.
 */
export function tapsOf(windows: readonly Window[], size: readonly number[]): Int32Array[] {
  let places: [input: number, kernel: number][][] = [[[0, 0]]];
  windows.forEach((window, axis) => {
    const length = size[axis]!;
    const own = Array.from({ length: window.count }, (_, index) =>
      Array.from({ length: window.kernel }, (_, k) => [index * window.stride - window.begin + k * window.dilation, k]),
    ).map((reads) => reads.filter(([at]) => at! >= 0 && at! < length) as [number, number][]);
    places = places.flatMap((outer) =>
      own.map((inner) =>
        outer.flatMap(([at, k]) =>
          inner.map(([next, j]): [number, number] => [at * length + next, k * window.kernel + j]),
        ),
      ),
    );
  });
  return places.map((taps) => Int32Array.from(taps.flat()));
}

/** The window that an axis is seen through as it is. */
export const plainWindow = (count: number): Window => ({
  kernel: 1,
  stride: 1,
  dilation: 1,
  begin: 0,
  end: 0,
  overhang: 0,
  count,
});

/** As in "3×3, stride 2". */
export const windowWords = (windows: readonly Window[]): string => {
  const numbers = (key: 'kernel' | 'stride' | 'dilation') =>
    [...new Set(windows.map((window) => window[key]))].join(', ');
  const parts = [windows.map((window) => window.kernel).join('×')];
  if (windows.some((window) => window.stride > 1)) parts.push(`stride ${numbers('stride')}`);
  if (windows.some((window) => window.dilation > 1)) parts.push(`dilation ${numbers('dilation')}`);
  return parts.join(', ');
};

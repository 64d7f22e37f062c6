import { intAttribute, intsAttribute, type Node } from '../graph/graph';
import { float32, sizeOf } from '../graph/tensor';
import { nd, type Nd } from './nd';
import { convAdjoint } from './conv';
import { toFirstMaximum } from './axes';
import { first, inputName, need, type Extent, type Known, type Op, type Shape, type Step } from './op';
import { span, tapsOf, windowsOf, windowWords, type Window } from './windows';

export function poolWindows(node: Node, known: Known): Window[] {
  const x = need(known.shape(inputName(node, 0)), 'the shape of the input');
  return windowsOf(node, x, need(intsAttribute(node, 'kernel_shape'), 'kernel_shape'));
}

export const windowExtent = (node: Node, known: Known): Extent => {
  const [h, w, depth] = poolWindows(node, known);
  return h && w && !depth ? { kind: 'window', axes: [h, w] } : { kind: 'global' };
};

export const poolShapes = (node: Node, [x]: readonly (Shape | undefined)[]): Shape => {
  const input = need(x, 'the shape of the input');
  const windows = windowsOf(node, input, need(intsAttribute(node, 'kernel_shape'), 'kernel_shape'));
  return [input[0]!, input[1]!, ...windows.map((window) => window.count)];
};

/** Calls visit for each output element with the flat indices of the inputs in its window, in row-major order. */
export function eachWindow(
  x: Nd,
  windows: readonly Window[],
  visit: (out: number, places: number[], place: number) => void,
): void {
  const [n = 0, channels = 0, ...size] = x.dims;
  const area = sizeOf(size);
  const places = tapsOf(windows, size).map((taps) => Array.from(taps.filter((_, i) => i % 2 === 0)));
  for (let map = 0; map < n * channels; map++)
    places.forEach((reads, place) =>
      visit(
        map * places.length + place,
        reads.map((at) => map * area + at),
        place,
      ),
    );
}

/** Emits the unpooling: each signal goes to where its switch points; where several windows chose one place, they add. */
function unpool(step: Step, pooled: string, indices: string, windows: readonly Window[]): string {
  const { node, builder, known, signal } = step;
  const hint = `${node.outputs[0]}:unpooled`;
  const shape = builder.add('Shape', [pooled], {}, `${pooled}:shape`);
  const size = need(known.shape(pooled), 'the shape of the input').slice(2);
  // ONNX Runtime's MaxUnpool wants room for every window: a padded one, or one that sticks out, may have none.
  const fits = windows.every((w, axis) => (w.count - 1) * w.stride + w.kernel <= size[axis]!);
  if (windows.length === 2 && fits && windows.every((window) => window.stride >= span(window))) {
    const attributes = { kernel_shape: windows.map((w) => w.kernel), strides: windows.map((w) => w.stride) };
    return builder.add('MaxUnpool', [signal, indices, shape], attributes, hint);
  }
  // MaxUnpool overwrites; a scatter with addition is the adjoint.
  const flat = builder.ints([-1]);
  const length = builder.add('Reshape', [builder.add('Size', [pooled]), builder.ints([1])], {}, `${pooled}:size`);
  const zeros = builder.add('ConstantOfShape', [length], {}, `${pooled}:zeros`);
  const values = builder.add('Reshape', [signal, flat]);
  const places = builder.add('Reshape', [indices, flat]);
  const scattered = builder.addNode({
    opType: 'ScatterElements',
    inputs: [zeros, places, values],
    outputs: [builder.fresh(`${hint}:flat`)],
    attributes: { axis: { kind: 'int', value: 0 }, reduction: { kind: 'string', value: 'add' } },
  }).outputs[0]!;
  return builder.add('Reshape', [scattered, shape], {}, hint);
}

const poolNote = (windows: readonly Window[]): string =>
  `${windowWords(windows)}${windows.some((window) => window.stride < span(window)) ? ', overlapping windows add' : ''}`;

export const maxPool: Op = {
  role: 'select',
  shapes(node, inputs) {
    const shape = poolShapes(node, inputs);
    return node.outputs.map(() => shape);
  },
  /** The second output: switches, as flat row-major indices into the input. The first maximum in row-major order wins. */
  evaluate(node, [x]) {
    const windows = windowsOf(node, x!.dims, need(intsAttribute(node, 'kernel_shape'), 'kernel_shape'));
    const dims = poolShapes(node, [x!.dims]);
    const out = nd(dims);
    const switches = nd(dims, undefined, 'int');
    eachWindow(x!, windows, (at, indices) => {
      let best = indices[0]!;
      for (const index of indices) if (x!.data[index]! > x!.data[best]!) best = index;
      out.data[at] = x!.data[best]!;
      switches.data[at] = best;
    });
    return [out, switches];
  },
  extent: windowExtent,
  adjoint(step) {
    const { node, builder, known } = step;
    const windows = poolWindows(node, known);
    let indices = node.outputs[1];
    if (!indices) {
      indices = builder.fresh(`${node.outputs[0]}:switches`);
      const forward = need(
        builder.nodes.find((other) => other.outputs[0] === node.outputs[0]),
        'the pool',
      );
      builder.replace(forward, { ...forward, outputs: [forward.outputs[0]!, indices] });
    }
    return first(node, unpool(step, inputName(node, 0), indices, windows));
  },
  note: (node, known) => poolNote(poolWindows(node, known)),
};

export const globalMaxPool: Op = {
  role: 'select',
  shapes: (_node, [x]) => [need(x, 'the shape of the input').map((dim, axis) => (axis < 2 ? dim : 1))],
  evaluate(_node, [x]) {
    const [n = 0, channels = 0] = x!.dims;
    const area = x!.data.length / (n * channels);
    const out = nd(x!.dims.map((dim, axis) => (axis < 2 ? dim : 1)));
    for (let map = 0; map < out.data.length; map++) {
      let best = -Infinity;
      for (let i = 0; i < area; i++) best = Math.max(best, x!.data[map * area + i]!);
      out.data[map] = best;
    }
    return [out];
  },
  adjoint: (step) => {
    const rank = need(step.known.shape(inputName(step.node, 0)), 'the shape of the input').length;
    return first(
      step.node,
      toFirstMaximum(
        step,
        Array.from({ length: rank - 2 }, (_, axis) => axis + 2),
      ),
    );
  },
};

/** How many elements each window of one axis averages over: those of the picture, and of the padding where that counts. */
export function averageCounts(window: Window, length: number, includePad: boolean): number[] {
  return Array.from({ length: window.count }, (_, index) =>
    averageCount(window, length, includePad, index * window.stride - window.begin),
  );
}

export function averageCount(window: Window, length: number, includePad: boolean, start: number): number {
  const low = includePad ? -window.begin : 0;
  const high = includePad ? length + window.end - window.overhang : length;
  let count = 0;
  for (let k = 0; k < window.kernel; k++) {
    const at = start + k * window.dilation;
    if (at >= low && at < high) count++;
  }
  return count;
}

/** The products of one number per axis, row-major. */
const outer = (axes: readonly (readonly number[])[]): number[] =>
  axes.reduce<number[]>((products, axis) => products.flatMap((a) => axis.map((b) => a * b)), [1]);

/** Emits the adjoint of a sum over windows: the signal at each place of every window that it came from. */
export function spread(step: Step, windows: readonly Window[]): string {
  const { node, builder, known } = step;
  const [, channels = 0, ...size] = need(known.shape(inputName(node, 0)), 'the shape of the input');
  const dims = [channels, 1, ...windows.map((window) => window.kernel)];
  const ones = builder.constant(float32(dims, new Float32Array(sizeOf(dims)).fill(1)), `${node.outputs[0]}:ones`);
  return convAdjoint(step, ones, windows, channels, size);
}

export const includesPad = (node: Node): boolean => intAttribute(node, 'count_include_pad', 0) === 1;

export const averagePool: Op = {
  role: 'linear',
  words: ['average', 'shared out evenly over each window'],
  shapes: (node, inputs) => [poolShapes(node, inputs)],
  evaluate(node, [x]) {
    const windows = windowsOf(node, x!.dims, need(intsAttribute(node, 'kernel_shape'), 'kernel_shape'));
    const counts = windows.map((window, axis) => averageCounts(window, x!.dims[axis + 2]!, includesPad(node)));
    const out = nd(poolShapes(node, [x!.dims]));
    const shares = outer(counts.map((axis) => axis.map((count) => 1 / count)));
    eachWindow(x!, windows, (at, places, place) => {
      let sum = 0;
      for (const index of places) sum += x!.data[index]!;
      out.data[at] = sum * shares[place]!;
    });
    return [out];
  },
  extent: windowExtent,
  /** Spread evenly over the window: divided by its count, then the adjoint of a sum over windows. */
  adjoint(step) {
    const { node, builder, known, signal } = step;
    const windows = poolWindows(node, known);
    const [, , ...size] = need(known.shape(inputName(node, 0)), 'the shape of the input');
    const counts = windows.map((window, axis) => averageCounts(window, size[axis]!, includesPad(node)));
    const shares = outer(counts.map((axis) => axis.map((count) => 1 / count)));
    const uniform = shares.every((share) => share === shares[0]);
    const divisors = uniform
      ? builder.scalar(shares[0]!)
      : builder.constant(float32([1, 1, ...counts.map((axis) => axis.length)], shares), `${node.outputs[0]}:counts`);
    const divided = builder.add('Mul', [signal, divisors]);
    return first(node, spread({ ...step, signal: divided }, windows));
  },
  note: (node, known) => windowWords(poolWindows(node, known)),
};

export const globalAveragePool: Op = {
  role: 'linear',
  words: ['average', 'shared out evenly over the map'],
  shapes: globalMaxPool.shapes,
  evaluate(_node, [x]) {
    const [n = 0, channels = 0] = x!.dims;
    const area = x!.data.length / (n * channels);
    const out = nd(x!.dims.map((dim, axis) => (axis < 2 ? dim : 1)));
    for (let i = 0; i < x!.data.length; i++) {
      const map = Math.floor(i / area);
      out.data[map] = out.data[map]! + x!.data[i]! / area;
    }
    return [out];
  },
  adjoint({ node, builder, known, signal }) {
    const [, , ...size] = need(known.shape(inputName(node, 0)), 'the shape of the input');
    const area = size.reduce((product, dim) => product * dim, 1);
    const share = builder.add('Mul', [signal, builder.scalar(1 / area)]);
    const shape = builder.add('Shape', [inputName(node, 0)], {}, `${inputName(node, 0)}:shape`);
    return first(node, builder.add('Expand', [share, shape], {}, `${node.outputs[0]}:back`));
  },
};

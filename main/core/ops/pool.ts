import { intAttribute, intsAttribute, type Node } from '../graph/graph';
import { float32 } from '../graph/tensor';
import { nd, type Nd } from './nd';
import { convAdjoint } from './conv';
import { first, inputName, need, type Extent, type Known, type Op, type Shape, type Step } from './op';
import { span, windowsOf, type Window } from './windows';

export function poolWindows(node: Node, known: Known): Window[] {
  const x = need(known.shape(inputName(node, 0)), 'the shape of the input');
  return windowsOf(node, x, need(intsAttribute(node, 'kernel_shape'), 'kernel_shape'));
}

const windowExtent = (node: Node, known: Known): Extent => {
  const [h, w] = poolWindows(node, known);
  return h && w ? { kind: 'window', axes: [h, w] } : { kind: 'global' };
};

const poolShapes = (node: Node, [x]: readonly (Shape | undefined)[]): Shape => {
  const input = need(x, 'the shape of the input');
  const windows = windowsOf(node, input, need(intsAttribute(node, 'kernel_shape'), 'kernel_shape'));
  return [input[0]!, input[1]!, ...windows.map((window) => window.count)];
};

/** Calls visit for each output element with the flat indices of the inputs in its window, in row-major order. */
function eachWindow(x: Nd, [h, w]: readonly [Window, Window], visit: (out: number, indices: number[]) => void): void {
  const [n = 0, channels = 0, height = 0, width = 0] = x.dims;
  let out = 0;
  for (let map = 0; map < n * channels; map++)
    for (let oy = 0; oy < h.count; oy++)
      for (let ox = 0; ox < w.count; ox++) {
        const indices: number[] = [];
        for (let ky = 0; ky < h.kernel; ky++) {
          const y = oy * h.stride - h.begin + ky * h.dilation;
          if (y < 0 || y >= height) continue;
          for (let kx = 0; kx < w.kernel; kx++) {
            const xx = ox * w.stride - w.begin + kx * w.dilation;
            if (xx >= 0 && xx < width) indices.push((map * height + y) * width + xx);
          }
        }
        visit(out++, indices);
      }
}

function twoAxes(windows: readonly Window[]): readonly [Window, Window] {
  const [h, w] = windows;
  if (!h || !w || windows.length !== 2) throw new RangeError('pooling over other than two axes');
  return [h, w];
}

/** Emits the unpooling: each signal goes to where its switch points; where several windows chose one place, they add. */
function unpool(step: Step, pooled: string, indices: string, windows: readonly Window[]): string {
  const { node, builder, signal } = step;
  const hint = `${node.outputs[0]}:unpooled`;
  const shape = builder.add('Shape', [pooled], {}, `${pooled}:shape`);
  if (windows.every((window) => window.stride >= span(window))) {
    const attributes = { kernel_shape: windows.map((w) => w.kernel), strides: windows.map((w) => w.stride) };
    return builder.add('MaxUnpool', [signal, indices, shape], attributes, hint);
  }
  // MaxUnpool overwrites; a scatter with addition is the adjoint.
  const flat = builder.ints([-1]);
  const size = builder.add('Shape', [builder.add('Reshape', [pooled, flat])], {}, `${pooled}:size`);
  const zeros = builder.add('ConstantOfShape', [size], {}, `${pooled}:zeros`);
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

const poolNote = (windows: readonly Window[]): string => {
  const overlapping = windows.some((window) => window.stride < span(window));
  const [h] = windows;
  return `${windows.map((window) => window.kernel).join('×')}, stride ${h?.stride ?? 1}${overlapping ? ', overlapping windows add' : ''}`;
};

export const maxPool: Op = {
  role: 'select',
  shapes(node, inputs) {
    const shape = poolShapes(node, inputs);
    return node.outputs.map(() => shape);
  },
  /** The second output: switches, as flat row-major indices into the input. The first maximum in row-major order wins. */
  evaluate(node, [x]) {
    const windows = twoAxes(windowsOf(node, x!.dims, need(intsAttribute(node, 'kernel_shape'), 'kernel_shape')));
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
  refuses: (node, known) => (poolWindows(node, known).length === 2 ? null : 'it pools over other than two axes'),
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
  refuses: (node, known) =>
    known.shape(inputName(node, 0))?.length === 4 ? null : 'it pools over other than two axes',
  /** The same maximum once more, by a pool whose window is the map: that one has switches. */
  adjoint(step) {
    const { node, builder, known } = step;
    const [height, width] = need(known.shape(inputName(node, 0)), 'the shape of the input').slice(2) as [
      number,
      number,
    ];
    const indices = builder.fresh(`${node.outputs[0]}:switches`);
    builder.addNode({
      opType: 'MaxPool',
      inputs: [inputName(node, 0)],
      outputs: [builder.fresh(`${node.outputs[0]}:again`), indices],
      attributes: { kernel_shape: { kind: 'ints', value: [height, width] } },
    });
    const window = (kernel: number): Window => ({
      kernel,
      stride: kernel,
      dilation: 1,
      begin: 0,
      end: 0,
      overhang: 0,
      count: 1,
    });
    return first(node, unpool(step, inputName(node, 0), indices, [window(height), window(width)]));
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

export const includesPad = (node: Node): boolean => intAttribute(node, 'count_include_pad', 0) === 1;

export const averagePool: Op = {
  role: 'linear',
  shapes: (node, inputs) => [poolShapes(node, inputs)],
  evaluate(node, [x]) {
    const windows = twoAxes(windowsOf(node, x!.dims, need(intsAttribute(node, 'kernel_shape'), 'kernel_shape')));
    const counts = windows.map((window, axis) => averageCounts(window, x!.dims[axis + 2]!, includesPad(node)));
    const out = nd(poolShapes(node, [x!.dims]));
    const [h, w] = windows;
    eachWindow(x!, windows, (at, indices) => {
      let sum = 0;
      for (const index of indices) sum += x!.data[index]!;
      const count = counts[0]![Math.floor(at / w.count) % h.count]! * counts[1]![at % w.count]!;
      out.data[at] = sum / count;
    });
    return [out];
  },
  extent: windowExtent,
  /** Spread evenly over the window: divided by its count, then the adjoint of a sum over windows. */
  adjoint(step) {
    const { node, builder, known, signal } = step;
    const windows = twoAxes(poolWindows(node, known));
    const [, channels = 0, ...size] = need(known.shape(inputName(node, 0)), 'the shape of the input');
    const [rows, columns] = windows.map((window, axis) => averageCounts(window, size[axis]!, includesPad(node)));
    const inverse = float32(
      [1, 1, rows!.length, columns!.length],
      rows!.flatMap((r) => columns!.map((c) => 1 / (r * c))),
    );
    const divided = builder.add('Mul', [signal, builder.constant(inverse, `${node.outputs[0]}:counts`)]);
    const kernel = windows.map((window) => window.kernel);
    const ones = float32([channels, 1, ...kernel], new Float32Array(channels * kernel[0]! * kernel[1]!).fill(1));
    const filters = builder.constant(ones, `${node.outputs[0]}:ones`);
    return first(node, convAdjoint({ ...step, signal: divided }, filters, windows, channels, size));
  },
  note: (node, known) => poolNote(poolWindows(node, known)).replace(', overlapping windows add', ''),
};

export const globalAveragePool: Op = {
  role: 'linear',
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

import { intAttribute, intsAttribute, stringAttribute, type Node } from '../graph/graph';
import { sizeOf } from '../graph/tensor';
import {
  broadcastDims,
  map,
  mapBroadcast,
  nd,
  normalAxis,
  reshape as view,
  slice as cut,
  stridesOf,
  transpose as permute,
  type Nd,
} from './nd';
import { first, inputName, need, type Contributions, type Known, type Op, type Shape, type Step } from './op';

const inputShape = (known: Known, node: Node, index = 0): Shape =>
  need(known.shape(inputName(node, index)), 'the shape of the input');

/** The adjoint of everything that only renames places: the input's shape again. */
function reshapeBack({ node, builder, signal }: Step): Contributions {
  const shape = builder.add('Shape', [inputName(node, 0)], {}, `${inputName(node, 0)}:shape`);
  return first(node, builder.add('Reshape', [signal, shape], {}, `${node.outputs[0]}:back`));
}

/** The values of an integer input such as a shape or axes; from the array itself when evaluating. */
const integers = (array: Nd | undefined, what: string): number[] => Array.from(need(array, what).data);

function viewOp(target: (node: Node, input: Shape, second: Nd | undefined) => number[], needsSecond: boolean): Op {
  return {
    role: 'shape',
    shapes(node, [x], known) {
      const second = node.inputs[1] ? known.constant(node.inputs[1]) : undefined;
      if (needsSecond && node.inputs[1] && !second) throw new RangeError(`"${node.inputs[1]}" is not constant`);
      const input = need(x, 'the shape of the input');
      const out = target(node, input, second);
      if (sizeOf(out) !== sizeOf(input))
        throw new RangeError(`[${input.join(', ')}] does not fit into [${out.join(', ')}]`);
      return [out];
    },
    evaluate: (node, [x, second]) => [view(x!, target(node, x!.dims, second))],
    adjoint: reshapeBack,
  };
}

export const reshape = viewOp((node, input, second) => {
  const wanted = integers(second, 'the shape');
  const zeros = intAttribute(node, 'allowzero', 0) === 1;
  const dims = wanted.map((dim, axis) => (dim === 0 && !zeros ? need(input[axis], `dimension ${axis}`) : dim));
  const free = dims.indexOf(-1);
  if (free >= 0) dims[free] = sizeOf(input) / -sizeOf(dims);
  if (!Number.isInteger(dims[free] ?? 0))
    throw new RangeError(`[${input.join(', ')}] does not fit into [${wanted.join(', ')}]`);
  return dims;
}, true);

export const flatten = viewOp((node, input) => {
  const axis = normalAxis(intAttribute(node, 'axis', 1), input.length);
  return [sizeOf(input.slice(0, axis)), sizeOf(input.slice(axis))];
}, false);

export const squeeze = viewOp((_node, input, second) => {
  const axes = second ? integers(second, 'the axes').map((axis) => normalAxis(axis, input.length)) : null;
  return input.filter((dim, axis) => (axes ? !axes.includes(axis) : dim !== 1));
}, true);

export const unsqueeze = viewOp((_node, input, second) => {
  const rank = input.length + need(second, 'the axes').data.length;
  const axes = integers(second, 'the axes').map((axis) => normalAxis(axis, rank));
  const rest = [...input];
  return Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : rest.shift()!));
}, true);

export const identity: Op = {
  role: 'shape',
  shapes: (node, [x]) => node.outputs.map(() => need(x, 'the shape of the input')),
  evaluate: (node, [x]) => node.outputs.map((_, index) => (index === 0 ? x! : map(x!, () => 1, 'bool'))),
  extent: () => ({ kind: 'pointwise' }),
  adjoint: ({ node, signal }) => first(node, signal),
};

/** Between floating-point types it passes the signal; ONNX numbers the types. */
export const cast: Op = {
  ...identity,
  evaluate(node, [x]) {
    const to = intAttribute(node, 'to', 1);
    if (to === 9) return [map(x!, (value) => Number(value !== 0), 'bool')];
    return [[1, 10, 11, 16].includes(to) ? map(x!, (value) => value, 'float') : map(x!, Math.trunc, 'int')];
  },
};

export const transpose: Op = {
  role: 'shape',
  shapes(node, [x]) {
    const input = need(x, 'the shape of the input');
    return [permutation(node, input.length).map((axis) => input[axis]!)];
  },
  evaluate: (node, [x]) => [permute(x!, permutation(node, x!.dims.length))],
  adjoint({ node, builder, known, signal }) {
    const perm = permutation(node, inputShape(known, node).length);
    const inverse = perm.map((_, axis) => perm.indexOf(axis));
    return first(node, builder.add('Transpose', [signal], { perm: inverse }, `${node.outputs[0]}:back`));
  },
};
const permutation = (node: Node, rank: number): readonly number[] =>
  intsAttribute(node, 'perm') ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);

/** Joins along an axis; on the way back it splits. */
export const concat: Op = {
  role: 'shape',
  shapes(node, inputs) {
    const shapes = inputs.map((shape) => need(shape, 'the shape of an input'));
    const axis = normalAxis(intAttribute(node, 'axis', 1), shapes[0]!.length);
    const out = [...shapes[0]!];
    for (const shape of shapes.slice(1)) {
      if (shape.length !== out.length || shape.some((dim, i) => i !== axis && dim !== out[i]))
        throw new RangeError(`[${shapes.map((s) => s.join(', ')).join('] and [')}] do not join along axis ${axis}`);
      out[axis] = out[axis]! + shape[axis]!;
    }
    return [out];
  },
  evaluate(node, inputs) {
    const arrays = inputs as Nd[];
    const axis = normalAxis(intAttribute(node, 'axis', 1), arrays[0]!.dims.length);
    const dims = [...arrays[0]!.dims];
    dims[axis] = arrays.reduce((total, array) => total + array.dims[axis]!, 0);
    const out = nd(dims, undefined, arrays[0]!.type);
    const inner = sizeOf(dims.slice(axis + 1));
    const outer = sizeOf(dims.slice(0, axis));
    let start = 0;
    for (const array of arrays) {
      const block = array.dims[axis]! * inner;
      for (let i = 0; i < outer; i++)
        out.data.set(array.data.subarray(i * block, (i + 1) * block), i * dims[axis]! * inner + start);
      start += block;
    }
    return [out];
  },
  extent(node, known) {
    const rank = known.shape(node.outputs[0]!)?.length ?? 0;
    return normalAxis(intAttribute(node, 'axis', 1), rank) === 1 ? { kind: 'pointwise' } : { kind: 'global' };
  },
  adjoint({ node, builder, known, signal, onPath }) {
    const rank = need(known.shape(node.outputs[0]!), 'the shape of the output').length;
    const axis = normalAxis(intAttribute(node, 'axis', 1), rank);
    let start = 0;
    return node.inputs.map((name, index) => {
      const from = start;
      start += inputShape(known, node, index)[axis]!;
      if (!onPath(name)) return null;
      return builder.add(
        'Slice',
        [signal, builder.ints([from]), builder.ints([start]), builder.ints([axis])],
        {},
        `${name}:part`,
      );
    });
  },
};

export const pad: Op = {
  role: 'shape',
  shapes(node, [x], known) {
    const input = need(x, 'the shape of the input');
    const pads = padsOf(node, input.length, (name) => known.constant(name));
    return [input.map((dim, axis) => dim + pads[axis]! + pads[axis + input.length]!)];
  },
  evaluate(node, [x, padsArray, value, axes]) {
    const byName = new Map([
      [node.inputs[1], padsArray],
      [node.inputs[3], axes],
    ]);
    const pads = padsOf(node, x!.dims.length, (name) => byName.get(name));
    const rank = x!.dims.length;
    const dims = x!.dims.map((dim, axis) => dim + pads[axis]! + pads[axis + rank]!);
    const out = nd(dims, undefined, x!.type);
    const mode = stringAttribute(node, 'mode', 'constant');
    const strides = stridesOf(dims);
    const own = stridesOf(x!.dims);
    for (let i = 0; i < out.data.length; i++) {
      let offset = 0;
      let inside = true;
      for (let axis = 0; axis < rank; axis++) {
        const length = x!.dims[axis]!;
        let at = (Math.floor(i / strides[axis]!) % dims[axis]!) - pads[axis]!;
        if (at < 0 || at >= length) {
          if (mode === 'constant') inside = false;
          else if (mode === 'edge') at = Math.max(0, Math.min(length - 1, at));
          else at = at < 0 ? -at : 2 * (length - 1) - at;
        }
        offset += at * own[axis]!;
      }
      out.data[i] = inside ? x!.data[offset]! : (value?.data[0] ?? 0);
    }
    return [out];
  },
  extent(node, known) {
    const rank = inputShape(known, node).length;
    const pads = padsOf(node, rank, (name) => known.constant(name));
    const value = node.inputs[2] ? known.constant(node.inputs[2])?.data[0] : 0;
    const spatialOnly = pads.every((size, i) => i % rank >= 2 || size === 0);
    if (
      rank !== 4 ||
      !spatialOnly ||
      value !== 0 ||
      stringAttribute(node, 'mode', 'constant') !== 'constant' ||
      pads.some((size) => size < 0)
    )
      return { kind: 'global' };
    const out = need(known.shape(node.outputs[0]!), 'the shape of the output');
    const axis = (i: number) => ({
      kernel: 1,
      stride: 1,
      dilation: 1,
      begin: pads[i]!,
      end: pads[i + rank]!,
      overhang: 0,
      count: out[i]!,
    });
    return { kind: 'window', axes: [axis(2), axis(3)] };
  },
  refuses: (node) =>
    stringAttribute(node, 'mode', 'constant') === 'constant'
      ? null
      : `it pads by "${stringAttribute(node, 'mode', '')}"`,
  adjoint({ node, builder, known, signal }) {
    const input = inputShape(known, node);
    const pads = padsOf(node, input.length, (name) => known.constant(name));
    const axes = input.flatMap((_, axis) => (pads[axis] || pads[axis + input.length] ? [axis] : []));
    if (axes.length === 0) return first(node, signal);
    // A negative pad cuts; its adjoint puts zeros back.
    const back = [...pads].map((size) => -size);
    return first(
      node,
      builder.add('Pad', [signal, builder.ints(back)], { mode: 'constant' }, `${node.outputs[0]}:back`),
    );
  },
};
function padsOf(node: Node, rank: number, constant: (name: string) => Nd | undefined): number[] {
  const given = integers(constant(inputName(node, 1)), 'the pads');
  const axes = node.inputs[3]
    ? integers(constant(node.inputs[3]), 'the axes').map((axis) => normalAxis(axis, rank))
    : null;
  if (!axes) return given;
  const pads = new Array<number>(2 * rank).fill(0);
  axes.forEach((axis, i) => {
    pads[axis] = given[i]!;
    pads[axis + rank] = given[i + axes.length]!;
  });
  return pads;
}

interface Range {
  start: number;
  count: number;
  step: number;
}
function rangesOf(node: Node, shape: Shape, constant: (name: string) => Nd | undefined): Range[] {
  const list = (index: number) =>
    node.inputs[index] ? integers(constant(node.inputs[index]), `input ${index}`) : undefined;
  const starts = need(list(1), 'the starts');
  const ends = need(list(2), 'the ends');
  const axes = list(3) ?? starts.map((_, axis) => axis);
  const steps = list(4) ?? starts.map(() => 1);
  const ranges = shape.map((dim) => ({ start: 0, count: dim, step: 1 }));
  axes.forEach((given, i) => {
    const axis = normalAxis(given, shape.length);
    const dim = shape[axis]!;
    const step = steps[i]!;
    const clamp = (value: number, low: number, high: number) =>
      Math.max(low, Math.min(high, value < 0 ? value + dim : value));
    const start = step > 0 ? clamp(starts[i]!, 0, dim) : clamp(starts[i]!, 0, dim - 1);
    const end = step > 0 ? clamp(ends[i]!, 0, dim) : ends[i]! < -dim ? -1 : clamp(ends[i]!, -1, dim - 1);
    ranges[axis] = { start, count: Math.max(0, Math.ceil((end - start) / step)), step };
  });
  return ranges;
}

export const slice: Op = {
  role: 'shape',
  shapes: (node, [x], known) => [
    rangesOf(node, need(x, 'the shape of the input'), (name) => known.constant(name)).map((range) => range.count),
  ],
  evaluate(node, inputs) {
    const byName = new Map(node.inputs.map((name, index) => [name, inputs[index]]));
    const ranges = rangesOf(node, inputs[0]!.dims, (name) => byName.get(name));
    const pick = (key: keyof Range) => ranges.map((range) => range[key]);
    return [cut(inputs[0]!, pick('start'), pick('count'), pick('step'))];
  },
  extent(node, known) {
    const shape = inputShape(known, node);
    const ranges = rangesOf(node, shape, (name) => known.constant(name));
    const whole = ranges.every((range, axis) => axis === 1 || (range.count === shape[axis] && range.step === 1));
    return whole ? { kind: 'pointwise' } : { kind: 'global' };
  },
  refuses(node, known) {
    return rangesOf(node, inputShape(known, node), (name) => known.constant(name)).every((range) => range.step === 1)
      ? null
      : 'it cuts with a step other than 1';
  },
  adjoint({ node, builder, known, signal }) {
    const shape = inputShape(known, node);
    const ranges = rangesOf(node, shape, (name) => known.constant(name));
    const pads = [
      ...ranges.map((range) => range.start),
      ...ranges.map((range, axis) => shape[axis]! - range.start - range.count),
    ];
    // The batch is free: it is never cut.
    pads[0] = pads[ranges.length] = 0;
    return first(
      node,
      builder.add('Pad', [signal, builder.ints(pads)], { mode: 'constant' }, `${node.outputs[0]}:back`),
    );
  },
};

export const expand: Op = {
  role: 'shape',
  shapes: (node, [x], known) => [
    broadcastDims(need(x, 'the shape of the input'), integers(known.constant(inputName(node, 1)), 'the shape')),
  ],
  evaluate: (_node, [x, shape]) => [mapBroadcast([x!, nd(Array.from(shape!.data))], x!.type, (value) => value)],
  refuses: () => 'repeated values have no way back here yet',
};

export const shapeOf: Op = {
  role: 'shape',
  shapes: (_node, [x]) => [[need(x, 'the shape of the input').length]],
  evaluate: (_node, [x]) => [nd([x!.dims.length], Float64Array.from(x!.dims), 'int')],
};

export const constantOfShape: Op = {
  role: 'shape',
  shapes: (node, _inputs, known) => [integers(known.constant(inputName(node, 0)), 'the shape')],
  evaluate(node, [shape]) {
    const value = node.attributes['value'];
    const out = nd(Array.from(shape!.data));
    if (value?.kind === 'tensor') out.data.fill(Number(value.value.data[0]));
    return [out];
  },
};

export const gather: Op = {
  role: 'shape',
  shapes(node, [x, indices]) {
    const data = need(x, 'the shape of the input');
    const axis = normalAxis(intAttribute(node, 'axis', 0), data.length);
    return [[...data.slice(0, axis), ...need(indices, 'the shape of the indices'), ...data.slice(axis + 1)]];
  },
  evaluate(node, [x, indices]) {
    const axis = normalAxis(intAttribute(node, 'axis', 0), x!.dims.length);
    const length = x!.dims[axis]!;
    const inner = sizeOf(x!.dims.slice(axis + 1));
    const outer = sizeOf(x!.dims.slice(0, axis));
    const out = nd([...x!.dims.slice(0, axis), ...indices!.dims, ...x!.dims.slice(axis + 1)], undefined, x!.type);
    let at = 0;
    for (let o = 0; o < outer; o++)
      for (const index of indices!.data) {
        const from = (o * length + normalAxis(index, length)) * inner;
        out.data.set(x!.data.subarray(from, from + inner), at);
        at += inner;
      }
    return [out];
  },
  refuses: () => 'picked values have no way back here yet',
};

import { floatAttribute, intAttribute, type Node } from '../graph/graph';
import { sizeOf } from '../graph/tensor';
import { inputShape, reshapedLike } from './axes';
import { broadcastDims, nd, stridesOf, transpose, type Nd } from './nd';
import { inputName, need, type Contributions, type Known, type Op, type Shape, type Step } from './op';

/** A vector on the left is one row, on the right one column; the axis goes again afterwards. */
const asMatrices = (a: Shape, b: Shape): [left: Shape, right: Shape] => [
  a.length === 1 ? [1, ...a] : a,
  b.length === 1 ? [...b, 1] : b,
];

function productDims(a: Shape, b: Shape): number[] {
  const [left, right] = asMatrices(a, b);
  if (a.length === 0 || b.length === 0 || left.at(-1) !== right.at(-2))
    throw new RangeError(`[${a.join(', ')}] times [${b.join(', ')}]`);
  return [
    ...broadcastDims(left.slice(0, -2), right.slice(0, -2)),
    ...(a.length === 1 ? [] : [left.at(-2)!]),
    ...(b.length === 1 ? [] : [right.at(-1)!]),
  ];
}

/** Matrix product over the last two axes, leading axes broadcast. */
function multiply(a: Nd, b: Nd): Nd {
  const [left, right] = asMatrices(a.dims, b.dims);
  const dims = productDims(a.dims, b.dims);
  const [rows, inner, columns] = [left.at(-2)!, left.at(-1)!, right.at(-1)!];
  const lead = broadcastDims(left.slice(0, -2), right.slice(0, -2));
  const strides = stridesOf(lead);
  /** Where the matrix of batch n starts. */
  const startOf = (shape: Shape, n: number): number => {
    const own = stridesOf(shape);
    const skip = lead.length - (shape.length - 2);
    return lead.reduce((start, dim, axis) => {
      const stride = axis < skip || shape[axis - skip] === 1 ? 0 : own[axis - skip]!;
      return start + (Math.floor(n / strides[axis]!) % dim) * stride;
    }, 0);
  };
  const out = nd(dims);
  for (let n = 0; n < sizeOf(lead); n++) {
    const [ao, bo] = [startOf(left, n), startOf(right, n)];
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        let sum = 0;
        for (let k = 0; k < inner; k++) sum += a.data[ao + r * inner + k]! * b.data[bo + k * columns + c]!;
        out.data[(n * rows + r) * columns + c] = sum;
      }
  }
  return out;
}

const bothDepend = (node: Node, onPath: (value: string) => boolean): string | null =>
  onPath(inputName(node, 0)) && onPath(inputName(node, 1)) ? 'both factors depend on the picture' : null;

/** y = alpha * A' B' + beta * C, where A' and B' may be transposed. */
export const gemm: Op = {
  role: 'linear',
  words: ['matrix', 'transposed matrix, no bias'],
  shapes(node, [a, b]) {
    const left = need(a, 'the shape of A');
    const right = need(b, 'the shape of B');
    const ta = intAttribute(node, 'transA', 0);
    const tb = intAttribute(node, 'transB', 0);
    if (left.length !== 2 || right.length !== 2) throw new RangeError('Gemm takes matrices');
    if (left[ta ? 0 : 1] !== right[tb ? 1 : 0])
      throw new RangeError(`[${left.join(', ')}] times [${right.join(', ')}]`);
    return [[left[ta ? 1 : 0]!, right[tb ? 0 : 1]!]];
  },
  evaluate(node, [a, b, c]) {
    const left = intAttribute(node, 'transA', 0) ? transpose(a!, [1, 0]) : a!;
    const right = intAttribute(node, 'transB', 0) ? transpose(b!, [1, 0]) : b!;
    const alpha = floatAttribute(node, 'alpha', 1);
    const beta = floatAttribute(node, 'beta', 1);
    const out = multiply(left, right);
    const columns = out.dims[1]!;
    for (let i = 0; i < out.data.length; i++) {
      let bias = 0;
      if (c) {
        const [rows, cols] = c.dims.length === 2 ? [c.dims[0]!, c.dims[1]!] : [1, c.dims[0] ?? 1];
        bias = c.data[(rows === 1 ? 0 : Math.floor(i / columns)) * cols + (cols === 1 ? 0 : i % columns)]!;
      }
      out.data[i] = alpha * out.data[i]! + beta * bias;
    }
    return [out];
  },
  macs: (node, known) => sizeOf(inputShape(known, node, 1)),
  refuses(node, _known, onPath) {
    if (node.inputs[2] && onPath(node.inputs[2])) return 'its bias depends on the picture';
    return bothDepend(node, onPath);
  },
  adjoint({ node, builder, signal, onPath }): Contributions {
    const [a, b] = [inputName(node, 0), inputName(node, 1)];
    const transA = intAttribute(node, 'transA', 0);
    const transB = intAttribute(node, 'transB', 0);
    const alpha = { float: floatAttribute(node, 'alpha', 1) };
    const product = (left: string, ta: number, right: string, tb: number) =>
      builder.add('Gemm', [left, right], { transA: ta, transB: tb, alpha }, `${node.outputs[0]}:back`);
    if (onPath(a)) return [transA ? product(b, transB, signal, 1) : product(signal, 0, b, 1 - transB), null, null];
    return [null, transB ? product(signal, 1, a, transA) : product(a, 1 - transA, signal, 0), null];
  },
};

/** Emits a value of this shape with an axis of length 1 where a vector lacks it. */
const matrixOf = (step: Step, value: string, shape: Shape, axis: 0 | -1): string =>
  shape.length === 1 ? step.builder.add('Unsqueeze', [value, step.builder.ints([axis])]) : value;

/** Emits the transposition of the last two axes. */
const turned = (step: Step, value: string, rank: number): string => {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  const perm = [...axes.slice(0, -2), rank - 1, rank - 2];
  return step.builder.add('Transpose', [value], { perm });
};

export const matMul: Op = {
  role: 'linear',
  words: ['matrix', 'transposed matrix'],
  shapes: (_node, [a, b]) => [productDims(need(a, 'the shape of A'), need(b, 'the shape of B'))],
  evaluate: (_node, [a, b]) => [multiply(a!, b!)],
  macs(node, known) {
    const out = need(known.shape(node.outputs[0]!), 'the shape of the output');
    return sizeOf(out.slice(1)) * inputShape(known, node).at(-1)!;
  },
  refuses: (node, _known, onPath) => bothDepend(node, onPath),
  /** From y = A B: the signal times B transposed, or A transposed times the signal; summed where A or B was repeated. */
  adjoint(step): Contributions {
    const { node, builder, known, onPath } = step;
    const [a, b] = [inputName(node, 0), inputName(node, 1)];
    const [aShape, bShape] = [inputShape(known, node, 0), inputShape(known, node, 1)];
    const hint = `${node.outputs[0]}:back`;
    // Gemm reads the matrix transposed; MatMul of a higher rank needs it laid out so.
    if (onPath(a) && aShape.length === 2 && bShape.length === 2)
      return [builder.add('Gemm', [step.signal, b], { transB: 1 }, hint), null];
    let signal = step.signal;
    if (bShape.length === 1) signal = builder.add('Unsqueeze', [signal, builder.ints([-1])]);
    if (aShape.length === 1) signal = builder.add('Unsqueeze', [signal, builder.ints([-2])]);
    const [left, right] = asMatrices(aShape, bShape);
    if (onPath(a)) {
      const factor = turned(step, matrixOf(step, b, bShape, -1), right.length);
      return [summedTo(step, builder.add('MatMul', [signal, factor], {}, hint), left, right, a), null];
    }
    const factor = turned(step, matrixOf(step, a, aShape, 0), left.length);
    return [null, summedTo(step, builder.add('MatMul', [factor, signal], {}, hint), right, left, b)];
  },
  note: (node, known) => `matrix [${weightsOf(node, known).join('×')}]`,
};

const weightsOf = (node: Node, known: Known): Shape =>
  inputShape(known, node, known.isConstant(inputName(node, 0)) ? 0 : 1);

/** Sums over the leading axes along which an operand was repeated to meet the other one, and gives it its own shape. */
function summedTo(step: Step, value: string, own: Shape, other: Shape, input: string): string {
  const { builder, known } = step;
  const lead = broadcastDims(own.slice(0, -2), other.slice(0, -2));
  const skip = lead.length - (own.length - 2);
  const axes = lead.flatMap((dim, axis) => (axis < skip || (own[axis - skip] === 1 && dim !== 1) ? [axis] : []));
  if (axes.length === 0 && known.shape(input)!.length === own.length) return value;
  const summed = axes.length ? builder.add('ReduceSum', [value, builder.ints(axes)], { keepdims: 1 }) : value;
  return reshapedLike(step, summed, input);
}

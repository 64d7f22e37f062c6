import { floatAttribute, intAttribute } from '../graph/graph';
import { sizeOf } from '../graph/tensor';
import { broadcastDims, nd, transpose, type Nd } from './nd';
import { first, inputName, need, type Op } from './op';

/** Matrix product over the last two axes, leading axes broadcast. */
function multiply(a: Nd, b: Nd): Nd {
  const left = a.dims.length === 1 ? [1, ...a.dims] : [...a.dims];
  const right = b.dims.length === 1 ? [...b.dims, 1] : [...b.dims];
  const [rows, inner] = left.slice(-2) as [number, number];
  const columns = right.at(-1)!;
  if (right.at(-2) !== inner) throw new RangeError(`[${a.dims.join(', ')}] times [${b.dims.join(', ')}]`);
  const lead = broadcastDims(left.slice(0, -2), right.slice(0, -2));
  const out = nd([...lead, rows, columns]);
  const aBatch = sizeOf(left.slice(0, -2));
  const bBatch = sizeOf(right.slice(0, -2));
  const batches = sizeOf(lead);
  if ((aBatch !== batches && aBatch !== 1) || (bBatch !== batches && bBatch !== 1))
    throw new RangeError('leading axes that broadcast one by one');
  for (let n = 0; n < batches; n++) {
    const ao = aBatch === 1 ? 0 : n * rows * inner;
    const bo = bBatch === 1 ? 0 : n * inner * columns;
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        let sum = 0;
        for (let k = 0; k < inner; k++) sum += a.data[ao + r * inner + k]! * b.data[bo + k * columns + c]!;
        out.data[(n * rows + r) * columns + c] = sum;
      }
  }
  const dims = [...out.dims];
  if (b.dims.length === 1) dims.pop();
  if (a.dims.length === 1) dims.splice(-2 + (b.dims.length === 1 ? 1 : 0), 1);
  return nd(dims, out.data);
}

export const gemm: Op = {
  role: 'linear',
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
  macs: (node, known) => sizeOf(need(known.shape(inputName(node, 1)), 'the shape of B')),
  refuses(node, known, onPath) {
    if (onPath(inputName(node, 1)) || !known.isConstant(inputName(node, 1))) return 'its weights are not constant';
    return intAttribute(node, 'transA', 0) ? 'its input is transposed' : null;
  },
  adjoint({ node, builder, signal }) {
    const transB = intAttribute(node, 'transB', 0) ? 0 : 1;
    const alpha = floatAttribute(node, 'alpha', 1);
    return first(
      node,
      builder.add('Gemm', [signal, inputName(node, 1)], { transB, alpha: { float: alpha } }, `${node.outputs[0]}:back`),
    );
  },
};

export const matMul: Op = {
  role: 'linear',
  shapes(_node, [a, b]) {
    const left = need(a, 'the shape of A');
    const right = need(b, 'the shape of B');
    if (left.length < 2 || right.length < 2) throw new RangeError('vectors in a MatMul');
    if (left.at(-1) !== right.at(-2)) throw new RangeError(`[${left.join(', ')}] times [${right.join(', ')}]`);
    return [[...broadcastDims(left.slice(0, -2), right.slice(0, -2)), left.at(-2)!, right.at(-1)!]];
  },
  evaluate: (_node, [a, b]) => [multiply(a!, b!)],
  macs(node, known) {
    const left = need(known.shape(inputName(node, 0)), 'the shape of A');
    return sizeOf(left.slice(1, -1)) * sizeOf(need(known.shape(inputName(node, 1)), 'the shape of B').slice(-2));
  },
  refuses(node, known, onPath) {
    const weights = inputName(node, 1);
    if (onPath(weights)) return 'both factors depend on the picture';
    if (!known.isConstant(weights)) return 'its weights are not constant';
    return known.shape(weights)?.length === 2 ? null : 'its weights are not a matrix';
  },
  adjoint({ node, builder, known, signal }) {
    const weights = inputName(node, 1);
    const hint = `${node.outputs[0]}:back`;
    // Gemm reads the matrix transposed; MatMul of a higher rank needs it laid out so.
    if (known.shape(inputName(node, 0))?.length === 2)
      return first(node, builder.add('Gemm', [signal, weights], { transB: 1 }, hint));
    return first(
      node,
      builder.add('MatMul', [signal, builder.add('Transpose', [weights], { perm: [1, 0] })], {}, hint),
    );
  },
};

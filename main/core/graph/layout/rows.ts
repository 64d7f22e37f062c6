import { floatAttribute, intAttribute, type Attribute, type Node } from '../graph';
import { sizeOf, type Tensor, transposeTensor } from '../tensor';
import { channelsLast, samePerm, type LayoutPass } from './pass';

/**
 * Dense layers at every place, as TensorFlow's exporters write them: a map with channels last is flattened to rows
 * [N * H * W, C], multiplied, and made a map again. While it is rows, a value is followed as the map that it stands for, so
 * that the whole is a convolution of 1 by 1, and pictures stay apart.
 */
export interface Rows {
  /** The map, with channels first. */
  name: string;
  /** [N, H, W] as the rows were made from. */
  places: readonly number[];
}

/** Writes a node on maps in place of rows; false where it does something else with them. */
export function rowRule(pass: LayoutPass, node: Node): boolean {
  const [output, ...others] = node.outputs;
  if (!output || others.some(Boolean) || node.domain !== '') return false;
  const rows = pass.rows(node.inputs[0] ?? '') ?? pass.rows(node.inputs[1] ?? '');
  if (!rows) return node.opType === 'Reshape' && startRows(pass, node);
  if (node.opType === 'Reshape') {
    const to = pass.shape(output);
    const fits = to?.length === 4 && rows.places.every((dim, axis) => dim === to[axis]);
    return fits && pass.rename(node, rows.name, channelsLast(4));
  }
  if (pass.isPinned(output)) return false;
  const weights = denseWeights(pass, node);
  if (weights) {
    const filters = pass.builder.constant(weights.filters, node.inputs[1]!);
    const inputs = [rows.name, filters, ...(weights.bias ? [weights.bias] : [])];
    const attributes: Record<string, Attribute> = { kernel_shape: { kind: 'ints', value: [1, 1] } };
    return pass.emitRows(node, rows, { opType: 'Conv', inputs, attributes });
  }
  if (pointwise.has(node.opType)) return pass.emitRows(node, rows, { inputs: [rows.name, ...node.inputs.slice(1)] });
  if (!repeated.has(node.opType)) return false;
  const inputs = node.inputs.map((name) => pass.rows(name)?.name ?? column(pass, name));
  return inputs.every((name) => name !== null) && pass.emitRows(node, rows, { inputs: inputs as string[] });
}

const pointwise = new Set([
  ...['Cast', 'Clip', 'Elu', 'Erf', 'Gelu', 'HardSigmoid', 'HardSwish', 'Identity', 'LeakyRelu', 'Mish', 'Neg', 'Relu'],
  ...['Selu', 'Sigmoid', 'Softplus', 'Swish', 'Tanh'],
]);
const repeated = new Set(['Add', 'Div', 'Mul', 'Pow', 'Sub']);

function startRows(pass: LayoutPass, node: Node): boolean {
  const { name, perm } = pass.view(node.inputs[0]!);
  const from = pass.shape(node.inputs[0]!);
  const to = pass.shape(node.outputs[0]!);
  if (!perm || !from || !to || !samePerm(perm, channelsLast(4)) || pass.isPinned(node.outputs[0]!)) return false;
  const places = from.slice(0, 3);
  if (to.length !== 2 || to[1] !== from[3] || to[0] !== sizeOf(places) || sizeOf(places.slice(1)) === 1) return false;
  return pass.startRows(node.outputs[0]!, { name, places });
}

/** The matrix of a dense layer as filters [out, in, 1, 1]. */
function denseWeights(pass: LayoutPass, node: Node): { filters: Tensor; bias: string | null } | null {
  if (!['MatMul', 'Gemm'].includes(node.opType) || !pass.rows(node.inputs[0]!)) return null;
  const matrix = pass.tensor(node.inputs[1] ?? '');
  if (matrix?.type !== 'float32' || matrix.dims.length !== 2) return null;
  const bias = node.inputs[2] || null;
  if (node.opType === 'Gemm') {
    const plain = floatAttribute(node, 'alpha', 1) === 1 && floatAttribute(node, 'beta', 1) === 1;
    const outputs = matrix.dims[intAttribute(node, 'transB', 0) ? 0 : 1];
    const vector = !bias || (pass.tensor(bias)?.dims.length === 1 && pass.tensor(bias)!.dims[0] === outputs);
    if (!plain || !vector || intAttribute(node, 'transA', 0)) return null;
  }
  const turned = intAttribute(node, 'transB', 0) && node.opType === 'Gemm' ? matrix : transposeTensor(matrix, [1, 0]);
  return { filters: { ...turned, dims: [...turned.dims, 1, 1] }, bias };
}

/** A constant that is repeated over rows, for maps: one number, or one per channel. */
function column(pass: LayoutPass, name: string): string | null {
  const tensor = pass.tensor(name);
  if (!tensor || tensor.dims.length > 2) return null;
  if (tensor.data.length === 1) return pass.builder.constant({ ...tensor, dims: [] }, `${name}:layout`);
  if (tensor.dims.at(-1) !== tensor.data.length) return null;
  return pass.builder.constant({ ...tensor, dims: [tensor.data.length, 1, 1] }, `${name}:layout`);
}

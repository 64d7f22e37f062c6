import { fromTensor, toTensor } from '../ops/nd';
import { opOf } from '../ops/index';
import type { Known, Shape } from '../ops/op';
import { capturedValues } from './builder';
import type { Graph, Node } from './graph';
import { dequantised, quantised } from './quantised';
import { intsAttribute } from './graph';
import { sizeOf, type Tensor, transposeTensor } from './tensor';

/** Results up to this many elements are computed in float64; larger ones stay nodes (those that only move data do not). */
const largest = 2 ** 24;

/** Ops whose result has the data of their input, in another shape or none. */
const views = new Set(['Identity', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten']);
const computed = new Set([
  ...['Abs', 'Add', 'Concat', 'Div', 'Exp', 'Expand', 'Mul', 'Neg', 'Pow', 'Reciprocal', 'ReduceMax', 'ReduceMean'],
  ...['ReduceSum', 'Slice', 'Sqrt', 'Sub', 'Sum', 'Tile', 'Gather'],
]);

/**
 * Weights that the file computes from constants (transposed, reshaped, scaled, wrapped, dequantised) become initialisers, so
 * that what asks for constant weights has them. Integers (shapes, axes) are left: whoever reads the graph evaluates them.
 */
export function foldConstants(graph: Graph): Graph {
  const initializers = new Map(graph.initializers);
  const kept = new Set([...graph.outputs.map((output) => output.name), ...graph.nodes.flatMap(capturedValues)]);
  const nodes = graph.nodes.filter((node) => {
    const [output, ...others] = node.outputs;
    if (!output || kept.has(output) || others.some(Boolean) || node.domain !== '') return true;
    const inputs = node.inputs.map((name) => initializers.get(name));
    if (!inputs[0] || node.inputs.some((name, index) => name && !inputs[index])) return true;
    const folded = fold(node, inputs, initializers);
    if (folded) initializers.set(output, folded);
    return !folded;
  });
  return nodes.length === graph.nodes.length ? graph : { ...graph, nodes, initializers };
}

function fold(node: Node, inputs: (Tensor | undefined)[], all: ReadonlyMap<string, Tensor>): Tensor | null {
  const [x, scale, zero] = inputs as [Tensor, Tensor | undefined, Tensor | undefined];
  if (x.type === 'string') return null;
  if (node.opType === 'DequantizeLinear') return scale ? dequantised(node, x, scale, zero) : null;
  if (node.opType === 'QuantizeLinear') return scale ? quantised(node, x, scale, zero) : null;
  if (x.type !== 'float32') return null;
  if (node.opType === 'Cast')
    return node.attributes['to']?.kind === 'int' && node.attributes['to'].value === 1 ? x : null;
  if (node.opType === 'Transpose') {
    const perm = intsAttribute(node, 'perm') ?? x.dims.map((_, axis) => x.dims.length - 1 - axis);
    const whole = [...perm].sort((a, b) => a - b).every((axis, i) => axis === i) && perm.length === x.dims.length;
    return whole ? transposeTensor(x, perm) : null;
  }
  if (node.opType === 'Dropout') return x;
  if (!views.has(node.opType) && !computed.has(node.opType)) return null;
  const op = opOf(node);
  const dims = op && shapeOf(node, inputs, all);
  if (!op || !dims) return null;
  if (views.has(node.opType)) return sizeOf(dims) === x.data.length ? { ...x, dims } : null;
  if (sizeOf(dims) > largest || inputs.some((each) => each && sizeOf(each.dims) > largest)) return null;
  const [result] = op.evaluate(
    node,
    inputs.map((each) => each && fromTensor(each)),
  );
  return result!.type === 'float' ? toTensor(result!) : null;
}

/** The shape of the result; null where the inputs do not fit, which whoever reads the graph next says with its place. */
function shapeOf(node: Node, inputs: (Tensor | undefined)[], all: ReadonlyMap<string, Tensor>): Shape | null {
  const known: Known = {
    shape: (name) => all.get(name)?.dims,
    constant: (name) => {
      const tensor = all.get(name);
      return tensor && tensor.type !== 'string' ? fromTensor(tensor) : undefined;
    },
    isConstant: () => true,
    producer: () => undefined,
  };
  try {
    const [shape] = opOf(node)!.shapes(
      node,
      inputs.map((each) => each?.dims),
      known,
    );
    return shape ?? null;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

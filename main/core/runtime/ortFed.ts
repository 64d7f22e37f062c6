import { capturedValues } from '../graph/builder';
import type { Graph } from '../graph/graph';
import { bytesOf, type Tensor } from '../graph/tensor';

/** Bytes from which a dense layer's weights are fed. */
const leastFed = 2 ** 23;

/**
 * The graph with the large weights of dense layers as inputs, to be fed at each run. ONNX Runtime reads what it is fed where it
 * lies, whereas it holds weights twice while it loads them and keeps a copy: for VGG-16's each would be half a gigabyte. Matrix
 * products take as long either way; convolutions do not, and keep theirs.
 */
export function feedDense(graph: Graph): { graph: Graph; fed: Map<string, Tensor> } {
  const captured = new Set(graph.nodes.flatMap(capturedValues));
  const elsewhere = new Set(
    graph.nodes.flatMap(({ opType, domain, inputs }) =>
      domain === '' && (opType === 'Gemm' || opType === 'MatMul') ? inputs.filter((_, i) => i !== 1) : inputs,
    ),
  );
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const fed = new Map(
    [...graph.initializers].filter(
      ([name, tensor]) =>
        tensor.type === 'float32' &&
        bytesOf(tensor) >= leastFed &&
        !elsewhere.has(name) &&
        !captured.has(name) &&
        !outputs.has(name),
    ),
  );
  if (fed.size === 0) return { graph, fed };
  return {
    fed,
    graph: {
      ...graph,
      inputs: [...graph.inputs, ...Array.from(fed, ([name, { type, dims }]) => ({ name, type, shape: dims }))],
      initializers: new Map([...graph.initializers].filter(([name]) => !fed.has(name))),
    },
  };
}

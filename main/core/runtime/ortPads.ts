import { Builder } from '../graph/builder';
import type { Graph, Node } from '../graph/graph';

const pools = new Set(['MaxPool', 'AveragePool', 'LpPool']);

/**
 * ONNX Runtime 1.30 takes a Pad into the pool behind it. In a MaxPool its zeros become minus infinity: wrong where a map has
 * negative values. A pool whose padding is then as large as its window does not load. A Max of one value between them,
 * which computes nothing, keeps them apart.
 */
export function keepPads(graph: Graph): Graph {
  const padded = new Set(
    graph.nodes.flatMap((node) => (node.opType === 'Pad' && node.domain === '' ? [node.outputs[0]!] : [])),
  );
  const joins = (node: Node) => pools.has(node.opType) && node.domain === '' && padded.has(node.inputs[0]!);
  if (!graph.nodes.some(joins)) return graph;
  const builder = new Builder(graph, false);
  for (const node of graph.nodes) {
    if (!joins(node)) builder.nodes.push(node);
    else builder.nodes.push({ ...node, inputs: [builder.add('Max', [node.inputs[0]!]), ...node.inputs.slice(1)] });
  }
  return { ...graph, nodes: builder.nodes };
}

import type { Analysis } from './analyse';
import { Builder } from './builder';
import { intAttribute, intsAttribute, stringAttribute, type Graph, type Node } from './graph';
import { int64, sizeOf, toNumbers } from './tensor';

/**
 * Exporters write the batch of one that they saw into shapes. Where the rest of the shape holds one picture, it becomes
 * whatever the batch is. `analysis` is the graph's for one picture.
 */
export function freeBatches(graph: Graph, analysis: Analysis): Graph {
  const builder = new Builder(graph, false);
  const constant = (name: string | undefined): number[] | undefined => {
    const tensor = name ? graph.initializers.get(name) : undefined;
    return tensor && Array.from(toNumbers(tensor));
  };

  /** A Reshape to [1, ...] becomes one to [0, ...]. */
  function reshape(node: Node): Node {
    const dims = constant(node.inputs[1]);
    if (!dims || (intAttribute(node, 'allowzero', 0) && dims.includes(0))) return node;
    const from = analysis.shape(node.inputs[0]!);
    const to = analysis.shape(node.outputs[0]!);
    if (dims[0] !== 1 || from?.[0] !== 1 || !to || sizeOf(to.slice(1)) !== sizeOf(from.slice(1))) return node;
    const name = builder.constant(int64([dims.length], [0, ...dims.slice(1)]), `${node.inputs[1]}:batch`);
    const { allowzero: _allowzero, ...attributes } = node.attributes;
    return { ...node, inputs: [node.inputs[0]!, name], attributes };
  }

  /** A Resize to [1, channels, ...] takes the batch from its input. The other sizes stay: factors would round. */
  function resize(node: Node): Node {
    const sizes = constant(node.inputs[3]);
    const from = analysis.shape(node.inputs[0]!);
    const plain = stringAttribute(node, 'keep_aspect_ratio_policy', 'stretch') === 'stretch';
    if (!sizes || !from || !plain || intsAttribute(node, 'axes')) return node;
    if (sizes[0] !== 1 || from[0] !== 1) return node;
    const hint = `${node.outputs[0]}:sizes`;
    const shape = builder.add('Shape', [node.inputs[0]!], {}, `${node.inputs[0]}:shape`);
    const batch = builder.add('Slice', [shape, builder.ints([0]), builder.ints([1])], {}, `${hint}:batch`);
    const all = builder.add('Concat', [batch, builder.ints(sizes.slice(1))], { axis: 0 }, hint);
    return { ...node, inputs: [...node.inputs.slice(0, 3), all] };
  }

  const rewrites: Record<string, (node: Node) => Node> = { Reshape: reshape, Resize: resize };
  for (const node of graph.nodes) builder.nodes.push((node.domain === '' && rewrites[node.opType]?.(node)) || node);
  return { ...graph, nodes: builder.nodes, initializers: builder.initializers };
}

import type { Analysis } from './analyse';
import { intAttribute, intsAttribute, stringAttribute, type Graph, type Node } from './graph';
import { float32, int64, sizeOf, toNumbers, type Tensor } from './tensor';

/**
 * Exporters write the batch of one that they saw into shapes. Where the rest of the shape holds one picture, it becomes
 * whatever the batch is. `analysis` is the graph's for one picture.
 */
export function freeBatches(graph: Graph, analysis: Analysis): Graph {
  const initializers = new Map(graph.initializers);
  const constant = (name: string | undefined): Tensor | undefined => (name ? graph.initializers.get(name) : undefined);
  const keep = (name: string, tensor: Tensor): string => {
    initializers.set(name, tensor);
    return name;
  };

  /** A Reshape to [1, ...] becomes one to [0, ...]. */
  function reshape(node: Node): Node {
    const target = constant(node.inputs[1]);
    if (!target || intAttribute(node, 'allowzero', 0)) return node;
    const dims = Array.from(toNumbers(target));
    const from = analysis.shape(node.inputs[0]!);
    const to = analysis.shape(node.outputs[0]!);
    if (dims[0] !== 1 || from?.[0] !== 1 || !to || sizeOf(to.slice(1)) !== sizeOf(from.slice(1))) return node;
    const name = keep(`${node.inputs[1]}:batch`, int64([dims.length], [0, ...dims.slice(1)]));
    return { ...node, inputs: [node.inputs[0]!, name] };
  }

  /** A Resize to [1, channels, ...] is told the factors instead, which come to the same sizes. */
  function resize(node: Node): Node {
    const target = constant(node.inputs[3]);
    const from = analysis.shape(node.inputs[0]!);
    const plain = stringAttribute(node, 'keep_aspect_ratio_policy', 'stretch') === 'stretch';
    if (!target || !from || !plain || intsAttribute(node, 'axes')) return node;
    const sizes = Array.from(toNumbers(target));
    if (sizes[0] !== 1 || from[0] !== 1) return node;
    const scales = sizes.map((size, axis) => scaleTo(from[axis]!, size));
    const name = keep(`${node.outputs[0]}:scales`, float32([scales.length], scales));
    return { ...node, inputs: [node.inputs[0]!, node.inputs[1]!, name] };
  }

  const rewrites: Record<string, (node: Node) => Node> = { Reshape: reshape, Resize: resize };
  const nodes = graph.nodes.map((node) => (node.domain === '' && rewrites[node.opType]?.(node)) || node);
  return { ...graph, nodes, initializers };
}

/** The single-precision factor that gives this size: the length is what remains of the product without its fraction. */
function scaleTo(length: number, size: number): number {
  const scale = Math.fround(size / length);
  return Math.floor(Math.fround(scale * length)) < size ? Math.fround(scale * (1 + 2 ** -23)) : scale;
}

import { attributes, capturedValues } from './builder';
import { intsAttribute, type Graph, type Node } from './graph';
import { toNumbers } from './tensor';

/**
 * PyTorch writes a local response normalisation as its pieces, x / (k + alpha * mean(x²))^beta, the mean by a pool along the
 * channels of a five-dimensional view. On the way back they would be taken for a gate; here they are one LRN again. An even
 * size is left alone: PyTorch and ONNX lay its window differently. Returns the graph, and the pieces by the value made.
 */
export function fuseLrn(graph: Graph): { graph: Graph; parts: Map<string, string[]> } {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const scalar = (name: string | undefined): number | undefined => {
    const tensor = graph.initializers.get(name ?? '');
    return tensor && tensor.type !== 'string' && tensor.data.length === 1 ? toNumbers(tensor)[0] : undefined;
  };
  const parts = new Map<string, string[]>();

  /** The node and the constant that it applies, in either order where the op commutes. */
  const withConstant = (value: string | undefined, opType: string): { node: Node; x: string; k: number } | null => {
    const node = producers.get(value ?? '');
    if (node?.opType !== opType) return null;
    const [a, b] = node.inputs;
    const [ka, kb] = [scalar(a), scalar(b)];
    if (kb !== undefined) return { node, x: a!, k: kb };
    return ka !== undefined && opType !== 'Pow' ? { node, x: b!, k: ka } : null;
  };

  const nodes = graph.nodes.map((node): Node => {
    if (node.opType !== 'Div') return node;
    const [x = '', divisor] = node.inputs;
    const power = withConstant(divisor, 'Pow');
    const sum = power && withConstant(power.x, 'Add');
    const scaled = sum && withConstant(sum.x, 'Mul');
    if (!scaled) return node;
    const pieces = [node, power.node, sum.node, scaled.node];
    let pool: Node | null = null;
    let padded = false;
    for (let value: string | undefined = scaled.x; value;) {
      const piece = producers.get(value);
      if (!piece) return node;
      pieces.push(piece);
      if (isSquare(piece, x)) break;
      if (piece.opType === 'AveragePool' && !pool) pool = piece;
      else if (piece.opType === 'Pad') padded = true;
      else if (!['Reshape', 'Squeeze', 'Unsqueeze'].includes(piece.opType) && !onlySqueezes(piece)) return node;
      value = piece.opType === 'If' ? capturedValues(piece).find((name) => producers.has(name)) : piece.inputs[0];
    }
    const kernel = pool && intsAttribute(pool, 'kernel_shape');
    const size = kernel?.length === 3 && kernel[1] === 1 && kernel[2] === 1 ? kernel[0]! : 0;
    if (size % 2 === 0 || !padded || !intsAttribute(pool!, 'strides')?.every((stride) => stride === 1)) return node;
    const [alpha, beta, bias] = [{ float: scaled.k }, { float: power.k }, { float: sum.k }];
    parts.set(
      node.outputs[0]!,
      pieces.reverse().map((piece) => piece.name || piece.outputs[0]!),
    );
    return { ...node, opType: 'LRN', inputs: [x], attributes: attributes({ size, alpha, beta, bias }) };
  });
  return { graph: { ...graph, nodes }, parts };
}

function isSquare({ opType, inputs }: Node, x: string): boolean {
  return opType === 'Mul' && inputs[0] === x && inputs[1] === x;
}

/** An If that takes away an axis where its length is one: what the older exporter writes for a squeeze. */
const onlySqueezes = (node: Node): boolean =>
  node.opType === 'If' &&
  Object.values(node.attributes).every(
    (branch) =>
      branch.kind === 'graph' &&
      branch.value.nodes.every((inner) => ['Squeeze', 'Identity', 'Constant'].includes(inner.opType)),
  );

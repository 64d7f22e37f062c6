import type { Graph, Node } from '../graph/graph';
import { toNumbers } from '../graph/tensor';

/** What a model does with the picture's numbers before its first layer: value * scale + shift, for each channel or for all. */
export interface InsideScaling {
  scale: number[];
  shift: number[];
  nodes: string[];
}

const passing = new Set(['Identity', 'Cast', 'Transpose', 'Dropout']);

/** Normalisation inside the model (Keras' Rescaling and Normalization layers, a scaling that was exported along). Null: none. */
export function insideScaling(graph: Graph, input: string): InsideScaling | null {
  let [value, scale, shift] = [input, [1], [0]];
  const nodes: string[] = [];
  for (;;) {
    const consumers = graph.nodes.filter((node) => node.inputs.includes(value));
    const [node] = consumers;
    if (!node || consumers.length !== 1) break;
    if (!passing.has(node.opType)) {
      const constant = constantOf(graph, node, value);
      if (!constant) break;
      const swap = node.inputs[0] !== value;
      const each = (a: number[], b: number[], f: (x: number, y: number) => number): number[] =>
        Array.from({ length: Math.max(a.length, b.length) }, (_, i) => f(a[i % a.length]!, b[i % b.length]!));
      if (node.opType === 'Mul') [scale, shift] = [each(scale, constant, product), each(shift, constant, product)];
      else if (node.opType === 'Div' && !swap)
        [scale, shift] = [each(scale, constant, quotient), each(shift, constant, quotient)];
      else if (node.opType === 'Add') shift = each(shift, constant, (x, y) => x + y);
      else if (node.opType === 'Sub' && !swap) shift = each(shift, constant, (x, y) => x - y);
      else break;
      nodes.push(node.name || node.outputs[0]!);
    }
    value = node.outputs[0]!;
  }
  const idle = scale.every((each) => each === 1) && shift.every((each) => each === 0);
  return nodes.length > 0 && !idle && [...scale, ...shift].every(Number.isFinite) ? { scale, shift, nodes } : null;
}

const product = (x: number, y: number): number => x * y;
const quotient = (x: number, y: number): number => x / y;

function constantOf(graph: Graph, node: Node, value: string): number[] | null {
  if (node.inputs.length !== 2) return null;
  const other = node.inputs[0] === value ? node.inputs[1]! : node.inputs[0]!;
  const tensor = graph.initializers.get(other);
  if (!tensor || tensor.type === 'string') return null;
  const numbers = Array.from(toNumbers(tensor));
  return numbers.length > 0 && numbers.length <= 64 ? numbers : null;
}

/** Which numbers such a model is fed: bytes where its scaling makes them small, 0..1 where it widens them; null: cannot be told. */
export function rangeOutside({ scale, shift }: InsideScaling): 'bytes' | 'unit' | null {
  const widest = Math.max(...scale.map(Math.abs));
  // Only a mean is taken off: that of bytes is tens.
  if (widest === 1) return Math.max(...shift.map(Math.abs)) > 1.5 ? 'bytes' : 'unit';
  if (widest * 255 <= 30) return 'bytes';
  return widest <= 30 && widest > 1 ? 'unit' : null;
}

import { windowsOf } from '../ops/windows';
import type { Analysis } from './analyse';
import { attributes, Builder } from './builder';
import { intAttribute, intsAttribute, type Graph, type Node } from './graph';

/** On what is not negative, as a mean of squares is, these do nothing. */
const idle = new Set(['Identity', 'Abs', 'Relu', 'LeakyRelu']);

/**
 * Root-mean-square pooling, which exporters write as its pieces (a square, an average, a root: also PyTorch's LPPool2d),
 * becomes an LpPool and a factor. Piece by piece the square would be taken for a gate, and the root has no slope at zero.
 */
export function findNorms(graph: Graph, analysis: Analysis): Graph {
  const readers = new Map<string, number>();
  for (const name of [...graph.nodes.flatMap((node) => node.inputs), ...graph.outputs.map((output) => output.name)])
    readers.set(name, (readers.get(name) ?? 0) + 1);
  const number = (name: string | undefined): number | null => {
    const value = name ? analysis.constant(name) : undefined;
    return value?.data.length === 1 ? value.data[0]! : null;
  };
  /** The node that makes a value, if nothing but one node reads it. */
  const maker = (value: string, uses = 1): Node | undefined => {
    const node = analysis.producer(value);
    return node?.domain === '' && readers.get(value) === uses ? node : undefined;
  };

  /** Of the value that a root is taken of: the pool, and the factor between them. */
  function pooled(value: string): { pool: Node; factor: number } | null {
    let factor = 1;
    for (let node = maker(value); node; node = maker(value)) {
      if (['AveragePool', 'GlobalAveragePool'].includes(node.opType)) return { pool: node, factor };
      if (idle.has(node.opType)) value = node.inputs[0]!;
      else if (node.opType === 'Mul') {
        const at = node.inputs.findIndex((name) => number(name) !== null);
        if (at < 0) return null;
        factor *= number(node.inputs[at])!;
        value = node.inputs[1 - at]!;
      } else return null;
    }
    return null;
  }

  /** What is squared to make this value. */
  function base(value: string): string | null {
    const node = maker(value);
    const [x, y] = node?.inputs ?? [];
    const square = node?.opType === 'Pow' ? number(y) === 2 : node?.opType === 'Mul' && x === y;
    return square ? x! : null;
  }

  /** The window of a pool whose means are of as many places everywhere. */
  function kernelOf(pool: Node): readonly number[] | null {
    const dims = analysis.shape(pool.inputs[0]!);
    if (!dims) return null;
    if (pool.opType === 'GlobalAveragePool') return dims.slice(2);
    const kernel = intsAttribute(pool, 'kernel_shape')!;
    const counted = intAttribute(pool, 'count_include_pad', 0) === 1;
    const whole = windowsOf(pool, dims, kernel).every((w) => w.overhang === 0 && (counted || (!w.begin && !w.end)));
    return whole ? kernel : null;
  }

  const builder = new Builder(graph, false);
  let found = false;
  for (const node of graph.nodes) {
    const root = node.opType === 'Sqrt' || (node.opType === 'Pow' && number(node.inputs[1]) === 0.5);
    const inner = root && node.domain === '' ? pooled(node.inputs[0]!) : null;
    const x = inner && base(inner.pool.inputs[0]!);
    const kernel = inner && kernelOf(inner.pool);
    if (!inner || !x || !kernel || inner.factor <= 0) {
      builder.nodes.push(node);
      continue;
    }
    found = true;
    const { count_include_pad: _count, ceil_mode: _ceil, ...windows } = inner.pool.attributes;
    const norm = builder.fresh(`${node.outputs[0]}:norm`);
    // Over a whole map too: ONNX Runtime has no GlobalLpPool in newer operator sets.
    const plain = { ...windows, ...attributes({ kernel_shape: kernel, p: 2 }) };
    builder.addNode({ opType: 'LpPool', inputs: [x], outputs: [norm], attributes: plain });
    const scale = builder.scalar(Math.sqrt(inner.factor / kernel.reduce((a, b) => a * b, 1)));
    builder.nodes.push({ ...node, opType: 'Mul', inputs: [norm, scale], attributes: {} });
  }
  return found ? builder.build(graph.outputs) : graph;
}

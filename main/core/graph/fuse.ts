import { attributes } from './builder';
import { floatAttribute, type Attribute, type Graph, type Node } from './graph';
import { toNumbers } from './tensor';

/**
 * Exporters write an activation such as GELU as its pieces: divisions, products, an Erf. On the way back such pieces would be
 * taken for gates and scalings; here they become one node again, by ONNX's name for it.
 */

type Pattern = 'x' | 'n' | number | Piece;
interface Piece {
  op: string;
  args: readonly Pattern[];
  floats?: Readonly<Record<string, readonly [value: number, fallback: number]>>;
}
const piece =
  (op: string) =>
  (...args: Pattern[]): Piece => ({ op, args });
const add = piece('Add');
const mul = piece('Mul');
const div = piece('Div');
const clip = piece('Clip');
const pow = piece('Pow');
const erf = piece('Erf');
const tanh = piece('Tanh');
const sigmoid = piece('Sigmoid');
const softplus = piece('Softplus');

interface Fusion {
  op: string;
  patterns: readonly Piece[];
  attributes?: (number: number | undefined) => Record<string, Attribute>;
}

const hardGate = clip(add('x', 3), 0, 6);
const hardSigmoid: Piece = { op: 'HardSigmoid', args: ['x'], floats: { alpha: [1 / 6, 0.2], beta: [0.5, 0.5] } };
const normal = [erf(div('x', Math.SQRT2)), erf(mul('x', Math.SQRT1_2))].map((each) => add(each, 1));
const cubes = [pow('x', 3), mul(mul('x', 'x'), 'x'), mul(pow('x', 2), 'x')];
const cubic = cubes.flatMap((cube) => [add('x', mul(cube, 0.044715))]);
const cubicFactored = [mul('x', add(1, mul(mul('x', 'x'), 0.044715))), mul('x', add(1, mul(pow('x', 2), 0.044715)))];
const almostNormal = [...cubic, ...cubicFactored].map((each) => add(tanh(mul(each, Math.sqrt(2 / Math.PI))), 1));
/** x * p / 2 in the orders that exporters write. */
const half = (p: Piece): Piece[] => [
  mul(mul('x', p), 0.5),
  mul(mul('x', 0.5), p),
  mul('x', mul(p, 0.5)),
  div(mul('x', p), 2),
  mul('x', div(p, 2)),
  mul(div('x', 2), p),
];

const fusions: readonly Fusion[] = [
  { op: 'Swish', patterns: [mul('x', sigmoid('x'))] },
  {
    op: 'Swish',
    patterns: [mul('x', sigmoid(mul('x', 'n')))],
    attributes: (alpha) => attributes({ alpha: { float: alpha ?? 1 } }),
  },
  {
    op: 'HardSwish',
    patterns: [
      mul('x', hardSigmoid),
      div(mul('x', hardGate), 6),
      mul(mul('x', hardGate), 1 / 6),
      mul('x', div(hardGate, 6)),
      mul('x', mul(hardGate, 1 / 6)),
    ],
  },
  {
    op: 'HardSigmoid',
    patterns: [div(hardGate, 6), mul(hardGate, 1 / 6)],
    attributes: () => attributes({ alpha: { float: 1 / 6 }, beta: { float: 0.5 } }),
  },
  { op: 'Gelu', patterns: normal.flatMap(half) },
  { op: 'Gelu', patterns: almostNormal.flatMap(half), attributes: () => attributes({ approximate: 'tanh' }) },
  { op: 'Mish', patterns: [mul('x', tanh(softplus('x')))] },
];

interface Found {
  x?: string;
  n?: number;
  nodes: readonly Node[];
}

/** The graph with each known activation as one node, and the names of the pieces by the value that they made. */
export function fuse(graph: Graph): { graph: Graph; parts: Map<string, string[]> } {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes)
    for (const name of node.inputs) readers.set(name, [...(readers.get(name) ?? []), node]);
  const outputs = new Set(graph.outputs.map((output) => output.name));
  const scalar = (name: string): number | undefined => {
    const tensor = graph.initializers.get(name);
    return tensor && tensor.type !== 'string' && tensor.data.length === 1 ? toNumbers(tensor)[0] : undefined;
  };

  const matchValue = (value: string, pattern: Pattern, found: Found): Found | null => {
    if (pattern === 'x') return found.x === undefined ? { ...found, x: value } : found.x === value ? found : null;
    if (pattern === 'n' || typeof pattern === 'number') {
      const number = scalar(value);
      if (number === undefined) return null;
      if (pattern === 'n') return { ...found, n: number };
      return Math.abs(number - pattern) <= 1e-4 * Math.abs(pattern) ? found : null; // float16 exports round
    }
    const node = producers.get(value);
    return node ? matchNode(node, pattern, found) : null;
  };
  const matchNode = (node: Node, { op, args, floats }: Piece, found: Found): Found | null => {
    if (node.opType !== op || node.domain !== '' || node.outputs.length !== 1) return null;
    for (const [name, [value, fallback]] of Object.entries(floats ?? {}))
      if (Math.abs(floatAttribute(node, name, fallback) - value) > 1e-3) return null;
    const inputs = node.inputs.filter(Boolean);
    if (inputs.length !== args.length) return null;
    const inOrder = (order: readonly string[]) =>
      args.reduce<Found | null>((so, pattern, i) => so && matchValue(order[i]!, pattern, so), {
        ...found,
        nodes: [...found.nodes, node],
      });
    const straight = inOrder(inputs);
    return straight ?? (op === 'Add' || op === 'Mul' ? inOrder([...inputs].reverse()) : null);
  };
  const onlyWithin = (nodes: readonly Node[], root: Node): boolean =>
    nodes.every(
      (node) =>
        node === root ||
        node.outputs.every((name) => !outputs.has(name) && (readers.get(name) ?? []).every((r) => nodes.includes(r))),
    );

  const replaced = new Map<Node, Node | null>();
  const parts = new Map<string, string[]>();
  // From the last node on: the whole of an activation before a part of it.
  for (const root of [...graph.nodes].reverse()) {
    if (replaced.has(root)) continue;
    for (const { op, patterns, attributes: attributesOf } of fusions) {
      const found = patterns
        .map((pattern) => matchNode(root, pattern, { nodes: [] }))
        .find((each) => each && onlyWithin(each.nodes, root) && !each.nodes.some((node) => replaced.has(node)));
      if (!found?.x) continue;
      for (const node of found.nodes) replaced.set(node, null);
      const made = attributesOf?.(found.n) ?? {};
      replaced.set(root, { ...root, opType: op, inputs: [found.x], attributes: made });
      parts.set(
        root.outputs[0]!,
        [...found.nodes].reverse().map((node) => node.name || node.outputs[0]!),
      );
      break;
    }
  }
  if (replaced.size === 0) return { graph, parts };
  const nodes = graph.nodes.flatMap((node) => {
    const other = replaced.get(node);
    return other === undefined ? [node] : other === null ? [] : [other];
  });
  return { graph: { ...graph, nodes }, parts };
}

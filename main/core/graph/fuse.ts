import { float32, toNumbers } from './tensor';
import type { Analysis } from './analyse';
import { attributes, Builder } from './builder';
import { floatAttribute, intsAttribute, type Graph, type Node } from './graph';
import { recognise, statistics, type Recognised, type Region } from './recognise';

/**
 * Exporters write an activation such as GELU, or a layer norm, as its pieces: divisions, products, an Erf, means. On the way
 * back such pieces would be taken for gates and scalings; here they become one node again, by ONNX's name for it. A region
 * of the graph is known by what it computes, not by how it is spelled: every spelling of an exporter is one of them.
 */
export interface Fused {
  graph: Graph;
  /** The names of the file's nodes by the value that they made together. */
  parts: Map<string, string[]>;
}

const pieces = new Set([
  ...'Abs Add And Cast CastLike Clip Div Dropout Elu Equal Erf Exp Greater GreaterOrEqual HardSigmoid Identity'.split(
    ' ',
  ),
  ...'LeakyRelu Less LessOrEqual Log Max Min Mul Neg Not Or Pow Reciprocal Relu Sigmoid Sign Softplus Sqrt Sub'.split(
    ' ',
  ),
  ...'Sum Tanh Where'.split(' '),
  ...statistics,
]);
/** Single nodes that are another's by what they compute: Max(x, 0). */
const alone = new Set(['Max', 'Where', 'Min']);
const largest = 24;

/** The graph with each known activation and normalisation as one node. `analysis` is that of the graph for one picture. */
export function fuse(source: Graph, analysis: Analysis): Fused {
  const graph = groupNorms(named(source), analysis);
  const parts = new Map<string, string[]>();
  const builder = new Builder(graph);
  const outputs = new Set(graph.outputs.map((output) => output.name));
  const order = new Map(graph.nodes.map((node, index) => [node, index]));
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const readers = readersOf(graph);
  const isPiece = (node: Node) => pieces.has(node.opType) && node.domain === '' && node.outputs.length === 1;

  /** The regions that end in a node, the smallest first, each holding the one before. */
  function* regionsOf(root: Node): Generator<Region> {
    const nodes = new Set([root]);
    while (nodes.size <= largest) {
      const open = new Set(
        [...nodes].flatMap((node) => node.inputs.filter((name) => name && !analysis.isConstant(name))),
      );
      for (const node of nodes) open.delete(node.outputs[0]!);
      const [entry] = open;
      if (open.size === 1) yield { entry: entry!, nodes: [...nodes].sort((a, b) => order.get(a)! - order.get(b)!) };
      let next: Node | undefined;
      for (const name of open) {
        const node = producers.get(name);
        const inside =
          node && isPiece(node) && !outputs.has(name) && readers.get(name)!.every((each) => nodes.has(each));
        if (inside && (!next || order.get(node)! > order.get(next)!)) next = node;
      }
      if (!next) return;
      nodes.add(next);
    }
  }

  const gone = new Set<Node>();
  const made = new Map<Node, Node>();
  // From the last node on: the whole of an activation before a part of it.
  for (const root of [...graph.nodes].reverse()) {
    const shape = analysis.shape(root.outputs[0]!)?.join();
    if (gone.has(root) || !isPiece(root) || !analysis.onPath(root.outputs[0]!) || shape === undefined) continue;
    let found: Recognised | null = null;
    let whole: Region | null = null;
    // The largest that is known: Clip(x + 3, 0, 6) / 6 is a HardSigmoid of x, not one of x + 3.
    for (const region of regionsOf(root)) {
      if (region.nodes.length === 1 && !alone.has(root.opType)) continue;
      if (analysis.shape(region.entry)?.join() !== shape) continue;
      const known = recognise(region, analysis);
      if (known) [found, whole] = [known, region];
    }
    if (!found || !whole) continue;
    for (const node of whole.nodes) gone.add(node);
    made.set(root, nodeFrom(root, whole.entry, found, builder));
    const names = whole.nodes.map((node) => node.name || node.outputs[0]!);
    if (names.length > 1) parts.set(root.outputs[0]!, names);
  }
  if (made.size === 0) return { graph, parts };
  const nodes = graph.nodes.flatMap((node) => made.get(node) ?? (gone.has(node) ? [] : [node]));
  return { graph: new Builder({ ...graph, nodes, initializers: builder.initializers }).build(graph.outputs), parts };
}

function nodeFrom(root: Node, entry: string, found: Recognised, builder: Builder): Node {
  const names = found.parameters.map(([role, tensor]) =>
    tensor ? builder.constant(tensor, `${root.outputs[0]}:${role}`) : '',
  );
  return {
    ...root,
    opType: found.opType,
    domain: found.domain ?? '',
    inputs: [entry, ...names],
    attributes: attributes(found.plain),
  };
}

function readersOf(graph: Graph): Map<string, Node[]> {
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes)
    for (const name of node.inputs) if (name) readers.set(name, [...(readers.get(name) ?? []), node]);
  return readers;
}

/** ONNX Runtime's own names for activations that ONNX has too; statistics of one picture, not of a batch. */
function named(graph: Graph): Graph {
  const nodes = graph.nodes.map((node): Node => {
    const plain = { ...node, domain: '' };
    if (node.domain === 'com.microsoft' && node.opType === 'Gelu') return plain;
    if (node.domain === 'com.microsoft' && node.opType === 'QuickGelu')
      return {
        ...plain,
        opType: 'Swish',
        attributes: attributes({ alpha: { float: floatAttribute(node, 'alpha', 1.702) } }),
      };
    if (node.opType === 'MeanVarianceNormalization' && node.domain === '') {
      const axes = (intsAttribute(node, 'axes') ?? [0, 2, 3]).filter((axis) => axis !== 0);
      return { ...node, attributes: attributes({ axes }) };
    }
    return node;
  });
  return { ...graph, nodes };
}

/** An instance norm of a map whose channels were brought together by a Reshape, and apart after it, is a group norm. */
function groupNorms(graph: Graph, analysis: Analysis): Graph {
  const readers = readersOf(graph);
  const outputs = new Set(graph.outputs.map((output) => output.name));
  const only = (name: string): Node | undefined =>
    readers.get(name)?.length === 1 && !outputs.has(name) ? readers.get(name)![0] : undefined;
  const builder = new Builder(graph);
  const changed = new Map<Node, Node | null>();
  for (const norm of graph.nodes) {
    if (norm.opType !== 'InstanceNormalization' || norm.domain !== '') continue;
    const before = analysis.producer(norm.inputs[0]!);
    const after = only(norm.outputs[0]!);
    const input = before?.opType === 'Reshape' && only(before.outputs[0]!) === norm ? before.inputs[0]! : undefined;
    const shape = input === undefined ? undefined : analysis.shape(input);
    const groups = analysis.shape(norm.inputs[0]!)?.[1];
    if (!shape || shape.length !== 4 || !groups || after?.opType !== 'Reshape' || after.inputs[0] !== norm.outputs[0])
      continue;
    const channels = shape[1]!;
    const plain = [1, 0].every((value, i) =>
      analysis.constant(norm.inputs[i + 1]!)?.data.every((each) => each === value),
    );
    if (!plain || channels % groups !== 0 || analysis.shape(after.outputs[0]!)?.join() !== shape.join()) continue;
    /** The constant that a node applies to each channel, if that is what it does. */
    const perChannel = (node: Node | undefined, opType: string, value: string): Float64Array | null => {
      const other =
        node?.opType === opType && node.domain === '' ? node.inputs.find((name) => name !== value) : undefined;
      const tensor = other ? graph.initializers.get(other) : undefined;
      const dims = tensor && [...new Array<number>(Math.max(0, 4 - tensor.dims.length)).fill(1), ...tensor.dims];
      return tensor && dims?.join() === [1, channels, 1, 1].join() ? toNumbers(tensor) : null;
    };
    const nodes = [before!, norm, after];
    const parameters: Float64Array[] = [new Float64Array(channels).fill(1), new Float64Array(channels)];
    for (const [i, opType] of ['Mul', 'Add'].entries()) {
      const value = nodes.at(-1)!.outputs[0]!;
      const next = only(value);
      const found = perChannel(next, opType, value);
      if (!found) continue;
      parameters[i] = found;
      nodes.push(next!);
    }
    const last = nodes.at(-1)!;
    for (const node of nodes) changed.set(node, null);
    changed.set(last, {
      ...last,
      opType: 'GroupNormalization',
      inputs: [
        input!,
        ...parameters.map((data, i) =>
          builder.constant(
            float32([channels], Float32Array.from(data)),
            `${last.outputs[0]}:${i === 0 ? 'scale' : 'bias'}`,
          ),
        ),
      ],
      attributes: attributes({ num_groups: groups, epsilon: { float: floatAttribute(norm, 'epsilon', 1e-5) } }),
    });
  }
  if (changed.size === 0) return graph;
  const nodes = graph.nodes.flatMap((node) => {
    const other = changed.get(node);
    return other === undefined ? [node] : other === null ? [] : [other];
  });
  return { ...graph, nodes, initializers: builder.initializers };
}

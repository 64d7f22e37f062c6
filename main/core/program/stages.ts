import { analyse } from '../graph/analyse';
import { capturedValues } from '../graph/builder';
import type { Graph, Node, ValueInfo } from '../graph/graph';
import { sizeOf, type DataType, type Tensor } from '../graph/tensor';
import { typesOf } from '../graph/types';
import { opOf } from '../ops/index';

/** Pools, rectifiers and sums take about as long for an element as so many multiply-adds of a convolution. */
const perElement = 100;
/** A cut may lie so far from where the work would be even, as a share of a stage, to hand over less. */
const slack = 0.25;
/** Of what a run is fed: shapes, paddings and the like, which other shapes follow from. */
const smallFeed = 64;

/**
 * Cuts a graph in up to `count` graphs of about the same work, to be run one after the other: each takes inputs of the whole
 * and outputs of those before it, by their names. Cut where little is handed over. `feeds`: what one run is fed.
 */
export function cutInStages(graph: Graph, feeds: Readonly<Record<string, Tensor>>, count: number): Graph[] {
  if (count <= 1) return [graph];
  const nodes = shapesFirst(graph.nodes);
  const numbers = Object.entries(feeds).filter(([, { type, data }]) => type === 'int64' && data.length <= smallFeed);
  const analysis = analyse(
    { ...graph, initializers: new Map([...graph.initializers, ...numbers]) },
    new Map(Object.entries(feeds).map(([name, { dims }]) => [name, dims])),
  );
  const elements = (name: string): number => sizeOf(analysis.shape(name) ?? []);
  const costs = nodes.map(
    (node) => (opOf(node)?.macs?.(node, analysis) ?? 0) + perElement * elements(node.outputs[0]!),
  );
  const types = typesOf(graph);
  const made = new Map(nodes.flatMap((node, at) => node.outputs.map((name) => [name, at] as const)));
  const lastRead = new Map<string, number>();
  nodes.forEach((node, at) => read(node).forEach((name) => lastRead.set(name, at)));
  /** Bytes handed over where the first so many nodes are one side; what cannot be handed over is infinite. */
  const handed = new Float64Array(nodes.length + 1);
  for (const [name, at] of made) {
    const last = lastRead.get(name) ?? at;
    const cost = types.has(name) && analysis.shape(name) ? (bytesOf[types.get(name)!] ?? Infinity) : Infinity;
    for (let cut = at + 1; cut <= last; cut++) handed[cut]! += cost * elements(name);
  }
  const total = costs.reduce((sum, cost) => sum + cost, 0);
  const done = new Float64Array(nodes.length + 1);
  costs.forEach((cost, at) => (done[at + 1] = done[at]! + cost));
  const cuts: number[] = [];
  for (let stage = 1; stage < count; stage++) {
    const even = (stage * total) / count;
    let best = -1;
    for (let cut = (cuts.at(-1) ?? 0) + 1; cut < nodes.length; cut++)
      if (Math.abs(done[cut]! - even) <= (slack * total) / count && Number.isFinite(handed[cut]!))
        if (best < 0 || handed[cut]! < handed[best]!) best = cut;
    if (best > 0) cuts.push(best);
  }
  const ends = [...cuts, nodes.length];
  return ends.map((end, i) => {
    const own = nodes.slice(ends[i - 1] ?? 0, end);
    const start = ends[i - 1] ?? 0;
    const needed = new Set(own.flatMap(read));
    const info = (name: string): ValueInfo => {
      const dims = analysis.shape(name)!;
      // Height and width may be others for another place.
      const shape = dims.length < 2 ? dims : dims.map((dim, axis) => (axis === 1 ? dim : `${name}:${axis}`));
      return { name, type: types.get(name)!, shape };
    };
    const outputs = own.flatMap(({ outputs: names }) =>
      names.filter((name) => (lastRead.get(name) ?? -1) >= end && !graph.outputs.some((each) => each.name === name)),
    );
    return {
      ...graph,
      nodes: own,
      inputs: [
        ...graph.inputs.filter(({ name }) => needed.has(name)),
        ...[...needed].filter((name) => (made.get(name) ?? Infinity) < start).map(info),
      ],
      outputs: [
        ...graph.outputs.filter(({ name }) => (made.get(name) ?? -1) >= start && made.get(name)! < end),
        ...outputs.map((name) => ({ ...info(name), shape: null })),
      ],
      initializers: new Map([...graph.initializers].filter(([name]) => needed.has(name))),
      values: [],
    };
  });
}

const bytesOf: Partial<Record<DataType, number>> = { float32: 4, float64: 8, int32: 4, int64: 8, bool: 1 };

const read = (node: Node): string[] => [...node.inputs.filter(Boolean), ...capturedValues(node)];

/** The nodes with those that read shapes right behind what they read: a map is not handed over for its shape. */
function shapesFirst(nodes: readonly Node[]): Node[] {
  const readers = new Map<string, Node[]>();
  const moved = new Set<Node>();
  for (const node of nodes)
    if (node.opType === 'Shape' || node.opType === 'Size') {
      const [name] = node.inputs as [string];
      readers.set(name, [...(readers.get(name) ?? []), node]);
    }
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  for (const [name, own] of readers) if (made.has(name)) own.forEach((node) => moved.add(node));
  const withReaders = (node: Node): Node[] => [
    node,
    ...node.outputs.flatMap((name) => readers.get(name) ?? []).flatMap(withReaders),
  ];
  return nodes.flatMap((node) => (moved.has(node) ? [] : withReaders(node)));
}

import { findBlocks } from '../../main/core/program/blocks';
import type { GraphEdge, GraphNode, LayerInfo, MethodId, NetworkGraph } from '../../preload/contract';

/** The layers one after another; a join is reached from the layer before its branches as well. A softmax ends it. */
export function fakeNetwork(layers: readonly LayerInfo[], method: MethodId): NetworkGraph {
  const node = (id: string, more: Partial<GraphNode>): GraphNode => ({
    ...{ id, name: id, kind: 'op', ops: [], layer: null, block: null, shape: null, rule: '', refused: null },
    ...more,
  });
  const nodes = [
    node('data', { kind: 'input', shape: [3, 227, 227] }),
    ...layers.map(({ id, name, kind, nodes: ops, units, map, refused }) =>
      node(id, { name, kind, ops, layer: id, shape: [units, ...map], rule: 'transposed filters, no bias', refused }),
    ),
    node('prob', {
      ops: ['Softmax'],
      shape: [12],
      refused: method === 'gradient' ? null : 'Softmax: the deconvnet has no rule for it',
    }),
  ];
  const edges = nodes
    .slice(1)
    .flatMap((each, i): GraphEdge[] => [
      { from: i, to: i + 1, back: true },
      ...(each.kind === 'join' ? [{ from: i - 1, to: i + 1, back: true }] : []),
    ]);
  return withBlocks(nodes, edges);
}

/** Modules of four branches one after another: more than 300 nodes, as many as Inception v3 has layers twice over. */
export function hugeNetwork(modules = 36): { graph: NetworkGraph; layers: LayerInfo[] } {
  const layers: LayerInfo[] = [];
  const nodes: GraphNode[] = [];
  const edges: GraphEdge[] = [];
  const add = (name: string, kind: LayerInfo['kind'] | 'input', from: readonly number[]): number => {
    const ops = { input: [], conv: ['Conv', 'Relu'], join: ['Concat'], pool: ['MaxPool'], dense: ['Gemm'] }[kind];
    const scanned = kind === 'conv' || kind === 'join';
    const layer = kind === 'input' ? null : name;
    nodes.push({
      ...{ id: name, name, kind, ops, layer, block: null, rule: '', refused: null },
      shape: [64, 28, 28],
    });
    for (const each of from) edges.push({ from: each, to: nodes.length - 1, back: true });
    if (kind !== 'input')
      layers.push({
        ...{
          id: name,
          name,
          kind,
          units: 64 + (nodes.length % 7) * 32,
          map: [28, 28],
          field: [31, 31],
          stride: [8, 8],
        },
        ...{ nodes: ops, macs: 1e8, scanned, refused: null, assumed: 0 },
      });
    return nodes.length - 1;
  };
  let last = add('stem', 'conv', [add('data', 'input', [])]);
  for (let module = 1; module <= modules; module++) {
    const ends = [1, 2, 3, 2].map((length, branch) => {
      let at = last;
      for (let k = 1; k <= length; k++) at = add(`mixed_${module}.branch${branch + 1}.${k}`, 'conv', [at]);
      return at;
    });
    last = add(`mixed_${module}.join`, 'join', ends);
  }
  return { graph: withBlocks(nodes, edges), layers };
}

function withBlocks(nodes: GraphNode[], edges: GraphEdge[]): NetworkGraph {
  const blocks = findBlocks(
    nodes.map(({ name, kind }) => ({ name, join: kind === 'join' })),
    edges.map(({ from, to }) => [from, to] as const),
  );
  return { nodes: nodes.map((node, i) => ({ ...node, block: blocks.of[i] ?? null })), edges, blocks: blocks.names };
}

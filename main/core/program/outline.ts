import type { GraphEdge, GraphNode, MethodChoice, NetworkGraph } from '../../../preload/contract';
import type { Analysis } from '../graph/analyse';
import type { Node } from '../graph/graph';
import { methodOf } from '../methods/index';
import { findBlocks } from './blocks';
import { layerName } from './layerNames';
import type { Layer } from './layers';
import type { Network } from './network';
import { entersAt, ruleAt } from './walk';

/** A node as it is drawn, and the nodes of the prepared graph that it stands for. */
interface Piece {
  layer: Layer | null;
  nodes: Node[];
}

/**
 * The network as it is drawn: a node for each layer (with its rectifier and what else belongs to it) and for every other op
 * that the picture goes through, in topological order, the input first. Rules and edges back are those of a method.
 */
export function outlineOf(network: Network, choice: MethodChoice): NetworkGraph {
  const { analysis, input } = network;
  const method = methodOf(choice);
  const pieces = piecesOf(network);
  const maker = new Map<string, number>([[input.name, 0]]);
  pieces.forEach(({ nodes }, index) => {
    for (const node of nodes) for (const value of node.outputs) maker.set(value, index + 1);
  });
  const edges = new Map<string, GraphEdge>();
  pieces.forEach(({ nodes }, index) => {
    const to = index + 1;
    for (const node of nodes) {
      const enters = entersAt(node, analysis, method);
      node.inputs.forEach((value, place) => {
        const from = maker.get(value);
        if (from === undefined || from === to || !analysis.onPath(value)) return;
        const key = `${from} ${to}`;
        edges.set(key, { from, to, back: enters(place) || (edges.get(key)?.back ?? false) });
      });
    }
  });
  const nodes = [inputNode(network), ...pieces.map((piece) => nodeOf(piece, analysis, choice))];
  const list = [...edges.values()];
  const blocks = findBlocks(
    nodes.map(({ name, kind }) => ({ name, join: kind === 'join' })),
    list.map(({ from, to }) => [from, to] as const),
  );
  nodes.forEach((node, index) => (node.block = blocks.of[index] ?? null));
  return { nodes, edges: list, blocks: blocks.names };
}

/** In the order of the graph, by the last node of each. */
function piecesOf({ graph, analysis, layers }: Network): Piece[] {
  const place = new Map(graph.nodes.map((node, index) => [node, index]));
  const owner = new Map<Node, Piece>();
  for (const layer of layers) {
    const piece: Piece = { layer, nodes: [] };
    let node = analysis.producer(layer.after);
    while (node && piece.nodes.length < layer.nodes.length && !owner.has(node)) {
      piece.nodes.unshift(node);
      owner.set(node, piece);
      const carrying = node.inputs.find((value) => value && analysis.onPath(value));
      node = carrying === undefined ? undefined : analysis.producer(carrying);
    }
  }
  for (const node of graph.nodes)
    if (!owner.has(node) && node.outputs.some((value) => value && analysis.onPath(value)))
      owner.set(node, { layer: null, nodes: [node] });
  const last = ({ nodes }: Piece): number => place.get(nodes.at(-1)!)!;
  return [...new Set(owner.values())].sort((a, b) => last(a) - last(b));
}

const inputNode = ({ input }: Network): GraphNode => ({
  ...{ id: input.name, name: input.name, kind: 'input', ops: [], layer: null, block: null, rule: '', refused: null },
  shape: [input.channels, ...input.size],
});

function nodeOf({ layer, nodes }: Piece, analysis: Analysis, choice: MethodChoice): GraphNode {
  const method = methodOf(choice);
  const last = nodes.at(-1)!;
  const rules = nodes.map((node) => ruleAt(node, analysis, method)).reverse();
  const refused = rules.find((row) => row.refused !== null);
  return {
    id: layer?.id ?? last.outputs[0]!,
    name: layer?.name ?? layerName(last, 'pool'),
    kind: layer?.kind ?? 'op',
    ops: nodes.map(({ opType }) => opType),
    layer: layer?.id ?? null,
    block: null,
    shape: analysis.shape(last.outputs[0]!)?.slice(1) ?? null,
    rule: rules
      .map(({ rule }) => rule)
      .filter(Boolean)
      .join('; '),
    refused: refused ? `${refused.op}: ${refused.refused}` : null,
  };
}

import { opOf } from '../ops/index';
import { nd, type Nd } from '../ops/nd';
import type { Analysis } from './analyse';
import { Builder } from './builder';
import type { Graph, Node } from './graph';
import { sizeOf } from './tensor';

/**
 * A channel shuffle (ShuffleNet) is written as Reshape, Transpose, Reshape, through maps of other ranks. Here it becomes what
 * it does: a Gather that permutes channels, through which places in a map can be followed.
 */
export function findShuffles(graph: Graph, analysis: Analysis): Graph {
  const readers = new Map<string, number>();
  for (const name of [...graph.nodes.flatMap((node) => node.inputs), ...graph.outputs.map((output) => output.name)])
    readers.set(name, (readers.get(name) ?? 0) + 1);
  const before = (node: Node, opType: string): Node | undefined => {
    const producer = analysis.producer(node.inputs[0]!);
    const alone = producer?.opType === opType && producer.domain === '' && readers.get(node.inputs[0]!) === 1;
    return alone ? producer : undefined;
  };
  const builder = new Builder(graph, false);
  let found = false;
  for (const node of graph.nodes) {
    const transpose = node.opType === 'Reshape' ? before(node, 'Transpose') : undefined;
    const reshape = transpose && before(transpose, 'Reshape');
    const order = reshape && channelOrder([reshape, transpose, node], analysis);
    found ||= order !== undefined;
    const gather = order && {
      opType: 'Gather',
      inputs: [reshape.inputs[0]!, builder.ints(order)],
      attributes: { axis: { kind: 'int' as const, value: 1 } },
    };
    builder.nodes.push(gather ? { ...node, ...gather } : node);
  }
  return found ? builder.build(graph.outputs) : graph;
}

/** Which channel each channel is after these nodes, if they do nothing but move channels of a map as they are. */
function channelOrder(nodes: readonly Node[], analysis: Analysis): number[] | undefined {
  const from = analysis.shape(nodes[0]!.inputs[0]!);
  const to = analysis.shape(nodes.at(-1)!.outputs[0]!);
  if (from?.length !== 4 || from[0] !== 1 || from.some((dim, axis) => dim !== to?.[axis])) return undefined;
  const places = Float64Array.from({ length: sizeOf(from) }, (_, i) => i);
  let moved: Nd = nd(from, places);
  for (const node of nodes) {
    const second = node.inputs[1] ? analysis.constant(node.inputs[1]) : undefined;
    if (node.inputs[1] && !second) return undefined;
    moved = opOf(node)!.evaluate(node, [moved, second])[0]!;
  }
  const area = from[2]! * from[3]!;
  const order = Array.from({ length: from[1]! }, (_, channel) => moved.data[channel * area]! / area);
  const whole = moved.data.every((place, i) => place === order[Math.floor(i / area)]! * area + (i % area));
  return whole ? order : undefined;
}

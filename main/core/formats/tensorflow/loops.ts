import { UnpoolError } from '../../errors';
import { reference, type TfNode } from './node';

/** Nodes that are computed from what they make, and those that let values in; `error` says so. */
export interface Loop {
  nodes: TfNode[];
  error: UnpoolError;
}

const sourcesOf = (node: TfNode): string[] => node.input.flatMap((input) => reference(input)?.[0] ?? []);

/**
 * The loops of a graph: its strongly connected components of more than one node, by Kosaraju's second pass. `order`: all nodes,
 * as a search in depth along their inputs leaves them. Without recursion: graphs are deep.
 */
export function loopsOf(order: readonly TfNode[], hint: string): Loop[] {
  const byName = new Map(order.map((node) => [node.name, node]));
  const readers = new Map<TfNode, TfNode[]>(order.map((node) => [node, []]));
  for (const node of order) for (const name of sourcesOf(node)) readers.get(byName.get(name)!)?.push(node);
  const seen = new Set<TfNode>();
  const loops: Loop[] = [];
  for (let i = order.length - 1; i >= 0; i--) {
    const start = order[i]!;
    if (seen.has(start)) continue;
    seen.add(start);
    const found = [start];
    for (const node of found)
      for (const reader of readers.get(node)!)
        if (!seen.has(reader)) {
          seen.add(reader);
          found.push(reader);
        }
    if (found.length > 1 || readers.get(start)!.includes(start)) loops.push(loopOf(found, byName, readers, hint));
  }
  return loops;
}

function loopOf(
  cycle: readonly TfNode[],
  byName: ReadonlyMap<string, TfNode>,
  readers: ReadonlyMap<TfNode, TfNode[]>,
  hint: string,
): Loop {
  const read = (nodes: readonly TfNode[]): TfNode[] => nodes.flatMap(sourcesOf).map((name) => byName.get(name)!);
  const nodes = [...new Set([...cycle, ...read(cycle).filter(({ op }) => op === 'Enter')])];
  const own = new Set(nodes);
  const from = read(nodes).find((node) => !own.has(node) && node.op !== 'Const') ?? nodes[0]!;
  const to = cycle.flatMap((node) => readers.get(node)!).find((node) => !own.has(node)) ?? nodes.at(-1)!;
  return {
    nodes,
    error: new UnpoolError(
      'bad-node',
      `A loop of ${nodes.length} nodes, from "${from.name}" to "${to.name}", is not run.`,
      {
        place: { node: to.name },
        hint,
      },
    ),
  };
}

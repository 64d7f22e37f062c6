import { UnpoolError } from '../errors';
import { describeNode, type Graph } from '../graph/graph';
import { fromTensor, toTensor, type Nd } from '../ops/nd';
import { opOf } from '../ops/index';
import type { Runtime } from './runtime';

/** Runs a graph in float64, node by node: slow, and what the tests hold the other runtimes against. */
export function runReference(graph: Graph, feeds: ReadonlyMap<string, Nd>): Map<string, Nd> {
  const values = new Map<string, Nd>(feeds);
  for (const [name, tensor] of graph.initializers) if (tensor.type !== 'string') values.set(name, fromTensor(tensor));
  for (const node of graph.nodes) {
    const op = opOf(node);
    if (!op)
      throw new UnpoolError('unknown-op', `${describeNode(node)}: the reference does not know this op.`, {
        place: { node: node.name },
      });
    const results = op.evaluate(
      node,
      node.inputs.map((name) => (name ? values.get(name) : undefined)),
    );
    node.outputs.forEach((name, index) => name && values.set(name, results[index]!));
  }
  return new Map(graph.outputs.map((output) => [output.name, values.get(output.name)!]));
}

/** The reference behind the common interface: computes in float64, hands out float32, and integers as the graph's outputs say. */
export const referenceRuntime: Runtime = {
  name: 'float64 reference',
  threads: 1,
  compile: (graph) =>
    Promise.resolve({
      run(feeds) {
        const results = runReference(
          graph,
          new Map(Object.entries(feeds).map(([name, tensor]) => [name, fromTensor(tensor)])),
        );
        return Promise.resolve(
          Object.fromEntries(
            graph.outputs.map(({ name, type }) => [
              name,
              toTensor(results.get(name)!, type === 'int32' ? 'int32' : 'int64'),
            ]),
          ),
        );
      },
      dispose: () => Promise.resolve(),
    }),
};

import { Builder, capturedValues } from './builder';
import type { Graph, Node } from './graph';

/**
 * A Relu of values that were only moved, cut or masked becomes a Relu before that: there it has fewer values, and the runtime
 * takes it into the convolution that made them. `masks`: values that are nowhere below zero; `kept`: those that stay as they are.
 */
export function rectifyFirst(
  graph: Graph,
  masks: ReadonlySet<string> = new Set(),
  kept: ReadonlySet<string> = new Set(),
): Graph {
  const users = new Map<string, number>(graph.outputs.map(({ name }) => [name, 1]));
  for (const node of graph.nodes)
    for (const name of [...node.inputs, ...capturedValues(node)]) users.set(name, (users.get(name) ?? 0) + 1);
  const keepsSign = ({ opType, domain, inputs }: Node): boolean =>
    domain === '' &&
    (opType === 'MaxUnpool' || (opType === 'Pad' && !inputs[2]) || (opType === 'Mul' && masks.has(inputs[1]!)));
  const builder = new Builder(graph);
  const { nodes } = builder;
  for (let at = 0; at < nodes.length; at++) {
    const relu = nodes[at]!;
    if (relu.opType !== 'Relu' || relu.domain !== '' || kept.has(relu.inputs[0]!)) continue;
    const before = nodes.findIndex(({ outputs }) => outputs[0] === relu.inputs[0]);
    const mover = nodes[before];
    if (!mover || !keepsSign(mover) || users.get(relu.inputs[0]!) !== 1) continue;
    const [value = '', ...others] = mover.inputs;
    const rectified = builder.fresh(`${value}:rectified`);
    nodes.splice(at, 1);
    users.set(rectified, 1);
    nodes.splice(
      before,
      1,
      { ...relu, inputs: [value], outputs: [rectified] },
      {
        ...mover,
        name: builder.fresh(`${relu.outputs[0]}:${mover.opType}`),
        inputs: [rectified, ...others],
        outputs: relu.outputs,
      },
    );
    at = before - 1; // what it was moved before may itself stand behind such a node
  }
  return { ...graph, nodes };
}

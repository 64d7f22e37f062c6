import type { Analysis } from './analyse';
import { Builder } from './builder';
import type { Graph, Node } from './graph';
import { toNumbers } from './tensor';

/** Nodes that broadcast their inputs. */
const broadcasting = new Set('Add Div Equal Greater GreaterOrEqual Less LessOrEqual Max Min Mul Sub Where'.split(' '));

/**
 * `zeros_like(x)` and its kin are written as a map of one number, of the size that x turns out to have. Beside x, which
 * already has the size of the result, the number alone does: it becomes a constant. `analysis` is that of the graph.
 */
export function findUniforms(graph: Graph, analysis: Analysis): Graph {
  const builder = new Builder(graph, false);
  let found = 0;
  for (const node of graph.nodes) {
    const out = analysis.shape(node.outputs[0] ?? '')?.join();
    const inputs = node.inputs.map((name) => {
      const value = broadcasting.has(node.opType) && node.domain === '' ? uniformValue(name, analysis) : null;
      const full = (other: string) => other !== name && analysis.shape(other)?.join() === out;
      if (value === null || out === undefined || !node.inputs.some(full)) return name;
      found++;
      return builder.scalar(value);
    });
    builder.nodes.push({ ...node, inputs });
  }
  return found ? builder.build(graph.outputs) : graph;
}

/** The number that fills a map whose size depends on the picture; null where the value is no such map. */
function uniformValue(name: string, analysis: Analysis): number | null {
  const node = analysis.producer(name);
  if (!node || node.domain !== '' || analysis.onPath(name) || analysis.isConstant(name)) return null;
  if (node.opType === 'ConstantOfShape') return filling(node);
  const value = node.opType === 'Expand' ? analysis.constant(node.inputs[0]!) : undefined;
  return value?.data.length === 1 && value.type === 'float' ? value.data[0]! : null;
}

function filling({ attributes: { value } }: Node): number | null {
  if (!value) return 0;
  return value.kind === 'tensor' && value.value.type === 'float32' ? toNumbers(value.value)[0]! : null;
}

import type { Analysis } from '../analyse';
import { capturedValues } from '../builder';
import { intAttribute, intsAttribute, type Graph, type Node } from '../graph';
import { identity, isIdentity, LayoutPass, samePerm } from './pass';
import { rowRule } from './rows';
import { rules } from './rules';

/**
 * Sees through the layout that a graph was written in: maps with channels last between Transposes (tf2onnx, Keras) become
 * maps with channels first, and the Transposes go. Each value is followed as the transposition of another; an op that is
 * told its axes works on that other one. Where an op wants the layout as it was, a Transpose is written out.
 *
 * `analysis` is the graph's own, with its shapes as they are. `picture` names an input with channels last; in the result it
 * has them first. Outputs keep name and layout.
 */
export function seeThroughLayout(graph: Graph, analysis: Analysis, picture: string | null = null): Graph {
  if (!picture && !graph.nodes.some((node) => isOwn(node, 'Transpose'))) return graph;
  const pass = new LayoutPass(graph, analysis);
  if (picture) pass.start(picture);
  for (const node of graph.nodes) {
    const captured = capturedValues(node).some((name) => pass.view(name).perm);
    const rule = node.domain === '' && !captured ? rules[node.opType] : undefined;
    if ((!captured && rowRule(pass, node)) || rule?.(pass, node)) continue;
    pass.keep(node);
  }
  return pass.finish();
}

const isOwn = (node: Node, opType: string): boolean => node.opType === opType && node.domain === '';

/** Ops that leave every value in its place, as far as looking for the first convolution goes. */
const passing = new Set(['Identity', 'Cast', 'Sub', 'Add', 'Mul', 'Div', 'BatchNormalization', 'Pad', 'Clip', 'Relu']);

/**
 * How the picture reaches its first convolution: whether with its channels last on the way in, and how many there are by
 * the filters. Null where it meets something else first.
 */
export function firstConvolution(graph: Graph, input: string): { last: boolean; channels: number | null } | null {
  const queue: { value: string; perm: readonly number[] }[] = [{ value: input, perm: identity(4) }];
  const seen = new Set<string>([input]);
  for (const { value, perm } of queue) {
    for (const node of graph.nodes) {
      if (!node.inputs.includes(value) || node.domain !== '') continue;
      if (node.opType === 'Conv' && node.inputs[0] === value) {
        const filters = graph.initializers.get(node.inputs[1] ?? '');
        const channels = filters ? filters.dims[1]! * intAttribute(node, 'group', 1) : null;
        if (isIdentity(perm)) return { last: false, channels };
        if (samePerm(perm, [0, 3, 1, 2])) return { last: true, channels };
        return null;
      }
      const turn = node.opType === 'Transpose' ? intsAttribute(node, 'perm') : undefined;
      if ((!turn && !passing.has(node.opType)) || (turn && turn.length !== 4)) continue;
      const output = node.outputs[0];
      if (!output || seen.has(output)) continue;
      seen.add(output);
      queue.push({ value: output, perm: turn ? turn.map((axis) => perm[axis]!) : perm });
    }
  }
  return null;
}

import { UnpoolError } from '../../errors';
import type { AttributeMessage, FunctionMessage, GraphMessage, ModelMessage, NodeMessage } from './schema';

const deepest = 32;

/** Replaces calls of the model's own functions by their nodes, with names made unique per call. */
export function inlineFunctions(model: ModelMessage): GraphMessage {
  const graph = model.graph!;
  const functions = new Map((model.functions ?? []).map((each) => [`${each.domain ?? ''}:${each.name ?? ''}`, each]));
  if (functions.size === 0) return graph;
  let calls = 0;
  const expand = (nodes: readonly NodeMessage[], depth: number): NodeMessage[] =>
    nodes.flatMap((node) => {
      const callee = functions.get(`${node.domain ?? ''}:${node.opType ?? ''}`);
      if (!callee) return [node];
      if (depth > deepest)
        throw new UnpoolError('bad-function', `The function "${callee.name}" calls itself.`, {
          place: { node: node.name ?? '' },
        });
      return expand(bodyOf(callee, node, `${node.name || callee.name}.${calls++}`), depth + 1);
    });
  return { ...graph, node: expand(graph.node ?? [], 0) };
}

function bodyOf(callee: FunctionMessage, call: NodeMessage, prefix: string): NodeMessage[] {
  const names = new Map<string, string>([['', '']]);
  (callee.input ?? []).forEach((name, index) => names.set(name, call.input?.[index] ?? ''));
  (callee.output ?? []).forEach((name, index) => names.set(name, call.output?.[index] || `${prefix}/${name}`));
  const rename = (name: string): string => names.get(name) ?? `${prefix}/${name}`;
  const given = new Map((call.attribute ?? []).map((each) => [each.name, each]));
  const defaults = new Map((callee.attributeProto ?? []).map((each) => [each.name, each]));
  return (callee.node ?? []).map((node) => ({
    ...node,
    name: `${prefix}/${node.name || node.output?.[0] || node.opType}`,
    input: (node.input ?? []).map(rename),
    output: (node.output ?? []).map(rename),
    attribute: (node.attribute ?? []).flatMap((attribute): AttributeMessage[] => {
      if (!attribute.refAttrName) return [attribute];
      const value = given.get(attribute.refAttrName) ?? defaults.get(attribute.refAttrName);
      return value ? [{ ...value, name: attribute.name ?? '' }] : [];
    }),
  }));
}

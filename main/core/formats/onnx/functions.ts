import { UnpoolError } from '../../errors';
import {
  toNumber,
  type AttributeMessage,
  type FunctionMessage,
  type GraphMessage,
  type ModelMessage,
  type NodeMessage,
  type ValueInfoMessage,
} from './schema';

/** Calls in calls: deeper than this a function calls itself. */
const deepest = 32;
/** Functions that call each other twice grow as powers of two: a small file must not fill the memory. */
const mostNodes = 200_000;

/**
 * Replaces calls of the model's own functions by their nodes, with names made unique per call.
 *
 * @throws UnpoolError naming the function, where it cannot be written out or is of another operator set than the model.
 */
export function inlineFunctions(model: ModelMessage): GraphMessage {
  const graph = model.graph!;
  const functions = new Map((model.functions ?? []).map((each) => [keyOf(each, each.name), each]));
  if (functions.size === 0) return graph;
  const opsets = new Map((model.opsetImport ?? []).map((each) => [domainOf(each), toNumber(each.version)]));
  let calls = 0;
  let nodes = 0;
  const expand = (list: readonly NodeMessage[], depth: number): NodeMessage[] =>
    list.flatMap((node) => {
      const callee = functions.get(keyOf(node, node.opType));
      if (!callee) return [withGraphs(node, (inner) => ({ ...inner, node: expand(inner.node ?? [], depth) }))];
      if (depth > deepest) throw refuse(callee, 'calls itself');
      checkOpsets(callee, opsets);
      nodes += callee.node?.length ?? 0;
      if (nodes > mostNodes) throw refuse(callee, `is called until there are more than ${mostNodes} nodes`);
      return expand(bodyOf(callee, node, `${node.name || callee.name}.${calls++}`), depth + 1);
    });
  return { ...graph, node: expand(graph.node ?? [], 0) };
}

const domainOf = ({ domain }: { domain?: string }): string => (domain === 'ai.onnx' ? '' : (domain ?? ''));
const keyOf = (of: { domain?: string; overload?: string }, name = ''): string =>
  [domainOf(of), name, of.overload ?? ''].join('\n');

const refuse = (callee: FunctionMessage, why: string): UnpoolError =>
  new UnpoolError('bad-function', `The model's own function "${callee.name ?? ''}" ${why}.`, {
    hint: 'In Python: onnx.save(onnx.inliner.inline_local_functions(onnx.load("model.onnx")), "inlined.onnx").',
    place: { node: callee.name ?? '' },
  });

function checkOpsets(callee: FunctionMessage, opsets: ReadonlyMap<string, number>): void {
  for (const each of callee.opsetImport ?? []) {
    const own = toNumber(each.version);
    const models = opsets.get(domainOf(each));
    if (models !== undefined && own !== models)
      throw refuse(callee, `is written in operator set ${own}, the model itself in ${models}`);
  }
}

function bodyOf(callee: FunctionMessage, call: NodeMessage, prefix: string): NodeMessage[] {
  const names = new Map<string, string>([['', '']]);
  (callee.input ?? []).forEach((name, index) => names.set(name, call.input?.[index] ?? ''));
  (callee.output ?? []).forEach((name, index) => {
    if (names.has(name)) throw refuse(callee, `hands its input "${name}" out as it is`);
    names.set(name, call.output?.[index] || `${prefix}/${name}`);
  });
  const rename = (name: string): string => names.get(name) ?? `${prefix}/${name}`;
  const given = new Map((call.attribute ?? []).map((each) => [each.name, each]));
  const defaults = new Map((callee.attributeProto ?? []).map((each) => [each.name, each]));

  const copyNode = (node: NodeMessage): NodeMessage => ({
    ...node,
    name: `${prefix}/${node.name || node.output?.[0] || node.opType}`,
    input: (node.input ?? []).map(rename),
    output: (node.output ?? []).map(rename),
    attribute: (node.attribute ?? []).flatMap((attribute): AttributeMessage[] => {
      if (!attribute.refAttrName) return [changeGraphs(attribute, copyGraph)];
      // A graph that the call hands in speaks of values around the call: its names stay.
      const value = given.get(attribute.refAttrName) ?? defaults.get(attribute.refAttrName);
      return value ? [{ ...value, name: attribute.name ?? '' }] : [];
    }),
  });
  const copyValue = (value: ValueInfoMessage): ValueInfoMessage => ({ ...value, name: rename(value.name ?? '') });
  const copyGraph = (graph: GraphMessage): GraphMessage => ({
    ...graph,
    node: (graph.node ?? []).map(copyNode),
    initializer: (graph.initializer ?? []).map((tensor) => ({ ...tensor, name: rename(tensor.name ?? '') })),
    input: (graph.input ?? []).map(copyValue),
    output: (graph.output ?? []).map(copyValue),
    valueInfo: (graph.valueInfo ?? []).map(copyValue),
  });
  return (callee.node ?? []).map(copyNode);
}

type Change = (graph: GraphMessage) => GraphMessage;

/** The attribute with its subgraphs changed. */
const changeGraphs = (attribute: AttributeMessage, change: Change): AttributeMessage => ({
  ...attribute,
  ...(attribute.g && { g: change(attribute.g) }),
  ...(attribute.graphs?.length && { graphs: attribute.graphs.map(change) }),
});

const withGraphs = (node: NodeMessage, change: Change): NodeMessage =>
  node.attribute?.some(({ g, graphs }) => g || graphs?.length)
    ? { ...node, attribute: node.attribute.map((attribute) => changeGraphs(attribute, change)) }
    : node;

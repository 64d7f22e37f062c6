import { UnpoolError } from '../../errors';
import { describeNode, type Attribute, type Graph, type Node } from '../../graph/graph';

/** A function that the model defines itself: a node's meaning, written out in other nodes. */
export interface ModelFunction {
  name: string;
  domain: string;
  overload: string;
  inputs: readonly string[];
  outputs: readonly string[];
  /** Attributes that a call may leave out, with their values. */
  defaults: Readonly<Record<string, Attribute>>;
  nodes: readonly Node[];
  opsets: ReadonlyMap<string, number>;
}

export interface Calls {
  functions: ReadonlyMap<string, ModelFunction>;
  /** Of nodes in bodies: attribute name -> the name of the call's attribute that it takes its value from. */
  references: ReadonlyMap<Node, ReadonlyMap<string, string>>;
  overloads: ReadonlyMap<Node, string>;
  opsets: ReadonlyMap<string, number>;
}

export const functionKey = (domain: string, name: string, overload: string): string => `${domain}\n${name}\n${overload}`;

/** Functions that call functions: deeper than this they call themselves. */
const deepest = 32;
/** A few functions that call each other twice could grow without end. */
const most = 200_000;

/**
 * Replaces every call of a model's own function by the function's nodes; values inside get names of their own.
 *
 * @throws UnpoolError naming the function, where it calls itself or is written in another operator set than the model.
 */
export function inlineFunctions(nodes: readonly Node[], calls: Calls): readonly Node[] {
  if (calls.functions.size === 0) return nodes;
  let counter = 0;
  let made = 0;
  const expand = (list: readonly Node[], depth: number): Node[] =>
    list.flatMap((node) => {
      const key = functionKey(node.domain, node.opType, calls.overloads.get(node) ?? '');
      const called = calls.functions.get(key);
      if (++made > most) throw refuse(node.opType, 'grows without end');
      if (!called) return [withGraphs(node, (graph) => ({ ...graph, nodes: expand(graph.nodes, depth) }))];
      if (depth >= deepest) throw refuse(called.name, 'calls itself');
      checkOpsets(called, calls.opsets);
      return expand(bodyFor(node, called, calls, `${node.name || node.outputs[0]}/${++counter}/`), depth + 1);
    });
  return expand(nodes, 0);
}

function checkOpsets(called: ModelFunction, opsets: ReadonlyMap<string, number>): void {
  for (const [domain, version] of called.opsets)
    if (opsets.has(domain) && opsets.get(domain) !== version)
      throw refuse(called.name, `is written in operator set ${version}, the model in ${opsets.get(domain)}`);
}

/** The function's nodes with the call's inputs, outputs and attributes put in. */
function bodyFor(call: Node, called: ModelFunction, calls: Calls, prefix: string): Node[] {
  const names = new Map<string, string>([['', '']]);
  called.inputs.forEach((name, i) => names.set(name, call.inputs[i] ?? ''));
  called.outputs.forEach((name, i) => {
    if (!call.outputs[i]) return;
    if (names.has(name)) throw refuse(called.name, `hands its input "${name}" straight through`);
    names.set(name, call.outputs[i]);
  });
  const rename = (name: string): string => names.get(name) ?? prefix + name;
  const given = { ...called.defaults, ...call.attributes };

  const copy = (node: Node): Node => {
    const references = calls.references.get(node);
    const entries = Object.entries(node.attributes).flatMap(([name, attribute]): [string, Attribute][] => {
      const reference = references?.get(name);
      const value = reference === undefined ? attribute : given[reference];
      return value ? [[name, value]] : [];
    });
    const renamed: Node = {
      ...node,
      name: prefix + node.name,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
      attributes: Object.fromEntries(entries),
    };
    const overload = calls.overloads.get(node);
    if (overload) throw refuse(called.name, `calls overload "${overload}" of ${describeNode(node)}`);
    return withGraphs(renamed, copyGraph);
  };
  const copyGraph = (graph: Graph): Graph => ({
    ...graph,
    inputs: graph.inputs.map((value) => ({ ...value, name: rename(value.name) })),
    outputs: graph.outputs.map((value) => ({ ...value, name: rename(value.name) })),
    values: graph.values.map((value) => ({ ...value, name: rename(value.name) })),
    initializers: new Map([...graph.initializers].map(([name, tensor]) => [rename(name), tensor])),
    nodes: graph.nodes.map(copy),
  });
  return called.nodes.map(copy);
}

/** The node with each of its subgraphs changed. */
export function withGraphs(node: Node, change: (graph: Graph) => Graph): Node {
  if (!Object.values(node.attributes).some(({ kind }) => kind === 'graph' || kind === 'graphs')) return node;
  const entries = Object.entries(node.attributes).map(([name, attribute]): [string, Attribute] => {
    if (attribute.kind === 'graph') return [name, { kind: 'graph', value: change(attribute.value) }];
    if (attribute.kind === 'graphs') return [name, { kind: 'graphs', value: attribute.value.map(change) }];
    return [name, attribute];
  });
  return { ...node, attributes: Object.fromEntries(entries) };
}

const refuse = (name: string, why: string): UnpoolError =>
  new UnpoolError('model-function', `The model's own function "${name}" ${why}.`, {
    hint: 'Inline the functions before: onnx.inliner.inline_local_functions(model), then save it again.',
    place: { node: name },
  });

import { UnpoolError } from '../../errors';
import { Builder } from '../../graph/builder';
import { Cut, distinct } from '../../graph/cut';
import { emptyGraph, type Graph, type ValueInfo } from '../../graph/graph';
import type { Tensor } from '../../graph/tensor';
import type { External } from '../onnx/tensor';
import { parseModel } from '../tfjs/probe';
import { readWeights } from '../tfjs/weights';
import { Context, widen } from './context';
import { dilatedConvolutions } from './dilated';
import { entryBehind } from './entry';
import { loopsOf, type Loop } from './loops';
import { dimsOf, failAt, readTopology, reference, typeOf, type Signature, type TfNode } from './node';
import { shapeOps } from './shapes';
import { valueOps } from './values';
import { windowOps, type Translate } from './windows';

const operations: Readonly<Record<string, Translate>> = { ...windowOps, ...valueOps, ...shapeOps };

/** Reads a graph model: `model.json`, its shards through `external`. Throws UnpoolError naming node or field. */
export function readGraphModel(bytes: Uint8Array, external: External | undefined): Graph {
  const model = parseModel(bytes);
  const { nodes, signature } = readTopology(model);
  const weights = readWeights(model.weightsManifest, external);
  const whole = translate(nodes, signature, weights);
  if (whole.graph?.nodes.some(({ opType }) => opType.startsWith('Conv')) || whole.cut.errors.length === 0)
    return graphOf(whole);
  // Nothing but what comes before the first convolution: a model that resizes or chooses in ways that are not known.
  const entry = entryBehind(nodes, signature, isKnown, weights);
  if (!entry) return graphOf(whole);
  const rest = graphOf(
    translate(
      nodes.map((node) => (node.name === entry.name ? entry : node)),
      signature,
      weights,
    ),
  );
  const note = `The picture is fed at "${entry.name}": what the model does to it before (${nodes.find(({ name }) => name === entry.name)!.op} and others) is not computed. Set it in the preprocessing.`;
  return { ...rest, notes: [note, ...(rest.notes ?? [])] };
}

/** What was translated, and what was left out; no graph where nothing is left. */
interface Translation {
  graph: Graph | null;
  cut: Cut<[string, number]>;
}

function graphOf({ graph, cut }: Translation): Graph {
  if (!graph) throw cut.errors[0]!;
  return cut.errors.length ? { ...graph, notes: cut.notes() } : graph;
}

function translate(given: TfNode[], signature: Signature, weights: ReadonlyMap<string, Tensor>): Translation {
  const byName = new Map(given.map((node) => [node.name, node]));
  const outputs = outputsOf(given, signature, byName);
  const consts = new Map(
    [...weights].filter(([name]) => byName.get(name)?.op === 'Const').map(([name, tensor]) => [name, widen(tensor)]),
  );
  const { nodes, loops } = sorted(dilatedConvolutions(byName, consts), outputs);
  const builder = new Builder({ ...emptyGraph('TensorFlow.js'), initializers: consts });
  const context = new Context(builder, consts);
  const values = new Map<string, readonly string[]>();
  const cut = new Cut(([name]: [string, number]) => name);
  const untold = new Set(loops);
  const inLoop = new Map(loops.flatMap((loop) => loop.nodes.map((node) => [node, loop] as const)));
  for (const { name } of inLoop.keys()) cut.names.add(name);
  const valueOf = (node: TfNode, [name, index]: [string, number]): string => {
    const value = values.get(name)?.[index];
    if (value === undefined) throw failAt(node, `reads output ${index} of "${name}", which is not there`);
    return value;
  };
  const seesPicture = new Set<string>();
  for (const node of nodes) {
    const sources = dataInputs(node);
    if (node.op === 'Placeholder' || sources.some(([name]) => seesPicture.has(name))) seesPicture.add(node.name);
    const loop = inLoop.get(node);
    if (loop) cut.at([], sources, untold.delete(loop) ? loop.error : null);
    if (cut.names.has(node.name) || cut.behind([node.name], sources)) continue;
    const inputs = sources.map((input) => valueOf(node, input));
    const before = builder.nodes.length;
    try {
      const made = isKnown(node) ? make(context, node, inputs, signature) : null;
      if (!made) throw failAt(node, 'is an operation that is not known', convertPart);
      const own = named(builder, node, made, before);
      values.set(node.name, typeof own === 'string' ? [own] : own);
    } catch (error) {
      if (!(error instanceof UnpoolError && error.code === 'bad-node') || node.op === 'Const') throw error;
      cut.at([node.name], sources, error);
    }
  }
  // What a part that is not known reads becomes an output in its place.
  const whole = outputs.filter((output) => !cut.names.has(reference(output)![0]));
  const ends = cut.ends.filter(([name]) => seesPicture.has(name) && byName.get(name)?.op !== 'Placeholder');
  const last = [...whole, ...ends.map(([name, index]) => `${name}:${index}`)];
  if (cut.errors.length && ends.length === 0 && whole.length === 0) return { graph: null, cut };
  const infos = [...new Set(last)].map((output): ValueInfo => {
    const [name, index] = reference(output)!;
    const value = values.get(name)?.[index];
    if (value === undefined)
      throw new UnpoolError('bad-model', `The output "${output}" is not in the graph.`, {
        place: { field: 'signature' },
      });
    return { name: value, type: 'float32', shape: null };
  });
  return { graph: builder.build(distinct(infos)), cut };
}

const convertPart = 'Convert the part of the model that takes one picture and gives its classes or features.';

function make(context: Context, node: TfNode, inputs: string[], signature: Signature): string | readonly string[] {
  if (node.op === 'Const') {
    if (!context.tensor(node.name)) throw failAt(node, 'has no weights in the list', 'Convert the model again.');
    return node.name;
  }
  if (node.op === 'Placeholder') {
    const info = Object.values(signature.inputs).find(({ name }) => reference(name)?.[0] === node.name);
    const shape = dimsOf(info?.tensorShape) ?? dimsOf(node.attr['shape']?.shape);
    const type = /INT|BOOL/.test(typeOf(node, 'dtype')) ? 'int64' : 'float32';
    return context.builder.input({ name: node.name, type, shape });
  }
  return operations[node.op]!(context, node, inputs);
}

/** Of several nodes that a node becomes, the last has its name (a dense layer's sum, not its product). */
function named(
  builder: Builder,
  node: TfNode,
  made: string | readonly string[],
  before: number,
): string | readonly string[] {
  const own = builder.nodes.slice(before);
  const last = own.find((each) => each.outputs[0] === made);
  const inner = own.find((each) => each.outputs[0] === node.name);
  if (!last || !inner || last === inner || typeof made !== 'string') return made;
  const names = new Map([
    [made, node.name],
    [node.name, builder.fresh(`${node.name}:${inner.opType}:inner`)],
  ]);
  own.forEach((each, i) => {
    const renamed = (list: readonly string[]) => list.map((name) => names.get(name) ?? name);
    builder.nodes[before + i] = { ...each, inputs: renamed(each.inputs), outputs: renamed(each.outputs) };
  });
  return node.name;
}

const isKnown = ({ op }: TfNode): boolean => op === 'Const' || op === 'Placeholder' || Object.hasOwn(operations, op);

const dataInputs = (node: TfNode): [string, number][] => node.input.map(reference).filter((input) => input !== null);

/** The signature's outputs; without one, what no other node reads. */
function outputsOf(nodes: TfNode[], signature: Signature, byName: ReadonlyMap<string, TfNode>): string[] {
  const named = Object.values(signature.outputs).map(({ name }) => name);
  if (named.length && named.every((name) => byName.has(reference(name)?.[0] ?? ''))) return named;
  const read = new Set(nodes.flatMap((node) => dataInputs(node).map(([name]) => name)));
  return nodes
    .filter((node) => !read.has(node.name) && !['Const', 'NoOp', 'Placeholder'].includes(node.op))
    .map((node) => node.name);
}

/**
 * What the outputs need, inputs before their readers (but for loops, whose nodes are told). Without recursion: graphs are
 * deep.
 */
function sorted(byName: ReadonlyMap<string, TfNode>, outputs: readonly string[]): { nodes: TfNode[]; loops: Loop[] } {
  const done = new Map<string, boolean>();
  const order: TfNode[] = [];
  const stack = outputs.map((name) => ({ name: reference(name)![0], reader: '' })).reverse();
  while (stack.length) {
    const { name, reader } = stack.at(-1)!;
    const node = byName.get(name);
    if (!node)
      throw new UnpoolError('bad-node', `The node "${reader}" reads "${name}", which is not in the graph.`, {
        place: { node: reader },
      });
    const state = done.get(name);
    if (state !== undefined) {
      stack.pop();
      if (!state) order.push(node);
      done.set(name, true);
      continue;
    }
    done.set(name, false);
    for (const [input] of dataInputs(node)) if (!done.has(input)) stack.push({ name: input, reader: name });
  }
  return { nodes: order, loops: loopsOf(order, convertPart) };
}

import { UnpoolError } from '../../errors';
import { Builder } from '../../graph/builder';
import { emptyGraph, type Graph, type ValueInfo } from '../../graph/graph';
import type { Tensor } from '../../graph/tensor';
import type { External } from '../onnx/tensor';
import { parseModel } from '../tfjs/probe';
import { readWeights } from '../tfjs/weights';
import { Context, widen } from './context';
import { dilatedConvolutions } from './dilated';
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
  return translate(nodes, signature, weights);
}

function translate(given: TfNode[], signature: Signature, weights: ReadonlyMap<string, Tensor>): Graph {
  const byName = new Map(given.map((node) => [node.name, node]));
  const outputs = outputsOf(given, signature, byName);
  const consts = new Map(
    [...weights].filter(([name]) => byName.get(name)?.op === 'Const').map(([name, tensor]) => [name, widen(tensor)]),
  );
  const nodes = sorted(dilatedConvolutions(byName, consts), outputs);
  const builder = new Builder({ ...emptyGraph('TensorFlow.js'), initializers: consts });
  const context = new Context(builder, consts);
  const values = new Map<string, readonly string[]>();
  const cut = new Cut();
  const valueOf = (node: TfNode, [name, index]: [string, number]): string => {
    const value = values.get(name)?.[index];
    if (value === undefined) throw failAt(node, `reads output ${index} of "${name}", which is not there`);
    return value;
  };
  const seesPicture = new Set<string>();
  for (const node of nodes) {
    const sources = dataInputs(node);
    if (node.op === 'Placeholder' || sources.some(([name]) => seesPicture.has(name))) seesPicture.add(node.name);
    if (cut.behind(node.name, sources)) continue;
    const inputs = sources.map((input) => valueOf(node, input));
    const before = builder.nodes.length;
    try {
      const made = isKnown(node) ? make(context, node, inputs, signature) : null;
      if (!made) throw failAt(node, 'is an operation that is not known', convertPart);
      const own = named(builder, node, made, before);
      values.set(node.name, typeof own === 'string' ? [own] : own);
    } catch (error) {
      if (!(error instanceof UnpoolError && error.code === 'bad-node') || !seesPicture.has(node.name)) throw error;
      cut.at(node.name, sources, error);
    }
  }
  // What a part that is not known reads becomes an output in its place.
  const whole = outputs.filter((output) => !cut.names.has(reference(output)![0]));
  const ends = cut.ends.filter(([name]) => seesPicture.has(name) && byName.get(name)?.op !== 'Placeholder');
  const last = [...whole, ...ends.map(([name, index]) => `${name}:${index}`)];
  if (cut.errors.length && ends.length === 0 && whole.length === 0) throw cut.errors[0]!;
  const infos = [...new Set(last)].map((output): ValueInfo => {
    const [name, index] = reference(output)!;
    const value = values.get(name)?.[index];
    if (value === undefined)
      throw new UnpoolError('bad-model', `The output "${output}" is not in the graph.`, {
        place: { field: 'signature' },
      });
    return { name: value, type: 'float32', shape: null };
  });
  const graph = builder.build(infos.filter(({ name }, i) => infos.findIndex((info) => info.name === name) === i));
  return cut.errors.length ? { ...graph, notes: cut.notes() } : graph;
}

const convertPart = 'Convert the part of the model that takes one picture and gives its classes or features.';

/** The part of a graph that is left out: operations that are not known, and all that lies behind them. */
class Cut {
  readonly names = new Set<string>();
  /** What the part reads from outside: [node, output]. */
  readonly ends: [string, number][] = [];
  readonly errors: UnpoolError[] = [];

  at(name: string, sources: readonly [string, number][], error: UnpoolError): void {
    this.errors.push(error);
    this.add(name, sources);
  }

  /** Whether a node reads from the part, and so belongs to it. */
  behind(name: string, sources: readonly [string, number][]): boolean {
    const is = sources.some(([source]) => this.names.has(source));
    if (is) this.add(name, sources);
    return is;
  }

  private add(name: string, sources: readonly [string, number][]): void {
    this.names.add(name);
    this.ends.push(...sources.filter(([source]) => !this.names.has(source)));
  }

  notes(): string[] {
    const most = 4;
    const said = this.errors.slice(0, most).map(({ message }) => message.replace(/\.$/, ''));
    const more = this.errors.length > most ? `, and ${this.errors.length - most} more` : '';
    return [`Left out, with all that lies behind: ${said.join('; ')}${more}. The layers before work.`];
  }
}

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

/** What the outputs need, inputs before their readers. Without recursion: graphs are deep. */
function sorted(byName: ReadonlyMap<string, TfNode>, outputs: readonly string[]): TfNode[] {
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
    for (const [input] of dataInputs(node)) {
      if (done.get(input) === false) throw failAt(node, 'is part of a loop');
      if (!done.has(input)) stack.push({ name: input, reader: name });
    }
  }
  return order;
}

import { UnpoolError } from '../../errors';
import { describeNode, type Attribute, type Dim, type Graph, type Node, type ValueInfo } from '../../graph/graph';
import type { Tensor } from '../../graph/tensor';
import { capturedValues } from '../../graph/builder';
import { inlineFunctions } from './functions';
import {
  AttributeProto,
  attributeTypes as kinds,
  ModelProto,
  toBigInt,
  toNumber,
  type AttributeMessage,
  type GraphMessage,
  type ModelMessage,
  type NodeMessage,
  type ValueInfoMessage,
} from './schema';
import { narrow } from './narrow';
import { readTensor, typeOf, type External } from './tensor';
import { decodeText } from './text';

/** The newest that this reader was written for. */
const newestIr = 13;
const newestOpset = 26;

export interface ReadOptions {
  external?: External;
  /** The bytes are the reader's: it may move weights in them, so that the file itself holds them and no copies are made. */
  own?: boolean;
}

/** Reads the bytes of an ONNX model. Throws UnpoolError naming node or tensor; never anything else for bad bytes. */
export function readOnnx(bytes: Uint8Array, options: ReadOptions = {}): Graph {
  let model: ModelMessage;
  try {
    model = ModelProto.decode(bytes) as unknown as ModelMessage;
  } catch (error) {
    throw new UnpoolError(
      'bad-model',
      'The file is not a whole ONNX model: its bytes end or turn wrong in the middle.',
      {
        hint: 'It may be cut off, or a pointer of Git LFS. Fetch or export it again.',
        cause: error,
      },
    );
  }
  if (!model.graph?.node?.length)
    throw new UnpoolError('bad-model', 'The file holds no network (an ONNX model has a graph with nodes).', {
      hint: 'Is it really an .onnx file? Export the model again.',
    });
  const irVersion = toNumber(model.irVersion);
  if (irVersion > newestIr) throw tooNew('IR version', irVersion, newestIr);
  const opsets = new Map(
    (model.opsetImport ?? []).map((each) => [
      each.domain === 'ai.onnx' ? '' : (each.domain ?? ''),
      toNumber(each.version),
    ]),
  );
  if ((opsets.get('') ?? 0) > newestOpset) throw tooNew('operator set', opsets.get('')!, newestOpset);
  if (!opsets.has('')) opsets.set('', 1);
  const graph = readGraph(inlineFunctions(model), options, options.own);
  checkValues(graph);
  return {
    ...graph,
    opsets,
    irVersion,
    producer: [model.producerName, model.producerVersion].filter(Boolean).join(' '),
    metadata: new Map((model.metadataProps ?? []).map((pair) => [pair.key ?? '', pair.value ?? ''])),
  };
}

const tooNew = (what: string, found: number, newest: number) =>
  new UnpoolError('too-new', `The model is written in ONNX ${what} ${found}; this program reads up to ${newest}.`, {
    hint: 'Export it for an older version, or update Unpool.',
  });

/** `own`: as that of the options, for the outermost graph only: what lies in functions may be read more than once. */
function readGraph(message: GraphMessage, options: ReadOptions, own = false): Graph {
  const initializers = new Map<string, Tensor>();
  refuseNarrowSteps(message);
  if (message.sparseInitializer?.length)
    throw new UnpoolError('bad-tensor', 'The model has sparse initialisers, which this program does not read.', {
      hint: 'Export it with dense weights.',
    });
  for (const tensor of message.initializer ?? [])
    initializers.set(tensor.name ?? '', readTensor(tensor, options.external, own));
  const nodes: Node[] = [];
  for (const each of message.node ?? []) {
    const node = readNode(each, options);
    const constant = node.opType === 'Constant' && node.domain === '' ? constantOf(node) : null;
    if (constant && node.outputs[0]) initializers.set(node.outputs[0], constant);
    else nodes.push(node);
  }
  return {
    name: message.name ?? '',
    inputs: (message.input ?? []).map(readValue).filter((input) => !initializers.has(input.name)),
    outputs: (message.output ?? []).map(readValue),
    nodes: sortNodes(nodes),
    initializers,
    values: (message.valueInfo ?? []).map(readValue),
    opsets: new Map(),
    irVersion: 0,
    producer: '',
    metadata: new Map(),
  };
}

/** Narrow weights are read as wider ones; what rounds the picture to them would then round to other steps. */
function refuseNarrowSteps(message: GraphMessage): void {
  const types = new Map((message.initializer ?? []).map(({ name, dataType }) => [name ?? '', dataType]));
  for (const node of message.node ?? [])
    if (node.opType === 'QuantizeLinear') {
      const zero = node.input?.[2] ?? '';
      const asked = toNumber((node.attribute ?? []).find(({ name }) => name === 'output_dtype')?.i);
      const found = narrow[types.get(zero) ?? asked];
      if (found)
        throw new UnpoolError(
          'bad-node',
          `QuantizeLinear "${node.name ?? node.output?.[0] ?? ''}" rounds to ${zero ? `the type of "${zero}", ` : ''}${found.name}, which is read for weights only.`,
          {
            hint: 'Quantise the activations to int8 or uint8, or export the model without quantising.',
            place: { node: node.name ?? '', field: zero },
          },
        );
    }
}

const faulty = 'The file is damaged or its exporter at fault: export the model again.';

/** Every value that is read has to come from somewhere. */
function checkValues({ inputs, outputs, initializers, nodes }: Graph): void {
  const known = new Set(['', ...inputs.map(({ name }) => name), ...initializers.keys()]);
  for (const node of nodes) for (const name of node.outputs) known.add(name);
  const lost = (reader: string, name: string, node?: Node) =>
    new UnpoolError('bad-graph', `${reader} needs the value "${name}", which nothing in the model makes.`, {
      hint: faulty,
      place: { ...(node && { node: node.name }), field: name },
    });
  for (const node of nodes)
    for (const name of node.inputs) if (!known.has(name)) throw lost(describeNode(node), name, node);
  for (const { name } of outputs) if (!known.has(name)) throw lost('The output of the network', name);
}

function readValue(message: ValueInfoMessage): ValueInfo {
  const tensor = message.type?.tensorType;
  const dims = tensor?.shape ? (tensor.shape.dim ?? []) : null;
  const shape = dims?.map((dim): Dim =>
    dim.dimParam ? dim.dimParam : Object.hasOwn(dim, 'dimValue') ? toNumber(dim.dimValue) : null,
  );
  return { name: message.name ?? '', type: typeOf(tensor?.elemType), shape: shape ?? null };
}

function readNode(message: NodeMessage, options: ReadOptions): Node {
  const domain = message.domain === 'ai.onnx' ? '' : (message.domain ?? '');
  const attributes = Object.fromEntries(
    (message.attribute ?? []).map((each) => [each.name ?? '', readAttribute(each, options)]),
  );
  return {
    name: message.name ?? '',
    opType: message.opType ?? '',
    domain,
    inputs: message.input ?? [],
    outputs: message.output ?? [],
    attributes,
  };
}

function readAttribute(message: AttributeMessage, options: ReadOptions): Attribute {
  switch (message.type || guessKind(message)) {
    case kinds.float:
      return { kind: 'float', value: message.f ?? 0 };
    case kinds.int:
      return { kind: 'int', value: toNumber(message.i) };
    case kinds.string:
      return { kind: 'string', value: decodeText(message.s ?? new Uint8Array(0)) };
    case kinds.tensor:
      return typeOf(message.t?.dataType)
        ? { kind: 'tensor', value: readTensor(message.t ?? {}, options.external) }
        : keptRaw(message);
    case kinds.graph:
      return { kind: 'graph', value: readGraph(message.g ?? {}, options) };
    case kinds.floats:
      return { kind: 'floats', value: message.floats ?? [] };
    case kinds.ints:
      return { kind: 'ints', value: (message.ints ?? []).map(toNumber) };
    case kinds.strings:
      return { kind: 'strings', value: (message.strings ?? []).map(decodeText) };
    case kinds.tensors:
      return { kind: 'tensors', value: (message.tensors ?? []).map((tensor) => readTensor(tensor, options.external)) };
    case kinds.graphs:
      return { kind: 'graphs', value: (message.graphs ?? []).map((graph) => readGraph(graph, options)) };
    default:
      return keptRaw(message);
  }
}

/** As its bytes: not a part of the Buffer that the library hands out, which others share. */
const keptRaw = (message: AttributeMessage): Attribute => ({
  kind: 'raw',
  value: Uint8Array.from(AttributeProto.encode(message).finish()),
});

/** Files of IR version 1 leave the attribute's kind out. */
function guessKind(message: AttributeMessage): number {
  const has = (key: keyof AttributeMessage) => Object.hasOwn(message, key);
  if (has('f')) return kinds.float;
  if (has('i')) return kinds.int;
  if (has('s')) return kinds.string;
  if (has('t')) return kinds.tensor;
  if (has('g')) return kinds.graph;
  if (message.floats?.length) return kinds.floats;
  if (message.ints?.length) return kinds.ints;
  return message.strings?.length ? kinds.strings : 0;
}

/** The value of a Constant node in any of its spellings; null for sparse ones. */
function constantOf({ attributes }: Node): Tensor | null {
  const [name, attribute] = Object.entries(attributes)[0] ?? [];
  if (!name || !attribute) return null;
  switch (attribute.kind) {
    case 'tensor':
      return attribute.value;
    case 'float':
      return { type: 'float32', dims: [], data: Float32Array.of(attribute.value) };
    case 'int':
      return { type: 'int64', dims: [], data: BigInt64Array.of(toBigInt(attribute.value)) };
    case 'floats':
      return { type: 'float32', dims: [attribute.value.length], data: Float32Array.from(attribute.value) };
    case 'ints':
      return {
        type: 'int64',
        dims: [attribute.value.length],
        data: BigInt64Array.from(attribute.value, toBigInt),
      };
    case 'string':
      return { type: 'string', dims: [], data: new Uint8Array(0), strings: [attribute.value] };
    case 'strings':
      return { type: 'string', dims: [attribute.value.length], data: new Uint8Array(0), strings: attribute.value };
    default:
      return null;
  }
}

/** Topological order, as near to the file's as it can be. A cycle is an error. */
function sortNodes(nodes: readonly Node[]): Node[] {
  const producers = new Map<string, number>();
  nodes.forEach((node, index) => {
    for (const name of node.outputs.filter(Boolean)) {
      if (producers.has(name))
        throw new UnpoolError('bad-graph', `The value "${name}" is made twice, again by ${describeNode(node)}.`, {
          hint: faulty,
          place: { node: node.name, field: name },
        });
      producers.set(name, index);
    }
  });
  const needs = (node: Node) => [...node.inputs, ...capturedValues(node)].flatMap((name) => producers.get(name) ?? []);
  if (nodes.every((node, index) => needs(node).every((producer) => producer < index))) return [...nodes];
  const state = new Uint8Array(nodes.length); // 1: being visited, 2: placed
  const sorted: Node[] = [];
  for (let start = 0; start < nodes.length; start++) {
    const stack = [start];
    while (stack.length) {
      const index = stack.at(-1)!;
      if (state[index] === 0) {
        state[index] = 1;
        for (const producer of needs(nodes[index]!)) {
          if (state[producer] === 1)
            throw new UnpoolError('cycle', `${describeNode(nodes[producer]!)} depends on itself.`, {
              hint: faulty,
              place: { node: nodes[producer]!.name },
            });
          if (state[producer] === 0) stack.push(producer);
        }
      } else {
        stack.pop();
        if (state[index] === 1) {
          state[index] = 2;
          sorted.push(nodes[index]!);
        }
      }
    }
  }
  return sorted;
}

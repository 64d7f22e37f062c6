import protobuf from 'protobufjs/light';
import { UnpoolError } from '../../errors';
import type { Attribute, Graph, Node, ValueInfo } from '../../graph/graph';
import type { Tensor } from '../../graph/tensor';
import {
  AttributeProto,
  attributeTypes,
  GraphProto,
  ModelProto,
  TensorProto,
  toInt64,
  type AttributeMessage,
  type GraphMessage,
  type NodeMessage,
  type ValueInfoMessage,
} from './schema';
import { numberOf, tensorMessage } from './tensor';
import { encodeText } from './text';

/** The lowest IR version that does not want initialisers listed as inputs too, and knows all that is written here. */
const lowestIr = 8;

/** protobuf's own limit on a message. */
const longest = 2 ** 31 - 1;

/**
 * The graph as the bytes of an ONNX model. The same graph gives the same bytes.
 *
 * Its weights are copied once, to their place in the file: protobufjs would copy them with every growth of its buffer and
 * move them for every message around them, which for 60 MB takes two to three times as long.
 *
 * @throws UnpoolError where the weights do not fit into one file (2 GiB).
 */
export function writeOnnx(graph: Graph): Uint8Array {
  return written(
    graph,
    [...graph.initializers].flatMap(([name, tensor]) => initializerParts(name, tensor)),
  );
}

/** Smaller weights stay in the model: shapes are worked out from some of them. */
const leastBeside = 4096;

/**
 * The graph as a small ONNX model and, by the names that it gives them, the weights that lie beside it: the arrays of the
 * graph themselves, not copies. For what does not fit into one file.
 */
export function writeSplitOnnx(graph: Graph): { model: Uint8Array; weights: Map<string, Uint8Array> } {
  const weights = new Map<string, Uint8Array>();
  const initializers = [...graph.initializers].flatMap(([name, tensor]) => {
    const { rawData, ...message } = tensorMessage(name, tensor);
    if (!rawData || rawData.length < leastBeside) return initializerParts(name, tensor);
    const location = `weights-${weights.size}`;
    weights.set(location, rawData);
    const entries = { location, offset: '0', length: String(rawData.length) };
    const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
    const body = TensorProto.encode({ ...message, dataLocation: 1, externalData }).finish();
    return [prefix(initializerField, body.length), body];
  });
  return { model: written(graph, initializers), weights };
}

function written(graph: Graph, initializers: readonly Uint8Array[]): Uint8Array {
  const rest = GraphProto.encode(graphMessage({ ...graph, initializers: new Map() })).finish();
  const whole = [rest, ...initializers];
  const head = ModelProto.encode({
    irVersion: Math.max(lowestIr, graph.irVersion),
    producerName: graph.producer,
    opsetImport: [...graph.opsets].map(([domain, version]) => ({ domain, version })),
    metadataProps: [...graph.metadata].map(([key, value]) => ({ key, value })),
  }).finish();
  return joined([head, prefix(graphField, lengthOf(whole)), ...whole]);
}

const graphField = 7;
const initializerField = 5;
const rawDataField = 9;

/** The tag and length of a field that holds bytes. */
const prefix = (field: number, length: number): Uint8Array =>
  protobuf.Writer.create()
    .uint32((field << 3) | 2)
    .uint32(length)
    .finish();

/** An initialiser as a field of its graph, its values as they lie in memory. */
function initializerParts(name: string, tensor: Tensor): Uint8Array[] {
  const { rawData, ...message } = tensorMessage(name, tensor);
  const parts = [TensorProto.encode(message).finish()];
  if (rawData) parts.push(prefix(rawDataField, rawData.length), rawData);
  return [prefix(initializerField, lengthOf(parts)), ...parts];
}

const lengthOf = (parts: readonly Uint8Array[]): number => parts.reduce((total, part) => total + part.length, 0);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const length = lengthOf(parts);
  if (length > longest)
    throw new UnpoolError('too-large', `The network would take ${length} bytes as ONNX; one file holds 2 GiB.`, {
      hint: 'Use a smaller network or one with float16 weights.',
    });
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function graphMessage(graph: Graph): GraphMessage {
  return {
    name: graph.name || 'graph',
    node: graph.nodes.map(nodeMessage),
    initializer: [...graph.initializers].map(([name, tensor]) => tensorMessage(name, tensor)),
    input: graph.inputs.map(valueMessage),
    output: graph.outputs.map(valueMessage),
    valueInfo: graph.values.map(valueMessage),
  };
}

function valueMessage({ name, type, shape }: ValueInfo): ValueInfoMessage {
  if (type === null && shape === null) return { name };
  const tensorType: NonNullable<ValueInfoMessage['type']>['tensorType'] = {};
  if (type !== null) tensorType.elemType = numberOf(type);
  if (shape !== null)
    tensorType.shape = {
      dim: shape.map((dim) => (typeof dim === 'number' ? { dimValue: dim } : dim === null ? {} : { dimParam: dim })),
    };
  return { name, type: { tensorType } };
}

function nodeMessage(node: Node): NodeMessage {
  return {
    name: node.name,
    opType: node.opType,
    domain: node.domain,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes).map(([name, attribute]) => attributeMessage(name, attribute)),
  };
}

function attributeMessage(name: string, attribute: Attribute): AttributeMessage {
  switch (attribute.kind) {
    case 'raw':
      return AttributeProto.decode(attribute.value) as AttributeMessage;
    case 'float':
      return { name, type: attributeTypes.float, f: attribute.value };
    case 'int':
      return { name, type: attributeTypes.int, i: toInt64(attribute.value) };
    case 'string':
      return { name, type: attributeTypes.string, s: encodeText(attribute.value) };
    case 'tensor':
      return { name, type: attributeTypes.tensor, t: tensorMessage('', attribute.value) };
    case 'graph':
      return { name, type: attributeTypes.graph, g: graphMessage(attribute.value) };
    case 'floats':
      return { name, type: attributeTypes.floats, floats: [...attribute.value] };
    case 'ints':
      return { name, type: attributeTypes.ints, ints: attribute.value.map(toInt64) };
    case 'strings':
      return { name, type: attributeTypes.strings, strings: attribute.value.map(encodeText) };
    case 'tensors':
      return {
        name,
        type: attributeTypes.tensors,
        tensors: attribute.value.map((tensor) => tensorMessage('', tensor)),
      };
    case 'graphs':
      return { name, type: attributeTypes.graphs, graphs: attribute.value.map(graphMessage) };
  }
}

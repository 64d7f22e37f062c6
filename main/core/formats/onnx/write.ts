import type { Attribute, Graph, Node, ValueInfo } from '../../graph/graph';
import {
  AttributeProto,
  attributeTypes,
  ModelProto,
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

/** The graph as the bytes of an ONNX model. The same graph gives the same bytes. */
export function writeOnnx(graph: Graph): Uint8Array {
  const message = {
    irVersion: Math.max(lowestIr, graph.irVersion),
    producerName: graph.producer,
    graph: graphMessage(graph),
    opsetImport: [...graph.opsets].map(([domain, version]) => ({ domain, version })),
    metadataProps: [...graph.metadata].map(([key, value]) => ({ key, value })),
  };
  return ModelProto.encode(message).finish();
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

import protobuf from 'protobufjs/light';

type Field = [name: string, id: number, type: string, rule?: 'repeated'];

/** Messages of onnx.proto (IR version 13), the fields that this program reads or writes. */
const messages: Record<string, Field[]> = {
  ModelProto: [
    ['irVersion', 1, 'int64'],
    ['producerName', 2, 'string'],
    ['producerVersion', 3, 'string'],
    ['domain', 4, 'string'],
    ['modelVersion', 5, 'int64'],
    ['docString', 6, 'string'],
    ['graph', 7, 'GraphProto'],
    ['opsetImport', 8, 'OperatorSetIdProto', 'repeated'],
    ['metadataProps', 14, 'StringStringEntryProto', 'repeated'],
    ['functions', 25, 'FunctionProto', 'repeated'],
  ],
  OperatorSetIdProto: [
    ['domain', 1, 'string'],
    ['version', 2, 'int64'],
  ],
  StringStringEntryProto: [
    ['key', 1, 'string'],
    ['value', 2, 'string'],
  ],
  GraphProto: [
    ['node', 1, 'NodeProto', 'repeated'],
    ['name', 2, 'string'],
    ['initializer', 5, 'TensorProto', 'repeated'],
    ['input', 11, 'ValueInfoProto', 'repeated'],
    ['output', 12, 'ValueInfoProto', 'repeated'],
    ['valueInfo', 13, 'ValueInfoProto', 'repeated'],
    ['sparseInitializer', 15, 'bytes', 'repeated'],
  ],
  NodeProto: [
    ['input', 1, 'string', 'repeated'],
    ['output', 2, 'string', 'repeated'],
    ['name', 3, 'string'],
    ['opType', 4, 'string'],
    ['attribute', 5, 'AttributeProto', 'repeated'],
    ['domain', 7, 'string'],
    ['overload', 8, 'string'],
  ],
  FunctionProto: [
    ['name', 1, 'string'],
    ['input', 4, 'string', 'repeated'],
    ['output', 5, 'string', 'repeated'],
    ['attribute', 6, 'string', 'repeated'],
    ['node', 7, 'NodeProto', 'repeated'],
    ['opsetImport', 9, 'OperatorSetIdProto', 'repeated'],
    ['domain', 10, 'string'],
    ['attributeProto', 11, 'AttributeProto', 'repeated'],
    ['overload', 13, 'string'],
  ],
  AttributeProto: [
    ['name', 1, 'string'],
    ['f', 2, 'float'],
    ['i', 3, 'int64'],
    ['s', 4, 'bytes'],
    ['t', 5, 'TensorProto'],
    ['g', 6, 'GraphProto'],
    ['floats', 7, 'float', 'repeated'],
    ['ints', 8, 'int64', 'repeated'],
    ['strings', 9, 'bytes', 'repeated'],
    ['tensors', 10, 'TensorProto', 'repeated'],
    ['graphs', 11, 'GraphProto', 'repeated'],
    ['tp', 14, 'bytes'],
    ['typeProtos', 15, 'bytes', 'repeated'],
    ['type', 20, 'int32'],
    ['refAttrName', 21, 'string'],
    ['sparseTensor', 22, 'bytes'],
    ['sparseTensors', 23, 'bytes', 'repeated'],
  ],
  TensorProto: [
    ['dims', 1, 'int64', 'repeated'],
    ['dataType', 2, 'int32'],
    ['floatData', 4, 'float', 'repeated'],
    ['int32Data', 5, 'int32', 'repeated'],
    ['stringData', 6, 'bytes', 'repeated'],
    ['int64Data', 7, 'int64', 'repeated'],
    ['name', 8, 'string'],
    ['rawData', 9, 'bytes'],
    ['doubleData', 10, 'double', 'repeated'],
    ['uint64Data', 11, 'uint64', 'repeated'],
    ['externalData', 13, 'StringStringEntryProto', 'repeated'],
    ['dataLocation', 14, 'int32'],
  ],
  ValueInfoProto: [
    ['name', 1, 'string'],
    ['type', 2, 'TypeProto'],
  ],
  TypeProto: [['tensorType', 1, 'TypeTensor']],
  TypeTensor: [
    ['elemType', 1, 'int32'],
    ['shape', 2, 'TensorShapeProto'],
  ],
  TensorShapeProto: [['dim', 1, 'Dimension', 'repeated']],
  Dimension: [
    ['dimValue', 1, 'int64'],
    ['dimParam', 2, 'string'],
  ],
};

const nested = Object.fromEntries(
  Object.entries(messages).map(([message, fields]) => [
    message,
    { fields: Object.fromEntries(fields.map(([name, id, type, rule]) => [name, { id, type, ...(rule && { rule }) }])) },
  ]),
);

export const ModelProto = protobuf.Root.fromJSON({ nested }).lookupType('ModelProto');
export const GraphProto = ModelProto.root.lookupType('GraphProto');
export const TensorProto = ModelProto.root.lookupType('TensorProto');
export const AttributeProto = ModelProto.root.lookupType('AttributeProto');

/** 64-bit integers come out of protobufjs as Long objects; everything here lies within a double's integers or is a sentinel. */
export type Int64 = number | { toNumber(): number };
export const toNumber = (value: Int64 | null | undefined): number =>
  typeof value === 'number' ? value : (value?.toNumber() ?? 0);

/** As a double the largest int64 ("to the end" of a slice) is 2^63, which would wrap to the smallest. */
export const toBigInt = (value: number): bigint => (value >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(value));
const largest = { low: -1, high: 0x7fffffff, toNumber: () => 2 ** 63 };
export const toInt64 = (value: number): Int64 => (value >= 2 ** 63 ? largest : value);

export interface TensorMessage {
  dims?: Int64[];
  dataType?: number;
  floatData?: number[];
  int32Data?: number[];
  stringData?: Uint8Array[];
  int64Data?: Int64[];
  name?: string;
  rawData?: Uint8Array;
  doubleData?: number[];
  uint64Data?: Int64[];
  externalData?: { key?: string; value?: string }[];
  dataLocation?: number;
}
export interface AttributeMessage {
  name?: string;
  f?: number;
  i?: Int64;
  s?: Uint8Array;
  t?: TensorMessage;
  g?: GraphMessage;
  floats?: number[];
  ints?: Int64[];
  strings?: Uint8Array[];
  tensors?: TensorMessage[];
  graphs?: GraphMessage[];
  type?: number;
  refAttrName?: string;
}
export interface NodeMessage {
  input?: string[];
  output?: string[];
  name?: string;
  opType?: string;
  attribute?: AttributeMessage[];
  domain?: string;
  overload?: string;
}
export interface ValueInfoMessage {
  name?: string;
  type?: { tensorType?: { elemType?: number; shape?: { dim?: { dimValue?: Int64; dimParam?: string }[] } } };
}
export interface GraphMessage {
  node?: NodeMessage[];
  name?: string;
  initializer?: TensorMessage[];
  input?: ValueInfoMessage[];
  output?: ValueInfoMessage[];
  valueInfo?: ValueInfoMessage[];
  sparseInitializer?: Uint8Array[];
}
export interface FunctionMessage {
  name?: string;
  input?: string[];
  output?: string[];
  attribute?: string[];
  node?: NodeMessage[];
  domain?: string;
  overload?: string;
  opsetImport?: { domain?: string; version?: Int64 }[];
  attributeProto?: AttributeMessage[];
}
export interface ModelMessage {
  irVersion?: Int64;
  producerName?: string;
  producerVersion?: string;
  graph?: GraphMessage;
  opsetImport?: { domain?: string; version?: Int64 }[];
  metadataProps?: { key?: string; value?: string }[];
  functions?: FunctionMessage[];
}

/** AttributeProto.AttributeType. */
export const attributeTypes = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
} as const;

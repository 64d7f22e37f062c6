import type { DataType, Tensor } from './tensor';

/** An attribute of a node, by ONNX's own kinds. Integers are numbers; the int64 extremes are rounded to 2^63. */
export type Attribute =
  | { kind: 'int'; value: number }
  | { kind: 'float'; value: number }
  | { kind: 'string'; value: string }
  | { kind: 'tensor'; value: Tensor }
  | { kind: 'graph'; value: Graph }
  | { kind: 'ints'; value: readonly number[] }
  | { kind: 'floats'; value: readonly number[] }
  | { kind: 'strings'; value: readonly string[] }
  | { kind: 'tensors'; value: readonly Tensor[] }
  | { kind: 'graphs'; value: readonly Graph[] }
  /** A kind that this program has no use for (sparse tensors, type protos), kept as the bytes of its AttributeProto. */
  | { kind: 'raw'; value: Uint8Array };

/** A node: an empty input name is an input left out. */
export interface Node {
  name: string;
  opType: string;
  domain: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Readonly<Record<string, Attribute>>;
}

/** A dimension: a number, the name of a free one, or null where nothing is said. */
export type Dim = number | string | null;

export interface ValueInfo {
  name: string;
  type: DataType | null;
  /** Null where the rank is not known. */
  shape: readonly Dim[] | null;
}

/**
 * A computation in ONNX's vocabulary. Nodes are in topological order (a reader sorts them). Inputs are the true inputs: an
 * initialiser that is also listed as an input is an initialiser here.
 */
export interface Graph {
  name: string;
  inputs: readonly ValueInfo[];
  outputs: readonly ValueInfo[];
  nodes: readonly Node[];
  initializers: ReadonlyMap<string, Tensor>;
  /** What the file says of values between nodes. */
  values: readonly ValueInfo[];
  /** Operator set version by domain; '' is ONNX's own. */
  opsets: ReadonlyMap<string, number>;
  /** ONNX IR version; producer and free metadata come along unread. */
  irVersion: number;
  producer: string;
  metadata: ReadonlyMap<string, string>;
  /** What its reader left out or took for granted. */
  notes?: readonly string[];
}

/** A graph with nothing in it, in opset 17: what a reader's Builder begins with. */
export const emptyGraph = (producer: string, name = producer): Graph => ({
  name,
  inputs: [],
  outputs: [],
  nodes: [],
  initializers: new Map(),
  values: [],
  opsets: new Map([['', 17]]),
  irVersion: 8,
  producer,
  metadata: new Map(),
});

export function intAttribute(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes[name];
  return attribute?.kind === 'int' ? attribute.value : fallback;
}

export function floatAttribute(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes[name];
  return attribute?.kind === 'float' ? attribute.value : fallback;
}

export function intsAttribute(node: Node, name: string): readonly number[] | undefined {
  const attribute = node.attributes[name];
  return attribute?.kind === 'ints' ? attribute.value : undefined;
}

export function stringAttribute(node: Node, name: string, fallback: string): string {
  const attribute = node.attributes[name];
  return attribute?.kind === 'string' ? attribute.value : fallback;
}

/** How a message names a node: its own name, or its first output where it has none. */
export function describeNode(node: Node): string {
  return `${node.opType} "${node.name || (node.outputs[0] ?? '')}"`;
}

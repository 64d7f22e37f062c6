import * as v from 'valibot';
import { UnpoolError } from '../../errors';
import type { TfjsModel } from '../tfjs/probe';

/** A number as JSON's protobuf mapping writes it: int64 as a string. */
const number = v.pipe(v.union([v.number(), v.string()]), v.transform(Number), v.number());
const text = v.union([v.string(), v.array(v.number())]);
const shapeSchema = v.object({
  dim: v.optional(v.array(v.object({ size: v.optional(number) }))),
  unknownRank: v.optional(v.boolean()),
});
const attrSchema = v.object({
  i: v.optional(number),
  f: v.optional(v.union([v.number(), v.pipe(v.string(), v.transform(Number))])),
  b: v.optional(v.boolean()),
  s: v.optional(text),
  type: v.optional(v.union([v.string(), v.number()])),
  shape: v.optional(shapeSchema),
  list: v.optional(v.object({ i: v.optional(v.array(number)), s: v.optional(v.array(text)) })),
});
const nodeSchema = v.object({
  name: v.string(),
  op: v.string(),
  input: v.optional(v.array(v.string()), []),
  attr: v.optional(v.record(v.string(), attrSchema), {}),
});

export type TfNode = v.InferOutput<typeof nodeSchema>;

const tensorInfo = v.object({ name: v.string(), tensorShape: v.optional(shapeSchema) });
const signatureSchema = v.object({
  inputs: v.optional(v.record(v.string(), tensorInfo), {}),
  outputs: v.optional(v.record(v.string(), tensorInfo), {}),
});
export type Signature = v.InferOutput<typeof signatureSchema>;

const topologySchema = v.object({ node: v.array(nodeSchema) });

function parse<const S extends v.GenericSchema>(schema: S, value: unknown, field: string): v.InferOutput<S> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new UnpoolError('bad-model', `The graph is not as TensorFlow.js writes it: ${issue.message}.`, {
    hint: 'Convert the model again with tensorflowjs_converter.',
    place: { field: [field, v.getDotPath(issue)].filter(Boolean).join('.') },
  });
}

/** The nodes and the signature of a graph model. Throws UnpoolError naming the field that is wrong. */
export function readTopology(model: TfjsModel): { nodes: TfNode[]; signature: Signature } {
  return {
    nodes: parse(topologySchema, model.modelTopology, 'modelTopology').node,
    signature: parse(signatureSchema, model.signature ?? {}, 'signature'),
  };
}

export const failAt = (node: TfNode, what: string, hint?: string): UnpoolError =>
  new UnpoolError('bad-node', `${node.op} "${node.name}" ${what}.`, {
    place: { node: node.name },
    ...(hint && { hint }),
  });

export const intOf = (node: TfNode, name: string, fallback: number): number => node.attr[name]?.i ?? fallback;
export const floatOf = (node: TfNode, name: string, fallback: number): number => node.attr[name]?.f ?? fallback;
export const boolOf = (node: TfNode, name: string): boolean => node.attr[name]?.b ?? false;
export const intsOf = (node: TfNode, name: string): readonly number[] => node.attr[name]?.list?.i ?? [];
export const stringsOf = (node: TfNode, name: string): string[] => (node.attr[name]?.list?.s ?? []).map(fromBytes);

export function stringOf(node: TfNode, name: string, fallback: string): string {
  const value = node.attr[name]?.s;
  return value === undefined ? fallback : fromBytes(value);
}

const types = ['', 'FLOAT', 'DOUBLE', 'INT32', 'UINT8', 'INT16', 'INT8', 'STRING', 'COMPLEX64', 'INT64', 'BOOL'];

/** An element type without its "DT_", by name or by its number in TensorFlow's enumeration. */
export function typeOf(node: TfNode, name: string): string {
  const type = node.attr[name]?.type ?? '';
  return typeof type === 'number' ? (types[type] ?? '') : type.replace(/^DT_/, '');
}

/** Dimensions, null where free; null where not even their number is known. */
export function dimsOf(shape: v.InferOutput<typeof shapeSchema> | undefined): (number | null)[] | null {
  if (!shape || shape.unknownRank) return null;
  return (shape.dim ?? []).map(({ size }) => (size === undefined || size < 0 ? null : size));
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Bytes are written in base64, by some versions as numbers. What is read here is ASCII: names of formats and ops. */
function fromBytes(value: string | readonly number[]): string {
  if (typeof value !== 'string') return String.fromCharCode(...value);
  let out = '';
  let bits = 0;
  let held = 0;
  for (const letter of value.replace(/-/g, '+').replace(/_/g, '/')) {
    const digit = alphabet.indexOf(letter);
    if (digit < 0) break; // padding
    held = ((held << 6) | digit) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += String.fromCharCode((held >> bits) & 255);
  }
  return out;
}

/** A reference to a value as [node, output]; null for a control dependency, which only orders. */
export function reference(input: string): [string, number] | null {
  if (input.startsWith('^')) return null;
  const colon = input.lastIndexOf(':');
  if (colon < 0) return [input, 0];
  return [input.slice(0, colon).split(':')[0]!, Number(input.slice(colon + 1)) || 0];
}

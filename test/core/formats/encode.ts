/** A second, minimal protobuf encoder, so that the reader is not tested by its own library. Field numbers are onnx.proto's. */

export function varint(value: number | bigint): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return [...out, Number(rest)];
}

export const int = (field: number, value: number | bigint): number[] => [...varint(field << 3), ...varint(value)];

export function bytes(field: number, value: Iterable<number>): number[] {
  const body = [...value];
  return [...varint((field << 3) | 2), ...varint(body.length), ...body];
}

export const text = (field: number, value: string): number[] => bytes(field, new TextEncoder().encode(value));
export const packed = (field: number, values: Iterable<number | bigint>): number[] =>
  bytes(field, [...values].flatMap(varint));
export const float = (field: number, value: number): number[] => [
  ...varint((field << 3) | 5),
  ...memory(Float32Array.of(value)),
];
export const memory = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** TensorProto. */
export const tensor = (name: string, type: number, dims: number[], ...values: number[][]): number[] => [
  ...dims.flatMap((dim) => int(1, dim)),
  ...int(2, type),
  ...values.flat(),
  ...text(8, name),
];

/** NodeProto with attributes given as the bytes of AttributeProtos. */
export const node = (opType: string, inputs: string[], outputs: string[], attributes: number[][] = [], domain = '') => [
  ...inputs.flatMap((name) => text(1, name)),
  ...outputs.flatMap((name) => text(2, name)),
  ...text(4, opType),
  ...attributes.flatMap((attribute) => bytes(5, attribute)),
  ...(domain ? text(7, domain) : []),
];

/** ValueInfoProto of a tensor of floats. */
export const value = (name: string, ...dims: number[]): number[] => [
  ...text(1, name),
  ...bytes(
    2,
    bytes(1, [
      ...int(1, 1),
      ...bytes(
        2,
        dims.flatMap((dim) => bytes(1, int(1, dim))),
      ),
    ]),
  ),
];

export interface ModelParts {
  nodes?: number[][];
  initializers?: number[][];
  inputs?: string[];
  outputs?: string[];
  opset?: number;
  ir?: number;
  functions?: number[][];
}

/** ModelProto. */
export function model(parts: ModelParts): Uint8Array<ArrayBuffer> {
  const graph = [
    ...(parts.nodes ?? []).flatMap((each) => bytes(1, each)),
    ...text(2, 'g'),
    ...(parts.initializers ?? []).flatMap((each) => bytes(5, each)),
    ...(parts.inputs ?? ['x']).flatMap((name) => bytes(11, value(name, 1, 4))),
    ...(parts.outputs ?? ['y']).flatMap((name) => bytes(12, value(name, 1, 4))),
  ];
  return Uint8Array.from([
    ...int(1, parts.ir ?? 8),
    ...text(2, 'test'),
    ...bytes(7, graph),
    ...bytes(8, [...text(1, ''), ...int(2, parts.opset ?? 17)]),
    ...(parts.functions ?? []).flatMap((each) => bytes(25, each)),
  ]);
}

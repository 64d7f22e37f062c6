import type { DataType, NumberArray } from '../../graph/tensor';

/** TensorProto.DataType: the number of each element type that a Graph can hold. */
const numbers: Record<DataType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
};
const byNumber = new Map(Object.entries(numbers).map(([type, number]) => [number, type as DataType]));

/** The element types of ONNX that a Graph cannot hold, for messages. */
const others: Record<number, string> = {
  14: 'complex64',
  15: 'complex128',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  21: 'uint4',
  22: 'int4',
  23: 'float4e2m1',
  24: 'float8e8m0',
  25: 'uint2',
  26: 'int2',
};

export const typeNumber = (type: DataType): number => numbers[type];
export const typeOf = (number: number): DataType | null => byNumber.get(number) ?? null;
export const typeName = (number: number): string => byNumber.get(number) ?? others[number] ?? `number ${number}`;

type ArrayMaker = {
  new (length: number): NumberArray;
  new (buffer: ArrayBufferLike, offset: number, length: number): NumberArray;
  readonly BYTES_PER_ELEMENT: number;
};

/** The array that holds each type's elements: float16 and bfloat16 as their bits, bool as bytes. */
const arrays: Record<Exclude<DataType, 'string'>, ArrayMaker> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
};

export const elementBytes = (type: Exclude<DataType, 'string'>): number => arrays[type].BYTES_PER_ELEMENT;

/**
 * Little-endian bytes as elements: a view onto the same memory, or a copy where the bytes do not begin at a multiple of
 * the element's size. (Every machine that this program runs on is little-endian.)
 */
export function viewAs(type: Exclude<DataType, 'string'>, bytes: Uint8Array): NumberArray {
  const make = arrays[type];
  const aligned = bytes.byteOffset % make.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new make(aligned.buffer, aligned.byteOffset, aligned.byteLength / make.BYTES_PER_ELEMENT);
}

/** Element types that a tensor in this program can have; the names are ONNX's, in lower case. */
export type DataType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'bool'
  | 'string';

export type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/**
 * A dense tensor, row-major. float16 and bfloat16 hold their raw bits in a Uint16Array, bool holds 0 or 1 in a Uint8Array.
 * Strings are in `strings` and `data` is empty.
 */
export interface Tensor {
  type: DataType;
  dims: readonly number[];
  data: NumberArray;
  strings?: readonly string[];
}

/** Bytes that the values take. */
export const bytesOf = ({ data }: Tensor): number => data.byteLength;

export function sizeOf(dims: readonly number[]): number {
  let size = 1;
  for (const dim of dims) size *= dim;
  return size;
}

/**
 * A dense copy of a strided view: its element [i, j, ...] is source[offset + i * strides[0] + j * strides[1] ...]. Strides and
 * offset are in elements.
 */
export function stridedCopy<T extends NumberArray>(
  source: T,
  dims: readonly number[],
  strides: readonly number[],
  offset = 0,
): T {
  const out = new (source.constructor as { new (length: number): T })(sizeOf(dims));
  const at = dims.map(() => 0);
  let from = offset;
  for (let i = 0; i < out.length; i++) {
    out[i] = source[from]!;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      at[axis] = at[axis]! + 1;
      from += strides[axis]!;
      if (at[axis]! < dims[axis]!) break;
      from -= strides[axis]! * dims[axis]!;
      at[axis] = 0;
    }
  }
  return out;
}

/** Transposes a constant, whatever its element type. */
export function transposeTensor(tensor: Tensor, perm: readonly number[]): Tensor {
  const steps = perm.map((axis) => sizeOf(tensor.dims.slice(axis + 1)));
  const dims = perm.map((axis) => tensor.dims[axis]!);
  return { ...tensor, dims, data: stridedCopy(tensor.data, dims, steps) };
}

export function float32(dims: readonly number[], data?: Float32Array | readonly number[]): Tensor {
  const array =
    data === undefined ? new Float32Array(sizeOf(dims)) : data instanceof Float32Array ? data : Float32Array.from(data);
  if (array.length !== sizeOf(dims))
    throw new RangeError(`${array.length} values for a tensor of [${dims.join(', ')}]`);
  return { type: 'float32', dims, data: array };
}

export function int64(dims: readonly number[], data: readonly number[]): Tensor {
  if (data.length !== sizeOf(dims)) throw new RangeError(`${data.length} values for a tensor of [${dims.join(', ')}]`);
  return { type: 'int64', dims, data: BigInt64Array.from(data, toInt64) };
}

/** ONNX's sentinels ("to the end") are the int64 extremes, which doubles round to 2^63. */
const toInt64 = (value: number): bigint =>
  value >= 2 ** 63 ? 2n ** 63n - 1n : value <= -(2 ** 63) ? -(2n ** 63n) : BigInt(value);

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The values as numbers, whatever the element type. int64 beyond 2^53 loses precision (only sentinels are that large). */
export function toNumbers(tensor: Tensor): Float64Array {
  const { data, type } = tensor;
  const out = new Float64Array(data.length);
  if (type === 'float16') for (let i = 0; i < out.length; i++) out[i] = halfToNumber(Number(data[i]));
  else if (type === 'bfloat16') {
    const bits = Uint32Array.from(data as Uint16Array, (value) => value << 16);
    return Float64Array.from(new Float32Array(bits.buffer));
  } else for (let i = 0; i < out.length; i++) out[i] = Number(data[i]);
  return out;
}

/** The values as float32: the same array where it is one already. */
export function toFloat32(tensor: Tensor): Float32Array {
  return tensor.data instanceof Float32Array ? tensor.data : Float32Array.from(toNumbers(tensor));
}

/** The parts one after the other, in an array of their type. */
export function concatenate<T extends Float32Array | Int32Array>(
  type: { new (length: number): T },
  parts: readonly T[],
): T {
  const out = new type(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

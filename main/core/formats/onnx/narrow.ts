import type { DataType } from '../../graph/tensor';

/** An element type of less than a byte, or of eight-bit floats: read as a wider type that holds all of its values. */
export interface Narrow {
  name: string;
  bits: 2 | 4 | 8;
  as: Extract<DataType, 'int8' | 'uint8' | 'float32'>;
  /** The value of a code (0 to 2^bits - 1). */
  value(code: number): number;
}

/** Sign, exponent, fraction; which codes are no numbers is the format's own. */
function float(
  exponentBits: number,
  fractionBits: number,
  bias: number,
  special: (code: number, magnitude: number) => number | null,
): Narrow['value'] {
  const sign = 1 << (exponentBits + fractionBits);
  return (code) => {
    const magnitude = code & (sign - 1);
    const other = special(code, magnitude);
    if (other !== null) return other;
    const exponent = magnitude >> fractionBits;
    const fraction = (magnitude & ((1 << fractionBits) - 1)) / (1 << fractionBits);
    const value = exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias);
    return code & sign ? -value : value;
  };
}

/** The one code for what is no number is that of a negative zero. */
const unsignedZero = (code: number): number | null => (code === 0x80 ? NaN : null);
const integer = (bits: number): Narrow['value'] => {
  const half = 1 << (bits - 1);
  return (code) => (code >= half ? code - 2 * half : code);
};

/**
 * By TensorProto.DataType. Sources: ONNX, "Float stored in 8 bits", "4 bit integer types", "Float stored in 4 bits", "2 bit
 * integer types"; P. Micikevicius et al. (2209.05433); B. Noune et al. (2206.02915) for the variants without infinities.
 */
export const narrow: Readonly<Record<number, Narrow>> = {
  17: {
    name: 'float8e4m3fn',
    bits: 8,
    as: 'float32',
    value: float(4, 3, 7, (_, magnitude) => (magnitude === 0x7f ? NaN : null)),
  },
  18: { name: 'float8e4m3fnuz', bits: 8, as: 'float32', value: float(4, 3, 8, unsignedZero) },
  19: {
    name: 'float8e5m2',
    bits: 8,
    as: 'float32',
    value: float(5, 2, 15, (code, magnitude) =>
      magnitude < 0x7c ? null : magnitude > 0x7c ? NaN : code & 0x80 ? -Infinity : Infinity,
    ),
  },
  20: { name: 'float8e5m2fnuz', bits: 8, as: 'float32', value: float(5, 2, 16, unsignedZero) },
  21: { name: 'uint4', bits: 4, as: 'uint8', value: (code) => code },
  22: { name: 'int4', bits: 4, as: 'int8', value: integer(4) },
  23: { name: 'float4e2m1', bits: 4, as: 'float32', value: float(2, 1, 1, () => null) },
  24: { name: 'float8e8m0', bits: 8, as: 'float32', value: (code) => (code === 0xff ? NaN : 2 ** (code - 127)) },
  25: { name: 'uint2', bits: 2, as: 'uint8', value: (code) => code },
  26: { name: 'int2', bits: 2, as: 'int8', value: integer(2) },
};

/** Bytes that `size` values take: several to a byte, the first in the lowest bits, the last byte filled up. */
export const narrowBytes = ({ bits }: Narrow, size: number): number => Math.ceil((size * bits) / 8);

export function widened(type: Narrow, packed: ArrayLike<number>, size: number): Int8Array | Uint8Array | Float32Array {
  const out =
    type.as === 'float32' ? new Float32Array(size) : type.as === 'int8' ? new Int8Array(size) : new Uint8Array(size);
  const perByte = 8 / type.bits;
  const mask = (1 << type.bits) - 1;
  const values = Array.from({ length: mask + 1 }, (_, code) => type.value(code));
  for (let i = 0; i < size; i++)
    out[i] = values[(packed[Math.floor(i / perByte)]! >> ((i % perByte) * type.bits)) & mask]!;
  return out;
}

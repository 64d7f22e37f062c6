import { UnpoolError } from '../../errors';
import { sizeOf, type DataType, type NumberArray, type Tensor } from '../../graph/tensor';
import { narrow, narrowBytes, widened } from './narrow';
import { toNumber, type Int64, type TensorMessage } from './schema';
import { decodeText, encodeText } from './text';

/** TensorProto.DataType by number. */
const types: Record<number, DataType> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
  16: 'bfloat16',
};
export const typeOf = (number: number | undefined): DataType | null =>
  types[number ?? 0] ?? narrow[number ?? 0]?.as ?? null;
/** Types that no program for pictures has a use for. */
const unread: Record<number, string> = { 14: 'complex64', 15: 'complex128' };
export const numberOf = (type: DataType): number => Number(Object.entries(types).find(([, name]) => name === type)![0]);

type ArrayType = {
  new (length: number): NumberArray;
  new (buffer: ArrayBufferLike, offset?: number, length?: number): NumberArray;
  BYTES_PER_ELEMENT: number;
};
const arrays: Record<Exclude<DataType, 'string'>, ArrayType> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

/** Reads a slice of a file that lies beside the model; null length: to its end. */
export type External = (location: string, offset: number, length: number | null) => Uint8Array;

/** `own`: the bytes that hold the message are the reader's, which may move what lies in them. */
export function readTensor(message: TensorMessage, external: External | undefined, own = false): Tensor {
  const name = message.name ?? '';
  const fail = (what: string, hint?: string) =>
    new UnpoolError('bad-tensor', `The tensor "${name}" ${what}.`, { place: { field: name }, ...(hint && { hint }) });
  const type = typeOf(message.dataType);
  if (!type)
    throw fail(
      `has the element type ${unread[message.dataType ?? 0] ?? message.dataType ?? 0}, which this program does not read`,
      'Export the model with float32 weights.',
    );
  const dims = (message.dims ?? []).map(toNumber);
  const size = sizeOf(dims);
  if (dims.some((dim) => !(dim >= 0)) || !Number.isSafeInteger(size))
    throw fail(`has the impossible shape [${dims.join(', ')}]`);
  if (type === 'string') {
    const strings = (message.stringData ?? []).map(decodeText);
    if (strings.length !== size) throw fail(`holds ${strings.length} strings, but its shape wants ${size}`);
    return { type, dims, data: new Uint8Array(0), strings };
  }
  const packed = narrow[message.dataType ?? 0];
  if (packed) {
    const bytes = narrowBytes(packed, size);
    const raw = message.dataLocation === 1 ? readExternal(message, bytes, external, fail) : message.rawData;
    const codes = raw && (raw.length > 0 || size === 0) ? raw : (message.int32Data ?? []).map(toNumber);
    if (codes.length !== bytes)
      throw fail(
        `holds ${codes.length} bytes of ${packed.name}, but its shape [${dims.join(', ')}] wants ${bytes}`,
        'The file may be cut off.',
      );
    return { type, dims, data: widened(packed, codes, size) };
  }
  const array = arrays[type];
  const bytes = size * array.BYTES_PER_ELEMENT;
  const raw = message.dataLocation === 1 ? readExternal(message, bytes, external, fail) : message.rawData;
  if (raw && (raw.length > 0 || size === 0)) {
    if (raw.length !== bytes)
      throw fail(
        `holds ${raw.length} bytes, but its shape [${dims.join(', ')}] wants ${bytes}`,
        'The file may be cut off.',
      );
    return { type, dims, data: viewAs(array, raw, size, own && raw === message.rawData) };
  }
  const typed: readonly Int64[] = message[typedField(type)] ?? [];
  if (typed.length !== size)
    throw fail(
      `holds ${typed.length} values, but its shape [${dims.join(', ')}] wants ${size}`,
      'The file may be cut off.',
    );
  return { type, dims, data: fromTyped(array, typed, size) };
}

/** From here on the tag and length before a field's bytes take three bytes. */
const leastMoved = 2 ** 14;

/**
 * A view onto the file's bytes where they are aligned. Else a copy; where the bytes may be moved, large ones of at most four
 * bytes an element go up to three bytes forward, over their own tag and length, which have been read. ONNX is little-endian, as
 * is every machine that we run on.
 */
function viewAs(array: ArrayType, raw: Uint8Array, size: number, movable: boolean): NumberArray {
  const off = raw.byteOffset % array.BYTES_PER_ELEMENT;
  if (off > 0 && off < 4 && movable && raw.length >= leastMoved)
    new Uint8Array(raw.buffer, raw.byteOffset - off, off + raw.length).copyWithin(0, off);
  else if (off > 0) return new array(new Uint8Array(raw).buffer, 0, size); // not slice(): Node's Buffer would give a view
  return new array(raw.buffer, raw.byteOffset - off, size);
}

function typedField(type: DataType): 'floatData' | 'doubleData' | 'int64Data' | 'uint64Data' | 'int32Data' {
  if (type === 'float32') return 'floatData';
  if (type === 'float64') return 'doubleData';
  if (type === 'int64') return 'int64Data';
  return type === 'uint32' || type === 'uint64' ? 'uint64Data' : 'int32Data';
}

function fromTyped(array: ArrayType, values: readonly Int64[], size: number): NumberArray {
  const out = new array(size);
  if (out instanceof BigInt64Array || out instanceof BigUint64Array)
    for (let i = 0; i < size; i++) out[i] = BigInt(String(values[i]));
  else for (let i = 0; i < size; i++) out[i] = toNumber(values[i]);
  return out;
}

function readExternal(
  message: TensorMessage,
  expected: number,
  external: External | undefined,
  fail: (what: string, hint?: string) => UnpoolError,
): Uint8Array {
  const entry = (key: string) => message.externalData?.find((pair) => pair.key === key)?.value;
  const location = entry('location');
  if (!location) throw fail('lies outside the file, but does not say where');
  if (!isInside(location))
    throw fail(
      `is to be read from "${location}", outside the model's folder`,
      'A model must not name other files of this machine: put its weights beside it and export it again.',
    );
  if (!external)
    throw fail(`lies in "${location}", beside the model`, 'Open the model from its folder, with that file beside it.');
  const length = entry('length');
  const offset = Number(entry('offset') ?? 0);
  if (!Number.isSafeInteger(offset) || offset < 0) throw fail(`lies at an impossible place in "${location}"`);
  // Before anything is read: a declared length must not ask for memory that the tensor has no use for.
  if (length !== undefined && Number(length) !== expected)
    throw fail(`has ${length} bytes in "${location}", but its shape wants ${expected}`);
  return external(location, offset, length === undefined ? null : Number(length));
}

/** Whether a path is relative and stays in its folder: no "..", root, drive, address or backslash. */
export const isInside = (location: string): boolean =>
  !/^[/~]|[\\:\0]/.test(location) && !location.split('/').includes('..');

export function tensorMessage(name: string, tensor: Tensor): TensorMessage {
  const { type, data } = tensor;
  const message: TensorMessage = { name, dims: [...tensor.dims], dataType: numberOf(type) };
  if (type === 'string') message.stringData = (tensor.strings ?? []).map(encodeText);
  else message.rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return message;
}

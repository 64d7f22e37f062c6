/**
 * Messages as bytes, for a WebSocket: uint32 length of a JSON header, the header, then the typed arrays that it mentions,
 * each aligned to 8 bytes. In the header a typed array is { "$": [type, offset, length] }, offsets counted from the end of
 * the (padded) header.
 */

const types = {
  f32: Float32Array,
  f64: Float64Array,
  i32: Int32Array,
  u8: Uint8Array,
  u8c: Uint8ClampedArray,
} as const;
type TypeName = keyof typeof types;
type Numbers = InstanceType<(typeof types)[TypeName]>;

const typeName = (value: object): TypeName | undefined =>
  (Object.keys(types) as TypeName[]).find((name) => value instanceof types[name]);
const align = (length: number): number => (length + 7) & ~7;

export function encode(message: unknown): Uint8Array {
  const arrays: { array: Numbers; offset: number }[] = [];
  let size = 0;
  const header = JSON.stringify(message, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    const name = typeName(value);
    if (!name) return value;
    const array = value as Numbers;
    const offset = size;
    arrays.push({ array, offset });
    size += align(array.byteLength);
    return { $: [name, offset, array.length] };
  });
  const head = new TextEncoder().encode(header);
  const start = align(4 + head.length);
  const bytes = new Uint8Array(start + size);
  new DataView(bytes.buffer).setUint32(0, head.length, true);
  bytes.set(head, 4);
  for (const { array, offset } of arrays)
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), start + offset);
  return bytes;
}

/** Throws for bytes that are no message. */
export function decode(bytes: Uint8Array): unknown {
  if (bytes.length < 4) throw new RangeError('no message: too short');
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const start = align(4 + length);
  if (4 + length > bytes.length) throw new RangeError('no message: its header is cut off');
  const head = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(4, 4 + length));
  return JSON.parse(head, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('$' in value)) return value;
    const [name, offset, count] = (Array.isArray(value.$) ? value.$ : []) as [TypeName, number, number];
    if (
      !Object.hasOwn(types, name) ||
      !Number.isSafeInteger(offset) ||
      !Number.isSafeInteger(count) ||
      offset < 0 ||
      count < 0
    )
      throw new RangeError('no message: a bad array');
    const size = count * types[name].BYTES_PER_ELEMENT;
    if (start + offset + size > bytes.length) throw new RangeError('no message: an array is cut off');
    // Not `bytes.slice`: of a Node Buffer that is a view of the whole, not a copy.
    return new types[name](Uint8Array.prototype.slice.call(bytes, start + offset, start + offset + size).buffer);
  });
}

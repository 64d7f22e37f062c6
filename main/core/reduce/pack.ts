import { UnpoolError } from '../errors';

type Packed = Float32Array | Float64Array | Int32Array | Uint32Array | Uint16Array;
const kinds = { f4: Float32Array, f8: Float64Array, i4: Int32Array, u4: Uint32Array, u2: Uint16Array } as const;
type Kind = keyof typeof kinds;
const kindOf = (array: Packed): Kind => (Object.keys(kinds) as Kind[]).find((kind) => array instanceof kinds[kind])!;

const magic = 0x4b504e55; // "UNPK"
const align = (offset: number): number => Math.ceil(offset / 8) * 8;

const textOf = (ascii: Uint8Array): string => Array.from(ascii, (code) => String.fromCharCode(code)).join('');

/** A header (a JSON value of ASCII text) and typed arrays as one run of bytes, in this machine's byte order. */
export function pack(header: unknown, arrays: readonly Packed[]): Uint8Array {
  const text = JSON.stringify({ header, arrays: arrays.map((array) => [kindOf(array), array.length]) }).replace(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  let length = align(8 + text.length);
  for (const array of arrays) length = align(length + array.byteLength);
  const bytes = new Uint8Array(length);
  new Uint32Array(bytes.buffer, 0, 2).set([magic, text.length]);
  for (let i = 0; i < text.length; i++) bytes[8 + i] = text.charCodeAt(i);
  let at = align(8 + text.length);
  for (const array of arrays) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
    at = align(at + array.byteLength);
  }
  return bytes;
}

/** The header of what `pack` wrote, from its first bytes alone; null where they do not hold it. */
export function unpackHeader(bytes: Uint8Array): unknown {
  if (bytes.length < 8) return null;
  const [found, length] = new Uint32Array(new Uint8Array(bytes.subarray(0, 8)).buffer) as unknown as [number, number];
  if (found !== magic || 8 + length > bytes.length) return null;
  return (JSON.parse(textOf(bytes.subarray(8, 8 + length))) as { header: unknown }).header;
}

/** What `pack` wrote. Throws UnpoolError where the bytes are not whole. */
export function unpack(bytes: Uint8Array): { header: unknown; arrays: Packed[] } {
  const broken = (cause?: unknown) =>
    new UnpoolError('bad-file', 'The bytes are cut off or not of this kind.', { cause });
  if (bytes.length < 8) throw broken();
  const { buffer } = new Uint8Array(bytes);
  const [found, length] = new Uint32Array(buffer, 0, 2) as unknown as [number, number];
  if (found !== magic || 8 + length > bytes.length) throw broken();
  try {
    const text = textOf(bytes.subarray(8, 8 + length));
    const index = JSON.parse(text) as { header: unknown; arrays: [Kind, number][] };
    let at = align(8 + length);
    const arrays = index.arrays.map(([kind, size]) => {
      const array = new kinds[kind](buffer, at, size);
      at = align(at + array.byteLength);
      return array;
    });
    if (at !== bytes.length) throw broken();
    return { header: index.header, arrays };
  } catch (error) {
    throw broken(error);
  }
}

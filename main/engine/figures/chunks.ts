import { crc32 } from 'node:zlib';

/** The chunks of a PNG. */
export interface Chunk {
  type: string;
  body: Buffer;
}

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

export const isPng = (bytes: Uint8Array): boolean => signature.every((value, i) => bytes[i] === value);

/** The chunks that are whole. */
export function* chunksOf(png: Uint8Array): Generator<Chunk> {
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  for (let at = signature.length; at + 12 <= bytes.length;) {
    const length = bytes.readUInt32BE(at);
    if (at + 12 + length > bytes.length) return;
    yield { type: bytes.toString('latin1', at + 4, at + 8), body: bytes.subarray(at + 8, at + 8 + length) };
    at += 12 + length;
  }
}

/** Puts chunks behind the head of a PNG, before its pixels; those of the same type that are there already go. */
export function insertChunks(png: Uint8Array, chunks: readonly Chunk[]): Uint8Array {
  const types = new Set(chunks.map(({ type }) => type));
  const [head, ...rest] = [...chunksOf(png)].filter(({ type }) => !types.has(type));
  const parts = [head!, ...chunks, ...rest].map(encoded);
  return new Uint8Array(Buffer.concat([Buffer.from(signature), ...parts]));
}

function encoded({ type, body }: Chunk): Buffer {
  const chunk = Buffer.alloc(12 + body.length);
  chunk.writeUInt32BE(body.length, 0);
  chunk.write(type, 4, 'latin1');
  body.copy(chunk, 8);
  chunk.writeUInt32BE(checksum(chunk.subarray(4, 8 + body.length)), 8 + body.length);
  return chunk;
}

/** zlib.crc32 came with Node 20.15 and 22.2; Electron 25's Node is older. */
const checksum: (bytes: Buffer) => number =
  typeof crc32 === 'function'
    ? crc32
    : (bytes) => {
        let crc = ~0;
        for (const byte of bytes) {
          crc ^= byte;
          for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
        }
        return ~crc >>> 0;
      };

import { open, writeFile, type FileHandle } from 'node:fs/promises';
import * as v from 'valibot';
import type { Layer } from '../../core/program/network';
import { pack, unpack } from '../../core/reduce/pack';
import { fileError } from '../study/files';
import { addToTables, type BatchResult, type ScanTables } from './tables';

/**
 * The batches since the last checkpoint, one record after the other: so a scan that is killed does at most the batch again
 * that was being computed. A record is a head (magic, length, checksum; uint32) and a body as `pack` makes it. The last one
 * may be torn: it does not count then.
 */
const magic = 0x4a504e55; // "UNPJ"
const headBytes = 16;

const bodySchema = v.object({
  identity: v.string(),
  from: v.number(),
  to: v.number(),
  pictures: v.array(v.number()),
  broken: v.array(v.tuple([v.number(), v.string()])),
});

/** Of whole words; a page that never reached the disk is zeros and does not pass. */
function checksum(bytes: Uint8Array): number {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  let sum = 0x811c9dc5;
  for (let i = 0; i < words.length; i++) sum = Math.imul(sum ^ words[i]!, 0x01000193);
  return sum >>> 0;
}

function record(identity: string, batch: BatchResult): Uint8Array {
  const { from, to, pictures, broken, hashes, maxima } = batch;
  const body = pack({ identity, from, to, pictures, broken }, [
    hashes,
    ...maxima.flatMap(({ max, place }) => [max, place]),
  ]);
  const bytes = new Uint8Array(headBytes + body.length);
  new Uint32Array(bytes.buffer, 0, 3).set([magic, body.length, checksum(body)]);
  bytes.set(body, headBytes);
  return bytes;
}

/** A journal that is being written. */
export class Journal {
  private readonly file: string;
  private readonly identity: string;
  private readonly handle: FileHandle;

  private constructor(file: string, identity: string, handle: FileHandle) {
    this.file = file;
    this.identity = identity;
    this.handle = handle;
  }

  /** Begins an empty one. Throws UnpoolError. */
  static async open(file: string, identity: string): Promise<Journal> {
    try {
      await writeFile(file, '');
      return new Journal(file, identity, await open(file, 'a'));
    } catch (error) {
      throw fileError(error, 'write', file);
    }
  }

  /** Throws UnpoolError, as where the disk is full. */
  async append(batch: BatchResult): Promise<void> {
    try {
      const bytes = record(this.identity, batch);
      let at = 0;
      while (at < bytes.length) at += (await this.handle.write(bytes, at)).bytesWritten;
    } catch (error) {
      throw fileError(error, 'write', this.file);
    }
  }

  /** After a checkpoint: what was noted is in it. */
  async clear(): Promise<void> {
    try {
      await this.handle.truncate(0);
    } catch (error) {
      throw fileError(error, 'write', this.file);
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/** Adds to the tables what a journal holds beyond them. Throws `foreign()` where it is another scan's. */
export function replayJournal(
  bytes: Uint8Array,
  identity: string,
  layers: readonly Layer[],
  tables: ScanTables,
  classOf: (picture: number) => number,
  perPicture: number,
  foreign: () => Error,
): void {
  for (let at = 0; at + headBytes <= bytes.length;) {
    const [found, length, sum] = new Uint32Array(new Uint8Array(bytes.subarray(at, at + 12)).buffer) as unknown as [
      number,
      number,
      number,
    ];
    const body = new Uint8Array(bytes.subarray(at + headBytes, at + headBytes + length));
    if (found !== magic || body.length !== length || checksum(body) !== sum) return;
    at += headBytes + length;
    const { header, arrays } = unpack(body);
    const parsed = v.safeParse(bodySchema, header);
    if (!parsed.success || parsed.output.identity !== identity) throw foreign();
    const { from, to, pictures, broken } = parsed.output;
    if (from < tables.next) continue; // the checkpoint has it already
    if (from > tables.next) return;
    const [hashes, ...rest] = arrays;
    const maxima = layers.flatMap((_, i) =>
      rest.length ? [{ max: rest[2 * i] as Float32Array, place: rest[2 * i + 1] as Int32Array }] : [],
    );
    addToTables(tables, { from, to, pictures, broken, hashes: hashes as Uint32Array, maxima }, classOf, perPicture);
  }
}

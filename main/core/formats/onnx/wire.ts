import protobuf from 'protobufjs/minimal.js';
import { UnpoolError } from '../../errors';

/** How a protobuf field is stored: varint, eight bytes, length-delimited, four bytes. */
const Wire = { varint: 0, fixed64: 1, delimited: 2, fixed32: 5 } as const;

const damaged = (cause: unknown): UnpoolError =>
  new UnpoolError('damaged-model', 'The model file is cut off or damaged.', {
    hint: 'Copy or download it again and compare its size with the original.',
    cause,
  });

/**
 * Walks the fields of one protobuf message, in the order of the file:
 * `for (const field of fields(bytes)) switch (field.number) ...`. A field that is not taken is skipped. Nothing is copied.
 *
 * @throws UnpoolError where the bytes are no valid message.
 */
export function* fields(bytes: Uint8Array): Generator<Field, void> {
  const field = new Field(bytes);
  while (field.next()) yield field;
}

/** The field that the walk stands at. Each of its values can be taken once. */
export class Field {
  number = 0;
  private wire = 0;
  private taken = true;
  private readonly reader: protobuf.Reader;

  constructor(bytes: Uint8Array) {
    this.reader = new protobuf.Reader(bytes);
  }

  /** Goes to the next field; false at the end. */
  next(): boolean {
    if (!this.taken) this.take((reader) => reader.skipType(this.wire));
    if (this.reader.pos >= this.reader.len) return false;
    const tag = this.guard((reader) => reader.tag());
    this.number = tag >>> 3;
    this.wire = tag & 7;
    this.taken = false;
    if (this.number === 0) throw damaged(new Error('field number 0'));
    return true;
  }

  /** A view onto the message's bytes. */
  bytes(): Uint8Array {
    return this.expect(Wire.delimited, (reader) => reader.bytes());
  }

  text(): string {
    return this.expect(Wire.delimited, (reader) => reader.string());
  }

  /** A 64-bit integer as a number; beyond 2^53 it is rounded. */
  int(): number {
    return this.expect(Wire.varint, (reader) => toNumber(reader));
  }

  float(): number {
    return this.expect(Wire.fixed32, (reader) => reader.float());
  }

  /** One value or a packed run of values of a repeated field. */
  ints(into: number[]): void {
    this.repeated(Wire.varint, (reader) => into.push(toNumber(reader)));
  }

  floats(into: number[]): void {
    this.repeated(Wire.fixed32, (reader) => into.push(reader.float()));
  }

  doubles(into: number[]): void {
    this.repeated(Wire.fixed64, (reader) => into.push(reader.double()));
  }

  /** As `ints`, exact: pairs of 32-bit halves, low before high. */
  longs(into: number[]): void {
    this.repeated(Wire.varint, (reader) => {
      const { low, high } = reader.int64();
      into.push(low, high);
    });
  }

  /** The bytes of a packed run, for values that have the same form in memory; null where the value stands alone. */
  packed(): Uint8Array | null {
    return this.wire === Wire.delimited ? this.bytes() : null;
  }

  private repeated(wire: number, one: (reader: protobuf.Reader) => void): void {
    if (this.wire !== Wire.delimited) {
      this.expect(wire, one);
      return;
    }
    const run = new protobuf.Reader(this.bytes());
    this.guard(() => {
      while (run.pos < run.len) one(run);
    });
  }

  private expect<T>(wire: number, read: (reader: protobuf.Reader) => T): T {
    if (this.wire !== wire) throw damaged(new Error(`field ${this.number} has wire type ${this.wire}, not ${wire}`));
    return this.take(read);
  }

  private take<T>(read: (reader: protobuf.Reader) => T): T {
    this.taken = true;
    return this.guard(read);
  }

  /** The library says with a plain error that bytes are wrong or run out. */
  private guard<T>(read: (reader: protobuf.Reader) => T): T {
    try {
      return read(this.reader);
    } catch (error) {
      throw damaged(error);
    }
  }
}

function toNumber(reader: protobuf.Reader): number {
  const { low, high } = reader.int64();
  return high * 2 ** 32 + (low >>> 0);
}

/** From here on a run of bytes is kept as it is instead of being copied into the message that holds it. */
const large = 4096;

/**
 * Builds a message. Large byte runs (weights) are kept by reference and copied once, into the finished file: protobufjs
 * alone would move them again for each message around them and each time its buffer grows.
 */
export class Message {
  private writer = protobuf.Writer.create();
  private readonly parts: Uint8Array[] = [];
  private partsLength = 0;

  get length(): number {
    return this.partsLength + this.writer.pos;
  }

  text(field: number, value: string): this {
    this.tag(field, Wire.delimited).string(value);
    return this;
  }

  int(field: number, value: number): this {
    this.tag(field, Wire.varint).int64(int64(value));
    return this;
  }

  float(field: number, value: number): this {
    this.tag(field, Wire.fixed32).float(value);
    return this;
  }

  ints(field: number, values: readonly number[]): this {
    if (values.length) this.tag(field, Wire.delimited).int64s(values.map(int64) as number[]);
    return this;
  }

  floats(field: number, values: readonly number[]): this {
    if (values.length) this.tag(field, Wire.delimited).floats(values as number[]);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.tag(field, Wire.delimited).uint32(value.length);
    this.append(value);
    return this;
  }

  message(field: number, value: Message): this {
    this.tag(field, Wire.delimited).uint32(value.length);
    for (const part of value.parts) this.append(part);
    this.append(value.writer.finish(true));
    return this;
  }

  /** The whole message in one array of exactly its size. */
  finish(): Uint8Array {
    const out = new Uint8Array(this.length);
    let at = 0;
    for (const part of [...this.parts, this.writer.finish(true)]) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  private tag(field: number, wire: number): protobuf.Writer {
    return this.writer.uint32((field << 3) | wire);
  }

  private append(value: Uint8Array): void {
    if (value.length < large) {
      this.writer.raw(value);
      return;
    }
    const before = this.writer.finish(true);
    this.parts.push(before, value);
    this.partsLength += before.length + value.length;
    this.writer = protobuf.Writer.create();
  }
}

/** Readers round the largest int64 up to 2^63, which int64 does not have. */
const int64 = (value: number): number | string => (value >= 2 ** 63 ? '9223372036854775807' : value);

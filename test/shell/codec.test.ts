import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../preload/codec';
import { random } from '../core/support';

describe('messages as bytes', () => {
  it('typed arrays of every kind come back, wherever they are and however they lie in their buffer', () => {
    const buffer = new ArrayBuffer(64);
    const message = {
      t: 'item',
      id: 7,
      value: {
        words: 'größer → 東京 \u0000 "$"',
        none: null,
        yes: true,
        number: -1.5e-300,
        nested: [[new Float32Array([1, -0, NaN, Infinity])], { deep: new Float64Array([Math.PI]) }],
        // Odd lengths and offsets: what follows must be aligned again.
        bytes: new Uint8Array(buffer, 3, 5).fill(9),
        clamped: new Uint8ClampedArray([0, 255, 128]),
        places: new Int32Array([-(2 ** 31), 2 ** 31 - 1]),
        empty: new Float32Array(0),
      },
    };
    expect(decode(encode(message))).toEqual(message);
  });

  it('decodes from the middle of a larger buffer', () => {
    const bytes = encode({ data: new Float64Array([1, 2, 3]) });
    const larger = new Uint8Array(bytes.length + 16);
    larger.set(bytes, 5);
    expect(decode(larger.subarray(5, 5 + bytes.length))).toEqual({ data: new Float64Array([1, 2, 3]) });
  });

  it('a decoded array holds its own bytes only', () => {
    const { data } = decode(encode({ secret: 'x'.repeat(100), data: new Uint8Array([1]) })) as { data: Uint8Array };
    expect(data.buffer.byteLength).toBe(1);
  });

  it.each([
    ['nothing', new Uint8Array(0)],
    ['a length only', new Uint8Array([5, 0, 0, 0])],
    ['a length beyond the end', new Uint8Array([255, 255, 255, 255, 123, 125])],
    ['no JSON', withHeader('{"a":')],
    ['no UTF-8', new Uint8Array([2, 0, 0, 0, 0xc3, 0x28, 0, 0])],
    ['an array that is not there', withHeader('{"$":["f32",0,1]}')],
    ['an array before the start', withHeader('{"$":["u8",-8,1]}')],
    ['an array of more bytes than there are numbers', withHeader('{"$":["f64",0,9007199254740991]}')],
    ['a length that is no whole number', withHeader('{"$":["u8",0,0.5]}')],
    ['an inherited name of a type', withHeader('{"$":["constructor",0,0]}')],
    ['a reference that is no list', withHeader('{"$":5}')],
    ['a reference to nothing', withHeader('{"$":null}')],
    ['lists in lists in lists', withHeader('['.repeat(200_000) + ']'.repeat(200_000))],
  ])('refuses %s', (_what, bytes) => {
    expect(() => decode(bytes)).toThrow(/^(no message|Unexpected|Expected|The encoded data|Maximum call stack)/);
  });

  it('ten thousand damaged messages are decoded or refused, and no array is larger than the message', () => {
    const next = random(41);
    const whole = encode({ t: 'result', id: 1, value: { a: new Float32Array(9), b: [new Uint8Array(5), 'text'] } });
    const outcomes = { decoded: 0, refused: 0 };
    for (let i = 0; i < 10_000; i++) {
      const bytes = whole.slice(0, next() < 0.2 ? Math.floor(next() * whole.length) : whole.length);
      for (let k = Math.floor(next() * 4); k >= 0 && bytes.length; k--)
        bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256);
      try {
        for (const size of arraySizes(decode(bytes))) expect(size).toBeLessThanOrEqual(bytes.length);
        outcomes.decoded++;
      } catch (error) {
        if ((error as Error).name === 'AssertionError') throw error;
        outcomes.refused++;
      }
    }
    expect(Math.min(outcomes.decoded, outcomes.refused)).toBeGreaterThan(500);
  });
});

function withHeader(json: string): Uint8Array {
  const head = new TextEncoder().encode(json);
  const bytes = new Uint8Array(4 + head.length);
  new DataView(bytes.buffer).setUint32(0, head.length, true);
  bytes.set(head, 4);
  return bytes;
}

function arraySizes(value: unknown): number[] {
  if (ArrayBuffer.isView(value)) return [value.byteLength];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(arraySizes) : [];
}

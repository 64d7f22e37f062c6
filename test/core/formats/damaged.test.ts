import { describe, expect, it } from 'vitest';
import { UnpoolError } from '../../../main/core/errors';
import { readModel } from '../../../main/core/formats/index';
import { readOnnx, writeOnnx } from '../../../main/core/formats/onnx/index';
import { random } from '../support';
import { wholeGraph } from './support';

/** True where the bytes are read, false where they are refused as they should be; anything else is thrown. */
function survives(bytes: Uint8Array): boolean {
  try {
    readOnnx(bytes, { external: () => new Uint8Array(0) });
    return true;
  } catch (error) {
    if (error instanceof UnpoolError) return false;
    throw error;
  }
}

const small = writeOnnx(wholeGraph());

describe('damaged files', () => {
  it('cut off anywhere: an error in words, or what is left of a whole message', async () => {
    for (let length = 0; length < small.length; length += length < 400 ? 1 : 7) survives(small.subarray(0, length));
    // Within the graph nothing is whole.
    const graphStart = 20;
    expect(survives(small.subarray(0, graphStart + 50))).toBe(false);
    await expect(readModel(small.subarray(0, 0))).rejects.toThrow(UnpoolError);
    await expect(readModel(new Uint8Array(5000))).rejects.toThrow(UnpoolError);
  });

  it('two thousand mutants end in a graph or an error in words', () => {
    const next = random(7);
    const pick = (below: number) => Math.floor(next() * below);
    let refused = 0;
    for (let i = 0; i < 2000; i++) {
      let bytes = Uint8Array.from(small);
      for (let changes = 1 + pick(4); changes > 0; changes--) {
        const at = pick(bytes.length);
        const kind = pick(4);
        if (kind === 0) bytes[at] = pick(256);
        else if (kind === 1) bytes[at]! ^= 1 << pick(8);
        else if (kind === 2) bytes.copyWithin(at, pick(bytes.length), pick(bytes.length));
        else bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + pick(16))]);
      }
      if (!survives(bytes)) refused++;
    }
    expect(refused).toBeGreaterThan(500);
  });

  it('bytes that are no model at all', () => {
    const next = random(11);
    for (let i = 0; i < 500; i++) survives(Uint8Array.from({ length: 200 }, () => next() * 256));
  });

  it('subgraphs nested a hundred thousand deep', () => {
    // Each level: graph { node { attribute { g: ... } } }, built from the inside, with room for the lengths.
    const wrap = (tag: number, length: number) => {
      const out = [tag];
      for (; length > 127; length = Math.floor(length / 128)) out.push((length % 128) | 128);
      return [...out, length];
    };
    const heads: number[][] = [];
    let length = 0;
    for (let depth = 0; depth < 100_000; depth++)
      for (const tag of [0x32, 0x2a, 0x0a]) {
        const head = wrap(tag, length);
        heads.push(head);
        length += head.length;
      }
    const model = Uint8Array.from([8, 8, ...wrap(0x3a, length), ...heads.reverse().flat()]);
    expect(survives(model)).toBe(false);
  });
});

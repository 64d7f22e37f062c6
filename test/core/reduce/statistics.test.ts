import { describe, expect, it } from 'vitest';
import { UnpoolError } from '../../../main/core/errors';
import { pack, unpack } from '../../../main/core/reduce/pack';
import { addBatch, emptyStatistics } from '../../../main/core/reduce/statistics';
import { random } from '../support';

describe('statistics', () => {
  it('counts, sums and sums by class what is finite, whatever the batches', () => {
    const next = random(5);
    const [pictures, units, perPicture] = [50, 3, 2];
    const max = Float32Array.from({ length: pictures * units * perPicture }, () => {
      const value = next();
      return value < 0.1 ? NaN : value < 0.15 ? Infinity : value < 0.5 ? 0 : next() * 10;
    });
    const classOf = Array.from({ length: pictures }, () => Math.floor(next() * 3) - 1);
    const run = (batch: number) => {
      const table = emptyStatistics(units, 2);
      const row = units * perPicture;
      for (let at = 0; at < pictures; at += batch)
        addBatch(table, classOf.slice(at, at + batch), max.subarray(at * row, (at + batch) * row), perPicture);
      return table;
    };
    const table = run(7);
    expect(table).toEqual(run(50));
    for (let unit = 0; unit < units; unit++) {
      const values = classOf.map((_, n) => max[(n * units + unit) * perPicture]!);
      const finite = values.filter(Number.isFinite);
      expect(table.count[unit]).toBe(finite.length);
      expect(table.fired[unit]).toBe(finite.filter((value) => value > 0).length);
      expect(table.sum[unit]).toBeCloseTo(
        finite.reduce((a, b) => a + b, 0),
        9,
      );
      for (const label of [0, 1]) {
        const own = values.filter((value, n) => classOf[n] === label && Number.isFinite(value));
        expect(table.classCount[unit * 2 + label]).toBe(own.length);
        expect(table.classSum[unit * 2 + label]).toBeCloseTo(
          own.reduce((a, b) => a + b, 0),
          9,
        );
      }
    }
  });
});

describe('pack', () => {
  const header = { name: 'Bär "x"', n: 3 };
  const arrays = [Float32Array.of(1.5, -0, NaN), Int32Array.of(), Float64Array.of(Math.PI), Uint32Array.of(1, 2, 3)];

  it('gives back what was put in', () => {
    expect(unpack(pack(header, arrays))).toEqual({ header, arrays });
  });

  it('refuses bytes that are cut off or foreign', () => {
    const bytes = pack(header, arrays);
    for (let length = 0; length < bytes.length; length += 3)
      expect(() => unpack(bytes.subarray(0, length))).toThrow(UnpoolError);
    expect(() => unpack(new TextEncoder().encode('something else altogether'))).toThrow(UnpoolError);
  });
});

import { describe, expect, it } from 'vitest';
import { UnpoolError } from '../../../main/core/errors';
import { pack, unpack } from '../../../main/core/reduce/pack';
import { addBatch, emptyStatistics, mergeStatistics, withClasses } from '../../../main/core/reduce/statistics';
import { addTo, emptySums, mergeSums, sumAt, sumsIn } from '../../../main/core/reduce/sum';
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
      expect(sumAt(table.sum, unit)).toBeCloseTo(
        finite.reduce((a, b) => a + b, 0),
        9,
      );
      for (const label of [0, 1]) {
        const own = values.filter((value, n) => classOf[n] === label && Number.isFinite(value));
        expect(table.classCount[unit * 2 + label]).toBe(own.length);
        expect(sumAt(table.classSum, unit * 2 + label)).toBeCloseTo(
          own.reduce((a, b) => a + b, 0),
          9,
        );
      }
    }
  });
});

describe('sums', () => {
  /** Exact, by whole numbers of 2^-149: the smallest float32. */
  const exact = (values: Iterable<number>): bigint => {
    let total = 0n;
    for (const value of values) {
      const shift = Math.max(-149, Math.floor(Math.log2(Math.abs(value) || 1)) - 51);
      total += BigInt(Math.round(value / 2 ** shift)) << BigInt(shift + 149);
    }
    return total;
  };

  it('are the same bits in any order and any merging, and exact', () => {
    const next = random(9);
    for (const range of [3, 20, 36, 60, 120]) {
      const values = Float32Array.from(
        { length: 400 },
        () => (next() - 0.4) * 2 ** Math.floor((next() - 0.3) * range),
      ).filter((value) => Math.abs(value) >= 2 ** -36);
      const sum = (order: Iterable<number>) => {
        const sums = emptySums(1);
        for (const value of order) addTo(sums, 0, value);
        return sums;
      };
      const first = sum(values);
      for (let turn = 0; turn < 20; turn++) {
        const shuffled = [...values].map((value) => [next(), value] as const).sort((a, b) => a[0] - b[0]);
        const order = shuffled.map(([, value]) => value);
        const cut = Math.floor(next() * order.length);
        const merged = sum(order.slice(cut));
        mergeSums(merged, sum(order.slice(0, cut)));
        expect(merged).toEqual(first);
      }
      const grains = first.tiers.reduce((total, tier) => total + exact(tier), 0n);
      expect(grains).toBe(exact(values));
      expect(sumAt(first, 0)).toBeCloseTo(Number(exact(values)) / 2 ** 149, range < 60 ? 4 : -90);
    }
  });

  it('are the same many at a time as one by one', () => {
    const next = random(8);
    const sums = emptySums(40);
    for (let i = 0; i < 900; i++) addTo(sums, i % 40, Math.fround((next() - 0.4) * 2 ** Math.floor(next() * 90)));
    expect(sums.tiers.every(({ length }) => length > 0)).toBe(true);
    expect([...sumsIn(sums, 7, 33)]).toEqual(Array.from({ length: 26 }, (_, i) => sumAt(sums, 7 + i)));
  });

  it('round what is smaller than 2^-60 can hold, whatever comes first', () => {
    const values = [2 ** -40 + 2 ** -63, 1, -(2 ** -61), 2 ** -62];
    const sum = (order: readonly number[]) => {
      const sums = emptySums(1);
      for (const value of order) addTo(sums, 0, value);
      return sums;
    };
    expect(sum(values)).toEqual(sum([...values].reverse()));
    expect(sumAt(sum(values), 0)).toBe(1 + 2 ** -40);
  });
});

describe('statistics of several machines', () => {
  const units = 3;
  const gather = (classes: number, values: readonly (readonly [number, number])[]) => {
    const table = emptyStatistics(units, classes);
    for (const [value, label] of values)
      addBatch(
        table,
        [label],
        Float32Array.from({ length: units }, (_, unit) => value * 3 ** unit),
        1,
      );
    return table;
  };
  const next = random(12);
  const values = Array.from({ length: 90 }, () => [next() * 7 - 2, Math.floor(next() * 4) - 1] as const);

  it('are those of one, in any order', () => {
    const whole = gather(3, values);
    const parts = [values.slice(60), values.slice(0, 25), values.slice(25, 60)].map((part) => gather(3, part));
    const merged = emptyStatistics(units, 3);
    for (const part of parts) mergeStatistics(merged, part);
    expect(merged).toEqual(whole);
  });

  it('take further classes', () => {
    const two = values.filter(([, label]) => label < 2);
    const grown = withClasses(gather(2, two), 3);
    expect(grown).toEqual(gather(3, two));
    expect(withClasses(grown, 0)).toEqual({
      ...grown,
      classes: 0,
      classCount: Int32Array.of(),
      classSum: emptySums(0),
    });
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

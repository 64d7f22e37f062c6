import { describe, expect, it } from 'vitest';
import { addToSample, emptySample, mergeSamples, sampledPictures } from '../../../main/core/reduce/sample';
import { correlations, fiveNumbers, pickQuantiles } from '../../../main/core/reduce/spread';
import { random } from '../support';

/** The second way: in whole numbers without bounds, all of the list sorted. */
function byBigInt(count: number, size: number): number[] {
  const mask = 0xffffffffn;
  const spread = (i: number): bigint => {
    let x = (BigInt(i) + 0x9e3779b9n) & mask;
    x = ((x ^ (x >> 16n)) * 0x85ebca6bn) & mask;
    x = ((x ^ (x >> 13n)) * 0xc2b2ae35n) & mask;
    return x ^ (x >> 16n);
  };
  const all = Array.from({ length: count }, (_, i) => [spread(i), i] as const);
  all.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  return all
    .slice(0, size)
    .map(([, i]) => i)
    .sort((a, b) => a - b);
}

describe('the sampled pictures', () => {
  it('are those that the format names, as many as it names', () => {
    for (const [count, units, size] of [
      [0, 10, 0],
      [1, 10, 1],
      [511, 10, 511],
      [513, 10, 512],
      [700, 10, 512],
      [20_000, 10, 512],
      [5000, 20_000, 400],
      [5000, 7_999_999, 1],
      [50, 9_000_000, 0],
    ] as const) {
      expect(Array.from(sampledPictures(count, units)), `${count} ${units}`).toEqual(byBigInt(count, size));
    }
  });

  it('are spread over the list', () => {
    const pictures = sampledPictures(100_000, 100);
    const tenths = Array.from({ length: 10 }, (_, i) => pictures.filter((at) => Math.floor(at / 10_000) === i).length);
    expect(Math.min(...tenths)).toBeGreaterThan(25);
  });

  it('of a list that grew are none of the old ones that were not sampled before', () => {
    let before = sampledPictures(400, 10);
    for (let count = 400; count < 9000; count += 617) {
      const now = sampledPictures(count, 10);
      for (const picture of now) if (picture < count - 617) expect(before.includes(picture)).toBe(true);
      before = now;
    }
  });
});

const units = 3;
const drawn = (count: number, perPicture: number) => {
  const next = random(4);
  const length = count * units * perPicture;
  return {
    max: Float32Array.from({ length }, () => (next() < 0.05 ? NaN : next() * 9)),
    place: Int32Array.from({ length }, () => Math.floor(next() * 60_000)),
  };
};

describe('a sample', () => {
  it.each([1, 4])('is the same of any batches and any ranges, in any order (%i places a picture)', (perPicture) => {
    const count = 1300;
    const { max, place } = drawn(count, perPicture);
    const all = sampledPictures(count, units);
    const row = units * perPicture;
    const gather = (from: number, to: number, batch: number) => {
      const sample = emptySample(
        all.filter((at) => at >= from && at < to),
        units,
        60_000,
      );
      for (let at = from; at < to; at += batch) {
        const end = Math.min(to, at + batch);
        const pictures = Array.from({ length: end - at }, (_, i) => at + i);
        addToSample(
          sample,
          pictures,
          max.subarray(at * row, end * row),
          place.subarray(at * row, end * row),
          perPicture,
        );
      }
      return sample;
    };
    const whole = gather(0, count, 7);
    expect(gather(0, count, 64)).toEqual(whole);
    const merged = emptySample(all, units, 60_000);
    for (const [from, to] of [[900, count], [0, 100], [100, 900]] as const) mergeSamples(merged, gather(from, to, 16)); // prettier-ignore
    expect(merged).toEqual(whole);
    all.forEach((picture, i) => {
      for (let unit = 0; unit < units; unit++) {
        expect(whole.activation[i * units + unit]).toBe(max[(picture * units + unit) * perPicture]);
        expect(whole.place[i * units + unit]).toBe(place[(picture * units + unit) * perPicture]);
      }
    });
  });

  it('leaves what was not reached without a number, and takes places of any map', () => {
    const sample = emptySample(Int32Array.of(2, 5), 2, 70_000);
    addToSample(sample, [4, 5], Float32Array.of(1, 2, 3, 4), Int32Array.of(1, 2, 69_999, 4), 1);
    expect(Array.from(sample.activation)).toEqual([NaN, NaN, 3, 4]);
    expect(Array.from(sample.place)).toEqual([0, 0, 69_999, 4]);
  });

  it('of a grown list keeps what it had of those that stay', () => {
    const [few, many] = [sampledPictures(700, units), sampledPictures(5000, units)];
    const { max, place } = drawn(700, 1);
    const old = emptySample(few, units, 100);
    addToSample(old, Array.from({ length: 700 }, (_, i) => i), max, place, 1); // prettier-ignore
    const grown = emptySample(many, units, 100);
    mergeSamples(grown, old);
    many.forEach((picture, i) => {
      const own = Array.from(grown.activation.subarray(i * units, (i + 1) * units));
      const expected =
        picture < 700 ? Array.from(max.subarray(picture * units, (picture + 1) * units)) : [NaN, NaN, NaN];
      expect(own).toEqual(expected);
    });
  });
});

describe('quantiles', () => {
  const sample = (columns: readonly (readonly number[])[]) => ({
    units: columns.length,
    pictures: Int32Array.from(columns[0]!, (_, i) => 3 * i),
    activation: Float32Array.from(columns[0]!.flatMap((_, row) => columns.map((column) => column[row]!))),
    place: new Uint16Array(columns.length * columns[0]!.length),
  });

  it('pick pictures by a total order, each once', () => {
    const one = sample([[0, 5, 5, NaN, 1, 0, 0, Infinity, 9, 0]]);
    // 9, 5 (of the first picture), 5, 1, 0, 0, 0, 0; the two that are no numbers are not in it.
    expect(pickQuantiles(one, 0, [1, 0.99, 0.9, 0.75, 0.5, 0.25, 0])).toEqual([
      { row: 8, quantile: 1, exact: 1 },
      { row: 1, quantile: 0.9, exact: 6 / 7 },
      { row: 2, quantile: 0.75, exact: 5 / 7 },
      { row: 0, quantile: 0.5, exact: 3 / 7 },
      { row: 5, quantile: 0.25, exact: 2 / 7 },
      { row: 9, quantile: 0, exact: 0 },
    ]);
    expect(pickQuantiles(sample([[NaN]]), 0, [1, 0])).toEqual([]);
    expect(pickQuantiles(sample([[4]]), 0, [1, 0])).toEqual([{ row: 0, quantile: 1, exact: 1 }]);
  });

  it('of numbers are those of NumPy', () => {
    // numpy.quantile([3, 1, 4, 1, 5, 9, 2, 6], [0, .25, .5, .75, 1])
    expect(fiveNumbers([3, 1, 4, 1, 5, 9, 2, 6])).toEqual([1, 1.75, 3.5, 5.25, 9]);
    expect(fiveNumbers([2])).toEqual([2, 2, 2, 2, 2]);
    expect(fiveNumbers([])).toBeNull();
  });

  it('correlations are those of sums of products', () => {
    const next = random(8);
    const first = Array.from({ length: 40 }, () => next());
    const columns = [
      first,
      first.map((value) => 3 - 2 * value),
      first.map((value) => value + next()),
      first.map(() => 7),
      first.map((value, i) => (i % 5 === 0 ? NaN : value * value)),
    ];
    const found = correlations(sample(columns), 0)!;
    const [x, ...others] = columns.map((column) => Array.from(Float32Array.from(column)));
    others.forEach((y, i) => {
      const pairs = y.flatMap((value, at) => (Number.isNaN(value) ? [] : [[x![at]!, value] as const]));
      const n = pairs.length;
      const total = (of: (a: number, b: number) => number) => pairs.reduce((sum, [a, b]) => sum + of(a, b), 0);
      const [sx, sy, xx, yy, xy] = [total((a) => a), total((_, b) => b), total((a) => a * a), total((_, b) => b * b), total((a, b) => a * b)]; // prettier-ignore
      const spread = Math.sqrt(n * xx - sx * sx) * Math.sqrt(n * yy - sy * sy);
      expect(found[i + 1]).toBeCloseTo(i === 2 ? 0 : (n * xy - sx * sy) / spread, 5);
    });
    expect([found[0], found[1]]).toEqual([1, -1]);
    expect(correlations(sample([[1, NaN, 2]]), 0)).toBeNull();
  });
});

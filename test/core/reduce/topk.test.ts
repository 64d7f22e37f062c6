import { describe, expect, it } from 'vitest';
import { emptyTopK, insertBatch, mergeTopK, type TopK } from '../../../main/core/reduce/topk';
import { random } from '../support';

interface Entry {
  unit: number;
  activation: number;
  picture: number;
  place: number;
}

/** The second formula: the whole list, sorted, cut at k. */
function naive(entries: readonly Entry[], units: number, k: number): Entry[][] {
  return Array.from({ length: units }, (_, unit) =>
    entries
      .filter((entry) => entry.unit === unit && entry.activation > -Infinity)
      .sort((a, b) => b.activation - a.activation || a.picture - b.picture || a.place - b.place)
      .slice(0, k),
  );
}

const listed = (table: TopK): Entry[][] =>
  Array.from({ length: table.units }, (_, unit) =>
    Array.from({ length: table.count[unit]! }, (_, rank) => {
      const at = unit * table.k + rank;
      return { unit, activation: table.activation[at]!, picture: table.picture[at]!, place: table.place[at]! };
    }),
  );

/** Maxima as a scanner gives them, few different values so that ties are common. */
function makeBatch(next: () => number, pictures: readonly number[], units: number, perPicture: number) {
  const max = new Float32Array(pictures.length * units * perPicture);
  const place = new Int32Array(max.length);
  const entries: Entry[] = [];
  for (let row = 0; row < pictures.length * units; row++) {
    const values = Array.from({ length: perPicture }, () => {
      const draw = next();
      return draw < 0.05 ? NaN : draw < 0.1 ? -Infinity : Math.floor(next() * 5) - 1;
    });
    values.sort((a, b) => b - a);
    values.forEach((activation, i) => {
      const at = row * perPicture + i;
      max[at] = activation;
      place[at] = i * 7 + Math.floor(next() * 7);
      entries.push({ unit: row % units, activation, picture: pictures[Math.floor(row / units)]!, place: place[at]! });
    });
  }
  return { max, place, entries };
}

function shuffle<T>(list: T[], next: () => number): T[] {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [list[i], list[j]] = [list[j]!, list[i]!];
  }
  return list;
}

describe('top-k table', () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed))(
    'equals the sorted list in any order, split and merge (seed %i)',
    (seed) => {
      const next = random(seed);
      const [units, k, perPicture] = [
        1 + Math.floor(next() * 4),
        1 + Math.floor(next() * 9),
        1 + Math.floor(next() * 3),
      ];
      const pictures = Array.from({ length: 1 + Math.floor(next() * 40) }, (_, i) => i);
      const { max, place, entries } = makeBatch(next, pictures, units, perPicture);
      const expected = naive(entries, units, k);
      const row = units * perPicture;

      // Shards of pictures in any order, each cut into batches at random; then the shards are merged at random.
      const shards: TopK[] = [];
      for (let at = 0, order = shuffle([...pictures], next); at < order.length;) {
        const table = emptyTopK(units, k);
        const end = Math.min(order.length, at + 1 + Math.floor(next() * 15));
        while (at < end) {
          const part = order.slice(at, Math.min(end, at + 1 + Math.floor(next() * 4)));
          const pick = <A extends Float32Array | Int32Array>(from: A, to: A): A => {
            part.forEach((picture, i) => to.set(from.subarray(picture * row, (picture + 1) * row), i * row));
            return to;
          };
          insertBatch(
            table,
            part,
            pick(max, new Float32Array(part.length * row)),
            pick(place, new Int32Array(part.length * row)),
            perPicture,
          );
          at += part.length;
        }
        shards.push(table);
      }
      while (shards.length > 1) {
        const [from] = shards.splice(Math.floor(next() * shards.length), 1);
        mergeTopK(shards[Math.floor(next() * shards.length)]!, from!);
      }
      expect(listed(shards[0]!)).toEqual(expected);
      expect(shards[0]!.nan).toBe(entries.filter((entry) => Number.isNaN(entry.activation)).length);
    },
  );

  it('merges with nothing to itself, and keeps what never fires by the same order', () => {
    const table = emptyTopK(1, 2);
    insertBatch(table, [3, 1, 2], Float32Array.of(0, 0, -1), Int32Array.of(5, 6, 7), 1);
    mergeTopK(table, emptyTopK(1, 2));
    expect([...table.picture]).toEqual([1, 3]);
    expect([...table.place]).toEqual([6, 5]);
  });
});

import { describe, expect, it } from 'vitest';
import {
  addToHistogram,
  emptyHistograms,
  histogramOf,
  mergeHistograms,
  type Histograms,
} from '../../../main/core/reduce/histogram';
import { random } from '../support';

/** The second formula: all numbers at once. */
function naive(values: readonly number[]): { start: number; width: number; counts: number[] } {
  const [min, max] = [Math.min(...values), Math.max(...values)];
  const largest = Math.max(...values.map(Math.abs));
  let e = largest === 0 ? -40 : Math.max(-40, Math.floor(Math.log2(largest)) - 5);
  while (Math.floor(max / 2 ** e) - Math.floor(min / 2 ** e) + 1 > 64) e++;
  const first = Math.floor(min / 2 ** e);
  const counts = new Array<number>(Math.floor(max / 2 ** e) - first + 1).fill(0);
  for (const value of values) counts[Math.floor(value / 2 ** e) - first]!++;
  return { start: first * 2 ** e, width: 2 ** e, counts };
}

function draw(next: () => number, seed: number): number[] {
  const spread = 10 ** Math.floor(next() * 8 - 4);
  return Array.from({ length: 1 + Math.floor(next() * 200) }, () => {
    const value = (seed % 3 === 0 ? next() : next() * 2 - 1) * spread * (next() < 0.1 ? 100 : 1);
    return Math.fround(next() < 0.2 ? 0 : value);
  });
}

describe('histogram', () => {
  it.each(Array.from({ length: 60 }, (_, seed) => seed))('depends on the numbers alone (seed %i)', (seed) => {
    const next = random(seed);
    const values = draw(next, seed);
    if (!values.some((value) => value !== 0)) values.push(1);
    const parts: Histograms[] = [0, 1, 2].map(() => emptyHistograms(2));
    for (const value of values) addToHistogram(parts[Math.floor(next() * 3)]!, 1, value);
    mergeHistograms(parts[1]!, parts[2]!);
    mergeHistograms(parts[1]!, parts[0]!);
    const result = histogramOf(parts[1]!, 1);
    expect(result).toEqual(naive(values));
    expect(result.counts.length).toBeLessThanOrEqual(64);
    expect(histogramOf(parts[1]!, 0).counts).toEqual([]);
  });

  it('puts numbers where the bins say', () => {
    const table = emptyHistograms(1);
    for (const value of [0, 0.5, 1, 1.99, 63.5]) addToHistogram(table, 0, value);
    const { start, width, counts } = histogramOf(table, 0);
    expect([start, width, counts.length]).toEqual([0, 1, 64]);
    expect([counts[0], counts[1], counts[63]]).toEqual([2, 2, 1]);
    addToHistogram(table, 0, 64);
    expect(histogramOf(table, 0)).toMatchObject({ width: 2, counts: { 0: 4, 31: 1, 32: 1, length: 33 } });
  });

  it('shows a unit that is always zero as one bin', () => {
    const table = emptyHistograms(1);
    for (let i = 0; i < 7; i++) addToHistogram(table, 0, 0);
    expect(histogramOf(table, 0)).toEqual({ start: 0, width: 1, counts: [7] });
  });
});

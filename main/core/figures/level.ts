import type { Signal } from '../../../preload/contract';

/** Share of a tile's values, zeros left out, that lie within its level, in percent. */
export const percentile = 99.5;
const bins = 2048;

/**
 * The |value| that is shown as black or white at contrast 1. Of one signal: the least that at most one in 200 of its values
 * exceeds, zeros left out. Reconstructions of deep layers have tails so long that by their largest value all else were grey;
 * of a few values it is the largest. Of several signals: the highest of theirs.
 */
export function levelOf(signals: Iterable<Signal>): number {
  let level = 0;
  for (const { data } of signals) level = Math.max(level, ownLevel(data));
  return level;
}

function ownLevel(data: Float32Array): number {
  let [peak, count] = [0, 0];
  for (const value of data) {
    const size = Math.abs(value);
    if (size > peak) peak = size;
    if (size > 0) count++;
  }
  let beyond = Math.floor((1 - percentile / 100) * count + 1e-9);
  if (beyond === 0) return peak;
  // Counted by size first, so that only one bin has to be sorted.
  const binOf = (size: number): number => Math.min(bins - 1, Math.floor((size / peak) * bins));
  const counts = new Uint32Array(bins);
  for (const value of data) if (value !== 0) counts[binOf(Math.abs(value))]!++;
  let bin = bins - 1;
  while (counts[bin]! <= beyond) beyond -= counts[bin--]!;
  const inside: number[] = [];
  for (const value of data) if (value !== 0 && binOf(Math.abs(value)) === bin) inside.push(Math.abs(value));
  return inside.sort((a, b) => b - a)[beyond]!;
}

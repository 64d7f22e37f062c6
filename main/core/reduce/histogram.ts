import type { Histogram } from '../../../preload/contract';

/** Most bins of a histogram; also the slots of its ring. */
export const bins = 64;
/** Bins are never narrower than 2^-40: smaller maxima are as good as zero. */
const smallestExponent = -40;

/**
 * For every unit of one layer, the counts of a set of numbers in bins whose width is a power of two: bin i holds
 * [i * 2^e, (i + 1) * 2^e). e is the smallest integer from exponent(max |v|) - 5 on with which the bins from the smallest to
 * the largest value are at most 64. So e never shrinks as numbers come, and when it grows bins merge by halving their index
 * downwards: floor(floor(v / w) / 2) = floor(v / 2w). The result depends on the numbers alone, not on order or merging.
 */
export interface Histograms {
  readonly units: number;
  /** [units, 64], a ring: bin i is in slot i mod 64. */
  readonly counts: Uint32Array;
  readonly exponent: Int32Array;
  readonly min: Float32Array;
  readonly max: Float32Array;
}

export function emptyHistograms(units: number): Histograms {
  return {
    units,
    counts: new Uint32Array(units * bins),
    exponent: new Int32Array(units).fill(smallestExponent),
    min: new Float32Array(units).fill(Infinity),
    max: new Float32Array(units).fill(-Infinity),
  };
}

/** 2^-e by e - smallestExponent, up to that of the largest float32: a table is quicker than a power for every number. */
const perWidth = Float64Array.from({ length: 128 - smallestExponent }, (_, i) => 2 ** -(smallestExponent + i));
const binOf = (value: number, exponent: number): number => Math.floor(value * perWidth[exponent - smallestExponent]!);
const slotOf = (bin: number): number => bin & (bins - 1);

const word = new Float32Array(1);
const bits = new Uint32Array(word.buffer);
/** floor(log2) of a positive float32; at most -127 where it is below 2^-126. */
function exponentOf(value: number): number {
  word[0] = value;
  return (bits[0]! >>> 23) - 127;
}

/** The exponent for numbers between min and max, from `from` on. */
function exponentFor(min: number, max: number, from: number): number {
  const largest = Math.max(Math.abs(min), Math.abs(max));
  let e = Math.max(from, exponentOf(largest) - 5);
  while (binOf(max, e) - binOf(min, e) >= bins) e++;
  return e;
}

/** Widens a unit's bins until they hold [min, max]. */
function widen(table: Histograms, unit: number, min: number, max: number): void {
  const old = table.exponent[unit]!;
  const exponent = exponentFor(min, max, old);
  const [first, last] = [table.min[unit]!, table.max[unit]!];
  table.min[unit] = min;
  table.max[unit] = max;
  if (exponent === old) return;
  table.exponent[unit] = exponent;
  if (first > last) return;
  const ring = table.counts.subarray(unit * bins, (unit + 1) * bins);
  const before = ring.slice();
  ring.fill(0);
  for (let bin = binOf(first, old); bin <= binOf(last, old); bin++) {
    const slot = slotOf(Math.floor(bin / 2 ** (exponent - old)));
    ring[slot] = ring[slot]! + before[slotOf(bin)]!;
  }
}

/** Counts one finite number. */
export function addToHistogram(table: Histograms, unit: number, value: number): void {
  const [min, max] = [table.min[unit]!, table.max[unit]!];
  if (value < min || value > max) widen(table, unit, Math.min(min, value), Math.max(max, value));
  const at = unit * bins + slotOf(binOf(value, table.exponent[unit]!));
  table.counts[at] = table.counts[at]! + 1;
}

export function mergeHistograms(into: Histograms, from: Histograms): void {
  for (let unit = 0; unit < from.units; unit++) {
    const [min, max] = [from.min[unit]!, from.max[unit]!];
    if (min > max) continue;
    widen(into, unit, Math.min(into.min[unit]!, min), Math.max(into.max[unit]!, max));
    const shift = 2 ** (into.exponent[unit]! - from.exponent[unit]!);
    for (let bin = binOf(min, from.exponent[unit]!); bin <= binOf(max, from.exponent[unit]!); bin++) {
      const at = unit * bins + slotOf(Math.floor(bin / shift));
      into.counts[at] = into.counts[at]! + from.counts[unit * bins + slotOf(bin)]!;
    }
  }
}

/** A unit's histogram, from its first to its last filled bin. No numbers yet, or all zero: one bin of width 1. */
export function histogramOf(table: Histograms, unit: number): Histogram {
  const [min, max, exponent] = [table.min[unit]!, table.max[unit]!, table.exponent[unit]!];
  const count = (bin: number): number => table.counts[unit * bins + slotOf(bin)]!;
  if (min > max) return { start: 0, width: 1, counts: [] };
  if (min === 0 && max === 0) return { start: 0, width: 1, counts: [count(0)] };
  const first = binOf(min, exponent);
  const counts = Array.from({ length: binOf(max, exponent) - first + 1 }, (_, i) => count(first + i));
  return { start: first * 2 ** exponent, width: 2 ** exponent, counts };
}

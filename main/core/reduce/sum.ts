/**
 * Sums of float32 values that depend on the values alone: not on their order, on batches or on merging.
 *
 * A sum is kept as high + low, high being the sum rounded to float64 and low exactly what that left. As all values of a tier
 * are whole multiples of its grain, each addition is exact (Knuth's TwoSum) as long as the sum needs no more than the 104
 * bits that the two hold: 2^24 values of less than 2^20 in steps of 2^-60. Values from 2^20 and from 2^77 on have tiers of
 * their own, whose steps are coarser; these are made when the first such value comes. Values below 2^-36 are rounded to
 * steps of 2^-60, whatever comes before or after them.
 */
export interface Sums {
  readonly length: number;
  /** By tier [2, length]: high parts, then low parts. Empty where no value was of that size. */
  readonly tiers: [Float64Array, Float64Array, Float64Array];
}

const none = new Float64Array(0);
/** Where the second and the third tier begin. Steps there: 2^20 - 23 and 2^77 - 23, the last bit of a float32. */
const second = 2 ** 20;
const third = 2 ** 77;
const grain = 2 ** -60;
const small = 2 ** -36;

export const emptySums = (length: number): Sums => ({ length, tiers: [new Float64Array(2 * length), none, none] });

function tierOf(sums: Sums, tier: 0 | 1 | 2): Float64Array {
  if (sums.tiers[tier].length === 0) sums.tiers[tier] = new Float64Array(2 * sums.length);
  return sums.tiers[tier];
}

function accumulate(tier: Float64Array, length: number, at: number, value: number): void {
  const high = tier[at]!;
  const sum = high + value;
  const part = sum - high;
  const low = tier[length + at]! + (high - (sum - part) + (value - part));
  const rounded = sum + low;
  const rest = rounded - sum;
  tier[at] = rounded;
  tier[length + at] = sum - (rounded - rest) + (low - rest);
}

/** Adds one finite float32 value to sum `at`. */
export function addTo(sums: Sums, at: number, value: number): void {
  const size = Math.abs(value);
  if (size < second) {
    const step = size < small ? Math.round(value / grain) * grain : value;
    accumulate(sums.tiers[0], sums.length, at, step);
  } else accumulate(tierOf(sums, size < third ? 1 : 2), sums.length, at, value);
}

/** Adds sums of other values, sum by sum. */
export function mergeSums(into: Sums, from: Sums): void {
  from.tiers.forEach((tier, index) => {
    if (tier.length === 0) return;
    const target = tierOf(into, index as 0 | 1 | 2);
    for (let at = 0; at < into.length; at++) {
      accumulate(target, into.length, at, tier[at]!);
      accumulate(target, into.length, at, tier[into.length + at]!);
    }
  });
}

/** One sum, rounded to float64. */
export const sumAt = ({ length, tiers }: Sums, at: number): number =>
  tiers.reduceRight((total, tier) => (tier.length ? total + (tier[at]! + tier[length + at]!) : total), 0);

/** The sums from `from` to before `to`, each as `sumAt` has it: many at a time are much quicker so. */
export function sumsIn({ length, tiers }: Sums, from: number, to: number): Float64Array {
  const out = new Float64Array(to - from);
  for (const tier of [...tiers].reverse())
    if (tier.length > 0) for (let i = 0; i < out.length; i++) out[i]! += tier[from + i]! + tier[length + from + i]!;
  return out;
}

/** The same sums at other places: sum `i` of the result is sum `from(i)`, or 0 where that is negative. */
export function rearranged(sums: Sums, length: number, from: (i: number) => number): Sums {
  const out = emptySums(length);
  sums.tiers.forEach((tier, index) => {
    if (tier.length === 0) return;
    const target = tierOf(out, index as 0 | 1 | 2);
    for (let i = 0; i < length; i++) {
      const at = from(i);
      if (at < 0) continue;
      target[i] = tier[at]!;
      target[length + i] = tier[sums.length + at]!;
    }
  });
  return out;
}

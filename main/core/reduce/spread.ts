import type { LayerSample } from './sample';

/** One unit's maxima over the sampled pictures that have one, by their row in the sample. */
export function finiteRows({ pictures, units, activation }: LayerSample, unit: number): number[] {
  const rows: number[] = [];
  for (let row = 0; row < pictures.length; row++) if (Number.isFinite(activation[row * units + unit]!)) rows.push(row);
  return rows;
}

/** A picture at a quantile: `exact` is where it stands, the share of the other pictures that come after it. */
export interface Pick {
  row: number;
  quantile: number;
  exact: number;
}

/**
 * The pictures at quantiles of a unit's activation. Pictures have a total order (activation descending, then picture ascending);
 * of n, the one at quantile q is number round((1 - q) (n - 1)). One that stands at several is named once, at the first.
 */
export function pickQuantiles(sample: LayerSample, unit: number, quantiles: readonly number[]): Pick[] {
  const { activation, units } = sample;
  const value = (row: number): number => activation[row * units + unit]!;
  const rows = finiteRows(sample, unit).sort((a, b) => value(b) - value(a) || a - b);
  const last = rows.length - 1;
  const picks = new Map<number, Pick>();
  for (const quantile of rows.length ? quantiles : []) {
    const at = Math.round((1 - quantile) * last);
    if (!picks.has(at)) picks.set(at, { row: rows[at]!, quantile, exact: last > 0 ? (last - at) / last : 1 });
  }
  return [...picks.values()];
}

/** [smallest, lower quartile, median, upper quartile, largest] of numbers, linear between neighbours; null of none. */
export function fiveNumbers(values: readonly number[]): [number, number, number, number, number] | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const low = Math.floor(place);
    return sorted[low]! + (place - low) * (sorted[Math.min(low + 1, sorted.length - 1)]! - sorted[low]!);
  };
  return [at(0), at(0.25), at(0.5), at(0.75), at(1)];
}

/** Fewer pictures than these tell nothing of how two units go together. */
const fewest = 3;

/**
 * Pearson's correlation of every unit of a layer with one of them, over the pictures on which both are finite: [units], 0 where
 * one of the two never changes, 1 for the unit itself. Null where the sample holds too few pictures.
 */
export function correlations(sample: LayerSample, unit: number): Float32Array | null {
  const { units, activation } = sample;
  const rows = finiteRows(sample, unit);
  if (rows.length < fewest) return null;
  const own = rows.map((row) => activation[row * units + unit]!);
  // The pairs of one unit after the other: a layer has thousands of units.
  const xs = new Float64Array(rows.length);
  const ys = new Float64Array(rows.length);
  return Float32Array.from({ length: units }, (_, other) => {
    if (other === unit) return 1;
    let n = 0;
    for (let i = 0; i < rows.length; i++) {
      const value = activation[rows[i]! * units + other]!;
      if (!Number.isFinite(value)) continue;
      xs[n] = own[i]!;
      ys[n++] = value;
    }
    return pearson(xs, ys, n);
  });
}

/** Of the first n of each. */
function pearson(xs: Float64Array, ys: Float64Array, n: number): number {
  if (n < fewest) return 0;
  let [meanX, meanY] = [0, 0];
  for (let i = 0; i < n; i++) {
    meanX += xs[i]! / n;
    meanY += ys[i]! / n;
  }
  let [xx, yy, xy] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [x, y] = [xs[i]! - meanX, ys[i]! - meanY];
    xx += x ** 2;
    yy += y ** 2;
    xy += x * y;
  }
  return xx > 0 && yy > 0 ? Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy))) : 0;
}

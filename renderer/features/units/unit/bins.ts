import type { Histogram, TopEntry } from '../../../../preload/contract';

/** The bins that hold the top entries; the strongest may sit exactly on the upper end. */
export function binsOfTop({ start, width, counts }: Histogram, top: readonly TopEntry[]): Set<number> {
  const bins = new Set<number>();
  if (width <= 0 || counts.length === 0) return bins;
  for (const { activation } of top) {
    const bin = Math.floor((activation - start) / width);
    bins.add(Math.min(counts.length - 1, Math.max(0, bin)));
  }
  return bins;
}

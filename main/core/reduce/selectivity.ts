/** How much a unit prefers one class: the index, and the class of the largest mean (-1: there is none). */
export interface Selectivity {
  /** 0 (no class is preferred) to 1 (the unit answers to one class alone); NaN where it is not defined. */
  index: number;
  best: number;
}

/**
 * The class selectivity index of Morcos et al. 2018 (arXiv 1803.06959): (max - rest) / (max + rest), where `max`
 * is the largest of the class means of a unit's activation and `rest` the mean of the other classes' means.
 *
 * `means`: [classes] the mean per class, NaN for a class without pictures, which is left out. The index is defined for two
 * classes or more of activations that are not negative, as behind a ReLU, and not for a unit that nothing excites.
 */
export function selectivityOf(means: ArrayLike<number> | null): Selectivity {
  let best = -1;
  let max = -Infinity;
  let least = Infinity;
  let sum = 0;
  let known = 0;
  for (let i = 0; i < (means?.length ?? 0); i++) {
    const mean = means![i]!;
    if (!Number.isFinite(mean)) continue;
    known++;
    sum += mean;
    least = Math.min(least, mean);
    if (mean > max) [max, best] = [mean, i];
  }
  if (known === 0 || (max === 0 && least === 0)) return { index: NaN, best: -1 };
  if (known === 1 || least < 0) return { index: NaN, best };
  const rest = (sum - max) / (known - 1);
  // Rounding of the sum must not make it negative where the other classes' means are zero.
  return { index: (max - Math.max(0, rest)) / (max + Math.max(0, rest)), best };
}

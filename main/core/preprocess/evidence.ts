import type { EvidenceRow } from '../../../preload/contract';

/** What a preprocessing and a list of labels come to on a sample of pictures. */
export type Score = Omit<EvidenceRow, 'preset' | 'labels'>;

/** Scores as probabilities. What is a distribution already (a softmax is in the network) stays. */
export function probabilities(scores: Float32Array): Float64Array {
  let [sum, low] = [0, Infinity];
  for (const value of scores) {
    sum += value;
    low = Math.min(low, value);
  }
  if (low >= 0 && Math.abs(sum - 1) < 1e-3) return Float64Array.from(scores, (value) => value / sum);
  const highest = scores.reduce((most, value) => Math.max(most, value), -Infinity);
  const out = Float64Array.from(scores, (value) => Math.exp(value - highest));
  const total = out.reduce((all, value) => all + value, 0);
  return out.map((value) => value / total);
}

/** Adds up answers. */
export class Evidence {
  private pictures = 0;
  private entropy = 0;
  private labelled = 0;
  private first = 0;
  private five = 0;
  private surprise = 0;

  /** `classes`: the output units that the picture's folder names; none where it names none. */
  add(p: Float64Array, classes: readonly number[]): void {
    this.pictures += 1;
    for (const value of p) if (value > 0) this.entropy -= value * Math.log2(value);
    if (classes.length === 0) return;
    this.labelled += 1;
    const own = Math.max(...classes.map((unit) => p[unit] ?? 0));
    let above = 0;
    for (const value of p) if (value > own) above += 1;
    // Where many are equal (a network that saturates or answers nothing), an answer is not one.
    const equal = p.reduce((count, value) => count + (value === own ? 1 : 0), 0) - classes.length;
    if (above === 0 && equal <= 0) this.first += 1;
    if (above + Math.max(0, equal) < 5) this.five += 1;
    this.surprise -= Math.log2(Math.max(own, 1e-12));
  }

  score(): Score {
    const share = (value: number): number | null => (this.labelled ? value / this.labelled : null);
    return {
      top1: share(this.first),
      top5: share(this.five),
      surprise: share(this.surprise),
      entropy: this.pictures ? this.entropy / this.pictures : 0,
      labelled: this.labelled,
      pictures: this.pictures,
    };
  }
}

/** Best first: by agreement, then by the probability of the folders' classes; without folders by entropy. */
export function compareScores(a: Score, b: Score): number {
  // Agreement on a few pictures only (a list that knows few of the folders) says less than on all.
  const hits = ({ top1, labelled }: Score): number => (top1 ?? 0) * labelled;
  const five = ({ top5, labelled }: Score): number => (top5 ?? 0) * labelled;
  return (
    hits(b) - hits(a) ||
    five(b) - five(a) ||
    (a.surprise ?? Infinity) - (b.surprise ?? Infinity) ||
    a.entropy - b.entropy ||
    0
  );
}

/** Up to `count` pictures, spread evenly over the classes and within each; in order. -1 is a class as others. */
export function spread(classOf: ArrayLike<number>, count: number): number[] {
  const byClass = new Map<number, number[]>();
  for (let i = 0; i < classOf.length; i++) {
    const group = byClass.get(classOf[i]!) ?? [];
    if (group.push(i) === 1) byClass.set(classOf[i]!, group);
  }
  const groups = [...byClass.values()];
  if (classOf.length <= count) return groups.flat().sort((a, b) => a - b);
  // Rounds: one more from each class that has one left, until there are enough.
  const take = groups.map(() => 0);
  for (let left = count; left > 0;) {
    const open = groups.flatMap((group, g) => (take[g]! < group.length ? [g] : []));
    for (const g of open.slice(0, left)) take[g]! += 1;
    left -= Math.min(left, open.length);
    if (open.length === 0) break;
  }
  return groups
    .flatMap((group, g) =>
      Array.from({ length: take[g]! }, (_, i) => group[Math.floor((i * group.length) / take[g]!)]!),
    )
    .sort((a, b) => a - b);
}

/** Whether two agreements on the same pictures are within two standard errors of each other. */
export function alike(a: Score, b: Score): boolean {
  if (a.top1 === null || b.top1 === null) return a.top1 === b.top1;
  const n = Math.max(1, Math.min(a.labelled, b.labelled));
  const p = (a.top1 + b.top1) / 2;
  return a.labelled === b.labelled && Math.abs(a.top1 - b.top1) <= 2 * Math.sqrt((2 * p * (1 - p)) / n);
}

/**
 * Of rows that differ in nothing but the way to the input's size and agree alike, those that crop come first: classifiers
 * are trained on crops, and agreement can hardly tell, for a stretch shows them more of the picture. `rows`: best first.
 */
export function cropsFirst<T extends Score>(
  rows: readonly T[],
  key: (row: T) => string,
  crops: (row: T) => boolean,
): T[] {
  const left = [...rows];
  const out: T[] = [];
  while (left.length > 0) {
    const first = left[0]!;
    const twin = crops(first)
      ? -1
      : left.findIndex((row) => key(row) === key(first) && crops(row) && alike(row, first));
    out.push(...left.splice(Math.max(0, twin), 1));
  }
  return out;
}

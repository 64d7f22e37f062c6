export interface Spread {
  median: number;
  low: number;
  high: number;
}
/** Of two ways to do the same, run in turn. */
export interface Row {
  part: string;
  what: string;
  /** What each value counts: milliseconds, or something a second. */
  unit: 'ms' | 'ms a picture' | 'core ms a picture';
  ours: Spread;
  against: Spread;
  peer: string;
  /** Median of the ratios of neighbouring runs: how many times quicker ours is. */
  ratio: number;
  /** What the ratio should at least be; null: only shown. */
  aim: number | null;
  /** Multiply-adds of ours, if counted: its share of the peak says what is left. */
  macs?: number;
}
/** What stands under one heading. */
export interface Section {
  heading: string;
  rows: Row[];
  skipped: { what: string; why: string }[];
}
export interface Bench {
  /** What the command line says, for a part's own choices. */
  args: readonly string[];
  quick: boolean;
  threads: number;
  add(row: Row): void;
  skip(what: string, why: string): void;
  heading(text: string): void;
}

export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
export const spread = (values: readonly number[]): Spread => ({
  median: median(values),
  low: Math.min(...values),
  high: Math.max(...values),
});

/** Thread pools (OpenMP's, ONNX Runtime's) keep a core busy for a while after their last work. */
const settleMilliseconds = 300;

/** Runs the two in turn, A B A B, after one warm-up of each. Each returns its milliseconds, or nothing: then it is timed here. */
export async function alternate(
  rounds: number,
  ours: () => Promise<unknown>,
  against: () => Promise<unknown>,
): Promise<Pick<Row, 'ours' | 'against' | 'ratio'>> {
  const time = async (work: () => Promise<unknown>): Promise<number> => {
    await new Promise((resolve) => setTimeout(resolve, settleMilliseconds));
    const start = performance.now();
    const own = await work();
    return typeof own === 'number' ? own : performance.now() - start;
  };
  await ours();
  await ours();
  await against();
  const [a, b]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    a.push(await time(ours));
    b.push(await time(against));
  }
  return { ours: spread(a), against: spread(b), ratio: median(a.map((value, i) => b[i]! / value)) };
}

/** The same for one of `count` things that each run did. */
export const each = ({ ours, against, ratio }: Pick<Row, 'ours' | 'against' | 'ratio'>, count: number) => ({
  ours: divided(ours, count),
  against: divided(against, count),
  ratio,
});
const divided = ({ median: middle, low, high }: Spread, count: number): Spread => ({
  median: middle / count,
  low: low / count,
  high: high / count,
});

export const show = (value: number): string =>
  value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
export const words = ({ median: middle, low, high }: Spread, unit: string): string =>
  `${show(middle)} (${show(low)} to ${show(high)}) ${unit}`;

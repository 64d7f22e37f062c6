import type { Analysis } from '../graph/analyse';
import { describeNode, type Node } from '../graph/graph';
import { opOf } from '../ops/index';
import type { Extent } from '../ops/op';
import type { Window } from '../ops/windows';

/** Of a value along one axis: the elements stride * p + low .. stride * p + high (both included), p being the unit's place. */
export interface Interval {
  stride: number;
  low: number;
  high: number;
}
export type Intervals = readonly [Interval, Interval];

export const lengthOf = (interval: Interval): number => interval.high - interval.low + 1;

/** What a window node reads to make this interval of its output. */
export function inputInterval(out: Interval, window: Window): Interval {
  return {
    stride: out.stride * window.stride,
    low: out.low * window.stride - window.begin,
    high: out.high * window.stride - window.begin + (window.kernel - 1) * window.dilation,
  };
}

export const inputIntervals = (out: Intervals, extent: Extent): Intervals =>
  extent.kind === 'window' ? [inputInterval(out[0], extent.axes[0]), inputInterval(out[1], extent.axes[1])] : out;

/** The part of every value that one unit of `tap` depends on, or the node because of which it sees everything. */
export type Trace = { intervals: ReadonlyMap<string, Intervals> } | { global: string };

/**
 * Walks from the unit down to the picture: each value is cut to the union of what its readers need.
 * Receptive-field arithmetic after V. Dumoulin, F. Visin (1603.07285).
 */
export function trace(nodes: readonly Node[], analysis: Analysis, tap: string): Trace {
  if (analysis.shape(tap)?.length !== 4) return { global: 'its units have no place in a map' };
  const unit: Interval = { stride: 1, low: 0, high: 0 };
  const intervals = new Map<string, Intervals>([[tap, [unit, unit]]]);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!;
    const op = opOf(node);
    const outs = node.outputs.map((name) => intervals.get(name)).filter((each) => each !== undefined);
    const [head, ...rest] = outs;
    if (!head) continue;
    const extent = (analysis.open.has(node) ? null : op?.extent?.(node, analysis)) ?? { kind: 'global' };
    if (extent.kind === 'global') return { global: describeNode(node) };
    if (!op?.several && node.outputs.slice(1).some((name) => intervals.has(name)))
      return { global: describeNode(node) };
    if (rest.some((other) => unlike(head, other)))
      return { global: `${describeNode(node)}, from which branches of unlike stride go out` };
    const out = rest.reduce<Intervals>(joined, head);
    // What a node makes several values of, it makes for the same places.
    for (const name of node.outputs) if (name) intervals.set(name, out);
    const needed = inputIntervals(out, extent);
    for (const name of node.inputs) {
      if (!name) continue;
      if (!analysis.onPath(name)) {
        if (analysis.producer(name) && !analysis.constant(name))
          return { global: `${describeNode(node)}, whose other inputs are computed` };
        continue;
      }
      const known = intervals.get(name);
      if (analysis.shape(name)?.length !== 4) return { global: describeNode(node) };
      if (known && unlike(known, needed))
        return { global: `${describeNode(node)}, where branches of unlike stride meet` };
      intervals.set(name, known ? joined(known, needed) : needed);
    }
  }
  return { intervals };
}

const union = (a: Interval, b: Interval): Interval => ({
  stride: a.stride,
  low: Math.min(a.low, b.low),
  high: Math.max(a.high, b.high),
});

const joined = (a: Intervals, b: Intervals): Intervals => [union(a[0], b[0]), union(a[1], b[1])];

const unlike = (a: Intervals, b: Intervals): boolean => a[0].stride !== b[0].stride || a[1].stride !== b[1].stride;

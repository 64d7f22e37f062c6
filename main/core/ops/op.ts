import type { Builder } from '../graph/builder';
import type { Node } from '../graph/graph';
import type { Nd } from './nd';
import type { Window } from './windows';

/**
 * What an op does to a signal on its way back, as far as a method is concerned:
 * linear (its adjoint), rectifier (the methods differ here), smooth (an activation that the paper has no rule for: SiLU,
 * GELU, sigmoid), gate (a product of two values that both carry signal), select (a pool with switches), normalise (a
 * contrast normalisation by what lies around a value), squash (no way back: softmax, comparisons), shape (moves values,
 * computes nothing).
 */
export type Role = 'linear' | 'rectifier' | 'smooth' | 'gate' | 'select' | 'normalise' | 'squash' | 'shape';

export type Shape = readonly number[];

/** What is known of a node's surroundings: shapes by value name, and values that do not depend on the picture. */
export interface Known {
  shape(value: string): Shape | undefined;
  /** The values of a small constant (shapes, axes, slopes); undefined for what depends on the picture. */
  constant(value: string): Nd | undefined;
  /** Whether the value is the same for every picture, whatever its size. */
  isConstant(value: string): boolean;
  /** The node that makes a value. */
  producer(value: string): Node | undefined;
}

/** Which inputs one output element reads along the spatial axes (height, width). */
export type Extent =
  | { kind: 'pointwise' }
  | { kind: 'window'; axes: readonly [Window, Window] }
  /** Reads the whole map, or moves values between places. */
  | { kind: 'global' };

/** One step of a walk back: `signal` is the signal at the node's first output, `signals` those at each output (null: none). */
export interface Step {
  node: Node;
  builder: Builder;
  known: Known;
  signal: string;
  signals: readonly (string | null)[];
  /** Whether an input carries signal (descends from the picture). */
  onPath(value: string): boolean;
}

/** One entry per input of the node: the name of the signal sent there, or null. */
export type Contributions = (string | null)[];

export interface Op {
  /** Of a product it depends on what carries signal: a scaling is linear, a gate is not. */
  role: Role | ((node: Node, onPath: (value: string) => boolean) => Role);
  /** Of a linear op that is no filter: what it is, and what its adjoint does, in the words of a list of rules. */
  words?: readonly [is: string, back: string];
  /** Whether its adjoint takes signals at several outputs (`signals`); else only the first output may carry one. */
  several?: true;
  /** Output shapes; throws RangeError where the inputs do not fit. */
  shapes(node: Node, inputs: readonly (Shape | undefined)[], known: Known): Shape[];
  /** The float64 reference. Left-out inputs are undefined. */
  evaluate(node: Node, inputs: readonly (Nd | undefined)[]): Nd[];
  /** Left out: global. */
  extent?(node: Node, known: Known): Extent;
  /** Multiply-adds for the given shapes; left out: 0. */
  macs?(node: Node, known: Known): number;
  /** Of a normalisation by statistics of the picture: emits its adjoint with those held at their forward values. */
  held?(step: Step): Contributions;
  /**
   * Emits the adjoint (of a linear, shape or select op); of a gate and a normalisation the adjoint of its derivative.
   */
  adjoint?(step: Step): Contributions;
  /** Of a rectifier or a smooth activation: emits the map of its derivative. */
  derivative?(step: Step): string;
  /** Inputs that only choose among the others: held at their forward values, no signal goes into them. */
  decides?: readonly number[];
  /** Of a gate: the index of the input that is gated; the others are held at their forward values. */
  gated?(node: Node, known: Known): number;
  /** Of a rectifier with a leak: emits its own function of the signal. */
  own?(step: Step): string;
  /** Why this node cannot be walked back through although its op can, or null. */
  refuses?(node: Node, known: Known, onPath: (value: string) => boolean): string | null;
  /** A few words on this node for the list of rules, such as "3x3, stride 2, overlapping windows add". */
  note?(node: Node, known: Known): string;
}

export const roleOf = (op: Op, node: Node, onPath: (value: string) => boolean): Role =>
  typeof op.role === 'function' ? op.role(node, onPath) : op.role;

/** An input of a node that must be there; the name, or an error that says which is missing. */
export function inputName(node: Node, index: number): string {
  const name = node.inputs[index];
  if (!name) throw new RangeError(`input ${index} is missing`);
  return name;
}

/** What is asked for is computed from the picture, or lies behind a node that nobody knows. */
export class NotKnown extends RangeError {}

export function need<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new NotKnown(`${what} is not known`);
  return value;
}

/** An adjoint with one data input at index 0. */
export const first = (node: Node, contribution: string): Contributions =>
  node.inputs.map((_, index) => (index === 0 ? contribution : null));

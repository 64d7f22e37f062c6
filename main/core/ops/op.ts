import type { Builder } from '../graph/builder';
import type { Node } from '../graph/graph';
import type { Nd } from './nd';
import type { Window } from './windows';

/**
 * What an op does to a signal on its way back, as far as a method is concerned:
 * linear (its adjoint), rectifier (the methods differ here), select (a pool with switches), normalise (a local contrast
 * normalisation), squash (no rule in the paper: softmax, sigmoid, gates), shape (moves values, computes nothing).
 */
export type Role = 'linear' | 'rectifier' | 'select' | 'normalise' | 'squash' | 'shape';

export type Shape = readonly number[];

/** What is known of a node's surroundings: shapes by value name, and values that do not depend on the picture. */
export interface Known {
  shape(value: string): Shape | undefined;
  /** The values of a small constant (shapes, axes, slopes); undefined for what depends on the picture. */
  constant(value: string): Nd | undefined;
  /** Whether the value is the same for every picture, whatever its size. */
  isConstant(value: string): boolean;
}

/** Which inputs one output element reads along the spatial axes (height, width). */
export type Extent =
  | { kind: 'pointwise' }
  | { kind: 'window'; axes: readonly [Window, Window] }
  /** Reads the whole map, or moves values between places. */
  | { kind: 'global' };

/** One step of a walk back: `signal` is the signal at the node's first output. */
export interface Step {
  node: Node;
  builder: Builder;
  known: Known;
  signal: string;
  /** Whether an input carries signal (descends from the picture). */
  onPath(value: string): boolean;
}

/** One entry per input of the node: the name of the signal sent there, or null. */
export type Contributions = (string | null)[];

export interface Op {
  role: Role;
  /** Output shapes; throws RangeError where the inputs do not fit. */
  shapes(node: Node, inputs: readonly (Shape | undefined)[], known: Known): Shape[];
  /** The float64 reference. Left-out inputs are undefined. */
  evaluate(node: Node, inputs: readonly (Nd | undefined)[]): Nd[];
  /** Left out: global. */
  extent?(node: Node, known: Known): Extent;
  /** Multiply-adds for the given shapes; left out: 0. */
  macs?(node: Node, known: Known): number;
  /** Emits the adjoint (for a linear, shape or select op). */
  adjoint?(step: Step): Contributions;
  /** Of a rectifier: emits the map of its derivative. */
  derivative?(step: Step): string;
  /** Of a rectifier with a leak: emits its own function of the signal. */
  own?(step: Step): string;
  /** Why this node cannot be walked back through although its op can, or null. */
  refuses?(node: Node, known: Known, onPath: (value: string) => boolean): string | null;
  /** A few words on this node for the list of rules, such as "3x3, stride 2, overlapping windows add". */
  note?(node: Node, known: Known): string;
}

/** An input of a node that must be there; the name, or an error that says which is missing. */
export function inputName(node: Node, index: number): string {
  const name = node.inputs[index];
  if (!name) throw new RangeError(`input ${index} is missing`);
  return name;
}

export function need<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new RangeError(`${what} is not known`);
  return value;
}

/** An adjoint with one data input at index 0. */
export const first = (node: Node, contribution: string): Contributions =>
  node.inputs.map((_, index) => (index === 0 ? contribution : null));

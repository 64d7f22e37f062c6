import type { Node } from '../../graph/graph';
import type { Shape } from '../../ops/op';
import type { Tf, TfTensor } from './library';
import { Value, type Layout } from './value';

/** What a kernel is given besides its node and inputs. */
export interface Env {
  tf: Tf;
  /** TensorFlow.js's name of the backend: tensorflow, wasm or cpu. */
  backend: string;
  /** The output shapes of the node for the inputs at hand. */
  shapes: readonly Shape[];
}

/** Computes the outputs of a node. Runs in a tidy: what it makes on the way is let go of. */
export type Kernel = (node: Node, inputs: readonly (Value | undefined)[], env: Env) => Value[];

export const result = (env: Env, tensor: TfTensor, layout: Layout = 'plain'): Value[] => [
  Value.ofResult(env.tf, tensor, layout),
];

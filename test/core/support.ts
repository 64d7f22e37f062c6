import { attributes, Builder } from '../../main/core/graph/builder';
import { emptyGraph, type Graph, type Node } from '../../main/core/graph/graph';
import { float32, sizeOf, type Tensor } from '../../main/core/graph/tensor';
import type { Nd } from '../../main/core/ops/nd';

/** A small seeded generator (mulberry32), so that a failure can be made again. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function randomTensor(dims: readonly number[], next: () => number, scale = 1): Tensor {
  return float32(
    dims,
    Float32Array.from({ length: sizeOf(dims) }, () => (next() * 2 - 1) * scale),
  );
}

/** Writes small networks line by line: every method returns the name of the value that it makes. */
export class Net {
  readonly builder = new Builder(emptyGraph('test'));
  readonly next: () => number;
  readonly picture: string;
  private readonly shape: readonly number[];

  constructor(shape: readonly [channels: number, height: number, width: number], seed = 1) {
    this.next = random(seed);
    this.shape = shape;
    this.picture = this.builder.input({ name: 'picture', type: 'float32', shape: ['N', ...shape] });
  }

  add(
    opType: string,
    inputs: string[],
    plain: Parameters<typeof attributes>[0] = {},
    name = opType.toLowerCase(),
  ): string {
    return this.builder.add(opType, inputs, plain, name);
  }

  weights(dims: readonly number[], scale = 1): string {
    return this.builder.constant(randomTensor(dims, this.next, scale), `w${this.builder.initializers.size}`);
  }

  conv(
    x: string,
    input: number,
    output: number,
    kernel: number | [number, number],
    plain: Parameters<typeof attributes>[0] = {},
    bias = true,
    name = 'conv',
  ): string {
    const [h, w] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
    const groups = typeof plain['group'] === 'number' ? plain['group'] : 1;
    const inputs = [x, this.weights([output, input / groups, h, w], Math.sqrt(3 / ((input / groups) * h * w)))];
    if (bias) inputs.push(this.weights([output], 0.2));
    return this.add('Conv', inputs, { kernel_shape: [h, w], ...plain }, name);
  }

  relu = (x: string): string => this.add('Relu', [x]);

  graph(...outputs: string[]): Graph {
    return this.builder.build(outputs.map((name) => ({ name, type: 'float32', shape: null })));
  }

  pictures(n: number): Float32Array {
    return Float32Array.from({ length: n * sizeOf(this.shape) }, () => this.next() * 2 - 1);
  }
}

export const node = (
  opType: string,
  inputs: string[],
  outputs: string[],
  plain: Parameters<typeof attributes>[0] = {},
): Node => ({
  name: outputs[0]!,
  opType,
  domain: '',
  inputs,
  outputs,
  attributes: attributes(plain),
});

export const dot = (a: Nd, b: Nd): number => a.data.reduce((total, value, i) => total + value * b.data[i]!, 0);

/** Largest difference of two arrays, as a share of the largest value of the first. */
export function relativeDifference(expected: ArrayLike<number>, actual: ArrayLike<number>): number {
  if (expected.length !== actual.length) return Infinity;
  let scale = 0;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i]!));
    worst = Math.max(worst, Math.abs(expected[i]! - actual[i]!));
  }
  return scale === 0 ? worst : worst / scale;
}

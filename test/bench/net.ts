import { attributes } from '../../main/core/graph/builder';
import { emptyGraph, type Graph, type Node } from '../../main/core/graph/graph';
import { float32, sizeOf, type Tensor } from '../../main/core/graph/tensor';

/** Xorshift: quick enough for 138 million weights. */
export function noise(length: number, scale: number): Float32Array {
  const out = new Float32Array(length);
  let state = 2463534242;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out[i] = (state / 2 ** 31) * scale;
  }
  return out;
}

/** A network for pictures of 224 x 224 with random weights, node by node; each returns the name of its value. */
export class BenchNet {
  private readonly nodes: Node[] = [];
  private readonly initializers = new Map<string, Tensor>();

  node(opType: string, name: string, inputs: string[], plain: Parameters<typeof attributes>[0] = {}): string {
    this.nodes.push({ name, opType, domain: '', inputs, outputs: [name], attributes: attributes(plain) });
    return name;
  }

  /** Drawn evenly within this bound. */
  weights(name: string, dims: number[], bound: number): string {
    this.initializers.set(name, float32(dims, noise(sizeOf(dims), bound)));
    return name;
  }

  /** A thousand classes are read from `output`. */
  graph(title: string, output: string): Graph {
    return {
      ...emptyGraph('unpool bench', title),
      inputs: [{ name: 'picture', type: 'float32', shape: ['N', 3, 224, 224] }],
      outputs: [{ name: output, type: 'float32', shape: ['N', 1000] }],
      nodes: this.nodes,
      initializers: this.initializers,
    };
  }
}

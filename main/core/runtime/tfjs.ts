import { UnpoolError } from '../errors';
import { describeNode, type Graph, type Node } from '../graph/graph';
import { lower } from '../graph/lower';
import { sizeOf, type Tensor } from '../graph/tensor';
import { opOf } from '../ops/index';
import type { Known, Shape } from '../ops/op';
import type { Program, Runtime } from './runtime';
import { kernels } from './tfjs/kernels';
import type { Tf } from './tfjs/library';
import { smallest, Value } from './tfjs/value';

export type { Tf } from './tfjs/library';

export interface TfjsOptions {
  /** TensorFlow.js's name of a backend that is registered and loads: tensorflow, wasm or cpu. */
  backend: string;
  /** How the choice is shown: "TensorFlow.js 4.22.0 (WebAssembly)". */
  name: string;
  threads: number;
  /** Called between nodes, so that a long run does not stop everything else in its process. */
  breathe?: () => Promise<void>;
}

/** TensorFlow.js behind the common interface: the same graphs, node by node. The library is given by the caller. */
export function createTfjsRuntime(tf: Tf, options: TfjsOptions): Runtime {
  return {
    name: options.name,
    threads: options.threads,
    compile(graph) {
      const lowered = lower(graph);
      for (const node of lowered.nodes)
        if (!kernelOf(node) && !shapesOnly.has(node.opType))
          return Promise.reject(
            new UnpoolError('runtime', `${describeNode(node)}: TensorFlow.js does not run this op.`, {
              hint: 'ONNX Runtime may: choose it as the runtime.',
              place: { node: node.name },
            }),
          );
      return Promise.resolve(program(tf, lowered, options));
    },
  };
}

const kernelOf = (node: Node) =>
  (node.domain === '' || node.domain === 'ai.onnx') && Object.hasOwn(kernels, node.opType)
    ? kernels[node.opType]
    : undefined;

/** Ops whose results are shapes: they never reach TensorFlow.js. */
const shapesOnly = new Set(['Shape', 'Size']);

function program(tf: Tf, graph: Graph, options: TfjsOptions): Program {
  const weights = new Map(
    [...graph.initializers]
      .filter(([, tensor]) => tensor.type !== 'string')
      .map(([name, tensor]) => [name, Value.ofTensor(tf, tensor)]),
  );
  const lastUse = new Map<string, number>();
  graph.nodes.forEach((node, at) => node.inputs.forEach((name) => lastUse.set(name, at)));
  for (const output of graph.outputs) lastUse.set(output.name, Infinity);

  return {
    async run(feeds) {
      await tf.setBackend(options.backend);
      const values = new Map<string, Value>();
      const find = (name: string): Value | undefined => (name ? (values.get(name) ?? weights.get(name)) : undefined);
      const drop = (name: string): void => {
        values.get(name)?.dispose();
        values.delete(name);
      };
      let breath = Date.now();
      try {
        for (const [name, tensor] of Object.entries(feeds)) values.set(name, Value.ofTensor(tf, tensor));
        for (const [at, node] of graph.nodes.entries()) {
          const results = compute(tf, options.backend, node, find);
          node.outputs.forEach((name, index) => {
            const value = results[index];
            if (!value) return;
            if (name) values.set(name, value);
            else value.dispose();
          });
          for (const name of node.inputs) if (lastUse.get(name) === at) drop(name);
          for (const name of node.outputs) if (!lastUse.has(name)) drop(name);
          if (options.breathe && Date.now() - breath > 50) {
            await options.breathe();
            await tf.setBackend(options.backend);
            breath = Date.now();
          }
        }
        return Object.fromEntries(
          graph.outputs.map(({ name, type }) => [name, asTensor(tf, find(name)!, type === 'int64')]),
        );
      } finally {
        for (const value of values.values()) value.dispose();
      }
    },
    dispose() {
      for (const value of weights.values()) value.dispose();
      weights.clear();
      return Promise.resolve();
    },
  };
}

function asTensor(tf: Tf, value: Value, wide: boolean): Tensor {
  const tensor = tf.tidy(() => value.tensor);
  return wide && tensor.type === 'int32'
    ? { ...tensor, type: 'int64', data: BigInt64Array.from(tensor.data as Int32Array, BigInt) }
    : tensor;
}

/** Small values that do not depend on the picture are the reference's work; all else goes to TensorFlow.js. */
function compute(tf: Tf, backend: string, node: Node, find: (name: string) => Value | undefined): Value[] {
  const inputs = node.inputs.map(find);
  const op = opOf(node)!;
  const known: Known = {
    shape: (name) => find(name)?.dims,
    constant: (name) => find(name)?.host ?? undefined,
    isConstant: () => true,
    producer: () => undefined,
  };
  try {
    const shapes: Shape[] = op.shapes(
      node,
      inputs.map((value) => value?.dims),
      known,
    );
    if (shapesOnly.has(node.opType)) {
      const dims = inputs[0]!.dims;
      const empty = { dims, data: new Float64Array(0), type: 'float' as const };
      return op.evaluate(node, [empty]).map((array) => Value.ofArray(tf, array));
    }
    const hosts = inputs.map((value) => value?.host ?? undefined);
    if (inputs.every((value, i) => !value || hosts[i]) && shapes.every((shape) => sizeOf(shape) <= smallest))
      return op.evaluate(node, hosts).map((array) => Value.ofArray(tf, array));
    // Not handed out by the tidy: it would look for tensors in all that a value holds.
    let results: Value[] = [];
    tf.tidy(() => {
      results = kernelOf(node)!(node, inputs, { tf, backend, shapes });
    });
    return results;
  } catch (error) {
    if (error instanceof UnpoolError) throw error;
    throw new UnpoolError('runtime', `${describeNode(node)} failed in TensorFlow.js: ${words(error)}`, {
      place: { node: node.name },
      cause: error,
    });
  }
}

const words = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]!.trim();

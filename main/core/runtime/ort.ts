import { UnpoolError } from '../errors';
import { writeOnnx, writeSplitOnnx } from '../formats/onnx/index';
import type { Graph, Node } from '../graph/graph';
import { lower } from '../graph/lower';
import { bytesOf, type DataType, type NumberArray, type Tensor } from '../graph/tensor';
import { feedDense } from './ortFed';
import { widenNarrow } from './ortNarrow';
import { keepPads } from './ortPads';
import type { Program, Runtime } from './runtime';

/** The part of onnxruntime-common that is used; onnxruntime-node and onnxruntime-web both have it. */
interface OrtTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}
interface OrtSession {
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}
export interface Ort {
  Tensor: new (type: never, data: never, dims: readonly number[]) => OrtTensor;
  InferenceSession: { create(model: Uint8Array, options: Record<string, unknown>): Promise<OrtSession> };
  env: { versions: { common: string; node?: string } };
}

/** Weights up to this many bytes go into the ONNX file that is handed over; a file holds 2 GiB, with all that is around them. */
const largestFile = 2 ** 31 - 2 ** 26;

/** What computes instead of the processor. Nodes that it does not know stay on the processor. */
export interface OrtProvider {
  /** ONNX Runtime's name for it. */
  name: string;
  label: string;
  /** Nodes that it takes and then fails at; only where it can be told of them. */
  fails?(node: Node): boolean;
}

export interface OrtOptions {
  /** 0: as many as the library thinks right. */
  threads?: number;
  largest?: number;
  provider?: OrtProvider | null;
}

/**
 * ONNX Runtime. Graphs are handed over as ONNX bytes; the library is given by the caller. Where the weights have more than
 * `largest` bytes they are handed over beside the model, each array as it lies in memory, and those of dense layers at each run.
 */
export function createOrtRuntime(ort: Ort, options: OrtOptions = {}): Runtime {
  const { threads = 0, largest = largestFile, provider = null } = options;
  return {
    name: `ONNX Runtime ${ort.env.versions.node ?? ort.env.versions.common}${provider ? ` (${provider.label})` : ''}`,
    threads,
    async compile(graph) {
      const lowered = keepPads(lower(graph));
      const whole = provider ? lowered : widenNarrow(lowered);
      const heavy = weightOf(whole) > largest;
      // Another processor keeps weights: fed, they would be sent to it at each run.
      const { graph: given, fed } = heavy && !provider ? feedDense(whole) : { graph: whole, fed: [] };
      const session = await createSession(ort, given, { threads, heavy, provider });
      return program(ort, session, new Map(Array.from(fed, ([name, tensor]) => [name, toOrt(ort, tensor)])));
    },
  };
}

const weightOf = ({ initializers }: Graph): number =>
  [...initializers.values()].reduce((total, tensor) => total + bytesOf(tensor), 0);

async function createSession(
  ort: Ort,
  graph: Graph,
  { threads, heavy, provider }: { threads: number; heavy: boolean; provider: OrtProvider | null },
): Promise<OrtSession> {
  const { model, weights } = heavy ? writeSplitOnnx(graph) : { model: writeOnnx(graph), weights: null };
  try {
    return await ort.InferenceSession.create(model, {
      ...(weights && { externalData: Array.from(weights, ([path, data]) => ({ path, data })) }),
      executionProviders: [...(provider ? [optionsOf(provider, graph)] : []), 'cpu'],
      graphOptimizationLevel: 'all',
      intraOpNumThreads: threads,
      logSeverityLevel: 3,
      // Between runs its threads wait without using a core: others decode pictures then. What stands between steps of
      // quantisation is computed as it is written: else filters would be rounded to eight bits, and sums of such products
      // overflow on processors without VNNI.
      extra: { session: { force_spinning_stop: '1', disable_quant_qdq: '1' } },
    });
  } catch (error) {
    throw new UnpoolError('runtime', `ONNX Runtime cannot load this network: ${words(error)}`, {
      hint: 'If it runs elsewhere, it may need a newer operator set or an operator of its own.',
      cause: error,
    });
  }
}

function optionsOf({ name, fails }: OrtProvider, graph: Graph): Record<string, unknown> {
  const kept = fails ? graph.nodes.filter(fails).map((node) => node.name) : [];
  return { name, ...(kept.length > 0 && { forceCpuNodeNames: kept }) };
}

function program(ort: Ort, session: OrtSession, always: ReadonlyMap<string, OrtTensor>): Program {
  return {
    async run(feeds) {
      const given = Object.fromEntries(always);
      for (const [name, tensor] of Object.entries(feeds)) given[name] = toOrt(ort, tensor);
      try {
        const results = await session.run(given);
        return Object.fromEntries(Object.entries(results).map(([name, result]) => [name, fromOrt(result)]));
      } catch (error) {
        throw new UnpoolError('runtime', `ONNX Runtime failed: ${words(error)}`, { cause: error });
      }
    },
    dispose: () => session.release(),
  };
}

const toOrt = (ort: Ort, { type, data, dims }: Tensor): OrtTensor => new ort.Tensor(type as never, data as never, dims);

const fromOrt = (tensor: OrtTensor): Tensor => ({
  type: tensor.type as DataType,
  dims: tensor.dims,
  data: tensor.data as NumberArray,
});

const words = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]!.trim();

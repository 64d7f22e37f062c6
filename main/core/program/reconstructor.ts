import type { MethodChoice, RuleRow, Signal } from '../../../preload/contract';
import { toFloat32 } from '../graph/tensor';
import { methodOf } from '../methods/index';
import type { Program, Runtime } from '../runtime/runtime';
import { buildDeconvnet, cut, feedsFor, outputs, type Deconvnet, type Request } from './deconvnet';
import { fieldBox, type Layer, type Network } from './network';
import { audit } from './walk';

export interface Reconstruction {
  activation: number;
  signal: Signal;
}

export interface Plan {
  extent: 'cone' | 'picture';
  rules: RuleRow[];
}

export interface Reconstructor {
  plan(layer: Layer, method: MethodChoice, before: boolean): Plan;
  /** How many requests are worth one run now: few where a run takes long, so that tiles come early and a change is quick. */
  batch(layer: Layer, method: MethodChoice, before: boolean): number;
  run(layer: Layer, method: MethodChoice, before: boolean, requests: readonly Request[]): Promise<Reconstruction[]>;
  dispose(): Promise<void>;
}

/** A run blocks its thread: no longer than this, if a single request allows it. */
const runMilliseconds = 40;
/** Before anything was timed: multiply-adds of a forward pass that take a millisecond, with their walk back. */
const macsPerMillisecond = 5e7;
const largestBatch = 9;
const programsKept = 6;

/** Makes and keeps the compiled deconvnets of a network, the last few used. */
export function createReconstructor(runtime: Runtime, network: Network): Reconstructor {
  interface Entry {
    deconvnet: Deconvnet;
    /** Compiled when first wanted. */
    programs: Map<Deconvnet, Promise<Program>>;
    /** Of one request, a running mean; null until the second run (the first warms up). */
    milliseconds: number | null;
    runs: number;
  }
  const entries = new Map<string, Entry>();

  function entryOf(layer: Layer, method: MethodChoice, before: boolean): Entry {
    const key = JSON.stringify([layer.id, before, method.id, method.leaky, method.smooth]);
    let entry = entries.get(key);
    if (!entry) {
      const deconvnet = buildDeconvnet(network, layer, method, before);
      entry = { deconvnet, programs: new Map(), milliseconds: null, runs: 0 };
    }
    entries.delete(key);
    entries.set(key, entry);
    if (entries.size > programsKept) {
      const [oldest] = entries.keys();
      const old = entries.get(oldest!)!;
      entries.delete(oldest!);
      for (const program of old.programs.values()) void program.then((done) => done.dispose()).catch(() => undefined);
    }
    return entry;
  }

  function programOf({ programs }: Entry, deconvnet: Deconvnet): Promise<Program> {
    let program = programs.get(deconvnet);
    if (!program) {
      program = runtime.compile(deconvnet.graph);
      programs.set(deconvnet, program);
      program.catch(() => programs.delete(deconvnet)); // a failure is not kept; the caller sees it
    }
    return program;
  }

  async function runOnce(
    deconvnet: Deconvnet,
    program: Program,
    layer: Layer,
    requests: readonly Request[],
  ): Promise<Reconstruction[]> {
    const results = await program.run(feedsFor(network, deconvnet, layer.units, layer.map, requests));
    const signals = results[outputs.signal]!;
    const activations = toFloat32(results[outputs.activation]!);
    const [, channels = 0, height = 0, width = 0] = signals.dims;
    const data = toFloat32(signals);
    const length = channels * height * width;
    return requests.map((request, i) => {
      const one = data.slice(i * length, (i + 1) * length);
      return {
        activation: activations[i]!,
        signal: toField(network, layer, request, deconvnet, { channels, height, width, data: one }),
      };
    });
  }

  return {
    plan(layer, method, before) {
      const { deconvnet } = entryOf(layer, method, before);
      const tap = before ? layer.before : layer.after;
      return {
        extent: deconvnet.extent === 'picture' ? 'picture' : 'cone',
        rules: audit(network.graph.nodes, network.analysis, tap, methodOf(method)),
      };
    },

    batch(layer, method, before) {
      const { deconvnet, milliseconds } = entryOf(layer, method, before);
      if (network.batchOne && deconvnet.extent === 'picture') return 1;
      const each = milliseconds ?? deconvnet.macs / macsPerMillisecond;
      return Math.max(1, Math.min(largestBatch, Math.floor(runMilliseconds / Math.max(each, 1e-3))));
    },

    async run(layer, method, before, requests) {
      const entry = entryOf(layer, method, before);
      const { deconvnet: outer } = entry;
      const groups = new Map<string, { deconvnet: Deconvnet; indices: number[] }>();
      requests.forEach(({ y, x }, i) => {
        const deconvnet = outer.inner?.covers(y, x) ? outer.inner.deconvnet : outer;
        const key = deconvnet === outer ? outer.key(y, x) : 'inner';
        const group = groups.get(key);
        if (group) group.indices.push(i);
        else groups.set(key, { deconvnet, indices: [i] });
      });
      for (const { deconvnet } of groups.values()) await programOf(entry, deconvnet);
      const started = Date.now();
      const out: Reconstruction[] = [];
      for (const { deconvnet, indices } of groups.values()) {
        const some = indices.map((i) => requests[i]!);
        const made = await runOnce(deconvnet, await programOf(entry, deconvnet), layer, some);
        indices.forEach((i, at) => (out[i] = made[at]!));
      }
      const each = (Date.now() - started) / requests.length;
      if (entry.runs++ > 0) entry.milliseconds = entry.milliseconds === null ? each : (entry.milliseconds + each) / 2;
      return out;
    },

    async dispose() {
      const programs = [...entries.values()].flatMap((entry) => [...entry.programs.values()]);
      entries.clear();
      for (const program of programs) await (await program).dispose();
    },
  };
}

/** Cuts what was computed to the box that the layer shows: its field, or the whole input. */
function toField(network: Network, layer: Layer, request: Request, deconvnet: Deconvnet, signal: Signal): Signal {
  const [top, left, bottom, right] = fieldBox(network, layer, request.y, request.x);
  const [height, width] = [bottom - top, right - left];
  const frame = deconvnet.frame(request.y, request.x);
  if (frame.top === top && frame.left === left && height === signal.height && width === signal.width) return signal;
  const data = new Float32Array(signal.channels * height * width);
  cut(signal.data, signal.channels, [signal.height, signal.width], [top - frame.top, left - frame.left], data, 0, [
    height,
    width,
  ]);
  return { channels: signal.channels, height, width, data };
}

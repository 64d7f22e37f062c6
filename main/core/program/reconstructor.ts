import type { MethodChoice, RuleRow, Signal } from '../../../preload/contract';
import { float32, toFloat32, type Tensor } from '../graph/tensor';
import { methodOf } from '../methods/index';
import type { Runtime } from '../runtime/runtime';
import { buildDeconvnet, cut, feedsFor, outputs, type Deconvnet, type Request } from './deconvnet';
import { backFeeds, backOf, forwardOf, type Back, type Scratch } from './halves';
import { fieldBox, type Layer, type Network } from './network';
import { atOnce, createSteps, runMilliseconds, type Steps, type Turn } from './steps';
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
  /** `turn`: when a piece of the work is done, of about 40 ms at most; it may reject between two. */
  run(
    layer: Layer,
    method: MethodChoice,
    before: boolean,
    requests: readonly Request[],
    turn?: Turn,
  ): Promise<Reconstruction[]>;
  /** Whether so many requests in one picture are quicker by one forward pass on all of it, which they share. */
  shares(layer: Layer, method: MethodChoice, before: boolean, requests: number): boolean;
  /** As `run`, for requests in one picture, with one forward pass. Calls `take` with each as it is made. */
  runShared(
    layer: Layer,
    method: MethodChoice,
    before: boolean,
    requests: readonly Request[],
    take: (index: number, made: Reconstruction) => void | Promise<void>,
    turn?: Turn,
  ): Promise<void>;
  dispose(): Promise<void>;
}

/** Before anything was timed: multiply-adds of a forward pass that take a millisecond, with their walk back. */
const macsPerMillisecond = 3.5e7;
/** Cutting an element out of what is kept takes as long as so many multiply-adds. */
const macsPerElement = 400;
const largestBatch = 9;
const programsKept = 6;

/** The walks back of a layer by themselves, and the forward pass that they share. */
interface Shared {
  forward: Steps;
  nameOf: ReturnType<typeof forwardOf>['nameOf'];
  backs: Map<Deconvnet, { back: Back; steps: Steps }>;
}

interface Entry {
  deconvnet: Deconvnet;
  steps: Map<Deconvnet, Steps>;
  /** Made when first wanted; null where a walk back needs more than parts of a forward pass. */
  shared: Shared | null | undefined;
}

/** Makes and keeps the compiled deconvnets of a network, the last few used. */
export function createReconstructor(runtime: Runtime, network: Network): Reconstructor {
  const entries = new Map<string, Entry>();

  function entryOf(layer: Layer, method: MethodChoice, before: boolean): Entry {
    const key = JSON.stringify([layer.id, before, method.id, method.leaky, method.smooth]);
    let entry = entries.get(key);
    if (!entry) {
      const deconvnet = buildDeconvnet(network, layer, method, before);
      const steps = new Map<Deconvnet, Steps>();
      for (const each of programsOf(deconvnet))
        steps.set(each, createSteps(runtime, each.graph, each.macs / macsPerMillisecond));
      entry = { deconvnet, steps, shared: undefined };
    }
    entries.delete(key);
    entries.set(key, entry);
    if (entries.size > programsKept) {
      const [oldest] = entries.keys();
      const old = entries.get(oldest!)!;
      entries.delete(oldest!);
      for (const steps of stepsOf(old)) void steps.dispose().catch(() => undefined);
    }
    return entry;
  }

  function sharedOf(entry: Entry): Shared | null {
    if (entry.shared !== undefined) return entry.shared;
    entry.shared = null;
    const backs: Shared['backs'] = new Map();
    for (const deconvnet of programsOf(entry.deconvnet)) {
      const back = backOf(deconvnet);
      if (!back) return null;
      const expected = deconvnet.macs / macsPerMillisecond / 2;
      backs.set(deconvnet, { back, steps: createSteps(runtime, back.graph, expected) });
    }
    const { graph, nameOf } = forwardOf(
      network,
      Array.from(backs.values(), ({ back }) => back),
    );
    const forward = createSteps(runtime, graph, entry.deconvnet.pictureMacs / macsPerMillisecond / 2);
    return (entry.shared = { forward, nameOf, backs });
  }

  /** How many requests are worth one run, if one takes so many milliseconds. */
  const worth = (deconvnet: Deconvnet, each: number): number =>
    network.batchOne && deconvnet.extent === 'picture'
      ? 1
      : Math.max(1, Math.min(largestBatch, Math.floor(runMilliseconds / Math.max(each, 1e-3))));

  function unpack(
    results: Readonly<Record<string, Tensor>>,
    deconvnet: Deconvnet,
    layer: Layer,
    requests: readonly Request[],
  ): Reconstruction[] {
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
      const { deconvnet, steps } = entryOf(layer, method, before);
      const times = Array.from(steps.values(), ({ milliseconds }) => milliseconds ?? 0);
      return worth(deconvnet, Math.max(...times) || deconvnet.macs / macsPerMillisecond);
    },

    async run(layer, method, before, requests, turn = atOnce) {
      const { deconvnet: outer, steps } = entryOf(layer, method, before);
      const out: Reconstruction[] = [];
      for (const { deconvnet, indices } of groupsOf(outer, requests)) {
        const some = indices.map((i) => requests[i]!);
        const feeds = feedsFor(network, deconvnet, layer.units, layer.map, some);
        const results = await steps.get(deconvnet)!.run(feeds, some.length, turn);
        const made = unpack(results, deconvnet, layer, some);
        indices.forEach((i, at) => (out[i] = made[at]!));
      }
      return out;
    },

    shares(layer, method, before, requests) {
      const entry = entryOf(layer, method, before);
      const { macs, pictureMacs } = entry.deconvnet;
      // By the forward pass alone it cannot pay: what is kept for the walk back need not be looked at.
      if (requests < 2 || requests * macs <= pictureMacs) return false;
      const back = sharedOf(entry)?.backs.get(entry.deconvnet)?.back;
      return back !== undefined && requests * (macs - macsPerElement * back.elements) > pictureMacs;
    },

    async runShared(layer, method, before, requests, take, turn = atOnce) {
      const entry = entryOf(layer, method, before);
      const shared = sharedOf(entry);
      if (!shared) throw new Error('no forward pass can be shared here');
      const { channels, size } = network.input;
      const picture = { [network.input.name]: float32([1, channels, ...size], requests[0]!.picture) };
      const maps: Record<string, Tensor> = { ...picture, ...(await shared.forward.run(picture, 1, turn)) };
      const kept = (value: Parameters<Shared['nameOf']>[0]): Tensor => maps[shared.nameOf(value)]!;
      const scratch: Scratch = new Map();
      for (const { deconvnet, indices } of groupsOf(entry.deconvnet, requests)) {
        const { back, steps } = shared.backs.get(deconvnet)!;
        const expected = deconvnet.macs / macsPerMillisecond / 2;
        for (let at = 0; at < indices.length;) {
          // Fed with the whole picture's maps as they are, it takes one request.
          const count = deconvnet.extent === 'picture' ? 1 : worth(deconvnet, steps.milliseconds ?? expected);
          const batch = indices.slice(at, at + count);
          at += batch.length;
          const some = batch.map((i) => requests[i]!);
          const results = await steps.run(backFeeds(network, back, layer, kept, some, scratch), some.length, turn);
          for (const [i, made] of unpack(results, deconvnet, layer, some).entries()) await take(batch[i]!, made);
        }
      }
    },

    async dispose() {
      const all = [...entries.values()].flatMap(stepsOf);
      entries.clear();
      for (const steps of all) await steps.dispose();
    },
  };
}

/** A deconvnet and the plainer one for some of its places. */
const programsOf = (deconvnet: Deconvnet): Deconvnet[] =>
  deconvnet.inner ? [deconvnet, deconvnet.inner.deconvnet] : [deconvnet];

const stepsOf = ({ steps, shared }: Entry): Steps[] => [
  ...steps.values(),
  ...(shared ? [shared.forward, ...Array.from(shared.backs.values(), ({ steps: back }) => back)] : []),
];

/** The requests that can share a run, by their indices, with what they are run by. */
function groupsOf(
  outer: Deconvnet,
  requests: readonly Request[],
): Iterable<{ deconvnet: Deconvnet; indices: number[] }> {
  const groups = new Map<string, { deconvnet: Deconvnet; indices: number[] }>();
  requests.forEach(({ y, x }, i) => {
    const deconvnet = outer.inner?.covers(y, x) ? outer.inner.deconvnet : outer;
    const key = deconvnet === outer ? outer.key(y, x) : 'inner';
    const group = groups.get(key);
    if (group) group.indices.push(i);
    else groups.set(key, { deconvnet, indices: [i] });
  });
  return groups.values();
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

import type { MethodChoice, RuleRow, Signal } from '../../../preload/contract';
import { analyse } from '../graph/analyse';
import { Builder } from '../graph/builder';
import type { Graph } from '../graph/graph';
import { float32, toFloat32, type Tensor } from '../graph/tensor';
import { methodOf } from '../methods/index';
import { opOf } from '../ops/index';
import type { Program, Runtime } from '../runtime/runtime';
import { buildCone, type PlaceFeed } from './cone';
import { fieldBox, type Layer, type Network } from './network';
import { lengthOf, trace, type Intervals } from './trace';
import { audit, pathNodes, walkBack } from './walk';

/** One unit in one picture: the whole preprocessed picture [channels, height, width] and the unit's channel and place. */
export interface Request {
  picture: Float32Array;
  unit: number;
  y: number;
  x: number;
}

export interface Reconstruction {
  activation: number;
  signal: Signal;
}

export interface Plan {
  extent: 'cone' | 'picture';
  rules: RuleRow[];
  /** How many requests are worth one run: few where a run takes long, so that tiles come early. */
  batch: number;
}

export interface Reconstructor {
  plan(layer: Layer, method: MethodChoice, before: boolean): Plan;
  run(layer: Layer, method: MethodChoice, before: boolean, requests: readonly Request[]): Promise<Reconstruction[]>;
  dispose(): Promise<void>;
}

/** A forward graph with a walk back appended, and how to feed it. */
export interface Deconvnet {
  graph: Graph;
  extent: 'cone' | 'picture';
  /** The part of the input that it takes, relative to the unit's place; null: the whole input. */
  field: Intervals | null;
  feeds: PlaceFeed[];
  /** Names of the inputs that pick the unit: channel [N, C, 1, 1], and in a whole picture its row and column. */
  pick: { channel: string; row: string | null; column: string | null };
  /** Multiply-adds of the forward pass. */
  macs: number;
}

const outputs = { signal: 'reconstruction', activation: 'activation' } as const;

/** Multiply-adds (forward) that one run may hold before a tile is waited for too long: about a quarter of a second. */
const runBudget = 4e9;
const largestBatch = 9;
const programsKept = 6;

/**
 * Writes the deconvnet of one layer as a graph: the forward pass on the cone, or on the whole picture where that has fewer
 * multiply-adds, then the walk back. Its outputs are `reconstruction` [N, channels, height, width] and `activation` [N].
 */
export function buildDeconvnet(
  network: Network,
  layer: Layer,
  choice: MethodChoice,
  before: boolean,
  extent?: 'cone' | 'picture',
): Deconvnet {
  const tap = before ? layer.before : layer.after;
  const traced = trace(network.graph.nodes, network.analysis, tap);
  const whole = pathNodes(network.graph.nodes, network.analysis, tap);
  const pictureMacs = whole.reduce((total, node) => total + (opOf(node)?.macs?.(node, network.analysis) ?? 0), 0);
  const cone =
    extent !== 'picture' && 'intervals' in traced
      ? buildCone(network.graph, network.analysis, tap, traced.intervals)
      : null;
  const asCone = cone !== null && (extent === 'cone' || cone.macs < pictureMacs);
  const builder = asCone
    ? cone.builder
    : new Builder(new Builder(network.graph).build([{ name: tap, type: 'float32', shape: null }]));
  const analysis = asCone
    ? cone.analysis
    : analyse(
        builder.build([{ name: tap, type: 'float32', shape: null }]),
        new Map([[network.input.name, [1, network.input.channels, ...network.input.size]]]),
        knownShapes(network),
      );

  const dense = analysis.shape(tap)!.length === 2;
  const [, channels = 1, height = 1, width = 1] = analysis.shape(tap)!;
  const pickInput = (hint: string, shape: number[]): string =>
    builder.input({ name: builder.fresh(hint), type: 'float32', shape: ['N', ...shape] });
  const channel = pickInput('channel', dense ? [channels] : [channels, 1, 1]);
  const row = dense || asCone ? null : pickInput('row', [1, height, 1]);
  const column = dense || asCone ? null : pickInput('column', [1, 1, width]);
  // The seed: the unit keeps its activation, everything else of the layer is zero.
  const place = row && column ? builder.add('Mul', [row, column], {}, 'place') : null;
  const picked = builder.add('Mul', [tap, channel], {}, `${tap}:picked`);
  const seed = place ? builder.add('Mul', [picked, place], {}, `${tap}:seed`) : picked;
  const axes = dense ? [1] : [1, 2, 3];
  const wanted = [outputs.signal, outputs.activation];
  const names = { signal: builder.fresh(outputs.signal), activation: builder.fresh(outputs.activation) };
  builder.addNode({
    opType: 'ReduceSum',
    inputs: [seed, builder.ints(axes)],
    outputs: [names.activation],
    attributes: { keepdims: { kind: 'int', value: 0 } },
  });
  const signal = walkBack(builder, analysis, methodOf(choice), { tap, seed, picture: network.input.name });
  builder.addNode({ opType: 'Identity', inputs: [signal], outputs: [names.signal], attributes: {} });
  return {
    graph: renamed(
      builder.build([
        { name: names.signal, type: 'float32', shape: null },
        { name: names.activation, type: 'float32', shape: null },
      ]),
      new Map([
        // A network may have values of these names.
        ...[names.signal, names.activation].map((name, i) => [name, wanted[i]!] as const),
        ...[names.signal, names.activation].flatMap((name, i) =>
          name === wanted[i] ? [] : [[wanted[i]!, builder.fresh(`${wanted[i]}:forward`)] as const],
        ),
      ]),
    ),
    extent: asCone ? 'cone' : 'picture',
    field: asCone ? cone.field : null,
    feeds: asCone ? cone.feeds : [],
    pick: { channel, row, column },
    macs: asCone ? cone.macs : pictureMacs,
  };
}

/** The graph with some of its values under other names. */
function renamed(graph: Graph, to: ReadonlyMap<string, string>): Graph {
  if ([...to].every(([name, other]) => name === other)) return graph;
  const other = (name: string): string => to.get(name) ?? name;
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(other),
      outputs: node.outputs.map(other),
    })),
    outputs: graph.outputs.map((info) => ({ ...info, name: other(info.name) })),
    initializers: new Map([...graph.initializers].map(([name, tensor]) => [other(name), tensor])),
  };
}

const knownShapes = (network: Network): Map<string, readonly number[]> =>
  new Map(
    network.graph.nodes.flatMap((node) =>
      node.outputs.flatMap((name) => {
        const shape = network.analysis.shape(name);
        return shape ? [[name, shape] as const] : [];
      }),
    ),
  );

/** What the graph of `buildDeconvnet` is fed for these requests. */
export function feedsFor(
  network: Network,
  deconvnet: Deconvnet,
  units: number,
  map: readonly [number, number],
  requests: readonly Request[],
): Record<string, Tensor> {
  const n = requests.length;
  const { channels, size } = network.input;
  const oneHot = (name: string | null, shape: number[], at: (request: Request) => number): [string, Tensor][] => {
    if (!name) return [];
    const length = shape.reduce((product, dim) => product * dim, 1);
    const tensor = float32([n, ...shape]);
    requests.forEach((request, i) => (tensor.data[i * length + at(request)] = 1));
    return [[name, tensor]];
  };
  const dense = deconvnet.graph.inputs.find((input) => input.name === deconvnet.pick.channel)!.shape!.length === 2;
  const [height, width] = deconvnet.field ? deconvnet.field.map(lengthOf) : size;
  const pictures = float32([n, channels, height!, width!]);
  requests.forEach((request, i) => {
    const origin = deconvnet.field
      ? ([
          request.y * deconvnet.field[0].stride + deconvnet.field[0].low,
          request.x * deconvnet.field[1].stride + deconvnet.field[1].low,
        ] as const)
      : ([0, 0] as const);
    cut(request.picture, channels, size, origin, pictures.data as Float32Array, i * channels * height! * width!, [
      height!,
      width!,
    ]);
  });
  const feeds: [string, Tensor][] = [
    [network.input.name, pictures],
    ...oneHot(deconvnet.pick.channel, dense ? [units] : [units, 1, 1], (request) => request.unit),
    ...oneHot(deconvnet.pick.row, [1, map[0], 1], (request) => request.y),
    ...oneHot(deconvnet.pick.column, [1, 1, map[1]], (request) => request.x),
  ];
  for (const feed of deconvnet.feeds) {
    const tensor = float32([n, 1, feed.height, feed.width]);
    requests.forEach((request, i) =>
      (tensor.data as Float32Array).set(feed.values(request.y, request.x), i * feed.height * feed.width),
    );
    feeds.push([feed.name, tensor]);
  }
  return Object.fromEntries(feeds);
}

/** Copies the window of `size` at `origin` (may leave the picture: zero there, as padding is) out of a picture. */
function cut(
  picture: Float32Array,
  channels: number,
  [height, width]: readonly [number, number],
  [top, left]: readonly [number, number],
  out: Float32Array,
  start: number,
  [rows, columns]: readonly [number, number],
): void {
  const from = Math.max(0, left);
  const to = Math.min(width, left + columns);
  if (to <= from) return;
  for (let c = 0; c < channels; c++)
    for (let r = Math.max(0, -top); r < rows && top + r < height; r++) {
      const source = (c * height + top + r) * width;
      out.set(picture.subarray(source + from, source + to), start + (c * rows + r) * columns + from - left);
    }
}

/** Makes and keeps the compiled deconvnets of a network, the last few used. */
export function createReconstructor(runtime: Runtime, network: Network): Reconstructor {
  interface Entry {
    deconvnet: Deconvnet;
    program: Promise<Program>;
  }
  const entries = new Map<string, Entry>();

  function entryOf(layer: Layer, method: MethodChoice, before: boolean): Entry {
    const key = JSON.stringify([layer.id, before, method.id, method.leaky, method.smooth]);
    let entry = entries.get(key);
    if (!entry) {
      const deconvnet = buildDeconvnet(network, layer, method, before);
      entry = { deconvnet, program: runtime.compile(deconvnet.graph) };
      entry.program.catch(() => entries.delete(key)); // a failure is not kept; the caller sees it
    }
    entries.delete(key);
    entries.set(key, entry);
    if (entries.size > programsKept) {
      const [oldest] = entries.keys();
      const old = entries.get(oldest!)!;
      entries.delete(oldest!);
      void old.program.then((program) => program.dispose()).catch(() => undefined);
    }
    return entry;
  }

  return {
    plan(layer, method, before) {
      const { deconvnet } = entryOf(layer, method, before);
      const tap = before ? layer.before : layer.after;
      const affordable = Math.max(1, Math.floor(runBudget / Math.max(1, deconvnet.macs)));
      return {
        extent: deconvnet.extent,
        rules: audit(network.graph.nodes, network.analysis, tap, methodOf(method)),
        batch: network.batchOne && deconvnet.extent === 'picture' ? 1 : Math.min(largestBatch, affordable),
      };
    },

    async run(layer, method, before, requests) {
      const { deconvnet, program } = entryOf(layer, method, before);
      const results = await (await program).run(feedsFor(network, deconvnet, layer.units, layer.map, requests));
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
    },

    async dispose() {
      const programs = [...entries.values()].map((entry) => entry.program);
      entries.clear();
      for (const program of programs) await (await program).dispose();
    },
  };
}

/** Cuts what was computed to the box that the layer shows: its field, or the whole input. */
function toField(network: Network, layer: Layer, request: Request, deconvnet: Deconvnet, signal: Signal): Signal {
  const [top, left, bottom, right] = fieldBox(network, layer, request.y, request.x);
  const [height, width] = [bottom - top, right - left];
  const [h, w] = deconvnet.field ?? [];
  const origin: readonly [number, number] =
    h && w ? [request.y * h.stride + h.low, request.x * w.stride + w.low] : [0, 0];
  if (origin[0] === top && origin[1] === left && height === signal.height && width === signal.width) return signal;
  const data = new Float32Array(signal.channels * height * width);
  cut(signal.data, signal.channels, [signal.height, signal.width], [top - origin[0], left - origin[1]], data, 0, [
    height,
    width,
  ]);
  return { channels: signal.channels, height, width, data };
}

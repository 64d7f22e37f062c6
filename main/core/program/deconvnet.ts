import type { MethodChoice } from '../../../preload/contract';
import { analyse, type Analysis } from '../graph/analyse';
import { Builder } from '../graph/builder';
import type { Graph } from '../graph/graph';
import { rectifyFirst } from '../graph/rectify';
import { concatenate, float32, int64, toFloat32, type Tensor } from '../graph/tensor';
import { methodOf } from '../methods/index';
import { opOf } from '../ops/index';
import { alike, buildClip, type Clip, type Frame, type Part } from './clip';
import { buildCone, frameOf, type Cone, type PlaceFeed } from './cone';
import type { Layer, Network } from './network';
import { pickFilter } from './oneUnit';
import { trace } from './trace';
import { pathNodes, walkBack } from './walk';

/** One unit in one picture: the whole preprocessed picture [channels, height, width] and the unit's channel and place. */
export interface Request {
  picture: Float32Array;
  unit: number;
  y: number;
  x: number;
}

/**
 * What a deconvnet computes. `cone`: the receptive field, beyond the picture's rim too, so that all places share a run.
 * `clip`: the part of it inside the picture, one run for each shape. `picture`: everything.
 */
export type ProgramExtent = 'cone' | 'clip' | 'picture';

/** A forward graph with a walk back appended, and how to feed it. */
export interface Deconvnet {
  graph: Graph;
  extent: ProgramExtent;
  /** The part of the input that it takes for a unit at this place; may leave the picture. */
  frame(y: number, x: number): Frame;
  /** Requests with equal keys can share a run. */
  key(y: number, x: number): string;
  feeds: PlaceFeed[];
  /** The values that its forward pass makes before the unit itself, and what is known of them. */
  forward: ReadonlySet<string>;
  analysis: Analysis;
  /** What a value of the forward pass is of the network's own, at a place: a part, all of it, or null where it is neither. */
  part(value: string, y: number, x: number): Part | 'all' | null;
  /**
   * Names of the inputs that pick the unit: its channel (the number [N], or where all channels are computed a one among zeros
   * [N, C, 1, 1]), and where there is a map its row and column.
   */
  pick: { channel: string; row: string | null; column: string | null };
  /** Multiply-adds of the forward pass, the mean over all places; and of that on the whole picture. */
  macs: number;
  pictureMacs: number;
  /** A plainer program for the places that it covers: those whose cone lies inside the picture. */
  inner: { deconvnet: Deconvnet; covers(y: number, x: number): boolean } | null;
}

export const outputs = { signal: 'reconstruction', activation: 'activation' } as const;

/** Up to so many multiply-adds nine tiles in one run are quicker than each for itself, cut at the picture's rim. */
const smallCone = 1.5e8;

/**
 * Writes the deconvnet of one layer as a graph: the forward pass on what the unit sees, or on the whole picture where that is
 * cheaper, then the walk back. Its outputs are `reconstruction` [N, channels, height, width] and `activation` [N].
 */
export function buildDeconvnet(
  network: Network,
  layer: Layer,
  choice: MethodChoice,
  before: boolean,
  extent?: ProgramExtent,
): Deconvnet {
  const tap = before ? layer.before : layer.after;
  const { graph, analysis, input } = network;
  const path = pathNodes(graph.nodes, analysis, tap);
  const pictureMacs = path.reduce((total, node) => total + (opOf(node)?.macs?.(node, analysis) ?? 0), 0);
  const traced = extent === 'picture' ? { global: '' } : trace(graph.nodes, analysis, tap);
  const append: Append = (builder, known, feeds) => {
    const walk = appendWalk(builder, known, tap, choice, input.name, feeds !== null);
    const masks = new Set(feeds?.map(({ name }) => name));
    return { ...walk, graph: rectifyFirst(walk.graph, masks, walk.forward) };
  };

  if ('intervals' in traced) {
    const cone = extent === 'clip' ? null : buildCone(graph, analysis, tap, traced.intervals);
    const clip =
      extent === 'cone' || (cone && cone.macs <= smallCone)
        ? null
        : clipOf(append, buildClip(graph, analysis, tap), layer, pictureMacs);
    const ofCone = (own: Cone): Deconvnet => ({
      ...append(own.builder, own.analysis, own.feeds),
      extent: 'cone',
      frame: (y, x) => frameOf(own.field, y, x),
      key: () => '',
      feeds: own.feeds,
      part: own.part,
      macs: own.macs,
      pictureMacs,
      inner: null,
    });
    const inner = (): Deconvnet['inner'] =>
      cone && cone.feeds.length > 0 && cone.macs < pictureMacs
        ? {
            deconvnet: ofCone(buildCone(graph, analysis, tap, traced.intervals, false)),
            covers: cone.liesInside,
          }
        : null;
    if (clip && (extent === 'clip' || clip.macs < pictureMacs)) return { ...clip, inner: extent ? null : inner() };
    if (cone && (extent === 'cone' || cone.macs < pictureMacs))
      return { ...ofCone(cone), inner: extent ? null : inner() };
  }
  const builder = new Builder(new Builder(graph).build([{ name: tap, type: 'float32', shape: null }]));
  const known = analyse(
    builder.build([{ name: tap, type: 'float32', shape: null }]),
    new Map([[input.name, [1, input.channels, ...input.size]]]),
    knownShapes(network),
  );
  const [height, width] = input.size;
  return {
    ...append(builder, known, null),
    extent: 'picture',
    frame: () => ({ top: 0, left: 0, height, width }),
    key: () => '',
    feeds: [],
    part: () => 'all',
    macs: pictureMacs,
    pictureMacs,
    inner: null,
  };
}

type Walk = Pick<Deconvnet, 'graph' | 'pick' | 'forward' | 'analysis'>;
/** Appends the walk back. `feeds`: of a program for one place, whose maps are nowhere below zero; null: on the whole picture. */
type Append = (builder: Builder, known: Analysis, feeds: readonly PlaceFeed[] | null) => Walk;

/** The clip with its walk back; null where a step back depends on the place in more than what is fed. */
function clipOf(
  append: Append,
  clip: Clip | null,
  { map: [rows, columns] }: Layer,
  pictureMacs: number,
): Deconvnet | null {
  if (!clip) return null;
  const of = (y: number, x: number) => {
    const { builder, analysis, feeds } = clip.at(y, x);
    return { ...append(builder, analysis, feeds), feeds };
  };
  const centre = of(rows >> 1, columns >> 1);
  if (!alike(centre.graph, of(0, 0).graph) || !alike(centre.graph, of(rows - 1, columns - 1).graph)) return null;
  return {
    ...centre,
    extent: 'clip',
    frame: clip.frame,
    part: clip.part,
    key: (y, x) => {
      const { height, width } = clip.frame(y, x);
      return [height, width, ...centre.feeds.flatMap((feed) => Array.from(feed.tensor(y, x).data, Number))].join();
    },
    macs: clip.macs,
    pictureMacs,
    inner: null,
  };
}

/** Appends the seed and the walk back. `single`: the tap is one element, the unit itself. */
function appendWalk(
  builder: Builder,
  analysis: Analysis,
  tap: string,
  choice: MethodChoice,
  picture: string,
  single: boolean,
): Walk {
  const dense = analysis.shape(tap)!.length === 2;
  const one = single && !dense ? pickFilter(builder, analysis, tap) : null;
  const before = one ? builder.nodes.findIndex(({ outputs: made }) => made[0] === one.filter) : builder.nodes.length;
  const [, channels = 1, height = 1, width = 1] = analysis.shape(tap)!;
  const pickInput = (hint: string, shape: number[]): string =>
    builder.input({ name: builder.fresh(hint), type: 'float32', shape: ['N', ...shape] });
  const channel = one?.unit ?? pickInput('channel', dense ? [channels] : [channels, 1, 1]);
  const row = dense || single ? null : pickInput('row', [1, height, 1]);
  const column = dense || single ? null : pickInput('column', [1, 1, width]);
  // The seed: the unit keeps its activation, everything else of the layer is zero.
  const place = row && column ? builder.add('Mul', [row, column], {}, 'place') : null;
  const picked = one ? tap : builder.add('Mul', [tap, channel], {}, `${tap}:picked`);
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
  const back = (ends: Parameters<typeof walkBack>[3]): string => walkBack(builder, analysis, methodOf(choice), ends);
  const start = one && {
    tap: one.map,
    seed: builder.add('Mul', [one.filter, back({ tap, seed, picture: one.sum })], {}, `${one.sum}:back`),
  };
  const signal = back({ ...(start ?? { tap, seed }), picture });
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
    pick: { channel, row, column },
    forward: new Set(builder.nodes.slice(0, before).flatMap((node) => node.outputs)),
    analysis,
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

export const knownShapes = (network: Network): Map<string, readonly number[]> =>
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
  const frames = requests.map(({ y, x }) => deconvnet.frame(y, x));
  const { height, width } = frames[0]!;
  const pictures = float32([n, channels, height, width]);
  const length = channels * height * width;
  requests.forEach(({ picture }, i) => {
    const { top, left } = frames[i]!;
    cut(picture, channels, size, [top, left], pictures.data as Float32Array, i * length, [height, width]);
  });
  return { [network.input.name]: pictures, ...placeFeeds(deconvnet, units, map, requests) };
}

/** Of these, those that say which unit at which place: all but the pictures. */
export function placeFeeds(
  deconvnet: Deconvnet,
  units: number,
  map: readonly [number, number],
  requests: readonly Request[],
): Record<string, Tensor> {
  const n = requests.length;
  const oneHot = (name: string | null, shape: number[], at: (request: Request) => number): [string, Tensor][] => {
    if (!name) return [];
    const length = shape.reduce((product, dim) => product * dim, 1);
    const tensor = float32([n, ...shape]);
    requests.forEach((request, i) => (tensor.data[i * length + at(request)] = 1));
    return [[name, tensor]];
  };
  const { name: channel, type, shape } = deconvnet.graph.inputs.find(({ name }) => name === deconvnet.pick.channel)!;
  const numbers = requests.map(({ unit }) => unit);
  const feeds: [string, Tensor][] = [
    ...(type === 'int64'
      ? [[channel, int64([n], numbers)] as [string, Tensor]]
      : oneHot(channel, shape!.length === 2 ? [units] : [units, 1, 1], ({ unit }) => unit)),
    ...oneHot(deconvnet.pick.row, [1, map[0], 1], (request) => request.y),
    ...oneHot(deconvnet.pick.column, [1, 1, map[1]], (request) => request.x),
  ];
  for (const feed of deconvnet.feeds) {
    const tensors = requests.map(({ y, x }) => feed.tensor(y, x));
    const [head] = tensors;
    // Amounts are the same for all that share a run; maps are one for each.
    if (deconvnet.extent === 'clip') feeds.push([feed.name, head!]);
    else
      feeds.push([feed.name, float32([n, ...head!.dims.slice(1)], concatenate(Float32Array, tensors.map(toFloat32)))]);
  }
  return Object.fromEntries(feeds);
}

const shortRow = 100;

/** Copies the window of `size` at `origin` (may leave the picture: zero there, as padding is) out of a picture. */
export function cut(
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
      const target = start + (c * rows + r) * columns - left;
      // A view costs as much as a hundred numbers.
      if (to - from > shortRow) out.set(picture.subarray(source + from, source + to), target + from);
      else for (let x = from; x < to; x++) out[target + x] = picture[source + x]!;
    }
}

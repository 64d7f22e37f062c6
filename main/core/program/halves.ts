import { Builder } from '../graph/builder';
import { intsAttribute, type Graph, type Node, type ValueInfo } from '../graph/graph';
import { float32, int64, sizeOf, type Tensor } from '../graph/tensor';
import { typesOf } from '../graph/types';
import type { Frame } from './clip';
import { cut, placeFeeds, type Deconvnet, type Request } from './deconvnet';
import type { Layer, Network } from './network';

/** What of a picture's forward pass is kept: a value of the network, or the switches of the pool that makes it. */
export interface Kept {
  value: string;
  switches: boolean;
}
const keyOf = ({ value, switches }: Kept): string => `${switches ? 'switches' : 'value'} ${value}`;

/** A value of the forward pass that the walk back reads: an input of it. */
interface Held extends Kept {
  name: string;
  /** The value of the deconvnet whose part it is: itself, or what the pool makes whose switches they are. */
  of: string;
  /** Of switches: what they point into, as the deconvnet's pool reads it, and the pool's strides. */
  into: string;
  strides: readonly number[];
}

/** The walk back of a deconvnet by itself, and what it is fed. */
export interface Back {
  deconvnet: Deconvnet;
  graph: Graph;
  /** Elements that are cut out for a request. */
  elements: number;
  held: readonly Held[];
  /** Inputs that take the shape (or the size) of a value of the forward pass. */
  shapes: readonly { name: string; of: string; op: string }[];
}

/**
 * Takes the walk back out of a deconvnet: what it reads of the forward pass becomes inputs, to be fed with parts of one forward
 * pass on the whole picture, which all units and places share. Null where it reads something that is not such a part.
 */
export function backOf(deconvnet: Deconvnet): Back | null {
  const { graph, forward, analysis } = deconvnet;
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const types = typesOf(graph);
  const picture = graph.inputs[0]!;
  const held: Held[] = [];
  const shapes: { name: string; of: string; op: string }[] = [];
  const inputs: ValueInfo[] = [];
  const own = new Set<Node>();
  /** Carries what is in the picture; switches that were asked of a pool later are not in the analysis. */
  const carries = (name: string): boolean =>
    name === picture.name || (forward.has(name) && analysis.onPath(producers.get(name)?.outputs[0] ?? name));
  const seen = new Set<string>();
  const pending = graph.outputs.map(({ name }) => name);
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (!name || seen.has(name)) continue;
    seen.add(name);
    const node = producers.get(name);
    if (carries(name)) {
      const kept = heldOf(deconvnet, name, node);
      const { shape = null } = name === picture.name ? picture : {};
      if (!kept || types.get(name) !== (kept.switches ? 'int64' : 'float32')) return null;
      held.push(kept);
      inputs.push({ name, type: types.get(name)!, shape: shape ?? freeShape(name, analysis.shape(name)) });
    } else if (node && (node.opType === 'Shape' || node.opType === 'Size') && carries(node.inputs[0]!)) {
      const of = node.inputs[0]!;
      const rank = analysis.shape(of)?.length;
      if (rank === undefined || deconvnet.part(of, 0, 0) === null) return null;
      shapes.push({ name, of, op: node.opType });
      inputs.push({ name, type: 'int64', shape: node.opType === 'Shape' ? [rank] : [] });
    } else if (node) {
      own.add(node);
      pending.push(...node.inputs);
    }
  }
  const builder = new Builder({ ...graph, nodes: graph.nodes.filter((node) => own.has(node)) });
  builder.inputs = [...graph.inputs.filter(({ name }) => seen.has(name) && name !== picture.name), ...inputs];
  const cutOut = held.filter(({ of }) => deconvnet.part(of, 0, 0) !== 'all');
  const elements = cutOut.reduce((sum, { of }) => sum + sizeOf(analysis.shape(of)!), 0);
  return { deconvnet, graph: builder.build(graph.outputs), elements, held, shapes };
}

const freeShape = (name: string, shape: readonly number[] | undefined): ValueInfo['shape'] =>
  shape ? shape.map((dim, axis) => (axis === 1 ? dim : `${name}:${axis}`)) : null;

function heldOf(deconvnet: Deconvnet, name: string, node: Node | undefined): Held | null {
  const switches = node !== undefined && node.outputs.indexOf(name) === 1;
  if (switches && node.opType !== 'MaxPool') return null;
  const of = switches ? node.outputs[0]! : name;
  const into = switches ? node.inputs[0]! : '';
  const part = deconvnet.part(of, 0, 0);
  if (part === null || (switches && deconvnet.part(into, 0, 0) === null)) return null;
  const strides = (switches && intsAttribute(node, 'strides')) || [1, 1];
  return { name, of, value: part === 'all' ? of : part.source, switches, into, strides };
}

/** The forward pass on a whole picture that makes all that these walks back read. `names`: its output of each value kept. */
export function forwardOf(network: Network, backs: readonly Back[]): { graph: Graph; nameOf(kept: Kept): string } {
  const builder = new Builder(network.graph);
  const names = new Map<string, string>();
  for (const kept of backs.flatMap(({ held }) => held)) {
    const { value, switches } = kept;
    if (names.has(keyOf(kept))) continue;
    if (!switches) {
      names.set(keyOf(kept), value);
      continue;
    }
    const pool = builder.nodes.find((node) => node.outputs[0] === value)!;
    const indices = pool.outputs[1] || builder.fresh(`${value}:switches`);
    if (!pool.outputs[1]) builder.replace(pool, { ...pool, outputs: [value, indices] });
    names.set(keyOf(kept), indices);
  }
  const inputs = new Set(network.graph.inputs.map(({ name }) => name));
  return {
    graph: builder.build(
      [...names]
        .filter(([, name]) => !inputs.has(name))
        .map(([key, name]) => ({ name, type: key.startsWith('switches') ? 'int64' : 'float32', shape: null })),
    ),
    nameOf: (kept) => names.get(keyOf(kept))!,
  };
}

/**
 * What a walk back is fed for requests in one picture: of a walk back on the whole picture for one request. `kept`: the
 * values of the picture's forward pass [1, ...]; the requests' own pictures are not looked at. `scratch` is what the last call
 * filled: memory that is there already is much quicker than new.
 */
export function backFeeds(
  network: Network,
  { deconvnet, held, shapes }: Back,
  layer: Layer,
  kept: (value: Kept) => Tensor,
  requests: readonly Request[],
  scratch: Scratch,
): Record<string, Tensor> {
  const n = requests.length;
  const frameOf = (value: string, { y, x }: Request): Frame | null => {
    const part = deconvnet.part(value, y, x);
    return part === null || part === 'all' ? null : part.frame;
  };
  const dimsOf = (value: string): number[] => {
    const [head = 1, ...rest] = deconvnet.analysis.shape(value)!;
    const frame = frameOf(value, requests[0]!);
    return frame ? [n, rest[0]!, frame.height, frame.width] : [head, ...rest];
  };
  const feeds = placeFeeds(deconvnet, layer.units, layer.map, requests);
  for (const { name, of, op } of shapes)
    feeds[name] = op === 'Shape' ? int64([dimsOf(of).length], dimsOf(of)) : int64([], [sizeOf(dimsOf(of))]);
  for (const each of held) {
    const whole = kept(each);
    const dims = dimsOf(each.of);
    if (!frameOf(each.of, requests[0]!)) {
      feeds[each.name] = whole;
      continue;
    }
    const length = sizeOf(dims) / n;
    const size = [whole.dims[2]!, whole.dims[3]!] as const;
    if (each.switches) {
      const data = roomFor(scratch, each.name, BigInt64Array, n * length);
      requests.forEach((request, i) => {
        const into = deconvnet.part(each.into, request.y, request.x);
        if (into === null || into === 'all') throw new Error(`the switches of ${each.of} point into no part`);
        const [, , height = 0, width = 0] = network.analysis.shape(into.source)!;
        cutSwitches(whole, [height, width], frameOf(each.of, request)!, into.frame, each.strides, data, i);
      });
      feeds[each.name] = { type: 'int64', dims, data };
      continue;
    }
    const data = roomFor(scratch, each.name, Float32Array, n * length);
    requests.forEach((request, i) => {
      const part = deconvnet.part(each.of, request.y, request.x);
      if (part === null || part === 'all') throw new Error(`${each.of} is no part`);
      const { frame, outside } = part;
      data.fill(outside, i * length, (i + 1) * length);
      const [from, shape] = [[frame.top, frame.left] as const, [frame.height, frame.width] as const];
      cut(whole.data as Float32Array, dims[1]!, size, from, data, i * length, shape);
    });
    feeds[each.name] = float32(dims, data);
  }
  return feeds;
}

/** Arrays by the inputs that they are fed to. */
export type Scratch = Map<string, BigInt64Array | Float32Array>;

function roomFor<T extends BigInt64Array | Float32Array>(
  scratch: Scratch,
  name: string,
  type: { new (length: number): T; prototype: T },
  length: number,
): T {
  const known = scratch.get(name);
  if (known instanceof type && known.length === length) return known;
  const made = new type(length);
  scratch.set(name, made);
  return made;
}

/** Of a map's switches how far each lies from the start of its window without padding: rows in the upper, columns in the lower bits. */
const packed = new WeakMap<Tensor, Int32Array>();
const middle = 1 << 15;

function packedOnce(
  switches: Tensor,
  [rows, columns]: readonly [number, number],
  [down = 1, across = 1]: readonly number[],
): Int32Array {
  const known = packed.get(switches);
  if (known) return known;
  const [, channels = 1, height = 1, width = 1] = switches.dims;
  const { buffer, byteOffset, length } = switches.data;
  // The lower halves of the integers: as numbers they are much quicker than as big integers.
  const places = new Int32Array(buffer, byteOffset, 2 * length);
  const out = new Int32Array(length);
  let at = 0;
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++, at++) {
        const place = places[2 * at]! - c * rows * columns;
        const row = (place / columns) | 0;
        out[at] = ((row - y * down + middle) << 16) | (place - row * columns - x * across + middle);
      }
  packed.set(switches, out);
  return out;
}

/**
 * Cuts the frame `own` out of the switches of a whole map, and makes them places in the frame `into` of the map below. Outside
 * the map they point to the first of their window, where nothing comes back.
 */
function cutSwitches(
  switches: Tensor,
  below: readonly [number, number],
  own: Frame,
  into: Frame,
  strides: readonly number[],
  out: BigInt64Array,
  number: number,
): void {
  const from = packedOnce(switches, below, strides);
  const to = new Int32Array(out.buffer);
  const [down = 1, across = 1] = strides;
  const [, channels = 1, height = 1, width = 1] = switches.dims;
  const { height: rows, width: columns } = own;
  const area = into.height * into.width;
  const shift = (own.top * down - into.top - middle) * into.width + own.left * across - into.left - middle;
  const [first, last] = [Math.min(columns, Math.max(0, -own.left)), Math.min(columns, width - own.left)];
  let at = 2 * number * channels * rows * columns;
  for (let c = 0; c < channels; c++)
    for (let r = 0; r < rows; r++) {
      const y = own.top + r;
      const line = (number * channels + c) * area + r * down * into.width;
      const source = (c * height + y) * width + own.left;
      const [begin, end] = y >= 0 && y < height ? [first, last] : [columns, columns];
      for (let q = 0; q < begin; q++, at += 2) to[at] = line + q * across;
      for (let q = begin; q < end; q++, at += 2) {
        const code = from[source + q]!;
        to[at] = line + q * across + shift + (code >>> 16) * into.width + (code & 65535);
      }
      for (let q = end; q < columns; q++, at += 2) to[at] = line + q * across;
    }
}

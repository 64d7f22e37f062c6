import { analyse, type Analysis } from '../graph/analyse';
import { attributes, Builder } from '../graph/builder';
import type { Graph, Node } from '../graph/graph';
import { float32, int64, type Tensor } from '../graph/tensor';
import { opOf } from '../ops/index';
import { includesPad } from '../ops/pool';
import type { Extent } from '../ops/op';
import { addCounted, countFactor, floor, heldConstant, type PlaceFeed } from './cone';
import { inputInterval } from './trace';
import { pathNodes } from './walk';

/** The first and the last element of a value along one axis that a unit at one place depends on, inside the map. */
type Range = readonly [low: number, high: number];

/** What one place needs along one axis. */
interface Line {
  ranges: ReadonlyMap<string, Range>;
  /** Per node and input: the range that its windows read, which may leave the map. */
  reads: ReadonlyMap<Node, readonly (Range | null)[]>;
}

/** The part of the picture [top, left, top + height, left + width) that a unit's reconstruction is made from. */
export interface Frame {
  top: number;
  left: number;
  height: number;
  width: number;
}

/** What a value of a cone or a clip is of the network's own: a frame of that map, with this where the frame leaves it. */
export interface Part {
  source: string;
  frame: Frame;
  outside: number;
}

/** The cone without what lies outside the picture: its shapes depend on the place. */
export interface Clip {
  /** Its forward graph, and its analysis with the shapes of one place. */
  at(y: number, x: number): { builder: Builder; analysis: Analysis; feeds: PlaceFeed[] };
  frame(y: number, x: number): Frame;
  /** What a value is at a place; null where it is not a part of one of the network's. */
  part(value: string, y: number, x: number): Part | null;
  /** Multiply-adds of one forward pass, the mean over all places. */
  macs: number;
}

/** Ops whose windows can be cut at the picture's rim, by padding that is given with the place. */
const clippable = new Set(['Conv', 'MaxPool', 'AveragePool', 'LpPool', 'Pad']);

/**
 * Builds the cone of `tap` cut at the picture's rim, where half of a corner's cone lies outside. What a window reads beyond the
 * rim, or beyond what other branches need, is padded and cut by a Pad whose amounts are fed for the place, so that one program
 * serves all places. Null where a node on the way does not allow it.
 */
export function buildClip(graph: Graph, analysis: Analysis, tap: string): Clip | null {
  const path = pathNodes(graph.nodes, analysis, tap);
  const extents = new Map(path.map((node) => [node, opOf(node)?.extent?.(node, analysis)]));
  if (analysis.shape(tap)?.length !== 4 || !path.every((node) => allows(node, extents.get(node)))) return null;
  const [, , height = 0, width = 0] = analysis.shape(tap)!;
  const rows = linesOf(path, extents, analysis, tap, 0, height);
  const columns = linesOf(path, extents, analysis, tap, 1, width);
  if (!rows || !columns) return null;
  const lines = [rows, columns] as const;
  const picture = graph.inputs[0]!.name;
  const share = (name: string) =>
    [0, 1].reduce((product, axis) => {
      const own = lines[axis]!.map((line) => length(line.ranges.get(name)!));
      return (product * own.reduce((sum, next) => sum + next, 0)) / own.length / analysis.shape(name)![axis + 2]!;
    }, 1);
  /** Inputs that were fitted, by their names there. */
  const fitted: Fitted = new Map();
  const frameOf = ([top, bottom]: Range, [left, right]: Range): Frame => ({
    top,
    left,
    height: bottom - top + 1,
    width: right - left + 1,
  });
  return {
    at: (y, x) => assemble(graph, analysis, path, extents, lines, tap, [y, x], fitted),
    frame: (y, x) => frameOf(rows[y]!.ranges.get(picture)!, columns[x]!.ranges.get(picture)!),
    part(value, y, x) {
      const [line, across] = [rows[y]!, columns[x]!];
      const fit = fitted.get(value);
      if (!fit && !line.ranges.has(value)) return null;
      if (!fit)
        return { source: value, frame: frameOf(line.ranges.get(value)!, across.ranges.get(value)!), outside: 0 };
      const { node, index } = fit;
      const read = ({ reads }: Line): Range => reads.get(node)![index]!;
      return {
        source: node.inputs[index]!,
        frame: frameOf(read(line), read(across)),
        outside: node.opType === 'MaxPool' ? floor : 0,
      };
    },
    macs: path.reduce((total, node) => total + (opOf(node)?.macs?.(node, analysis) ?? 0) * share(node.outputs[0]!), 0),
  };
}

type Fitted = Map<string, { node: Node; index: number }>;

const length = ([low, high]: Range): number => high - low + 1;

function allows(node: Node, extent: Extent | undefined): boolean {
  if (extent?.kind === 'pointwise') return true;
  if (extent?.kind !== 'window' || !clippable.has(node.opType)) return false;
  // The part of a window that ceil_mode adds counts in no average: a padding that is fed would.
  return node.opType !== 'AveragePool' || extent.axes.every((window) => window.overhang === 0);
}

/** What each place along one axis needs; null where a window lies in the padding altogether. */
function linesOf(
  path: readonly Node[],
  extents: ReadonlyMap<Node, Extent | undefined>,
  analysis: Analysis,
  tap: string,
  axis: 0 | 1,
  places: number,
): Line[] | null {
  const lines: Line[] = [];
  for (let place = 0; place < places; place++) {
    const ranges = new Map<string, Range>([[tap, [place, place]]]);
    const reads = new Map<Node, (Range | null)[]>();
    for (const node of path) {
      const outs = node.outputs.flatMap((name) => ranges.get(name) ?? []) as unknown as number[];
      const out: Range = [Math.min(...outs), Math.max(...outs)];
      for (const name of node.outputs) if (name) ranges.set(name, out);
      const extent = extents.get(node)!;
      const [low, high] = out;
      const needed = extent.kind === 'window' && inputInterval({ stride: 1, low, high }, extent.axes[axis]);
      const read: Range = needed ? [needed.low, needed.high] : out;
      const own: (Range | null)[] = [];
      for (const name of node.inputs) {
        if (!name || !analysis.onPath(name)) {
          own.push(null);
          continue;
        }
        const shape = analysis.shape(name);
        if (shape?.length !== 4) return null;
        const inside: Range = [Math.max(0, read[0]), Math.min(shape[axis + 2]! - 1, read[1])];
        if (inside[1] < inside[0]) return null;
        const known = ranges.get(name);
        ranges.set(name, known ? [Math.min(known[0], inside[0]), Math.max(known[1], inside[1])] : inside);
        own.push(read);
      }
      reads.set(node, own);
    }
    lines.push({ ranges, reads });
  }
  return lines;
}

/** The clip with the shapes of one place. */
function assemble(
  graph: Graph,
  analysis: Analysis,
  path: readonly Node[],
  extents: ReadonlyMap<Node, Extent | undefined>,
  lines: readonly [Line[], Line[]],
  tap: string,
  place: readonly [number, number],
  parts: Fitted,
): ReturnType<Clip['at']> {
  const picture = graph.inputs[0]!;
  const builder = new Builder(graph, false);
  const feeds: PlaceFeed[] = [];
  const made = new Map<string, string>();

  /** A value that depends on the place: a constant while shapes are worked out, an input afterwards. */
  const feed = (hint: string, tensor: (y: number, x: number) => Tensor): string => {
    const name = builder.constant(tensor(...place), hint);
    feeds.push({ name, tensor });
    return name;
  };

  const held = (name: string): string => heldConstant(builder, analysis, made, name);

  /** The input as the node's windows read it. */
  const fitted = (node: Node, index: number): string => {
    const name = node.inputs[index]!;
    const amounts = (axis: 0 | 1, at: number): [number, number] => {
      const line = lines[axis][at]!;
      const [low, high] = line.ranges.get(name)!;
      const [from, to] = line.reads.get(node)![index]!;
      return [low - from, to - high];
    };
    const all = ([0, 1] as const).map((axis) => lines[axis].map((_, at) => amounts(axis, at)));
    if (all.every((axis) => axis.every(([begin, end]) => begin === 0 && end === 0))) return name;
    const lowest = node.opType === 'MaxPool';
    const key = JSON.stringify([name, lowest, all]);
    const known = made.get(key);
    if (known !== undefined) return known;
    const pads = feed(`${name}:pads`, (y, x) => {
      const [top, bottom] = all[0]![y]!;
      const [left, right] = all[1]![x]!;
      return int64([8], [0, 0, top, left, 0, 0, bottom, right]);
    });
    const value = lowest ? [builder.scalar(floor)] : [];
    const padded = builder.add('Pad', [name, pads, ...value], { mode: 'constant' }, `${name}:fitted`);
    made.set(key, padded);
    parts.set(padded, { node, index });
    return padded;
  };

  for (const node of [...path].reverse()) {
    const inputs = node.inputs.map((name, index) => {
      if (!name) return name;
      return analysis.onPath(name) ? fitted(node, index) : held(name);
    });
    emit(node, inputs, extents.get(node)!);
  }

  function emit(node: Node, inputs: string[], extent: Extent): void {
    if (extent.kind !== 'window') {
      builder.addNode({ ...node, inputs });
      return;
    }
    if (node.opType === 'Pad') {
      builder.addNode({ ...node, opType: 'Identity', inputs: inputs.slice(0, 1), attributes: {} });
      return;
    }
    const { ceil_mode: _ceil, auto_pad: _auto, ...kept } = node.attributes;
    const fitting = { ...node, inputs, attributes: { ...kept, ...attributes({ pads: [0, 0, 0, 0] }) } };
    const padded = extent.axes.some((window) => window.begin > 0 || window.end > 0);
    if (node.opType !== 'AveragePool' || includesPad(node) || !padded) {
      builder.addNode(fitting);
      return;
    }
    const shares = (axis: 0 | 1, at: number): number[] => {
      const [low, high] = lines[axis][at]!.ranges.get(node.outputs[0]!)!;
      const factor = countFactor(node, extent.axes[axis], analysis.shape(node.inputs[0]!)![axis + 2]!);
      return Array.from({ length: high - low + 1 }, (_, i) => factor(low + i));
    };
    const counts = feed(`${node.outputs[0]}:counts`, (y, x) => {
      const [down, across] = [shares(0, y), shares(1, x)];
      return float32(
        [1, 1, down.length, across.length],
        Float32Array.from(down.flatMap((a) => across.map((b) => a * b))),
      );
    });
    addCounted(builder, fitting, counts);
  }

  const channels = analysis.shape(picture.name)![1]!;
  const sides = ([0, 1] as const).map((axis) => length(lines[axis][place[axis]]!.ranges.get(picture.name)!));
  const known = analyse(
    builder.build([{ name: tap, type: 'float32', shape: null }]),
    new Map([[picture.name, [1, channels, ...sides]]]),
    new Map(),
    [picture.name],
  );
  builder.inputs = [{ ...picture, shape: ['N', channels, 'height', 'width'] }];
  for (const { name } of feeds) {
    const { type, dims } = builder.initializers.get(name)!;
    builder.initializers.delete(name);
    builder.input({ name, type, shape: dims.length === 1 ? dims : [1, 1, `${name}:height`, `${name}:width`] });
  }
  return { builder, analysis: known, feeds };
}

/** Whether two graphs are the same but for what they are fed. */
export function alike(one: Graph, other: Graph): boolean {
  const words = (graph: Graph) =>
    JSON.stringify([
      graph.nodes,
      graph.inputs,
      [...graph.initializers].map(([name, { dims, data }]) => [
        name,
        dims,
        data.length > smallTensor ? null : Array.from(data, String),
      ]),
    ]);
  return words(one) === words(other);
}

/** Larger ones are filters, which no place changes. */
const smallTensor = 4096;

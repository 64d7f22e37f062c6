import { Graph as Dagre, layout } from '@dagrejs/dagre';
import type { GraphNode, NetworkGraph } from '../../preload/contract';
import { passages } from '../../main/core/program/blocks';

/** A node, or a block that is drawn as one, with its place in px. */
export interface Box {
  key: string;
  /** Index of the node; null for a block. */
  node: number | null;
  block: number | null;
  x: number;
  y: number;
  width: number;
  height: number;
}
export interface Curve {
  from: string;
  to: string;
  /** The data of an SVG path. */
  d: string;
  top: number;
  bottom: number;
}
/** What is around the nodes of a block that is open. */
export interface Frame {
  block: number;
  x: number;
  y: number;
  width: number;
  height: number;
}
export interface Drawing {
  boxes: Box[];
  curves: Curve[];
  frames: Frame[];
  width: number;
  height: number;
}

const between = { ranks: 22, nodes: 14, edges: 8 };
const framePad = 10;
/** Above the nodes of an open block, for its name. */
const frameHead = 26;
const edge = 16;

export function sizeOf({ kind, refused, ops, layer }: GraphNode): { width: number; height: number } {
  if (refused !== null) return { width: 196, height: layer === null ? 56 : 66 };
  if (kind === 'input') return { width: 132, height: 26 };
  if (kind === 'op' || kind === 'pool') return { width: Math.max(84, 26 + 7 * (ops[0] ?? '').length), height: 24 };
  return { width: 164, height: 38 };
}
const blockSize = { width: 176, height: 46 };

type Item = Pick<Box, 'key' | 'node' | 'block' | 'width' | 'height'>;
type Pair = readonly [from: number, to: number];
interface Point {
  x: number;
  y: number;
}

/** Places the network from top to bottom; of the blocks those in `open` with all that is in them. */
export function drawNetwork(graph: NetworkGraph, open: ReadonlySet<number>): Drawing {
  const { items, pairs } = visible(graph, open);
  const drawing: Drawing = { boxes: [], curves: [], frames: [], width: 0, height: 0 };
  const at = new Map<number, Point>();
  const cuts = passages(items.length, pairs);
  if (cuts[0] !== 0) cuts.unshift(0);
  if (cuts.at(-1) !== items.length - 1) cuts.push(items.length - 1);
  // Between two nodes that all ways go through, the network is placed by itself: far quicker than all of it at once.
  for (let i = 1; i < cuts.length; i++) {
    const [first, last] = [cuts[i - 1]!, cuts[i]!];
    const inside = pairs.filter(([from, to]) => from >= first && to <= last && to > first);
    const section = place(
      items.slice(first, last + 1),
      inside.map(([from, to]) => [from - first, to - first] as const),
    );
    const anchor = at.get(first) ?? section.centres[0]!;
    const opened = items
      .slice(first + 1, last + 1)
      .some(({ block, node }) => node !== null && block !== null && open.has(block));
    const head = opened ? frameHead : 0;
    const [dx, dy] = [anchor.x - section.centres[0]!.x, anchor.y - section.centres[0]!.y];
    const below = section.centres[0]!.y + items[first]!.height / 2;
    const moved = ({ x, y }: Point): Point => ({ x: x + dx, y: y + dy + (y > below + 1 ? head : 0) });
    section.centres.forEach((centre, k) => at.set(first + k, k === 0 ? anchor : moved(centre)));
    section.lines.forEach((points, k) => {
      const [from, to] = inside[k]!;
      const line = points.map(moved);
      const ys = line.map(({ y }) => y);
      drawing.curves.push({
        ...{ from: items[from]!.key, to: items[to]!.key, d: curve(line) },
        ...{ top: Math.min(...ys), bottom: Math.max(...ys) },
      });
    });
  }
  if (items.length === 1) at.set(0, { x: 0, y: 0 });
  drawing.boxes = items.map((item, index) => {
    const { x, y } = at.get(index)!;
    return { ...item, x: x - item.width / 2, y: y - item.height / 2 };
  });
  drawing.frames = framesOf(drawing.boxes, open);
  return settle(drawing);
}

/** What is drawn: nodes, and closed blocks in the place of theirs, in topological order. */
function visible(graph: NetworkGraph, open: ReadonlySet<number>): { items: Item[]; pairs: Pair[] } {
  const keyOf = ({ block }: GraphNode, index: number): string =>
    block !== null && !open.has(block) ? `b${block}` : `n${index}`;
  const keys = graph.nodes.map(keyOf);
  const items = new Map<string, Item>();
  graph.nodes.forEach((node, index) => {
    const key = keys[index]!;
    if (key.startsWith('b')) items.set(key, { key, node: null, block: node.block, ...blockSize });
    else items.set(key, { key, node: index, block: node.block, ...sizeOf(node) });
  });
  const links = new Map<string, Set<string>>([...items.keys()].map((key) => [key, new Set()]));
  for (const { from, to } of graph.edges) if (keys[from] !== keys[to]) links.get(keys[from]!)!.add(keys[to]!);
  const order = sorted([...items.keys()], links);
  const index = new Map(order.map((key, i) => [key, i]));
  const pairs = order.flatMap((key) =>
    [...links.get(key)!].map((next) => [index.get(key)!, index.get(next)!] as const).filter(([from, to]) => from < to),
  );
  return { items: order.map((key) => items.get(key)!), pairs };
}

/** In topological order; what stands first in the list goes first where there is a choice. */
function sorted(keys: readonly string[], links: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const rank = new Map(keys.map((key, index) => [key, index]));
  const waits = new Map(keys.map((key) => [key, 0]));
  for (const next of links.values()) for (const key of next) waits.set(key, waits.get(key)! + 1);
  const left = new Set(keys);
  const order: string[] = [];
  while (left.size > 0) {
    const ready = [...left].filter((key) => waits.get(key) === 0);
    // A ring (blocks that feed one another) is broken at its first.
    const [next] = (ready.length > 0 ? ready : [...left]).sort((a, b) => rank.get(a)! - rank.get(b)!);
    left.delete(next!);
    order.push(next!);
    for (const key of links.get(next!)!) waits.set(key, waits.get(key)! - 1);
  }
  return order;
}

// ---- one section ----------------------------------------------------------------------------------------------------

interface Section {
  centres: Point[];
  lines: Point[][];
}

/** Sections of the same shape look the same: networks are made of few kinds of blocks. */
const known = new Map<string, Section>();

function place(items: readonly Item[], pairs: readonly Pair[]): Section {
  const shape = JSON.stringify([items.map(({ width, height }) => [width, height]), pairs]);
  let section = known.get(shape);
  if (!section) {
    if (known.size > 400) known.clear();
    known.set(shape, (section = items.length === 2 && pairs.length === 1 ? pairOf(items) : placed(items, pairs)));
  }
  return section;
}

function pairOf([first, second]: readonly Item[]): Section {
  const from = first!.height / 2;
  const to = from + between.ranks;
  return {
    centres: [
      { x: 0, y: 0 },
      { x: 0, y: to + second!.height / 2 },
    ],
    lines: [
      [
        { x: 0, y: from },
        { x: 0, y: to },
      ],
    ],
  };
}

function placed(items: readonly Item[], pairs: readonly Pair[]): Section {
  const dagre = new Dagre();
  dagre.setGraph({ ranksep: between.ranks, nodesep: between.nodes, edgesep: between.edges });
  dagre.setDefaultEdgeLabel(() => ({}));
  items.forEach(({ width, height }, index) => dagre.setNode(String(index), { width, height }));
  for (const [from, to] of pairs) dagre.setEdge(String(from), String(to));
  layout(dagre);
  const centres = items.map((_, index) => {
    const { x, y } = dagre.node(String(index)) as Point;
    return { x, y };
  });
  const lines = pairs.map(([from, to]) => (dagre.edge(String(from), String(to)) as { points: Point[] }).points);
  return { centres, lines };
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** Through the points, smoothly, leaving and arriving straight down. */
function curve(points: readonly Point[]): string {
  const [first] = points;
  let d = `M${round(first!.x)} ${round(first!.y)}`;
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1]!, points[i]!];
    const middle = (a.y + b.y) / 2;
    d +=
      Math.abs(a.x - b.x) < 0.5
        ? `L${round(b.x)} ${round(b.y)}`
        : `C${round(a.x)} ${round(middle)} ${round(b.x)} ${round(middle)} ${round(b.x)} ${round(b.y)}`;
  }
  return d;
}

function framesOf(boxes: readonly Box[], open: ReadonlySet<number>): Frame[] {
  return [...open].flatMap((block) => {
    const inside = boxes.filter((box) => box.block === block && box.node !== null);
    if (inside.length === 0) return [];
    const x = Math.min(...inside.map((box) => box.x)) - framePad;
    const y = Math.min(...inside.map((box) => box.y)) - frameHead;
    return [
      {
        ...{ block, x, y },
        width: Math.max(...inside.map((box) => box.x + box.width)) + framePad - x,
        height: Math.max(...inside.map((box) => box.y + box.height)) + framePad - y,
      },
    ];
  });
}

/** Moves everything to begin at the corner. */
function settle({ boxes, curves, frames }: Drawing): Drawing {
  const all = [...boxes, ...frames];
  const left = Math.min(...all.map(({ x }) => x)) - edge;
  const top = Math.min(...all.map(({ y }) => y)) - edge;
  const move = <T extends Point>(thing: T): T => ({ ...thing, x: thing.x - left, y: thing.y - top });
  return {
    boxes: boxes.map(move),
    frames: frames.map(move),
    // A curve's data are moved by the group that they are drawn in.
    curves: curves.map((each) => ({
      ...each,
      d: shifted(each.d, left, top),
      top: each.top - top,
      bottom: each.bottom - top,
    })),
    width: Math.max(...all.map(({ x, width }) => x + width)) - left + edge,
    height: Math.max(...all.map(({ y, height }) => y + height)) - top + edge,
  };
}

function shifted(d: string, left: number, top: number): string {
  let across = false;
  return d.replace(/-?\d+(\.\d+)?/g, (number) => {
    across = !across;
    return String(round(Number(number) - (across ? left : top)));
  });
}

// ---- ways through it ------------------------------------------------------------------------------------------------

/** Nodes and edges ("from to") that the signal comes through on its way from a node back to the input; a node that refuses ends it. */
export function wayBack(graph: NetworkGraph, start: number): { nodes: Set<number>; edges: Set<string> } {
  const into = new Map<number, number[]>();
  for (const { from, to, back } of graph.edges) if (back) into.set(to, [...(into.get(to) ?? []), from]);
  const [nodes, edges, open] = [new Set([start]), new Set<string>(), [start]];
  for (let to = open.pop(); to !== undefined; to = open.pop()) {
    if (graph.nodes[to]!.refused !== null) continue;
    for (const from of into.get(to) ?? []) {
      edges.add(`${from} ${to}`);
      if (nodes.has(from)) continue;
      nodes.add(from);
      open.push(from);
    }
  }
  return { nodes, edges };
}

/** Where an arrow key leads from a box: down and up along curves, to the nearest aside; sideways to those beside it. */
export function neighbour(drawing: Drawing, key: string, arrow: string): string | null {
  const at = drawing.boxes.find((box) => box.key === key);
  if (!at) return null;
  const centre = (box: Box): Point => ({ x: box.x + box.width / 2, y: box.y + box.height / 2 });
  const here = centre(at);
  const nearest = (boxes: readonly Box[], far: (point: Point) => number): string | null =>
    boxes.map((box) => [far(centre(box)), box.key] as const).sort((a, b) => a[0] - b[0])[0]?.[1] ?? null;
  if (arrow === 'ArrowDown' || arrow === 'ArrowUp') {
    const down = arrow === 'ArrowDown';
    const ends = new Set(
      drawing.curves.filter(({ from, to }) => (down ? from : to) === key).map(({ from, to }) => (down ? to : from)),
    );
    return nearest(
      drawing.boxes.filter((box) => ends.has(box.key)),
      ({ x, y }) => Math.abs(y - here.y) + Math.abs(x - here.x) / 2,
    );
  }
  const sign = arrow === 'ArrowRight' ? 1 : -1;
  const beside = drawing.boxes.filter(
    (box) =>
      box.key !== key && box.y < at.y + at.height && box.y + box.height > at.y && (centre(box).x - here.x) * sign > 0,
  );
  return nearest(beside, ({ x }) => Math.abs(x - here.x));
}

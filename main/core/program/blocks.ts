/**
 * The blocks of a network ("fire2", "layer1.0", "inception_3a"): found in the names of its parts, else in its shape. Nothing
 * that is computed depends on them.
 */

/** What is known of each part, in topological order. */
export interface Part {
  name: string;
  /** Whether it joins branches. */
  join: boolean;
}
/** From one part to another, by their places in the list. */
export type Link = readonly [from: number, to: number];

export interface Blocks {
  names: string[];
  /** Of each part: the number of its block, or null. */
  of: (number | null)[];
}

/** A block that holds more than this share of all parts says nothing. */
const mostOf = 0.7;

export function findBlocks(parts: readonly Part[], links: readonly Link[]): Blocks {
  const flow = flowOf(parts.length, links);
  const byPath = named(parts, flow, /[./]+/);
  const found = byPath.length >= 2 ? byPath : named(parts, flow, /[./_]+/);
  const blocks: Blocks = { names: [], of: parts.map(() => null) };
  const add = (name: string, members: Iterable<number>): void => {
    for (const member of members) blocks.of[member] = blocks.names.length;
    blocks.names.push(name);
  };
  const free = (part: number): boolean => blocks.of[part] === null;
  for (const { name, members } of found) {
    const inside = closed(new Set(members), flow, free);
    if (inside) add(name, withJoins(inside, parts, flow, free));
  }
  for (const members of forks(parts.length, links)) {
    const last = members.at(-1)!;
    if (members.every(free)) add(parts[last]!.name, members);
  }
  return blocks;
}

interface Flow {
  from: number[][];
  to: number[][];
}

function flowOf(count: number, links: readonly Link[]): Flow {
  const flow: Flow = {
    from: Array.from({ length: count }, () => []),
    to: Array.from({ length: count }, () => []),
  };
  for (const [from, to] of links) {
    flow.from[to]!.push(from);
    flow.to[from]!.push(to);
  }
  return flow;
}

/** All that is reached from these along one direction, without them. */
function reached(starts: Iterable<number>, next: readonly number[][]): Set<number> {
  const seen = new Set<number>();
  const open = [...starts];
  for (let at = open.pop(); at !== undefined; at = open.pop())
    for (const part of next[at]!) {
      if (seen.has(part)) continue;
      seen.add(part);
      open.push(part);
    }
  return seen;
}

// ---- by names -------------------------------------------------------------------------------------------------------

interface Group {
  name: string;
  members: number[];
  children: Map<string, Group>;
}

/** Groups of parts whose names begin alike, of the largest kind that are not merely a row of smaller ones. */
function named(parts: readonly Part[], flow: Flow, separator: RegExp): Group[] {
  const root: Group = { name: '', members: [], children: new Map() };
  parts.forEach(({ name }, index) => {
    const keys = name.split(separator).filter(Boolean);
    root.members.push(index);
    let at = root;
    let from = 0;
    for (const key of keys) {
      from = name.indexOf(key, from) + key.length;
      const child: Group = at.children.get(key) ?? { name: name.slice(0, from), members: [], children: new Map() };
      at.children.set(key, child);
      child.members.push(index);
      at = child;
    }
  });
  const found: Group[] = [];
  const several = ({ children }: Group): Group[] =>
    [...children.values()].filter(({ members }) => members.length > 1).sort((a, b) => a.members[0]! - b.members[0]!);
  const visit = (group: Group): void => {
    const inner = several(group);
    const large = group.members.length > mostOf * parts.length;
    if (!large && !(inner.length > 1 && inSeries(inner, flow)) && !hasSeries(group)) found.push(group);
    else inner.forEach(visit);
  };
  /** A name that only wraps another ("features.2" around "features.2.conv") is as that one is. */
  const hasSeries = (group: Group): boolean => {
    const inner = several(group);
    const [only] = inner;
    if (inner.length !== 1 || !only || only.members.length !== group.members.length) return false;
    const within = several(only);
    return (within.length > 1 && inSeries(within, flow)) || hasSeries(only);
  };
  several(root).forEach(visit);
  return found;
}

/** Whether most of these follow one another, as the blocks of a stage do and the branches of a block do not. */
function inSeries(groups: readonly Group[], flow: Flow): boolean {
  let follows = 0;
  for (let i = 1; i < groups.length; i++) {
    const behind = reached(groups[i - 1]!.members, flow.to);
    if (groups[i]!.members.some((member) => behind.has(member))) follows++;
  }
  return follows * 2 > groups.length - 1;
}

/**
 * With what lies between its parts: a block that is drawn as one must not be left and entered again. Null where that would
 * take in parts of other blocks, or more than there were.
 */
function closed(members: Set<number>, flow: Flow, free: (part: number) => boolean): Set<number> | null {
  if ([...members].some((member) => !free(member))) return null;
  const before = reached(members, flow.from);
  const between = [...reached(members, flow.to)].filter((part) => before.has(part) && !members.has(part));
  if (between.length > members.size || between.some((part) => !free(part))) return null;
  return new Set([...members, ...between]);
}

/**
 * With the joins that bring together what the block makes, and at most what goes into it (a residual's sum); and with what
 * stands alone in one of its branches (a pool before a convolution, or before the join).
 */
function withJoins(members: Set<number>, parts: readonly Part[], flow: Flow, free: (part: number) => boolean) {
  const feeds = new Set([...members].flatMap((member) => flow.from[member]!));
  const aside = (part: number, into: (next: number) => boolean): boolean =>
    free(part) &&
    !members.has(part) &&
    flow.from[part]!.length > 0 &&
    flow.from[part]!.every((from) => feeds.has(from) && !members.has(from)) &&
    flow.to[part]!.every(into);
  for (const part of [...feeds]) if (aside(part, (next) => members.has(next))) members.add(part);
  for (const member of [...members])
    for (const join of flow.to[member]!) {
      if (!parts[join]!.join || members.has(join) || !free(join)) continue;
      const pools = flow.from[join]!.filter((part) => !feeds.has(part) && aside(part, (next) => next === join));
      if (!flow.from[join]!.every((part) => members.has(part) || feeds.has(part) || pools.includes(part))) continue;
      for (const part of [join, ...pools]) members.add(part);
    }
  return members;
}

// ---- by shape -------------------------------------------------------------------------------------------------------

/** Parts between two that everything goes through, with the second, wherever the way forks between them. */
function forks(count: number, links: readonly Link[]): number[][] {
  const through = passages(count, links);
  const found: number[][] = [];
  for (let i = 1; i < through.length; i++) {
    const [from, to] = [through[i - 1]!, through[i]!];
    const members = Array.from({ length: to - from }, (_, step) => from + 1 + step);
    const inside = links.filter(([a, b]) => a >= from && b <= to).length;
    if (members.length > 2 && inside > members.length) found.push(members);
  }
  return found;
}

/** Parts that no link leads past: all ways go through them. Their places in the list, which is in topological order. */
export function passages(count: number, links: readonly Link[]): number[] {
  const furthest = new Array<number>(count).fill(0);
  for (const [from, to] of links) furthest[from] = Math.max(furthest[from]!, to);
  const found: number[] = [];
  let reach = 0;
  for (let part = 0; part < count; part++) {
    if (reach <= part) found.push(part);
    reach = Math.max(reach, furthest[part]!);
  }
  return found;
}

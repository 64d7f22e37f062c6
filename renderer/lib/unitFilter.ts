import type { LayerTable, UnitNote } from '../../preload/contract';
import { isSilent } from './order';

/** Which units of a layer the grid shows: those that pass all of these. */
export interface UnitFilter {
  silent: 'all' | 'hide' | 'only';
  pinned: boolean;
  tag: string | null;
  /** A class: units whose mean is largest for it, and the output unit of that name. */
  class: string | null;
}

export const noFilter: UnitFilter = { silent: 'all', pinned: false, tag: null, class: null };

type More = Readonly<Record<string, string>>;
const names = ['silent', 'pinned', 'tag', 'class'] as const;

/** From what the address says. */
export function readFilter(more: More): UnitFilter {
  const { silent, pinned, tag, class: best } = more;
  return {
    silent: silent === 'hide' || silent === 'only' ? silent : 'all',
    pinned: pinned === '1',
    tag: tag || null,
    class: best || null,
  };
}

/** What the address says beside a filter, and the filter. */
export function withFilter(more: More, filter: UnitFilter): Record<string, string> {
  const others = Object.entries(more).filter(([key]) => !names.some((name) => name === key));
  const own: [string, string | null][] = [
    ['silent', filter.silent === 'all' ? null : filter.silent],
    ['pinned', filter.pinned ? '1' : null],
    ['tag', filter.tag],
    ['class', filter.class],
  ];
  return Object.fromEntries([...others, ...own.filter((entry): entry is [string, string] => entry[1] !== null)]);
}

export const isFiltering = (filter: UnitFilter): boolean =>
  filter.silent !== 'all' || filter.pinned || filter.tag !== null || filter.class !== null;

export interface FilterContext {
  table: LayerTable | null;
  /** The study's classes of pictures; the names of the layer's units where they are the network's classes. */
  classes: readonly string[];
  labels: readonly string[] | null;
  note: (unit: number) => UnitNote;
}

/** Whether a unit's class is this one: that of its largest class mean, or its own name. */
export const isOfClass = ({ table, classes, labels }: FilterContext, unit: number, name: string): boolean =>
  labels?.[unit] === name || (table !== null && classes[table.bestClass[unit] ?? -1] === name);

/** Whether a unit is shown. Where the layer's numbers are not known only notes and names can say so. */
export function passes(filter: UnitFilter, context: FilterContext, unit: number): boolean {
  const { table } = context;
  if (filter.silent !== 'all' && table && isSilent(table, unit) !== (filter.silent === 'only')) return false;
  if (filter.class !== null && !isOfClass(context, unit, filter.class)) return false;
  if (!filter.pinned && filter.tag === null) return true;
  const { pinned, tags } = context.note(unit);
  return (!filter.pinned || pinned) && (filter.tag === null || tags.includes(filter.tag));
}

/** How many units there are of each class, the most frequent first. */
export function classCounts(context: FilterContext, units: number): [name: string, count: number][] {
  const counts = new Map<string, number>();
  const add = (name: string | undefined): void => {
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  };
  for (let unit = 0; unit < units; unit++) {
    const best = context.classes[context.table?.bestClass[unit] ?? -1];
    const label = context.labels?.[unit];
    add(best);
    if (label !== best) add(label);
  }
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
}

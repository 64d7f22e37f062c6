import { methodIds, smoothRules, type MethodChoice, type MethodId } from '../../preload/contract';

export const sorts = ['activation', 'index', 'density', 'sparsity', 'selectivity', 'similarity'] as const;
export type Sort = (typeof sorts)[number];
export const shows = ['patch', 'reconstruction', 'both', 'mean'] as const;
export type Show = (typeof shows)[number];

/** Where the window is: everything that a link or a reload must bring back. */
export interface Route {
  /** A view's id, or 'home' or 'create'. */
  view: string;
  study: string | null;
  /** Of the study (StudyInfo.id), so that a link finds it where it lies elsewhere. */
  id: string | null;
  layer: string | null;
  unit: number | null;
  method: MethodChoice;
  sort: Sort;
  show: Show;
  /** For 'create'. */
  model: string | null;
  pictures: string | null;
  /** What a view keeps in the address beside these, by names of its own. */
  more: Readonly<Record<string, string>>;
}

export function homeRoute(): Route {
  return {
    view: 'home',
    study: null,
    id: null,
    layer: null,
    unit: null,
    method: { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' },
    sort: 'activation',
    show: 'patch',
    model: null,
    pictures: null,
    more: {},
  };
}

/** Names that are the route's own. */
const own = new Set(['study', 'id', 'layer', 'unit', 'method', 'leaky', 'smooth', 'sort', 'show', 'model', 'pictures']);
/** Names of a view's own; a link may hold anything. */
const isName = (key: string): boolean => /^[a-z]{1,20}$/.test(key) && !own.has(key);
const mostNames = 20;

/** "#/units?study=…&layer=…&unit=175". Defaults are left out. */
export function toHash(route: Route): string {
  const base = homeRoute();
  const query = new URLSearchParams();
  const put = (key: string, value: string | number | null, fallback: string | number | null = null): void => {
    if (value !== null && value !== fallback) query.set(key, String(value));
  };
  put('study', route.study);
  put('layer', route.layer);
  put('unit', route.unit);
  put('method', route.method.id, base.method.id);
  put('leaky', route.method.leaky, base.method.leaky);
  put('smooth', route.method.smooth, base.method.smooth);
  put('sort', route.sort, base.sort);
  put('show', route.show, base.show);
  put('model', route.model);
  put('pictures', route.pictures);
  put('id', route.id);
  for (const key of Object.keys(route.more).sort()) if (!own.has(key)) put(key, route.more[key] ?? null);
  const text = query.toString();
  return `#/${route.view}${text ? `?${text}` : ''}`;
}

/** Reads a hash; what it does not say, or says wrongly, is the default. */
export function fromHash(hash: string): Route {
  const match = /^#\/([a-z]+)(?:\?(.*))?$/.exec(hash);
  const route = homeRoute();
  if (!match) return route;
  const query = new URLSearchParams(match[2] ?? '');
  const oneOf = <T extends string>(key: string, values: readonly T[], fallback: T): T => {
    const value = query.get(key);
    return values.find((candidate) => candidate === value) ?? fallback;
  };
  const unit = query.get('unit');
  const id = query.get('id');
  return {
    view: match[1] ?? 'home',
    study: query.get('study'),
    id: id !== null && /^[0-9a-f]{16}$/.test(id) ? id : null,
    layer: query.get('layer'),
    unit: unit !== null && /^\d+$/.test(unit) ? Number(unit) : null,
    method: {
      id: oneOf<MethodId>('method', methodIds, route.method.id),
      leaky: oneOf('leaky', ['strict', 'own'] as const, route.method.leaky),
      smooth: oneOf('smooth', smoothRules, route.method.smooth),
    },
    sort: oneOf('sort', sorts, route.sort),
    show: oneOf('show', shows, route.show),
    model: query.get('model'),
    pictures: query.get('pictures'),
    more: Object.fromEntries([...query].filter(([key]) => isName(key)).slice(0, mostNames)),
  };
}

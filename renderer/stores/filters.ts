import { defineStore } from 'pinia';
import { computed, shallowReactive, shallowRef } from 'vue';
import { twinCosine } from '../../main/core/program/filters';
import type { ErrorInfo, FilterItem, FilterTable, LayerInfo } from '../../preload/contract';
import { useHost } from '../host/host';
import { isCancelled, isEngineGone, toErrorInfo } from '../lib/errors';
import { latest } from '../lib/latest';
import { parentOf } from '../lib/openPath';
import { useSelection } from './selection';
import { useStudy } from './study';

export const filterSorts = ['index', 'norm', 'twin', 'changed'] as const;
export type FilterSort = (typeof filterSorts)[number];

/** Filters asked for at once. */
const atOnce = 256;

/** One network's layer, and what is known of its filters. */
export interface Side {
  path: string;
  /** The file's name. */
  name: string;
  layers: readonly LayerInfo[];
  layer: LayerInfo | null;
  table: FilterTable | null;
  tiles: Map<number, FilterItem>;
  error: ErrorInfo | null;
  progress: { done: number; total: number } | null;
}

const side = (): Side =>
  shallowReactive({
    ...{ path: '', name: '', layers: [], layer: null, table: null },
    ...{ tiles: shallowReactive(new Map<number, FilterItem>()), error: null, progress: null },
  });

/** Filters belong to convolutions and dense layers. */
export const hasFilters = (layer: LayerInfo): boolean => layer.kind === 'conv' || layer.kind === 'dense';

/** The study's network, and another one beside it where one is chosen. Which layer and filter: in the route. */
export const useFilters = defineStore('filters', () => {
  const { client } = useHost();
  const study = useStudy();
  const selection = useSelection();

  const own = side();
  const other = side();
  const sort = computed<FilterSort>({
    get: () => {
      const wanted = filterSorts.find((each) => each === selection.route.more['order']) ?? 'index';
      return wanted === 'changed' && !own.table?.against ? 'index' : wanted;
    },
    set: (wanted) => go({ order: wanted === 'index' ? null : wanted }, false),
  });
  const scale = computed<'shared' | 'own'>({
    get: () => (selection.route.more['weights'] === 'own' ? 'own' : 'shared'),
    set: (wanted) => go({ weights: wanted === 'shared' ? null : wanted }, false),
  });
  /** Models that lie beside the study's: checkpoints of the same training. */
  const beside = shallowRef<{ name: string; path: string }[]>([]);
  const asks = new Map([own, other].map((each) => [each, { table: latest(), tiles: latest() }] as const));

  const layers = computed(() => study.layers.filter(hasFilters));
  const layer = computed(
    () => layers.value.find(({ id }) => id === selection.route.more['bank']) ?? layers.value[0] ?? null,
  );
  const otherPath = computed(() => selection.route.more['other'] ?? '');
  const unit = computed<number | null>(() => {
    const wanted = Number(selection.route.more['filter'] ?? NaN);
    const { value: known } = layer;
    return known && Number.isInteger(wanted) && wanted >= 0 && wanted < known.units ? wanted : (order.value[0] ?? null);
  });

  const isTwin = (table: FilterTable, index: number): boolean => (table.nearest?.cosine[index] ?? 0) > twinCosine;
  const order = computed<number[]>(() => {
    const { table } = own;
    if (!table) return [];
    const units = Array.from({ length: table.units }, (_, index) => index);
    const keys: Record<FilterSort, (index: number) => number> = {
      index: () => 0,
      norm: (index) => -table.norm[index]!,
      twin: (index) => -(table.nearest?.cosine[index] ?? 0),
      changed: (index) => table.against?.[index] ?? 0,
    };
    const key = keys[sort.value];
    // The cosine with a filter that is zero is none.
    const last = (value: number): number => (Number.isNaN(value) ? 2 : value);
    return units.sort((a, b) => last(key(a)) - last(key(b)) || a - b);
  });

  /** Two networks' filters can be held against each other: they read as much, in windows of one size. */
  const alike = computed(() => {
    const [a, b] = [own.table, other.table];
    return a !== null && b !== null && a.inputs === b.inputs && a.kernel.join() === b.kernel.join();
  });
  /** Largest |weight| of a layer, and of both networks' where they are alike: one scale for all. */
  const peakOf = (table: FilterTable): number =>
    alike.value ? Math.max(own.table!.peak, other.table!.peak) : table.peak;

  const size = computed(() => study.info?.preprocessing.size);
  const fileOf = (each: Side) => ({
    path: each.path,
    ...(size.value && { size: [...size.value] as [number, number] }),
  });

  async function load(): Promise<void> {
    const info = study.info;
    if (!info) return;
    [own.path, own.name, own.layers, own.layer] = [info.model.path, info.model.name, study.layers, layer.value];
    await loadOther();
    await Promise.all([loadTable(own), other.layer ? loadTable(other) : null]);
  }

  /** The other network's layer of the same name, else the one at the same place among those with filters. */
  async function loadOther(): Promise<void> {
    const path = otherPath.value;
    if (path === other.path && other.layers.length > 0) {
      other.layer = counterpart();
      return;
    }
    Object.assign(other, {
      path,
      name: path.split(/[\\/]/).at(-1) ?? '',
      layers: [],
      layer: null,
      table: null,
      error: null,
    });
    if (path === '') return;
    try {
      const { layers: found } = await client.call('model.inspect', {
        path,
        ...(size.value && { size: [...size.value] as [number, number] }),
      });
      if (otherPath.value !== path) return;
      [other.layers, other.layer] = [found, null];
      other.layer = counterpart();
    } catch (thrown) {
      if (!isEngineGone(thrown)) other.error = toErrorInfo(thrown);
    }
  }
  function counterpart(): LayerInfo | null {
    const known = layer.value;
    const candidates = other.layers.filter(hasFilters);
    const place = layers.value.findIndex(({ id }) => id === known?.id);
    return candidates.find(({ name }) => name === known?.name) ?? candidates[place] ?? null;
  }

  async function loadTable(each: Side): Promise<void> {
    const ask = asks.get(each)!;
    const signal = ask.table.next();
    ask.tiles.stop();
    each.table = null;
    each.error = null;
    each.tiles.clear();
    if (!each.layer) return;
    const counter = each === own ? other : own;
    const beside = counter.layer && counter.path ? { ...fileOf(counter), layer: counter.layer.id } : null;
    try {
      const table = await client.call(
        'filters.layer',
        { ...fileOf(each), layer: each.layer.id, ...(beside && { other: beside }) },
        { signal, onItem: (progress) => (each.progress = progress) },
      );
      if (!signal.aborted) each.table = table;
    } catch (thrown) {
      if (!isCancelled(thrown, signal) && !isEngineGone(thrown)) each.error = toErrorInfo(thrown);
    } finally {
      if (!signal.aborted) each.progress = null;
    }
  }

  /** Asks for the filters of these units that are not there. */
  async function demand(each: Side, units: readonly number[]): Promise<void> {
    const missing = units
      .filter((index) => index < (each.table?.units ?? 0) && !each.tiles.has(index))
      .slice(0, atOnce);
    if (missing.length === 0 || !each.layer) return;
    const signal = asks.get(each)!.tiles.next();
    try {
      await client.call(
        'filters.tiles',
        { ...fileOf(each), layer: each.layer.id, units: missing },
        { signal, onItem: (item) => !signal.aborted && each.tiles.set(item.unit, item) },
      );
    } catch (thrown) {
      if (!isCancelled(thrown, signal) && !isEngineGone(thrown)) each.error = toErrorInfo(thrown);
    }
  }

  async function findBeside(): Promise<void> {
    beside.value = [];
    const model = study.info?.model.path;
    if (!model || study.info?.model.missing) return;
    const folder = parentOf(model);
    const list = (path: string) =>
      client.call('files.list', { path }).then(
        ({ entries }) => entries,
        () => [],
      );
    const here = await list(folder);
    const folders = here.filter(({ kind, name }) => kind === 'folder' && /checkpoint|epoch|snapshot/i.test(name));
    const inside = await Promise.all(folders.slice(0, 4).map(({ path }) => list(path)));
    beside.value = [...here, ...inside.flat()]
      .filter(({ kind, path }) => kind === 'model' && path !== model)
      .slice(0, 40)
      .map(({ name, path }) => ({ name, path }));
  }

  function go(change: Record<string, string | null>, push: boolean | 'settled' = 'settled'): void {
    const more = Object.entries({ ...selection.route.more, ...change }).filter(
      (entry): entry is [string, string] => entry[1] !== null,
    );
    selection.go({ more: Object.fromEntries(more) }, push);
  }
  const setLayer = (id: string): void => go({ bank: id, filter: null });
  const setUnit = (index: number): void => go({ filter: String(index) }, false);
  const compare = (path: string | null): void => go({ other: path });

  /** The unit whose filter it is; only a layer that is scanned has units to show. */
  function showUnit(): void {
    if (layer.value?.scanned && unit.value !== null)
      selection.go({ view: 'units', layer: layer.value.id, unit: unit.value }, true);
  }

  function step(by: number): void {
    const at = unit.value === null ? -1 : order.value.indexOf(unit.value);
    const next = order.value[Math.max(0, Math.min(order.value.length - 1, at + by))];
    if (next !== undefined) setUnit(next);
  }
  function stepLayer(by: number): void {
    const at = layers.value.findIndex(({ id }) => id === layer.value?.id);
    const next = layers.value[Math.max(0, Math.min(layers.value.length - 1, at + by))];
    if (next && next.id !== layer.value?.id) setLayer(next.id);
  }

  return {
    ...{ own, other, sort, scale, beside, layers, layer, otherPath, unit, order, peakOf, isTwin },
    ...{ load, demand, findBeside, setLayer, setUnit, compare, showUnit, step, stepLayer },
  };
});

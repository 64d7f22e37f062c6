import { defineStore } from 'pinia';
import { computed, shallowRef, watch } from 'vue';
import type { LayerInfo, MethodChoice, MethodId } from '../../preload/contract';
import { labelsOf } from '../lib/find';
import { orderUnits, startLayer } from '../lib/order';
import { fromHash, homeRoute, toHash, type Route } from '../lib/route';
import { noFilter, passes, readFilter, withFilter, type FilterContext, type UnitFilter } from '../lib/unitFilter';
import { useNotes } from './notes';
import { useSimilar } from './similar';
import { useStudy } from './study';

/** ms that a place is looked at before leaving it is worth a step back. */
const settles = 1200;

/** What is on the screen: the view, the layer, the unit, and how they are shown. The URL's hash holds the same. */
export const useSelection = defineStore('selection', () => {
  const study = useStudy();
  const notes = useNotes();
  const similar = useSimilar();
  const route = shallowRef<Route>(homeRoute());

  const layer = computed<LayerInfo | null>(
    () =>
      study.scanned.find((candidate) => candidate.id === route.value.layer) ??
      startLayer(study.scanned, study.info?.preprocessing.size ?? [1, 1]),
  );
  /** Null until it is there, and until some picture has been through the network. */
  const table = computed(() => {
    const known = layer.value ? (study.tables.get(layer.value.id) ?? null) : null;
    const begun = study.scan?.phase === 'done' || (known?.activation.some((value) => value !== 0) ?? false);
    return begun ? known : null;
  });
  /** The unit that others are sorted by their likeness to: it stays when another is selected. */
  const like = computed<number | null>(() => {
    const wanted = Number(route.value.more['like'] ?? NaN);
    return layer.value && Number.isInteger(wanted) && wanted >= 0 && wanted < layer.value.units ? wanted : null;
  });
  // The same object while it says the same: else every step to another unit would filter and sort the layer again.
  const filter = computed<UnitFilter>((old) => {
    const next = readFilter(route.value.more);
    return old && JSON.stringify(old) === JSON.stringify(next) ? old : next;
  });
  const sort = computed(() => route.value.sort);
  const filterContext = computed<FilterContext>(() => ({
    table: table.value,
    classes: study.info?.pictures.classes ?? [],
    labels: labelsOf(study.layers, study.info?.labels ?? null, layer.value?.id),
    note: (of) => notes.of(layer.value?.id ?? '', of),
  }));
  const sorted = computed(() =>
    layer.value ? orderUnits(layer.value.units, sort.value, table.value, similar.answer?.similarity ?? null) : [],
  );
  /** The units that the grid shows, in its order. */
  const order = computed(() => {
    const [by, context] = [filter.value, filterContext.value];
    return sorted.value.filter((each) => passes(by, context, each));
  });
  const unit = computed<number | null>(() => {
    const { unit: wanted } = route.value;
    if (!layer.value) return null;
    return wanted !== null && wanted < layer.value.units ? wanted : (order.value[0] ?? sorted.value[0] ?? null);
  });
  /** Where a layer cannot be walked only its patches can be shown. */
  const show = computed(() => (layer.value?.refused && route.value.show !== 'mean' ? 'patch' : route.value.show));

  /** When the place on the screen was last moved from. */
  let moved = 0;

  /**
   * Replaces the entry of the history; `push` makes a new one, so that Back goes to where one was. 'settled': only where
   * the old place was looked at for a while, so that a row of key presses is one step back.
   */
  function go(change: Partial<Route>, push: boolean | 'settled' = false): void {
    const next = { ...route.value, ...change };
    const hash = toHash(next);
    route.value = next;
    if (hash === location.hash) return;
    const now = Date.now();
    if (push === true || (push === 'settled' && now - moved > settles)) history.pushState(null, '', hash);
    else history.replaceState(null, '', hash);
    if (push !== false) moved = now;
  }

  /** Opens a study, on the layer and unit that it begins with. */
  function openStudy(path: string): void {
    const { method, sort, show } = route.value;
    go({ ...homeRoute(), view: 'units', study: path, method, sort, show }, true);
  }

  function readHash(): void {
    route.value = fromHash(location.hash);
  }

  function setLayer(id: string, wanted: number | null = null): void {
    if (id === layer.value?.id && wanted === null) return;
    go({ layer: id, unit: wanted }, 'settled');
  }

  function setUnit(value: number): void {
    // The unit that the order put first is no place that one left: it is only written down.
    go({ layer: layer.value?.id ?? null, unit: value }, route.value.unit === null ? false : 'settled');
  }

  /** By places in the order on the screen. */
  function step(by: number): void {
    const at = unit.value === null ? -1 : order.value.indexOf(unit.value);
    const next = order.value[Math.min(order.value.length - 1, Math.max(0, at + by))];
    if (next !== undefined) setUnit(next);
  }

  function stepLayer(by: number): void {
    const all = study.scanned;
    const at = all.findIndex((candidate) => candidate.id === layer.value?.id);
    const next = all[Math.min(all.length - 1, Math.max(0, at + by))];
    if (next && next.id !== layer.value?.id) setLayer(next.id);
  }

  function setFilter(change: Partial<UnitFilter>): void {
    go({ more: withFilter(route.value.more, { ...filter.value, ...change }) }, 'settled');
  }

  /** By likeness: to the unit that is selected now. */
  function setSort(sort: Route['sort']): void {
    const { like: _, ...more } = route.value.more;
    go(
      { sort, more: sort === 'similarity' && unit.value !== null ? { ...more, like: String(unit.value) } : more },
      'settled',
    );
  }

  watch(
    [() => study.info?.path, () => layer.value?.id, () => (route.value.sort === 'similarity' ? like.value : null)],
    ([path, of, one]) =>
      void similar.ask(
        path !== undefined && of !== undefined && one !== null ? { study: path, layer: of, unit: one } : null,
      ),
    { immediate: true },
  );

  function setMethod(id: MethodId): void {
    go({ method: { ...route.value.method, id } }, 'settled');
  }

  function setSmooth(smooth: MethodChoice['smooth']): void {
    go({ method: { ...route.value.method, smooth } }, 'settled');
  }
  function setLeaky(leaky: MethodChoice['leaky']): void {
    go({ method: { ...route.value.method, leaky } }, 'settled');
  }

  return {
    route,
    layer,
    table,
    order,
    like,
    filter,
    filterContext,
    unit,
    show,
    go,
    openStudy,
    readHash,
    setLayer,
    setUnit,
    step,
    stepLayer,
    setFilter,
    clearFilter: () => setFilter(noFilter),
    setSort,
    setMethod,
    setLeaky,
    setSmooth,
  };
});

import { defineStore } from 'pinia';
import { computed, shallowRef } from 'vue';
import type { LayerInfo, MethodChoice, MethodId } from '../../preload/contract';
import { orderUnits, startLayer } from '../lib/order';
import { fromHash, homeRoute, toHash, type Route } from '../lib/route';
import { useStudy } from './study';

/** What is on the screen: the view, the layer, the unit, and how they are shown. The URL's hash holds the same. */
export const useSelection = defineStore('selection', () => {
  const study = useStudy();
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
  const order = computed(() => (layer.value ? orderUnits(layer.value.units, route.value.sort, table.value) : []));
  const unit = computed<number | null>(() => {
    const { unit: wanted } = route.value;
    if (!layer.value) return null;
    return wanted !== null && wanted < layer.value.units ? wanted : (order.value[0] ?? null);
  });
  /** Where a layer cannot be walked only its patches can be shown. */
  const show = computed(() => (layer.value?.refused ? 'patch' : route.value.show));

  /** Replaces the entry of the history; `push` makes a new one, so that Back goes to where one was. */
  function go(change: Partial<Route>, push = false): void {
    const next = { ...route.value, ...change };
    const hash = toHash(next);
    route.value = next;
    if (hash === location.hash) return;
    if (push) history.pushState(null, '', hash);
    else history.replaceState(null, '', hash);
  }

  function readHash(): void {
    route.value = fromHash(location.hash);
  }

  function setLayer(id: string, wanted: number | null = null): void {
    if (id === layer.value?.id && wanted === null) return;
    go({ layer: id, unit: wanted });
  }

  function setUnit(value: number): void {
    go({ layer: layer.value?.id ?? null, unit: value });
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

  function setMethod(id: MethodId): void {
    go({ method: { ...route.value.method, id } });
  }

  function setSmooth(smooth: MethodChoice['smooth']): void {
    go({ method: { ...route.value.method, smooth } });
  }
  function setLeaky(leaky: MethodChoice['leaky']): void {
    go({ method: { ...route.value.method, leaky } });
  }

  return {
    route,
    layer,
    table,
    order,
    unit,
    show,
    go,
    readHash,
    setLayer,
    setUnit,
    step,
    stepLayer,
    setMethod,
    setLeaky,
    setSmooth,
  };
});

import { defineStore } from 'pinia';
import { computed, shallowRef } from 'vue';
import type { ErrorInfo, LayerSummary, MethodChoice, NetworkGraph } from '../../preload/contract';
import { useHost } from '../host/host';
import { isEngineGone, toErrorInfo } from '../lib/errors';
import { drawNetwork } from '../lib/networkLayout';
import { useStudy } from './study';

/** While a scan runs its numbers are asked for again at most this often (ms). */
const every = 4000;
/** A network of more nodes opens with its blocks closed. */
const few = 40;

/** What a node or a block is said to be, in numbers. */
export type Summary = Pick<LayerSummary, 'units' | 'silent' | 'firing'>;

/** The network of the open study as a graph: what is open in it, where everything lies, and its layers' numbers. */
export const useNetwork = defineStore('network', () => {
  const { client } = useHost();
  const study = useStudy();
  const graph = shallowRef<NetworkGraph | null>(null);
  const error = shallowRef<ErrorInfo | null>(null);
  const summaries = shallowRef<ReadonlyMap<string, LayerSummary>>(new Map());
  /** Blocks that are drawn with all that is in them. */
  const open = shallowRef<ReadonlySet<number>>(new Set());
  const drawing = computed(() => (graph.value ? drawNetwork(graph.value, open.value) : null));
  const most = computed(() => Math.max(1, ...[...summaries.value.values()].map(({ units }) => units)));

  /** Whose network it is, and by which method. */
  let owner = '';
  let of = '';
  async function load(method: MethodChoice, layer: string | null): Promise<void> {
    const { info } = study;
    if (!info) return;
    const key = JSON.stringify([info.path, info.created, method]);
    if (key === owner && !error.value) return;
    owner = key;
    error.value = null;
    const model = `${info.path} ${info.model.sha256}`;
    if (of !== model) {
      graph.value = null;
      summaries.value = new Map();
    }
    try {
      const found = await client.call('model.graph', { study: info.path, method });
      if (owner !== key) return;
      if (of !== model) {
        const block = found.nodes.find((node) => node.layer === layer)?.block ?? null;
        const all = found.blocks.map((_, index) => index);
        open.value = new Set(found.nodes.length <= few ? all : block === null ? [] : [block]);
      }
      of = model;
      graph.value = found;
    } catch (thrown) {
      if (owner !== key) return;
      owner = '';
      if (!isEngineGone(thrown)) error.value = toErrorInfo(thrown);
    }
  }

  let asked = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Asks for the numbers, soon: they may change several times a second. */
  function count(): void {
    if (timer !== undefined) return;
    timer = setTimeout(
      () => {
        timer = undefined;
        void countNow();
      },
      Math.max(0, asked + every - Date.now()),
    );
  }
  async function countNow(): Promise<void> {
    const path = study.info?.path;
    if (path === undefined) return;
    asked = Date.now();
    try {
      const found = await client.call('layer.summaries', { study: path });
      if (study.info?.path === path) summaries.value = new Map(found.map((each) => [each.layer, each]));
    } catch (thrown) {
      // The graph is of use without its numbers; what is wrong is said where the layer's table is asked for.
      if (!isEngineGone(thrown)) console.warn('layer.summaries', thrown);
    }
  }

  const summaryOf = (layer: string | null): Summary | null =>
    layer === null ? null : (summaries.value.get(layer) ?? null);
  /** All units of a block together. */
  function blockSummary(block: number): Summary | null {
    const inside = (graph.value?.nodes ?? []).flatMap((node) =>
      node.block === block ? (summaryOf(node.layer) ?? []) : [],
    );
    const units = inside.reduce((sum, each) => sum + each.units, 0);
    if (units === 0) return null;
    const silent = inside.reduce((sum, each) => sum + each.silent, 0);
    return { units, silent, firing: inside.reduce((sum, each) => sum + each.firing * each.units, 0) / units };
  }

  function toggle(block: number): void {
    const next = new Set(open.value);
    if (!next.delete(block)) next.add(block);
    open.value = next;
  }
  const openAll = (): void => void (open.value = new Set((graph.value?.blocks ?? []).map((_, index) => index)));
  const closeAll = (): void => void (open.value = new Set());

  return {
    graph,
    error,
    summaries,
    open,
    drawing,
    most,
    load,
    count,
    summaryOf,
    blockSummary,
    toggle,
    openAll,
    closeAll,
  };
});

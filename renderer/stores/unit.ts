import { defineStore } from 'pinia';
import { computed, shallowRef, triggerRef } from 'vue';
import type {
  ErrorInfo,
  MethodChoice,
  PatchItem,
  Pixels,
  ReconstructionDone,
  ReconstructionItem,
  Signal,
  TopEntry,
  UnitDetail,
} from '../../preload/contract';
import { useHost } from '../host/host';
import { isCancelled, isEngineGone, toErrorInfo } from '../lib/errors';

export interface UnitQuestion {
  study: string;
  layer: string;
  unit: number;
  method: MethodChoice;
  /** Side of a patch in device px. */
  size: number;
  /** Null, or why the layer has no reconstructions. */
  refused: string | null;
}

/** Identifies a top entry whatever its rank: the ranks move while a scan runs. */
export const entryKey = (entry: { picture: number; y: number; x: number }): string =>
  `${entry.picture}:${entry.y}:${entry.x}`;

/** The tiles of entries, as far as they have come. */
export const tilesOf = <T>(entries: readonly TopEntry[], tiles: ReadonlyMap<string, T>): (T | undefined)[] =>
  entries.map((entry) => tiles.get(entryKey(entry)));

/** Several key presses in a row ask for the last unit only (ms). */
const settle = 45;

/** The unit on the right. */
export const useUnit = defineStore('unit', unitState);

/**
 * A unit that is looked at: its figures, then its patches and reconstructions as they come. A new question cancels the old
 * one; what still arrives from that is dropped. Tiles are held by entry, so each stands beside its own file name.
 */
export function unitState() {
  const { client } = useHost();
  const question = shallowRef<UnitQuestion | null>(null);
  const detail = shallowRef<UnitDetail | null>(null);
  const patches = shallowRef(new Map<string, Pixels>());
  const signals = shallowRef(new Map<string, Signal>());
  const done = shallowRef<ReconstructionDone | null>(null);
  const detailError = shallowRef<ErrorInfo | null>(null);
  const patchError = shallowRef<ErrorInfo | null>(null);
  const signalError = shallowRef<ErrorInfo | null>(null);
  let streams = 0;
  let outdated = false;
  let controllers = { detail: new AbortController(), patches: new AbortController(), signals: new AbortController() };

  const top = computed<TopEntry[]>(() => detail.value?.top ?? []);
  const sameUnit = (a: UnitQuestion | null, b: UnitQuestion | null): boolean =>
    a !== null && b !== null && a.study === b.study && a.layer === b.layer && a.unit === b.unit;
  const sameMethod = (a: UnitQuestion | null, b: UnitQuestion | null): boolean =>
    a?.method.id === b?.method.id && a?.method.leaky === b?.method.leaky && a?.method.smooth === b?.method.smooth;

  function renew(which: keyof typeof controllers): AbortSignal {
    controllers[which].abort();
    controllers = { ...controllers, [which]: new AbortController() };
    return controllers[which].signal;
  }

  function dropSignals(): void {
    renew('signals');
    signals.value = new Map();
    signalError.value = null;
    done.value = null;
  }

  function clear(): void {
    for (const which of ['detail', 'patches'] as const) renew(which);
    outdated = false;
    question.value = null;
    detail.value = null;
    patches.value = new Map();
    detailError.value = null;
    patchError.value = null;
    dropSignals();
  }

  /** Shows a unit. The same unit with another method keeps its patches; the same again does nothing. */
  function show(next: UnitQuestion): void {
    const old = question.value;
    question.value = next;
    if (!sameUnit(old, next)) {
      clear();
      question.value = next;
      void load(next, settle);
      return;
    }
    if (!detail.value) return;
    if (old?.size !== next.size) void loadPatches(next);
    if (!sameMethod(old, next)) {
      dropSignals();
      void loadSignals(next);
    }
  }

  async function load(asked: UnitQuestion, wait: number): Promise<void> {
    const signal = renew('detail');
    detailError.value = null;
    try {
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      if (signal.aborted) return;
      const { study, layer, unit } = asked;
      const answer = await client.call('unit.detail', { study, layer, unit }, { signal });
      if (signal.aborted) return;
      accept(answer);
    } catch (thrown) {
      if (!isCancelled(thrown, signal) && !isEngineGone(thrown)) detailError.value = toErrorInfo(thrown);
    }
  }

  function accept(answer: UnitDetail): void {
    const asked = question.value;
    if (!asked || answer.layer !== asked.layer || answer.unit !== asked.unit) return;
    const before = detail.value?.top.map(entryKey).join();
    detail.value = answer;
    if (answer.top.map(entryKey).join() === before) return;
    const kept = new Set(answer.top.map(entryKey));
    const prune = <T>(map: Map<string, T>): Map<string, T> => new Map([...map].filter(([key]) => kept.has(key)));
    patches.value = prune(patches.value);
    signals.value = prune(signals.value);
    if (answer.top.length === 0) return;
    void loadPatches(asked);
    void loadSignals(asked);
  }

  async function loadPatches({ study, layer, unit, size }: UnitQuestion): Promise<void> {
    const signal = renew('patches');
    patchError.value = null;
    const onItem = (item: PatchItem): void => {
      if (signal.aborted) return;
      patches.value.set(entryKey(item), item.patch);
      triggerRef(patches);
    };
    try {
      await streaming(signal, () => client.call('unit.patches', { study, layer, unit, size }, { signal, onItem }));
    } catch (thrown) {
      if (!isCancelled(thrown, signal) && !isEngineGone(thrown)) patchError.value = toErrorInfo(thrown);
    }
  }

  async function loadSignals({ study, layer, unit, method, refused }: UnitQuestion): Promise<void> {
    const signal = renew('signals');
    signalError.value = null;
    if (refused !== null) return;
    const onItem = (item: ReconstructionItem): void => {
      if (signal.aborted) return;
      signals.value.set(entryKey(item), item);
      triggerRef(signals);
    };
    try {
      await streaming(signal, async () => {
        const answer = await client.call('unit.reconstructions', { study, layer, unit, method }, { signal, onItem });
        if (!signal.aborted) done.value = answer;
      });
    } catch (thrown) {
      if (!isCancelled(thrown, signal) && !isEngineGone(thrown)) signalError.value = toErrorInfo(thrown);
    }
  }

  /**
   * The study's numbers changed: asks again, and for tiles only where the top entries are others. What is still coming is
   * let come first: else a scan, which changes the top all the time, would cancel it again and again.
   */
  function refresh(): void {
    outdated = streams > 0;
    if (!outdated && question.value && detail.value) void load(question.value, 0);
  }

  /** Counts a running stream of tiles. */
  async function streaming(signal: AbortSignal, work: () => Promise<unknown>): Promise<void> {
    streams++;
    try {
      await work();
    } finally {
      streams--;
      if (outdated && streams === 0 && !signal.aborted) refresh();
    }
  }

  /** After an error, or after the engine was started again. */
  function retry(): void {
    const asked = question.value;
    if (!asked) return;
    if (!detail.value) return void load(asked, 0);
    void loadPatches(asked);
    void loadSignals(asked);
  }

  return {
    question,
    detail,
    top,
    patches,
    signals,
    done,
    detailError,
    patchError,
    signalError,
    show,
    refresh,
    retry,
    clear,
  };
}

import { defineStore } from 'pinia';
import { computed, shallowRef, triggerRef } from 'vue';
import type { ErrorInfo, Pixels, Signal, UnitSpread } from '../../preload/contract';
import { useHost } from '../host/host';
import { isCancelled, isEngineGone, toErrorInfo } from '../lib/errors';
import { latest } from '../lib/latest';
import { entryKey, type UnitQuestion } from './unit';

/** A unit's entries at quantiles of its activation, and their tiles by entry, as they come. */
export const useSpread = defineStore('spread', () => {
  const { client } = useHost();
  /** Null while it is asked for. */
  const found = shallowRef<{ spread: UnitSpread | null } | null>(null);
  const patches = shallowRef(new Map<string, Pixels>());
  const signals = shallowRef(new Map<string, Signal>());
  const error = shallowRef<ErrorInfo | null>(null);
  const questions = latest();
  let asked: UnitQuestion | null = null;

  const spread = computed(() => found.value?.spread ?? null);
  const entries = computed(() => spread.value?.entries ?? []);

  /** Asks for a unit's spread; null lets go of it. */
  async function show(question: UnitQuestion | null): Promise<void> {
    const signal = questions.next();
    asked = question;
    found.value = null;
    patches.value = new Map();
    signals.value = new Map();
    error.value = null;
    if (!question) return;
    const { study, layer, unit, method, size, refused } = question;
    const put = <T>(map: typeof patches | typeof signals, key: string, value: T): void => {
      if (signal.aborted) return;
      (map.value as Map<string, unknown>).set(key, value);
      triggerRef(map);
    };
    try {
      const answer = await client.call('unit.spread', { study, layer, unit }, { signal });
      if (signal.aborted) return;
      found.value = { spread: answer };
      if (!answer || answer.entries.length === 0) return;
      const of = 'spread';
      await client.call(
        'unit.patches',
        { study, layer, unit, size, of },
        { signal, onItem: (item) => put(patches, entryKey(item), item.patch) },
      );
      if (refused !== null || signal.aborted) return;
      await client.call(
        'unit.reconstructions',
        { study, layer, unit, method, of },
        { signal, onItem: (item) => put(signals, entryKey(item), item) },
      );
    } catch (thrown) {
      if (!isCancelled(thrown, signal) && !isEngineGone(thrown)) error.value = toErrorInfo(thrown);
    }
  }

  return { found, spread, entries, patches, signals, error, show, retry: () => show(asked) };
});

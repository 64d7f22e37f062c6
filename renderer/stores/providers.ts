import { defineStore } from 'pinia';
import { computed, shallowRef } from 'vue';
import type { ProviderState } from '../../preload/contract';
import { useHost } from '../host/host';
import { isCancelled } from '../lib/errors';
import { useNotices } from './notices';

/** What ONNX Runtime may compute with beside the processor. Nothing is tried but by `look`. */
export const useProviders = defineStore('providers', () => {
  const { client } = useHost();
  const notices = useNotices();
  const list = shallowRef<ProviderState[] | null>(null);
  const trying = shallowRef<{ label: string; done: number; total: number } | null>(null);
  const tried = computed(() => list.value?.some(({ state }) => state !== 'unknown' && state !== 'absent') ?? false);
  let controller = new AbortController();

  async function load(): Promise<void> {
    try {
      list.value = await client.call('providers.list', {});
    } catch (thrown) {
      notices.fail(thrown);
    }
  }

  async function look(): Promise<void> {
    if (trying.value) return;
    controller = new AbortController();
    const { signal } = controller;
    trying.value = { label: '', done: 0, total: 0 };
    try {
      const onItem = (progress: { label: string; done: number; total: number }): void => {
        if (!signal.aborted) trying.value = progress;
      };
      list.value = await client.call('providers.try', {}, { signal, onItem });
    } catch (thrown) {
      if (!isCancelled(thrown, signal)) notices.fail(thrown);
      await load(); // what was found before it was stopped is kept
    } finally {
      if (!signal.aborted) trying.value = null;
    }
  }

  function stop(): void {
    controller.abort();
    trying.value = null;
  }

  return { list, trying, tried, load, look, stop };
});

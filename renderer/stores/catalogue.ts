import { defineStore } from 'pinia';
import { reactive, ref, shallowRef } from 'vue';
import type { CatalogueInfo, ErrorInfo } from '../../preload/contract';
import { useHost } from '../host/host';
import { isCancelled, toErrorInfo } from '../lib/errors';

/** One download: it goes on when the dialog is closed. */
export interface Download {
  done: number;
  total: number;
  controller: AbortController;
}

/** The networks that can be fetched. Nothing is fetched but by `get`. */
export const useCatalogue = defineStore('catalogue', () => {
  const { client } = useHost();
  const info = shallowRef<CatalogueInfo | null>(null);
  const error = shallowRef<ErrorInfo | null>(null);
  const busy = ref(false);
  const downloads = reactive(new Map<string, Download>());
  const failures = reactive(new Map<string, ErrorInfo>());
  /** Addresses that were edited. */
  const addresses = reactive(new Map<string, string>());

  async function load(): Promise<void> {
    busy.value = true;
    error.value = null;
    try {
      info.value = await client.call('catalogue.list', {});
    } catch (thrown) {
      error.value = toErrorInfo(thrown);
    } finally {
      busy.value = false;
    }
  }

  async function get(id: string): Promise<void> {
    const model = info.value?.models.find((each) => each.id === id);
    if (!model || downloads.has(id)) return;
    const controller = new AbortController();
    const { signal } = controller;
    failures.delete(id);
    downloads.set(id, { done: model.partial, total: model.bytes, controller });
    try {
      await client.call(
        'catalogue.get',
        { id, address: addresses.get(id) ?? '' },
        {
          signal,
          onItem: ({ done, total }) => {
            if (!signal.aborted) downloads.set(id, { done, total, controller });
          },
        },
      );
    } catch (thrown) {
      if (!isCancelled(thrown, signal)) failures.set(id, toErrorInfo(thrown));
    } finally {
      downloads.delete(id);
      await load();
    }
  }

  const cancel = (id: string): void => downloads.get(id)?.controller.abort();

  return { info, error, busy, downloads, failures, addresses, load, get, cancel };
});

import { defineStore } from 'pinia';
import { shallowRef, watch } from 'vue';
import type { RenderProgress } from '../../preload/contract';
import { useHost } from '../host/host';
import { t } from '../i18n';
import { isCancelled } from '../lib/errors';
import { useNotices } from './notices';
import { useSelection } from './selection';
import { useStudy } from './study';

/** The layer whose reconstructions are made ahead: one at a time, and only of the open study. */
export const useRender = defineStore('render', () => {
  const { client } = useHost();
  const study = useStudy();
  const selection = useSelection();
  const notices = useNotices();
  const state = shallowRef<({ layer: string } & RenderProgress) | null>(null);
  let controller = new AbortController();

  async function start(): Promise<void> {
    const { layer } = selection;
    const path = study.info?.path;
    if (!layer || layer.refused !== null || path === undefined || state.value) return;
    controller = new AbortController();
    const { signal } = controller;
    state.value = { layer: layer.name, done: 0, total: 0, left: null };
    try {
      const { ready, ranks } = await client.call(
        'layer.render',
        { study: path, layer: layer.id, method: selection.route.method },
        {
          signal,
          onItem: (progress) => {
            if (!signal.aborted) state.value = { layer: layer.name, ...progress };
          },
        },
      );
      if (!signal.aborted) notices.say(t('units.grid.rendered', { n: ready, layer: layer.name, ranks }));
    } catch (thrown) {
      if (!isCancelled(thrown, signal)) notices.fail(thrown);
    } finally {
      if (!signal.aborted) state.value = null;
    }
  }

  function stop(): void {
    controller.abort();
    state.value = null;
  }

  watch(() => study.info?.path, stop);
  return { state, start, stop };
});

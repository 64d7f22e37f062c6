import { defineStore } from 'pinia';
import { ref, shallowRef } from 'vue';
import type { AppInfo, ErrorInfo, HostEvents, RecentStudy, RuntimeChoice } from '../../preload/contract';
import { useHost } from '../host/host';
import { toErrorInfo } from '../lib/errors';
import { useNotices } from './notices';

/** The program itself: what it runs on, recent studies, and whether its engine is alive. */
export const useApp = defineStore('app', () => {
  const host = useHost();
  const info = shallowRef<AppInfo | null>(null);
  const recent = shallowRef<RecentStudy[] | null>(null);
  const error = shallowRef<ErrorInfo | null>(null);
  const engine = shallowRef<HostEvents['engine.state']>({ state: 'ready', message: '' });
  /** Counts the engine's restarts, and files that were found: what has failed or was being computed must be asked for again. */
  const restarts = ref(0);

  /** The runtime that was chosen and that the engine starts again with. */
  const choosing = ref<RuntimeChoice | null>(null);

  host.on('engine.state', (state) => {
    const back = state.state === 'ready' && engine.value.state !== 'ready';
    engine.value = state;
    if (back) restarts.value++;
    if (state.state === 'gone') choosing.value = null;
  });

  async function load(): Promise<void> {
    error.value = null;
    try {
      info.value = await host.client.call('app.info', {});
    } catch (thrown) {
      error.value = toErrorInfo(thrown);
    } finally {
      choosing.value = null;
    }
  }

  async function chooseRuntime(choice: RuntimeChoice): Promise<void> {
    choosing.value = choice;
    try {
      await host.client.call('runtime.choose', { choice });
    } catch (thrown) {
      choosing.value = null;
      useNotices().fail(thrown);
    }
  }

  async function loadRecent(): Promise<void> {
    try {
      recent.value = await host.client.call('recent.list', {});
    } catch (thrown) {
      recent.value ??= [];
      useNotices().fail(thrown);
    }
  }

  async function forget(path: string): Promise<void> {
    recent.value = (recent.value ?? []).filter((study) => study.path !== path);
    try {
      await host.client.call('recent.forget', { path });
    } catch (thrown) {
      useNotices().fail(thrown);
      await loadRecent();
    }
  }

  const askAgain = (): void => void restarts.value++;

  return { info, recent, error, engine, restarts, choosing, load, askAgain, chooseRuntime, loadRecent, forget };
});

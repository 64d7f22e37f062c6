import { defineStore } from 'pinia';
import { shallowRef } from 'vue';
import type { ErrorInfo } from '../../preload/contract';
import { isCancelled, isEngineGone, toErrorInfo } from '../lib/errors';

export interface Notice {
  id: number;
  text: string;
  error: ErrorInfo | null;
  /** What can be done about it, as long as it is there. */
  action: { label: string; run: () => void } | null;
}

const stays = 6000;

/** Short messages at the edge of the window. Errors stay until they are closed. */
export const useNotices = defineStore('notices', () => {
  const list = shallowRef<Notice[]>([]);
  let next = 1;

  /** What is done once a notice is gone and its action was not asked for. */
  const afterwards = new Map<number, () => void>();

  function close(id: number): void {
    list.value = list.value.filter((notice) => notice.id !== id);
    afterwards.get(id)?.();
    afterwards.delete(id);
  }

  function say(text: string): void {
    const id = next++;
    list.value = [...list.value, { id, text, error: null, action: null }];
    setTimeout(() => close(id), stays);
  }

  /** As `say`, with something that can be done; `otherwise` is done when the notice has gone without. */
  function offer(text: string, label: string, run: () => void, otherwise: () => void = () => undefined): void {
    const id = next++;
    const act = (): void => {
      afterwards.delete(id);
      close(id);
      run();
    };
    afterwards.set(id, otherwise);
    list.value = [...list.value, { id, text, error: null, action: { label, run: act } }];
    setTimeout(() => close(id), stays * 2);
  }

  function fail(error: unknown): void {
    if (isCancelled(error) || isEngineGone(error)) return;
    const info = toErrorInfo(error);
    // The same failure twice (say, of two streams of one engine) is one message.
    if (list.value.some((notice) => notice.error?.code === info.code && notice.error.message === info.message)) return;
    list.value = [...list.value, { id: next++, text: info.message, error: info, action: null }].slice(-4);
  }

  /** What failed so has worked since. */
  function settle(codes: readonly string[]): void {
    list.value = list.value.filter(({ error }) => error === null || !codes.includes(error.code));
  }

  return { list, say, offer, fail, settle, close };
});

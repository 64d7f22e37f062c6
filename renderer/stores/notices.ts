import { defineStore } from 'pinia';
import { shallowRef } from 'vue';
import type { ErrorInfo } from '../../preload/contract';
import { isCancelled, isEngineGone, toErrorInfo } from '../lib/errors';

export interface Notice {
  id: number;
  text: string;
  error: ErrorInfo | null;
}

const stays = 6000;

/** Short messages at the edge of the window. Errors stay until they are closed. */
export const useNotices = defineStore('notices', () => {
  const list = shallowRef<Notice[]>([]);
  let next = 1;

  function close(id: number): void {
    list.value = list.value.filter((notice) => notice.id !== id);
  }

  function say(text: string): void {
    const id = next++;
    list.value = [...list.value, { id, text, error: null }];
    setTimeout(() => close(id), stays);
  }

  function fail(error: unknown): void {
    if (isCancelled(error) || isEngineGone(error)) return;
    const info = toErrorInfo(error);
    // The same failure twice (say, of two streams of one engine) is one message.
    if (list.value.some((notice) => notice.error?.code === info.code && notice.error.message === info.message)) return;
    list.value = [...list.value, { id: next++, text: info.message, error: info }].slice(-4);
  }

  return { list, say, fail, close };
});

import { onScopeDispose, shallowRef, watch, type Ref } from 'vue';
import type { ErrorInfo, PictureView } from '../../../../preload/contract';
import { useHost } from '../../../host/host';
import { isCancelled, toErrorInfo } from '../../../lib/errors';

export interface PictureQuestion {
  study: string;
  picture: number;
  as: 'original' | 'network';
  size: number;
}

/** The whole picture asked for, or why there is none. A new question cancels the old one. */
export function usePicture(question: Ref<PictureQuestion | null>): {
  view: Ref<PictureView | null>;
  error: Ref<ErrorInfo | null>;
  retry: () => void;
} {
  const { client } = useHost();
  const view = shallowRef<PictureView | null>(null);
  const error = shallowRef<ErrorInfo | null>(null);
  let controller = new AbortController();

  async function load(asked: PictureQuestion | null): Promise<void> {
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    view.value = null;
    error.value = null;
    if (!asked) return;
    try {
      const answer = await client.call('picture.view', { ...asked }, { signal });
      if (!signal.aborted) view.value = answer;
    } catch (thrown) {
      if (!isCancelled(thrown, signal)) error.value = toErrorInfo(thrown);
    }
  }

  watch(question, (next, old) => {
    if (JSON.stringify(next) !== JSON.stringify(old)) void load(next);
  });
  void load(question.value);
  onScopeDispose(() => controller.abort());
  return { view, error, retry: () => void load(question.value) };
}

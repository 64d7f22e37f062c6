import { defineStore } from 'pinia';
import { shallowRef } from 'vue';
import { useHost } from '../host/host';

export type Pick = 'model' | 'folder' | 'study';

export interface PickQuestion {
  kind: Pick;
  title: string;
  answer: (path: string | null) => void;
}

/** Asks for a file or folder: in the system's dialog where the host has one, else in the window's own. */
export const usePicker = defineStore('picker', () => {
  const host = useHost();
  const question = shallowRef<PickQuestion | null>(null);

  function askHere(kind: Pick, title: string): Promise<string | null> {
    question.value?.answer(null);
    return new Promise((resolve) => {
      question.value = {
        kind,
        title,
        answer: (path) => {
          question.value = null;
          resolve(path);
        },
      };
    });
  }

  function pick(kind: Pick, title: string): Promise<string | null> {
    if (kind === 'model' && host.pickModel) return host.pickModel();
    if (kind !== 'model' && host.pickFolder) return host.pickFolder(title);
    return askHere(kind, title);
  }

  return { question, pick };
});

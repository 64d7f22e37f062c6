import { defineStore } from 'pinia';
import { shallowRef } from 'vue';
import type { UnitSimilarity } from '../../preload/contract';
import { useHost } from '../host/host';
import { isCancelled, isEngineGone } from '../lib/errors';
import { latest } from '../lib/latest';
import { useNotices } from './notices';

/** How like one unit the others of its layer are. */
export const useSimilar = defineStore('similar', () => {
  const { client } = useHost();
  const questions = latest();
  const answer = shallowRef<UnitSimilarity | null>(null);

  async function ask(question: { study: string; layer: string; unit: number } | null): Promise<void> {
    const signal = questions.next();
    answer.value = null;
    if (!question) return;
    try {
      const said = await client.call('unit.similar', question, { signal });
      if (!signal.aborted) answer.value = said;
    } catch (thrown) {
      if (!isCancelled(thrown, signal) && !isEngineGone(thrown)) useNotices().fail(thrown);
    }
  }

  return { answer, ask };
});

import { onScopeDispose, shallowRef, watch, type Ref } from 'vue';
import type { ErrorInfo } from '../../preload/contract';
import { isCancelled, isEngineGone, toErrorInfo } from './errors';
import { useApp } from '../stores/app';
import { latest } from './latest';

/**
 * What is answered to a question, or why nothing is; both null while it is asked. A new question cancels the old one, and one
 * that is the same word for word is not asked again. Null asks nothing.
 */
export function useAnswer<Q, A>(
  question: Ref<Q | null>,
  ask: (question: Q, signal: AbortSignal) => Promise<A>,
): { answer: Ref<A | null>; error: Ref<ErrorInfo | null>; retry: () => void } {
  const answer = shallowRef<A | null>(null) as Ref<A | null>;
  const error = shallowRef<ErrorInfo | null>(null);
  const questions = latest();

  async function load(asked: Q | null): Promise<void> {
    const signal = questions.next();
    answer.value = null;
    error.value = null;
    if (asked === null) return;
    try {
      const given = await ask(asked, signal);
      if (!signal.aborted) answer.value = given;
    } catch (thrown) {
      if (!isCancelled(thrown, signal) && !isEngineGone(thrown)) error.value = toErrorInfo(thrown);
    }
  }

  watch(question, (next, old) => {
    if (JSON.stringify(next) !== JSON.stringify(old)) void load(next);
  });
  const app = useApp();
  watch(
    () => app.restarts,
    () => {
      if (answer.value === null) void load(question.value);
    },
  );
  void load(question.value);
  onScopeDispose(questions.stop);
  return { answer, error, retry: () => void load(question.value) };
}

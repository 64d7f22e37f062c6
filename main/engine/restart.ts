import { readSettings } from '../settings';
import type { ProviderId } from '../../preload/contract';
import type { EngineSettings } from './index';
import { providers } from './providers/list';

/** The exit code of an engine that asks to be started again: what it runs on was chosen anew. */
export const restartCode = 75;

export const restartMessage = 'It starts again with the runtime that was chosen. A scan that ran is paused.';

export const goneMessage = 'The engine stopped several times in a row. Restart Unpool.';

/** Ends in a row within so many ms after which it is given up. */
const patience = 3;
const calm = 30_000;
/** So many ends within a minute on a provider, and it is not used any more. */
const trust = 2;
const minute = 60_000;

/** What is known of how an engine ended, for the next one. */
export interface Verdict {
  /** Null: it is not started again. */
  message: string | null;
  /** What the next one must not run on. */
  distrusted: ProviderId | null;
}

/** Judges the ends of engines that nobody asked for; each parent has one. */
export function createJudge(settings: Pick<EngineSettings, 'home' | 'runtime'>): (now?: number) => Verdict {
  let ends: { time: number; on: string }[] = [];
  return (now = Date.now()) => {
    const on = settings.runtime ?? readSettings(settings.home).runtime;
    ends = [...ends.filter(({ time }) => now - time < minute), { time: now, on }];
    if (ends.filter(({ time }) => now - time < calm).length > patience) return { message: null, distrusted: null };
    const unforeseen = 'The engine stopped and is being started again. Nothing was lost.';
    if (!Object.hasOwn(providers, on) || ends.filter((end) => end.on === on).length < trust)
      return { message: unforeseen, distrusted: null };
    const distrusted = on as ProviderId;
    const { label } = providers[distrusted];
    return {
      message: `The engine stopped twice within a minute with ${label}. It is started again on the CPU. Nothing was lost.`,
      distrusted,
    };
  };
}

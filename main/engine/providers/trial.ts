import { fork } from 'node:child_process';
import type { ProviderId, ProviderState } from '../../../preload/contract';
import { CancelledError } from '../../core/errors';
import type { FromTrial, ToTrial } from './child';
import { compare, type Answers } from './exam';

/** What became of the exam in a process of its own. */
export type Sitting = { answers: Answers } | { state: 'fails' | 'crashes' | 'hangs'; reason: string };

export interface TrialOptions {
  /** The built child.ts. */
  script: string;
  threads: number;
  /** ms after which it is given up. */
  limit: number;
  signal: AbortSignal;
}

/** Puts the exam to a provider (null: the processor) in a process of its own. Rejects with CancelledError. */
export function sitApart(provider: ProviderId | null, options: TrialOptions): Promise<Sitting> {
  const { script, threads, limit, signal } = options;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new CancelledError());
    const child = fork(script, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      // Under Electron the program that runs this one is Electron's own.
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    });
    const over = (settle: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
      child.removeAllListeners();
      child.on('error', () => undefined);
      child.kill('SIGKILL');
      settle();
    };
    const end = (sitting: Sitting): void => over(() => resolve(sitting));
    const cancel = (): void => over(() => reject(new CancelledError()));
    const seconds = Math.round(limit / 1000);
    const timer = setTimeout(() => end({ state: 'hangs', reason: `no answer within ${seconds} s` }), limit);
    signal.addEventListener('abort', cancel);
    child.on('error', (error) => end({ state: 'fails', reason: error.message }));
    child.on('exit', (code, killed) =>
      end({ state: 'crashes', reason: killed ? `it ended by ${killed}` : `it ended with status ${code}` }),
    );
    child.on('message', (message: FromTrial) =>
      end('answers' in message ? message : { state: 'fails', reason: plain(message.error) }),
    );
    child.send({ provider, threads } satisfies ToTrial, () => undefined); // one that is gone tells its end
  });
}

/** What a sitting says of a provider, beside the processor's answers. */
export function judge(
  sitting: Sitting,
  processor: Answers,
): Pick<ProviderState, 'state' | 'reason' | 'difference' | 'milliseconds'> {
  if (!('answers' in sitting)) return { ...sitting, difference: null, milliseconds: null };
  const { worst, difference } = compare(sitting.answers, processor);
  return {
    state: difference === null ? 'fits' : 'differs',
    reason: difference,
    difference: worst,
    milliseconds: { provider: sitting.answers.milliseconds, processor: processor.milliseconds },
  };
}

/** ONNX Runtime's words without the places in its sources. */
function plain(message: string): string {
  const line = message.split('\n')[0]!.trim();
  const told = line.split(/ was false\. |Status Message: /).at(-1)!;
  return told
    .replace(/^OrtSessionOptionsAppendExecutionProvider_\w+: /, '')
    .replace(/^ONNX Runtime (cannot load this network|failed): /, '')
    .replace(/\.$/, '');
}

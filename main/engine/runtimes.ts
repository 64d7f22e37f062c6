import { createRequire } from 'node:module';
import type { RuntimeChoice } from '../../preload/contract';
import { UnpoolError } from '../core/errors';
import { createOrtRuntime, type Ort } from '../core/runtime/ort';
import type { Runtime } from '../core/runtime/runtime';
import { backendWords, loadTfjs, tfjsBackends } from './tfjs';

const load = createRequire(import.meta.url);

/** Every library in the order of preference, by the choice that it belongs to. */
const candidates: readonly { choice: RuntimeChoice; label: string; start(threads: number): Promise<Runtime> }[] = [
  {
    choice: 'onnxruntime',
    label: 'ONNX Runtime',
    start: (threads) => Promise.resolve(createOrtRuntime(load('onnxruntime-node') as Ort, { threads })),
  },
  ...tfjsBackends.map((backend) => ({
    choice: 'tfjs' as const,
    label: `TensorFlow.js, ${backendWords[backend]}`,
    start: (threads: number) => loadTfjs(backend, threads),
  })),
];

/**
 * The first runtime of this choice whose library loads, with a note where one before it did not: a choice is never silent.
 * Throws UnpoolError, with each library's reason, where none does.
 */
export async function loadRuntime(
  choice: RuntimeChoice,
  threads: number,
): Promise<{ runtime: Runtime; note: string | null }> {
  const reasons: string[] = [];
  for (const { label, start } of candidates.filter((each) => choice === 'auto' || each.choice === choice))
    try {
      return { runtime: await start(threads), note: reasons.length ? reasons.join(' ') : null };
    } catch (error) {
      reasons.push(`${label} does not load: ${firstLine(error)}.`);
    }
  throw new UnpoolError('no-runtime', `Nothing here can run a network. ${reasons.join(' ')}`, {
    hint: choice === 'auto' ? 'Install Unpool again for this system.' : 'Choose "auto" as the runtime.',
  });
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]!.trim().replace(/\.$/, '');

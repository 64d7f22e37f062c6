import { createRequire } from 'node:module';
import type { RuntimeChoice } from '../../preload/contract';
import { UnpoolError } from '../core/errors';
import { createOrtRuntime, type Ort } from '../core/runtime/ort';
import type { Runtime } from '../core/runtime/runtime';
import { backendWords, loadTfjs, tfjsBackends } from './tfjs';

const load = createRequire(import.meta.url);

interface Library {
  /** The choices beside auto that it belongs to. */
  choices: readonly RuntimeChoice[];
  label: string;
  start(threads: number): Promise<Runtime>;
}

/** Weights of more bytes are handed to ONNX Runtime as they lie in memory: each copy of VGG-16's would be half a gigabyte. */
const copiedBytes = 64e6;

/** Every library in the order of preference. */
const all: readonly Library[] = [
  {
    choices: ['onnxruntime'],
    label: 'ONNX Runtime',
    start: (threads) =>
      Promise.resolve(createOrtRuntime(load('onnxruntime-node') as Ort, { threads, largest: copiedBytes })),
  },
  ...tfjsBackends.map((backend) => ({
    choices: ['tfjs', `tfjs-${backend}`] as const,
    label: `TensorFlow.js, ${backendWords[backend]}`,
    start: (threads: number) => loadTfjs(backend, threads),
  })),
];

/**
 * The first runtime of this choice whose library loads, with a note where one before it did not: a choice is never silent.
 * `fallBack`: where none of the choice does, the others are tried. Throws UnpoolError, with each library's reason, where none does.
 */
export async function loadRuntime(
  choice: RuntimeChoice,
  threads: number,
  fallBack = false,
  libraries: readonly Library[] = all,
): Promise<{ runtime: Runtime; note: string | null }> {
  const reasons: string[] = [];
  const meant = (each: Library) => choice === 'auto' || each.choices.includes(choice);
  const others = fallBack ? libraries.filter((each) => !meant(each)) : [];
  for (const { label, start } of [...libraries.filter(meant), ...others])
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

import { createRequire } from 'node:module';
import { providerIds, type RuntimeChoice } from '../../preload/contract';
import { UnpoolError } from '../core/errors';
import { createOrtRuntime, type Ort } from '../core/runtime/ort';
import type { Runtime } from '../core/runtime/runtime';
import { exactProducts, providers } from './providers/list';
import type { Providers } from './providers/providers';
import { backendWords, loadTfjs, tfjsBackends } from './tfjs';

const load = createRequire(import.meta.url);

interface Library {
  /** The choices beside auto that it belongs to. */
  choices: readonly RuntimeChoice[];
  label: string;
  /** Not by `auto`, and not in place of another; where it is chosen and cannot be had, the others are tried. */
  special?: boolean;
  start(threads: number): Promise<Runtime>;
}

/** Weights of more bytes are handed to ONNX Runtime as they lie in memory: each copy of VGG-16's would be half a gigabyte. */
export const copiedBytes = 64e6;

/** What ONNX Runtime was built with; nothing where it does not load. */
export function ortBuild(): { backends: string[]; version: string } {
  try {
    const ort = load('onnxruntime-node') as Ort & { listSupportedBackends(): { name: string }[] };
    return { backends: ort.listSupportedBackends().map(({ name }) => name), version: ort.env.versions.common };
  } catch {
    return { backends: [], version: '' };
  }
}

/** Every library in the order of preference. */
const librariesWith = (found: Pick<Providers, 'check'> | null): readonly Library[] => [
  {
    choices: ['onnxruntime'],
    label: 'ONNX Runtime',
    start: (threads) =>
      Promise.resolve(createOrtRuntime(load('onnxruntime-node') as Ort, { threads, largest: copiedBytes })),
  },
  ...providerIds.map((id) => ({
    choices: [id] as const,
    label: providers[id].label,
    special: true,
    async start(threads: number) {
      await found?.check(id);
      exactProducts();
      return createOrtRuntime(load('onnxruntime-node') as Ort, {
        threads,
        largest: copiedBytes,
        provider: providers[id],
      });
    },
  })),
  ...tfjsBackends.map((backend) => ({
    choices: ['tfjs', `tfjs-${backend}`] as const,
    label: `TensorFlow.js, ${backendWords[backend]}`,
    start: (threads: number) => loadTfjs(backend, threads),
  })),
];

/**
 * The first runtime of this choice whose library loads, with a note where one before it did not: a choice is never silent.
 * `fallBack`: where none of the choice does, the others are tried; so they are for a provider. Throws UnpoolError, with each
 * library's reason, where none does. `found`: says which providers may be used.
 */
export async function loadRuntime(
  choice: RuntimeChoice,
  threads: number,
  fallBack = false,
  found: Pick<Providers, 'check'> | null = null,
  libraries: readonly Library[] = librariesWith(found),
): Promise<{ runtime: Runtime; note: string | null }> {
  const reasons: string[] = [];
  const meant = (each: Library) => (choice === 'auto' ? !each.special : each.choices.includes(choice));
  const chosen = libraries.filter(meant);
  const others = libraries.filter((each) => !meant(each) && !each.special);
  for (const { label, start, special } of [
    ...chosen,
    ...(fallBack || chosen.some((each) => each.special) ? others : []),
  ])
    try {
      return { runtime: await start(threads), note: reasons.length ? reasons.join(' ') : null };
    } catch (error) {
      reasons.push(`${label} ${special ? 'is not used' : 'does not load'}: ${firstLine(error)}.`);
    }
  throw new UnpoolError('no-runtime', `Nothing here can run a network. ${reasons.join(' ')}`, {
    hint: choice === 'auto' ? 'Install Unpool again for this system.' : 'Choose "auto" as the runtime.',
  });
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]!.trim().replace(/\.$/, '');

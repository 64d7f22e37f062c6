import { createRequire } from 'node:module';
import type { ProviderId } from '../../../preload/contract';
import { createOrtRuntime, type Ort } from '../../core/runtime/ort';
import { sit, type Answers } from './exam';
import { exactProducts, providers } from './list';

/** A process of its own in which a provider is tried, so that a driver that crashes takes nothing along. */

/** Null: the processor. */
export interface ToTrial {
  provider: ProviderId | null;
  threads: number;
}
export type FromTrial = { answers: Answers } | { error: string };

process.once('message', ({ provider, threads }: ToTrial) => {
  exactProducts();
  const ort = createRequire(import.meta.url)('onnxruntime-node') as Ort;
  sit(createOrtRuntime(ort, { threads, provider: provider && providers[provider] })).then(
    (answers) => answer({ answers }),
    (error: unknown) => answer({ error: error instanceof Error ? error.message : String(error) }),
  );
});

/** Ends once it is sent: a driver's threads would go on. */
const answer = (message: FromTrial): void => void process.send!(message, () => process.exit(0));

import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import util from 'node:util';
import { createTfjsRuntime, type Tf } from '../core/runtime/tfjs';
import type { Runtime } from '../core/runtime/runtime';

export const tfjsBackends = ['node', 'wasm', 'cpu'] as const;
export type TfjsBackend = (typeof tfjsBackends)[number];
export const backendWords: Readonly<Record<TfjsBackend, string>> = {
  node: 'native',
  wasm: 'WebAssembly',
  cpu: 'plain JavaScript',
};

/** From the built program's folder or from the sources: both lie below the folder with node_modules. */
const load = createRequire(import.meta.url);

interface WasmModule {
  setWasmPaths(prefix: string): void;
}
type Core = Tf & {
  env(): { set(flag: string, value: boolean): void };
  ready(): Promise<void>;
};

/**
 * One backend of TensorFlow.js, or an Error that says why it does not load: `node` (the native addon of an optional
 * package), `wasm` (one thread), `cpu` (plain JavaScript, for small networks only).
 */
export async function loadTfjs(backend: TfjsBackend, threads: number): Promise<Runtime> {
  const tf = load('@tensorflow/tfjs-core') as Core;
  // No advertisement for other backends on the console.
  tf.env().set('PROD', true);
  const registered = { node: 'tensorflow', wasm: 'wasm', cpu: 'cpu' }[backend];
  if (backend === 'node') {
    restoreUtil();
    quiet(() => load('@tensorflow/tfjs-node'));
  } else if (backend === 'wasm') {
    const wasm = load('@tensorflow/tfjs-backend-wasm') as WasmModule;
    wasm.setWasmPaths(`${dirname(load.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
  } else load('@tensorflow/tfjs-backend-cpu');
  if (!(await tf.setBackend(registered))) throw new Error('the backend does not start');
  return createTfjsRuntime(tf, {
    backend: registered,
    name: `TensorFlow.js ${tf.version_core} (${backendWords[backend]})`,
    threads: backend === 'node' ? threads : 1,
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
  });
}

/** tfjs-node 4.22 calls two functions that Node 23 took away. */
function restoreUtil(): void {
  const old = util as unknown as Record<string, unknown>;
  old['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined;
  old['isArray'] ??= Array.isArray;
}

/** TensorFlow's own library tells of the processor's instructions on standard error unless told not to. */
function quiet<T>(work: () => T): T {
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  return work();
}

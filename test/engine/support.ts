import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import * as v from 'valibot';
import { calls, type ArgsIn, type CallName, type ItemOf, type ResultOf } from '../../preload/contract';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';
import { createEngine, type Engine, type EngineOptions } from '../../main/engine/handlers';

export { makePlace, preprocessing, smallNetwork, type Place } from './place';

export interface TestEngine extends Engine {
  events: { event: string; value: unknown }[];
  call<K extends CallName>(
    name: K,
    args: ArgsIn<K>,
    signal?: AbortSignal,
    item?: (value: ItemOf<K>) => void,
  ): Promise<ResultOf<K>>;
  items<K extends CallName>(name: K, args: ArgsIn<K>, signal?: AbortSignal): Promise<ItemOf<K>[]>;
  /** Called at each event. */
  onEvent: (event: string, value: unknown) => void;
}

/** An engine whose calls go through the contract's schemas, as over a port. */
export function startEngine(home: string, more: Partial<EngineOptions> = {}): TestEngine {
  const events: TestEngine['events'] = [];
  const engine = createEngine({
    home,
    demo: null,
    runtime: createOrtRuntime(ort as unknown as Ort, { threads: 1 }),
    version: '0.0.1',
    emit: (event, value) => {
      events.push({ event, value: structuredClone(value) });
      test.onEvent(event, value);
    },
    ...more,
  });
  async function invoke<K extends CallName>(
    name: K,
    args: ArgsIn<K>,
    signal: AbortSignal,
    item: (value: ItemOf<K>) => void,
  ) {
    const handler = engine.handle[name] as (args: unknown, context: unknown) => Promise<ResultOf<K>>;
    return handler(v.parse(calls[name].args, args), { signal, item });
  }
  const test: TestEngine = {
    ...engine,
    events,
    onEvent: () => undefined,
    call: (name, args, signal = new AbortController().signal, item = () => undefined) =>
      invoke(name, args, signal, item),
    async items(name, args, signal = new AbortController().signal) {
      const items: ItemOf<typeof name>[] = [];
      await invoke(name, args, signal, (value) => items.push(value));
      return items;
    },
  };
  return test;
}

/** Resolves when the study's scan has ended in one of these phases. */
export async function settled(engine: TestEngine, study: string, phases = ['done', 'failed', 'paused', 'cancelled']) {
  for (;;) {
    const { scan } = await engine.call('study.open', { path: study });
    if (phases.includes(scan.phase)) return scan;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The folder as it is now, but for files that are being written: what is left where the program is killed at this moment. */
export async function snapshot(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const name of await readdir(from))
    if (!name.endsWith('.tmp')) await copyFile(join(from, name), join(to, name)).catch(ifGone);
}

const ifGone = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'ENOENT') throw error;
};

import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { providerIds, type ProviderId, type ProviderState } from '../../../preload/contract';
import { writeWhole } from '../study/files';
import { driverMark } from './driver';
import { providers, wordsOf } from './list';
import { judge, sitApart, type TrialOptions } from './trial';

/** ms that a provider has: the first run on a graphics processor compiles its programs. */
const limit = 120_000;

export interface ProvidersOptions extends Pick<TrialOptions, 'script' | 'threads'> {
  /** Where results are kept. */
  home: string;
  /** ONNX Runtime's names of what its build has, and its version. */
  build: { backends: readonly string[]; version: string };
  /** The program's own version. */
  version: string;
  limit?: number;
}

/** Which of ONNX Runtime's providers may be used here: tried when asked for, and kept until the library or a driver changes. */
export class Providers {
  private readonly options: ProvidersOptions;
  private readonly file: string;
  private readonly distrusted = new Map<ProviderId, ProviderState>();

  constructor(options: ProvidersOptions) {
    this.options = options;
    this.file = path.join(options.home, 'providers.json');
  }

  /** All, with what is known of them. */
  async list(): Promise<ProviderState[]> {
    const kept = await this.kept();
    return providerIds.map((id) =>
      this.has(id) ? (this.distrusted.get(id) ?? kept.get(id) ?? unknown(id)) : this.absent(id),
    );
  }

  /** Tries those that are in this build, one after the other. Rejects with CancelledError; what was found till then is kept. */
  async try(
    ids: readonly ProviderId[],
    signal: AbortSignal,
    tell: (progress: { label: string; done: number; total: number }) => void,
  ): Promise<ProviderState[]> {
    const here = ids.filter((id) => this.has(id));
    const options = { ...this.options, limit: this.options.limit ?? limit, signal };
    const total = here.length + 1;
    if (here.length > 0) {
      tell({ label: 'CPU', done: 0, total });
      const processor = await sitApart(null, options);
      for (const [i, id] of here.entries()) {
        tell({ label: providers[id].label, done: i + 1, total });
        const found =
          'answers' in processor ? judge(await sitApart(id, options), processor.answers) : judge(processor, none);
        this.distrusted.delete(id);
        await this.keep({ id, label: providers[id].label, ...found });
      }
    }
    return this.list();
  }

  /** Resolves where a provider may be used; tries it where that is not known. Throws an Error that says why it may not. */
  async check(id: ProviderId): Promise<void> {
    const known = async () => (await this.list()).find((each) => each.id === id)!;
    let state = await known();
    if (state.state === 'unknown') {
      await this.try([id], new AbortController().signal, () => undefined);
      state = await known();
    }
    if (state.state !== 'fits') throw new Error(wordsOf(state));
  }

  /** Keeps that the engine ended with it, twice within a minute: it is not used until it is tried again. */
  async distrust(id: ProviderId): Promise<void> {
    const state: ProviderState = { ...unknown(id), state: 'crashes', reason: 'the engine ended twice within a minute' };
    this.distrusted.set(id, state);
    // Where it cannot be kept it holds for this engine.
    await this.keep(state).catch((error: unknown) => console.error(`providers.json: ${String(error)}`));
  }

  private has(id: ProviderId): boolean {
    return this.options.build.backends.includes(providers[id].name);
  }

  private absent(id: ProviderId): ProviderState {
    const reason = `not in this build of ONNX Runtime (${process.platform} ${process.arch})`;
    return { ...unknown(id), state: 'absent', reason };
  }

  private get mark(): string {
    return JSON.stringify([this.options.version, this.options.build.version, driverMark()]);
  }

  private async kept(): Promise<Map<ProviderId, ProviderState>> {
    const text = await readFile(this.file, 'utf8').catch(() => null); // none were tried
    try {
      const { mark, states } = JSON.parse(text ?? '{}') as { mark?: string; states?: ProviderState[] };
      return new Map(mark === this.mark ? states?.map((each) => [each.id, each]) : []);
    } catch {
      return new Map(); // not whole: they are tried again
    }
  }

  private async keep(state: ProviderState): Promise<void> {
    const kept = await this.kept();
    kept.set(state.id, state);
    const states = [...kept.values()];
    await mkdir(this.options.home, { recursive: true });
    await writeWhole(this.file, JSON.stringify({ mark: this.mark, states }, null, 2));
  }
}

const none = { values: [], milliseconds: 0 };
const unknown = (id: ProviderId): ProviderState => ({
  id,
  label: providers[id].label,
  state: 'unknown',
  reason: null,
  difference: null,
  milliseconds: null,
});

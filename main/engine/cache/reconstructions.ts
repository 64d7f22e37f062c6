import { decode, encode } from '../../../preload/codec';
import type { MethodChoice, Signal } from '../../../preload/contract';
import { throwIfCancelled, UnpoolError } from '../../core/errors';
import type { Layer } from '../../core/program/network';
import type { Plan, Reconstruction } from '../../core/program/reconstructor';
import type { ComputeQueue, Priority } from '../jobs/queue';
import type { Studies } from '../scan/studies';
import type { Model } from '../study/models';
import type { Study } from '../study/study';
import type { DiskCache } from './disk';
import { entryKey, walkKey, type Wanted } from './keys';
import { LruCache } from './lru';

export type { Wanted } from './keys';

const bytesKept = 256e6;
const tensorBytesKept = 64e6;
const plansKept = 64;
/** So many are looked for on disk at a time. */
const lookups = 32;

interface Walk {
  study: Study;
  layer: Layer;
  method: MethodChoice;
  wanted: readonly Wanted[];
  signal: AbortSignal;
}

/** A layer whose walk back is ready to be made. */
interface Ready {
  model: Model;
  layer: Layer;
  plan: Plan;
  load(picture: number): Promise<Float32Array>;
}

/** Makes reconstructions and keeps them, in memory and on disk, so that what was seen comes back at once. */
export class Reconstructions {
  private readonly studies: Studies;
  private readonly queue: ComputeQueue;
  private readonly disk: DiskCache;
  private readonly maker: string;
  private readonly made = new LruCache<Reconstruction>(bytesKept);
  private readonly tensors = new LruCache<Promise<Float32Array>>(tensorBytesKept);
  private readonly plans = new LruCache<Plan>(plansKept);

  /** `maker`: the program and the runtime, with their versions. */
  constructor(studies: Studies, queue: ComputeQueue, disk: DiskCache, maker: string) {
    this.studies = studies;
    this.queue = queue;
    this.disk = disk;
    this.maker = maker;
  }

  /**
   * Calls `found` for each wanted one: at once for those kept, then, batch by batch, as they are made. `keep` may make a
   * signal smaller before it is kept in memory. What is kept needs neither the model nor the pictures. Rejects with
   * CancelledError once `signal` is aborted, between batches.
   */
  async run(
    request: Walk & { priority: Priority; keep?: { name: string; shrink(signal: Signal): Signal } },
    found: (index: number, made: Reconstruction) => void,
  ): Promise<Plan> {
    const { study, layer, method, wanted, signal, keep } = request;
    const walk = walkKey(study.manifest, layer, method, this.maker);
    const names = wanted.map((each) => entryKey(walk, study, each));
    const inMemory = (index: number): string => (keep ? `${keep.name} ${names[index]!}` : names[index]!);
    const accept = (index: number, full: Reconstruction): void => {
      const made = keep ? { ...full, signal: keep.shrink(full.signal) } : full;
      this.made.set(inMemory(index), made, made.signal.data.byteLength);
      found(index, made);
    };
    const absent: number[] = [];
    wanted.forEach((_, index) => {
      const made = this.made.get(inMemory(index));
      if (made) found(index, made);
      else absent.push(index);
    });
    const lookUp = async (index: number) => {
      const made = await this.read<Reconstruction>(names[index]!);
      return made && (() => accept(index, made));
    };
    await this.work(request, walk, absent, request.priority, lookUp, (index, made) => {
      accept(index, made);
      this.disk.put(names[index]!, encode(made));
    });
    throwIfCancelled(signal);
    return this.planOf(study, layer, method, walk);
  }

  /**
   * Makes those that are not on disk yet, while nothing else is to be computed, and only keeps them there. `tell` hears how
   * many are there. Throws UnpoolError where the disk cannot be written.
   */
  async ahead(request: Walk, tell: (there: number, made: number) => void): Promise<void> {
    const { study, layer, method, wanted, signal } = request;
    const walk = walkKey(study.manifest, layer, method, this.maker);
    const names = wanted.map((each) => entryKey(walk, study, each));
    let [there, made] = [0, 0];
    const lookUp = async (index: number) => ((await this.disk.has(names[index]!)) ? () => tell(++there, made) : null);
    const keep = async (index: number, full: Reconstruction): Promise<void> => {
      this.disk.put(names[index]!, encode(full));
      await this.disk.settle();
      if (this.disk.problem)
        throw new UnpoolError('cache', `Reconstructions cannot be kept: ${this.disk.problem.message}.`, {
          hint: 'Free some space, or check the permissions of the folder.',
        });
      tell(++there, ++made);
    };
    const all = wanted.map((_, index) => index);
    await this.work(request, walk, all, 'background', lookUp, keep);
    throwIfCancelled(signal);
    await this.planOf(study, layer, method, walk);
  }

  /** Looks for these of the wanted ones, and makes in order those that `lookUp` does not find; what it finds is taken in order, too. */
  private async work(
    { study, layer, method, wanted, signal }: Walk,
    walk: string,
    indices: readonly number[],
    priority: Priority,
    lookUp: (index: number) => Promise<(() => void) | null>,
    accept: (index: number, made: Reconstruction) => void | Promise<void>,
  ): Promise<void> {
    let ready: Ready | null = null;
    const missing: number[] = [];
    // Who waits for a unit sees its first tile before the other pictures are decoded.
    let alone = priority === 'interactive';
    for (let at = 0; at < indices.length; at += lookups) {
      throwIfCancelled(signal);
      const asked = indices.slice(at, at + lookups);
      const kept = await Promise.all(asked.map(lookUp));
      for (const there of kept) there?.();
      missing.push(...asked.filter((_, i) => !kept[i]));
      if (missing.length === 0) continue;
      ready ??= await this.ready(study, layer, method, walk);
      const { load, model, layer: known } = ready;
      const { before } = study.manifest.settings;
      const worth = () => model.reconstructor.batch(known, method, before);
      const width = known.map[1];
      const last = at + lookups >= indices.length;
      while (missing.length >= (last ? 1 : worth())) {
        throwIfCancelled(signal);
        const batch = missing.splice(0, alone ? 1 : worth());
        // Decoded while this batch is computed; who wants them sees what fails.
        const ahead = (count: number): void => {
          for (const index of missing.slice(0, count)) load(wanted[index]!.picture).catch(() => undefined);
        };
        const loads = batch.map((index) => load(wanted[index]!.picture));
        if (alone) {
          // One more leaves the first a core; with all the others it would come last.
          ahead(1);
          await loads[0];
        }
        alone = false;
        ahead(worth());
        const tensors = await Promise.all(loads);
        const requests = batch.map((index, i) => ({
          picture: tensors[i]!,
          unit: wanted[index]!.unit,
          y: Math.floor(wanted[index]!.place / width),
          x: wanted[index]!.place % width,
        }));
        const run = () => model.reconstructor.run(known, method, before, requests);
        const results = await this.queue.run(priority, run, signal);
        for (const [i, made] of results.entries()) await accept(batch[i]!, made);
      }
    }
  }

  /** The model, with the layer as the loaded network has it (a study's own was read from its file). */
  private async ready(study: Study, { id }: Layer, method: MethodChoice, walk: string): Promise<Ready> {
    const model = await this.studies.model(study);
    const layer = model.network.layers.find((each) => each.id === id);
    if (!layer) throw new Error(`the model has no layer "${id}", though its hash is the study's`);
    const plan = model.reconstructor.plan(layer, method, study.manifest.settings.before);
    if (!this.plans.get(walk)) {
      this.plans.set(walk, plan, 1);
      this.disk.put(`plan ${walk}`, encode(plan));
    }
    const { loader } = await this.studies.picturesOf(study);
    return { model, layer, plan, load: (picture) => this.tensor(study, picture, (index) => loader.one(index)) };
  }

  private async planOf(study: Study, layer: Layer, method: MethodChoice, walk: string): Promise<Plan> {
    const kept = this.plans.get(walk) ?? (await this.read<Plan>(`plan ${walk}`));
    if (!kept) return (await this.ready(study, layer, method, walk)).plan;
    this.plans.set(walk, kept, 1);
    return kept;
  }

  private async read<T>(name: string): Promise<T | null> {
    const bytes = await this.disk.get(name);
    return bytes && (decode(bytes) as T);
  }

  private tensor(
    study: Study,
    picture: number,
    load: (picture: number) => Promise<Float32Array>,
  ): Promise<Float32Array> {
    const key = JSON.stringify([study.path, study.manifest.created, picture]);
    let tensor = this.tensors.get(key);
    if (!tensor) {
      tensor = load(picture);
      const { channels, size } = study.manifest.input;
      this.tensors.set(key, tensor, 4 * channels * size[0] * size[1]);
      tensor.catch(() => this.tensors.forget(key)); // a failure is not kept; the caller sees it
    }
    return tensor;
  }
}

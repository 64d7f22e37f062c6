import { decode, encode } from '../../../preload/codec';
import type { MethodChoice, Signal } from '../../../preload/contract';
import { throwIfCancelled, UnpoolError } from '../../core/errors';
import type { Layer } from '../../core/program/network';
import type { Plan, Reconstruction } from '../../core/program/reconstructor';
import type { ComputeQueue, Priority } from '../jobs/queue';
import type { Studies } from '../scan/studies';
import type { Study } from '../study/study';
import type { DiskCache } from './disk';
import { entryKey, walkKey, type Wanted } from './keys';
import { LruCache } from './lru';
import { Maker, type Source } from './maker';

export type { Wanted } from './keys';

const bytesKept = 256e6;
const tensorBytesKept = 64e6;
const plansKept = 64;
/** What is made ahead waits for the disk when so much is not written yet, and when nothing was told for so many ms. */
const bytesWaiting = 32e6;
const untold = 1000;
/** So many are looked for on disk at a time. */
const lookups = 32;

interface Walk {
  study: Study;
  layer: Layer;
  method: MethodChoice;
  wanted: readonly Wanted[];
  signal: AbortSignal;
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
    /** Made and not told of: they are on their way to the disk. */
    let unsaid = 0;
    let said = performance.now();
    const lookUp = async (index: number) => ((await this.disk.has(names[index]!)) ? () => tell(++there, made) : null);
    const keep = async (index: number, full: Reconstruction): Promise<void> => {
      this.disk.put(names[index]!, encode(full));
      unsaid++;
      // Written while others are made, but no more of them than memory should hold.
      if (this.disk.waiting > bytesWaiting || performance.now() - said > untold) await settle();
    };
    const settle = async (): Promise<void> => {
      await this.disk.settle();
      if (this.disk.problem)
        throw new UnpoolError('cache', `Reconstructions cannot be kept: ${this.disk.problem.message}.`, {
          hint: 'Free some space, or check the permissions of the folder.',
        });
      for (; unsaid > 0; unsaid--) tell(++there, ++made);
      said = performance.now();
    };
    const all = wanted.map((_, index) => index);
    await this.work(request, walk, all, 'background', lookUp, keep);
    throwIfCancelled(signal);
    await settle();
    await this.planOf(study, layer, method, walk);
  }

  /**
   * Looks for these of the wanted ones, and makes in order those that `lookUp` does not find; what it finds is taken in order,
   * too. In the background a picture's are made by one forward pass where that is quicker.
   */
  private async work(
    { study, layer, method, wanted, signal }: Walk,
    walk: string,
    indices: readonly number[],
    priority: Priority,
    lookUp: (index: number) => Promise<(() => void) | null>,
    accept: (index: number, made: Reconstruction) => void | Promise<void>,
  ): Promise<void> {
    const ahead = priority === 'background';
    const pictureOf = (index: number): number => wanted[index]!.picture;
    const missing: number[] = [];
    let maker: Maker | null = null;
    // Who waits for a unit sees its first tile before the other pictures are decoded.
    let alone = priority === 'interactive';
    for (let at = 0; at < indices.length;) {
      throwIfCancelled(signal);
      let to = Math.min(at + lookups, indices.length);
      if (ahead) while (to < indices.length && pictureOf(indices[to]!) === pictureOf(indices[to - 1]!)) to++;
      const asked = indices.slice(at, to);
      at = to;
      const kept = await Promise.all(asked.map(lookUp));
      for (const there of kept) there?.();
      const absent = asked.filter((_, i) => !kept[i]);
      if (missing.length + absent.length === 0) continue;
      maker ??= new Maker((await this.ready(study, layer, method, walk)).source, wanted, (task) =>
        this.queue.run(priority, task, signal),
      );
      const groups = ahead ? runsOf(absent, pictureOf) : [absent];
      for (const [i, group] of groups.entries()) {
        throwIfCancelled(signal);
        if (ahead && maker.shares(group)) await maker.shared(group, groups[i + 1] ?? missing, accept);
        else missing.push(...group);
      }
      while (missing.length >= (at === indices.length ? 1 : maker.worth())) {
        throwIfCancelled(signal);
        await maker.batch(missing.splice(0, alone ? 1 : maker.worth()), missing, alone, accept);
        alone = false;
      }
    }
  }

  /** The model, with the layer as the loaded network has it (a study's own was read from its file). */
  private async ready(
    study: Study,
    { id }: Layer,
    method: MethodChoice,
    walk: string,
  ): Promise<{ source: Source; plan: Plan }> {
    const model = await this.studies.model(study);
    const layer = model.network.layers.find((each) => each.id === id);
    if (!layer) throw new Error(`the model has no layer "${id}", though its hash is the study's`);
    const { before } = study.manifest.settings;
    const plan = model.reconstructor.plan(layer, method, before);
    if (!this.plans.get(walk)) {
      this.plans.set(walk, plan, 1);
      this.disk.put(`plan ${walk}`, encode(plan));
    }
    const { loader } = await this.studies.picturesOf(study);
    const load = (picture: number) => this.tensor(study, picture, (index) => loader.one(index));
    return { source: { model, layer, method, before, load }, plan };
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

/** Neighbours of which the same is so, together. */
function runsOf(indices: readonly number[], by: (index: number) => number): number[][] {
  const runs: number[][] = [];
  for (const index of indices) {
    const last = runs.at(-1);
    if (last && by(last[0]!) === by(index)) last.push(index);
    else runs.push([index]);
  }
  return runs;
}

import type { MethodChoice, Signal } from '../../../preload/contract';
import { CancelledError } from '../../core/errors';
import type { Layer } from '../../core/program/network';
import type { Plan, Reconstruction } from '../../core/program/reconstructor';
import type { ComputeQueue, Priority } from '../jobs/queue';
import type { Studies } from '../scan/studies';
import type { Model } from '../study/models';
import type { Study } from '../study/study';
import { LruCache } from './lru';

/** One unit at one place (row * map width + column) of one picture. */
export interface Wanted {
  unit: number;
  picture: number;
  place: number;
}

const bytesKept = 256e6;
const tensorBytesKept = 64e6;

/** Makes reconstructions and keeps those made last, so that what was seen comes back at once. */
export class Reconstructions {
  private readonly studies: Studies;
  private readonly queue: ComputeQueue;
  private readonly made = new LruCache<Reconstruction>(bytesKept);
  private readonly tensors = new LruCache<Promise<Float32Array>>(tensorBytesKept);

  constructor(studies: Studies, queue: ComputeQueue) {
    this.studies = studies;
    this.queue = queue;
  }

  /**
   * Calls `found` for each wanted one: at once for those kept, then in order, batch by batch, as they are made. `keep` may
   * make a signal smaller before it is kept. Rejects with CancelledError once `signal` is aborted, between batches.
   */
  async run(
    request: {
      study: Study;
      layer: Layer;
      method: MethodChoice;
      wanted: readonly Wanted[];
      priority: Priority;
      signal: AbortSignal;
      keep?: { name: string; shrink(signal: Signal): Signal };
    },
    found: (index: number, made: Reconstruction) => void,
  ): Promise<Plan> {
    const { study, layer, method, wanted, signal } = request;
    const { model, layer: known } = await this.modelLayer(study, layer);
    const { before } = study.manifest.settings;
    const plan = model.reconstructor.plan(known, method, before);
    const keyOf = ({ unit, picture, place }: Wanted) =>
      JSON.stringify([
        study.path,
        study.manifest.created,
        layer.id,
        method.id,
        method.leaky,
        method.smooth,
        unit,
        picture,
        place,
        request.keep?.name ?? '',
      ]);
    const missing: number[] = [];
    wanted.forEach((each, index) => {
      const made = this.made.get(keyOf(each));
      if (made) found(index, made);
      else missing.push(index);
    });

    const pictures = missing.length > 0 ? await this.studies.picturesOf(study) : null;
    const load = (indices: readonly number[]): Promise<Float32Array[]> => {
      const loading = Promise.all(
        indices.map((index) => this.tensor(study, wanted[index]!.picture, (picture) => pictures!.loader.one(picture))),
      );
      loading.catch(() => undefined); // seen where it is awaited; a cancelled run never awaits its last one
      return loading;
    };
    const next = (at: number): number[] => missing.slice(at, at + model.reconstructor.batch(known, method, before));
    let batch = next(0);
    let coming = load(batch);
    for (let at = 0; at < missing.length; ) {
      if (signal.aborted) throw new CancelledError();
      const now = batch;
      const tensors = await coming;
      at += now.length;
      batch = next(at);
      coming = load(batch);
      const width = layer.map[1];
      const requests = now.map((index, i) => ({
        picture: tensors[i]!,
        unit: wanted[index]!.unit,
        y: Math.floor(wanted[index]!.place / width),
        x: wanted[index]!.place % width,
      }));
      const results = await this.queue.run(
        request.priority,
        () => model.reconstructor.run(known, method, before, requests),
        signal,
      );
      results.forEach((result, i) => {
        const made = request.keep ? { ...result, signal: request.keep.shrink(result.signal) } : result;
        this.made.set(keyOf(wanted[now[i]!]!), made, made.signal.data.byteLength);
        found(now[i]!, made);
      });
    }
    if (signal.aborted) throw new CancelledError();
    return plan;
  }

  /** The layer as the loaded network has it (a study's own was read from its file). */
  private async modelLayer(study: Study, { id }: Layer): Promise<{ model: Model; layer: Layer }> {
    const model = await this.studies.model(study);
    const layer = model.network.layers.find((each) => each.id === id);
    if (!layer) throw new Error(`the model has no layer "${id}", though its hash is the study's`);
    return { model, layer };
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

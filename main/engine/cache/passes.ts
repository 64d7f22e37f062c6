import { createHash } from 'node:crypto';
import { throwIfCancelled, UnpoolError } from '../../core/errors';
import type { Layer } from '../../core/program/network';
import type { Observation } from '../../core/program/observer';
import { preprocess } from '../../core/preprocess/preprocess';
import type { Rgb } from '../../core/preprocess/resample';
import type { ComputeQueue } from '../jobs/queue';
import { decodeBytes } from '../pictures/decode';
import { createPatches, type Patches } from '../pictures/patches';
import type { Studies } from '../scan/studies';
import type { Model } from '../study/models';
import type { Study } from '../study/study';
import { LruCache } from './lru';

/** One picture through the network. */
export interface Pass extends Observation {
  model: Model;
  /** What the network took: [channels, height, width]. */
  tensor: Float32Array;
}

interface Taken {
  patches: Patches;
  tensor(): Promise<Float32Array>;
}

const bytesKept = 512e6;
const takenKept = 128e6;

/** Forward passes of single pictures, of the study's and of others that were handed over; the last ones are kept. */
export class Passes {
  private readonly studies: Studies;
  private readonly queue: ComputeQueue;
  private readonly passes = new LruCache<Promise<Pass>>(bytesKept);
  private readonly taken = new LruCache<Taken>(takenKept);

  constructor(studies: Studies, queue: ComputeQueue) {
    this.studies = studies;
    this.queue = queue;
  }

  /** Keeps a picture's bytes and decodes it once, so that a file that is no picture is refused here. Throws UnpoolError. */
  async take(study: Study, name: string, bytes: Uint8Array): Promise<string> {
    const { preprocessing } = study.manifest;
    const key = createHash('sha256').update(JSON.stringify(preprocessing)).update(bytes).digest('hex').slice(0, 32);
    if (this.taken.get(key)) return key;
    const buffer = Buffer.from(bytes);
    const decode = (): Promise<Rgb> => decodeBytes(buffer, name, preprocessing.background);
    const list = { root: '', count: 1, file: () => name, className: () => null };
    const patches = createPatches(list, preprocessing, decode);
    await patches.view(0, 'original', 64);
    this.taken.set(key, { patches, tensor: async () => preprocess(await decode(), preprocessing) }, bytes.length);
    return key;
  }

  /** Where a picture's patches are cut, and its number there. Throws UnpoolError where there is no such picture. */
  async patchesOf(study: Study, picture: number | string): Promise<{ patches: Patches; index: number }> {
    if (typeof picture === 'string') return { patches: this.held(picture).patches, index: 0 };
    if (picture >= study.images.count)
      throw new UnpoolError('no-picture', `The study has no picture ${picture}.`, { place: { field: 'picture' } });
    return { patches: (await this.studies.picturesOf(study)).patches, index: picture };
  }

  /** The picture's pass: the one that is kept, or a new one. Throws UnpoolError. */
  async of(study: Study, picture: number | string, signal: AbortSignal): Promise<Pass> {
    const { created } = study.manifest;
    const key = JSON.stringify([study.path, created, picture]);
    let pass = this.passes.get(key);
    if (!pass) {
      pass = this.make(study, picture);
      this.passes.set(key, pass, 0);
      pass.then(
        (made) => this.passes.set(key, pass!, costOf(made)),
        () => this.passes.forget(key), // a failure is not kept; the caller sees it
      );
    }
    const made = await pass;
    throwIfCancelled(signal);
    return made;
  }

  private async make(study: Study, picture: number | string): Promise<Pass> {
    const { index } = await this.patchesOf(study, picture);
    const model = await this.studies.model(study);
    const tensor =
      typeof picture === 'string'
        ? await this.held(picture).tensor()
        : await (await this.studies.picturesOf(study)).loader.one(index);
    const { before } = study.manifest.settings;
    const observation = await this.queue.run('interactive', () => model.observer.run(tensor, before));
    return { model, tensor, ...observation };
  }

  private held(key: string): Taken {
    const taken = this.taken.get(key);
    if (!taken)
      throw new UnpoolError('picture-gone', 'This picture is not kept any more.', {
        hint: 'Drop or paste it again.',
        place: { field: 'picture' },
      });
    return taken;
  }
}

/** A layer of the loaded network. Throws UnpoolError. */
export function layerIn({ network }: Model, id: string): Layer {
  const layer = network.layers.find((each) => each.id === id);
  if (!layer) throw new UnpoolError('no-layer', `The network has no layer "${id}".`, { place: { field: 'layer' } });
  return layer;
}

function costOf({ maps, tensor }: Pass): number {
  let bytes = tensor.byteLength;
  for (const { data } of maps.values()) bytes += data.byteLength;
  return bytes;
}

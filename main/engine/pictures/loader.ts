import type { Preprocessing } from '../../../preload/contract';
import { throwIfCancelled, UnpoolError } from '../../core/errors';
import { preprocess } from '../../core/preprocess/preprocess';
import { pictureFile, type Dataset } from './dataset';
import { decodePicture } from './decode';

export type Loaded = { data: Float32Array } | { broken: string };

/** Preprocessed pictures by index. */
export interface Loader {
  /** The pictures [from, to), in order; a broken one with its reason. The range after it is decoded ahead. */
  load(from: number, to: number, signal?: AbortSignal): Promise<Loaded[]>;
  /** One picture; throws UnpoolError where it is broken. */
  one(index: number): Promise<Float32Array>;
}

/** Decoding runs in the library's own threads; this many at a time keep them busy without holding much memory. */
const together = 4;

export function createLoader(dataset: Dataset, preprocessing: Preprocessing): Loader {
  let ahead: { from: number; to: number; pictures: Promise<Loaded[]> } | null = null;

  async function one(index: number): Promise<Float32Array> {
    return preprocess(await decodePicture(pictureFile(dataset, index), preprocessing.background), preprocessing);
  }

  async function loaded(index: number): Promise<Loaded> {
    try {
      return { data: await one(index) };
    } catch (error) {
      if (error instanceof UnpoolError) return { broken: error.message };
      throw error;
    }
  }

  async function range(from: number, to: number, signal?: AbortSignal): Promise<Loaded[]> {
    const out = new Array<Loaded>(to - from);
    let next = from;
    const worker = async (): Promise<void> => {
      while (next < to) {
        throwIfCancelled(signal);
        const index = next++;
        out[index - from] = await loaded(index);
      }
    };
    await Promise.all(Array.from({ length: Math.min(together, to - from) }, worker));
    return out;
  }

  return {
    one,
    async load(from, to, signal) {
      const pictures = ahead?.from === from && ahead.to === to ? ahead.pictures : range(from, to, signal);
      ahead = null;
      const result = await pictures;
      throwIfCancelled(signal);
      const [start, end] = [to, Math.min(dataset.files.length, to + (to - from))];
      if (start < end) {
        ahead = { from: start, to: end, pictures: range(start, end) };
        ahead.pictures.catch(() => undefined); // seen by the next load, if there is one
      }
      return result;
    },
  };
}

import type { Preprocessing } from '../../../preload/contract';
import { throwIfCancelled, UnpoolError } from '../../core/errors';
import { pictureFile, type PictureList } from './dataset';
import { driveCode } from './decode';
import { decodersHere, type Decoders } from './decoders';
import { preparePicture, type Prepared } from './prepare';

export type Loaded = Prepared | { broken: string };

/** Preprocessed pictures by index. */
export interface Loader {
  /** The pictures [from, to), in order; a broken one with its reason. `then`: decoded ahead. Throws where a drive fails. */
  load(from: number, to: number, then?: readonly [from: number, to: number], signal?: AbortSignal): Promise<Loaded[]>;
  /** One picture; throws UnpoolError where it is broken. */
  one(index: number): Promise<Float32Array>;
  /** The file that has been waited for longest, and for how many ms; null where none is read. */
  waiting(): { file: string; since: number } | null;
}

export function createLoader(
  list: PictureList,
  preprocessing: Preprocessing,
  decoders: Decoders = decodersHere,
): Loader {
  let ahead: { from: number; to: number; pictures: Promise<Loaded[]> } | null = null;
  /** In the order in which they were begun. */
  const reading = new Map<number, number>();

  async function loaded(index: number): Promise<Loaded> {
    reading.set(index, performance.now());
    try {
      return await decoders.prepare(pictureFile(list, index), preprocessing);
    } catch (error) {
      if (error instanceof UnpoolError && error.code !== driveCode && error.code !== 'defect')
        return { broken: error.message };
      throw error;
    } finally {
      reading.delete(index);
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
    await Promise.all(Array.from({ length: Math.min(decoders.together, to - from) }, worker));
    return out;
  }

  return {
    async one(index) {
      return (await preparePicture(pictureFile(list, index), preprocessing)).data;
    },
    async load(from, to, then, signal) {
      const pictures = ahead?.from === from && ahead.to === to ? ahead.pictures : range(from, to, signal);
      ahead = null;
      const result = await pictures;
      throwIfCancelled(signal);
      if (then && then[0] < then[1]) {
        ahead = { from: then[0], to: then[1], pictures: range(...then) };
        ahead.pictures.catch(() => undefined); // seen by the next load, if there is one
      }
      return result;
    },
    waiting() {
      const [first] = reading;
      return first ? { file: list.file(first[0]), since: performance.now() - first[1] } : null;
    },
  };
}

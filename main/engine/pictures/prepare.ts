import type { Preprocessing } from '../../../preload/contract';
import { differenceHash } from '../../core/preprocess/likeness';
import { channelCount, preprocess } from '../../core/preprocess/preprocess';
import { decodePicture } from './decode';

/** A picture as a network takes it, and its difference hash in two halves. */
export interface Prepared {
  data: Float32Array;
  hash: [number, number];
}

/** Reads, decodes and preprocesses a picture. Throws UnpoolError where it cannot be read. */
export async function preparePicture(file: string, preprocessing: Preprocessing): Promise<Prepared> {
  const data = preprocess(await decodePicture(file, preprocessing.background), preprocessing);
  return { data, hash: differenceHash(data, channelCount(preprocessing), preprocessing.size) };
}

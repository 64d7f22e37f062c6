import { parentPort } from 'node:worker_threads';
import sharp from 'sharp';
import type { Preprocessing } from '../../../preload/contract';
import { errorInfo } from '../jobs/errors';
import type { FromDecoder, ToDecoder } from './decoders';
import { preparePicture } from './prepare';

/** A thread that makes pictures ready. Several of these run beside the runtime: each decodes with one thread. */
sharp.concurrency(1);

const port = parentPort!;
const known = new Map<number, Preprocessing>();

port.on('message', ({ id, file, key, preprocessing }: ToDecoder) => {
  if (preprocessing) known.set(key, preprocessing);
  preparePicture(file, known.get(key)!).then(
    (prepared) => port.postMessage({ id, prepared } satisfies FromDecoder, [prepared.data.buffer as ArrayBuffer]),
    (error: unknown) => port.postMessage({ id, error: errorInfo(error) } satisfies FromDecoder),
  );
});

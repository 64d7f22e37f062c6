import { createHash } from 'node:crypto';
import type { MethodChoice } from '../../../preload/contract';
import type { Layer } from '../../core/program/network';
import type { Manifest } from '../study/manifest';
import type { Images } from '../study/images';

/** One more whenever reconstructions come out otherwise than before, or are kept otherwise. */
export const cacheVersion = 1;

/** One unit at one place (row * map width + column) of one picture. */
export interface Wanted {
  unit: number;
  picture: number;
  place: number;
}

/**
 * The content that all reconstructions of a layer by a method share, as a hash. `maker`: the program and the runtime, which
 * agree to rounding only.
 */
export function walkKey(
  { model, input, preprocessing, settings }: Pick<Manifest, 'model' | 'input' | 'preprocessing' | 'settings'>,
  layer: Pick<Layer, 'id'>,
  method: MethodChoice,
  maker: string,
): string {
  const { id, leaky, smooth } = method;
  const content = [cacheVersion, maker, model.sha256, preprocessing, input.size, input.channels, settings.before];
  return createHash('sha256')
    .update(JSON.stringify([...content, layer.id, id, leaky, smooth]))
    .digest('hex');
}

/** One reconstruction by content. A picture is what the study knows of it: its list, file, size, and hash where it was scanned. */
export function entryKey(
  walk: string,
  study: {
    manifest: { pictures: Pick<Manifest['pictures'], 'identity'> };
    images: Pick<Images, 'file' | 'bytes'>;
    hash(picture: number): [number, number] | null;
  },
  { unit, picture, place }: Wanted,
): string {
  const { identity } = study.manifest.pictures;
  const { images } = study;
  return JSON.stringify([
    walk,
    unit,
    place,
    identity,
    images.file(picture),
    images.bytes(picture),
    study.hash(picture),
  ]);
}

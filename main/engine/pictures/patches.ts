import path from 'node:path';
import sharp from 'sharp';
import type { Box, PictureView, Pixels, Preprocessing } from '../../../preload/contract';
import { asSeen, inputBox, preprocess, toOriginal } from '../../core/preprocess/preprocess';
import type { Rgb } from '../../core/preprocess/resample';
import type { Dataset } from './dataset';
import { decodePicture } from './decode';

/** Originals kept decoded, since many units share pictures. */
const cacheBytes = 256 * 2 ** 20;
/** Outside the picture. */
const grey = 128;

export interface Patches {
  /** What lies in a box of the network's input, from the original at its own resolution, longer side at most `size` px. */
  patch(picture: number, box: Box, size: number): Promise<Pixels>;
  /** A whole picture: the original made smaller, or what the network took shown as colours. */
  view(picture: number, as: 'original' | 'network', size: number): Promise<PictureView>;
}

export function createPatches(dataset: Dataset, preprocessing: Preprocessing): Patches {
  const cache = new Map<number, Promise<Rgb>>();
  let held = 0;

  function original(picture: number): Promise<Rgb> {
    let entry = cache.get(picture);
    if (entry) {
      cache.delete(picture);
      cache.set(picture, entry);
      return entry;
    }
    entry = decodePicture(path.join(dataset.root, dataset.files[picture] ?? ''), preprocessing.background);
    cache.set(picture, entry);
    entry.then(
      (rgb) => {
        held += rgb.rgb.length;
        void trim(picture);
      },
      () => cache.delete(picture),
    );
    return entry;
  }

  async function trim(newest: number): Promise<void> {
    for (const [key, entry] of cache) {
      if (held <= cacheBytes || key === newest) return;
      cache.delete(key);
      held -= (await entry).rgb.length;
    }
  }

  return {
    async patch(picture, box, size) {
      const rgb = await original(picture);
      return cutPatch(rgb, toOriginal(box, rgb, preprocessing), box, size);
    },

    async view(picture, as, size) {
      const rgb = await original(picture);
      const base = {
        file: dataset.files[picture]!,
        class: dataset.classes[dataset.classOf[picture]!] ?? null,
        original: { width: rgb.width, height: rgb.height },
        inputBox: inputBox(rgb, preprocessing),
      };
      if (as === 'network') return { ...base, ...asSeen(preprocess(rgb, preprocessing), preprocessing) };
      const scale = Math.min(1, size / Math.max(rgb.width, rgb.height));
      const [width, height] = [Math.max(1, Math.round(rgb.width * scale)), Math.max(1, Math.round(rgb.height * scale))];
      return { ...base, ...(await resized(rgb, width, height)) };
    },
  };
}

/**
 * Cuts a region of an upright picture (fractions of a px, may leave it) and resizes it to the proportions of `box`, longer
 * side at most `size` px but no more than the region has. Places are kept to half a px of the original.
 */
export async function cutPatch(rgb: Rgb, [y0, x0, y1, x1]: Box, box: Box, size: number): Promise<Pixels> {
  const [top, left] = [Math.round(y0), Math.round(x0)];
  const [height, width] = [Math.max(1, Math.round(y1 - y0)), Math.max(1, Math.round(x1 - x0))];
  const longer = Math.min(size, Math.max(width, height, box[2] - box[0], box[3] - box[1]));
  const aspect = (box[3] - box[1]) / (box[2] - box[0]);
  const out = {
    width: Math.max(1, Math.round(aspect >= 1 ? longer : longer * aspect)),
    height: Math.max(1, Math.round(aspect >= 1 ? longer / aspect : longer)),
  };
  const region = new Uint8Array(width * height * 3).fill(grey);
  const from = Math.max(0, left);
  const to = Math.min(rgb.width, left + width);
  if (to > from)
    for (let y = Math.max(0, top); y < Math.min(rgb.height, top + height); y++) {
      const row = rgb.rgb.subarray((y * rgb.width + from) * 3, (y * rgb.width + to) * 3);
      region.set(row, ((y - top) * width + from - left) * 3);
    }
  return resized({ width, height, rgb: region }, out.width, out.height);
}

async function resized({ width, height, rgb }: Rgb, toWidth: number, toHeight: number): Promise<Pixels> {
  const { data } = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .resize(toWidth, toHeight, { fit: 'fill', kernel: toWidth > width ? 'cubic' : 'lanczos3' })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: toWidth, height: toHeight, rgba: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

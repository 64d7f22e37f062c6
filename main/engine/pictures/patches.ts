import sharp from 'sharp';
import type { Box, PictureView, Pixels, Preprocessing } from '../../../preload/contract';
import { asSeen, inputBox, preprocess, toOriginal } from '../../core/preprocess/preprocess';
import type { Rgb } from '../../core/preprocess/resample';
import { LruCache } from '../cache/lru';
import { pictureFile, type PictureList } from './dataset';
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

export function createPatches(
  list: PictureList,
  preprocessing: Preprocessing,
  decode = (picture: number): Promise<Rgb> => decodePicture(pictureFile(list, picture), preprocessing.background),
): Patches {
  const cache = new LruCache<Promise<Rgb>>(cacheBytes);

  function original(picture: number): Promise<Rgb> {
    const key = String(picture);
    const kept = cache.get(key);
    if (kept) return kept;
    const decoding = decode(picture);
    // Shared while it is being decoded; its bytes count once they are known.
    cache.set(key, decoding, 0);
    decoding.then(
      ({ rgb }) => cache.set(key, decoding, rgb.length),
      () => cache.forget(key),
    );
    return decoding;
  }

  return {
    async patch(picture, box, size) {
      const rgb = await original(picture);
      return cutPatch(rgb, toOriginal(box, rgb, preprocessing), box, size);
    },

    async view(picture, as, size) {
      const rgb = await original(picture);
      const base = {
        file: list.file(picture),
        class: list.className(picture),
        original: { width: rgb.width, height: rgb.height },
        inputBox: inputBox(rgb, preprocessing),
      };
      if (as === 'network') return { ...base, ...asSeen(preprocess(rgb, preprocessing), preprocessing) };
      const scale = Math.min(1, size / Math.max(rgb.width, rgb.height));
      const width = Math.max(1, Math.round(rgb.width * scale));
      const height = Math.max(1, Math.round(rgb.height * scale));
      const rgba = await resized(rgb, { left: 0, top: 0, width: rgb.width, height: rgb.height }, width, height);
      return { ...base, width, height, rgba };
    },
  };
}

/**
 * Cuts a region of an upright picture (fractions of a px, may leave it: mid-grey there) and resizes it to the proportions
 * of `box`, longer side at most `size` px but no more than the region or the box has. Places are kept to half a px of the
 * original, and to half a px of the result.
 */
export async function cutPatch(rgb: Rgb, [y0, x0, y1, x1]: Box, box: Box, size: number): Promise<Pixels> {
  const [top, left] = [Math.round(y0), Math.round(x0)];
  const [height, width] = [Math.max(1, Math.round(y1 - y0)), Math.max(1, Math.round(x1 - x0))];
  const longer = Math.min(size, Math.max(width, height, box[2] - box[0], box[3] - box[1]));
  const aspect = (box[3] - box[1]) / (box[2] - box[0]);
  const out: Pixels = {
    width: Math.max(1, Math.round(aspect >= 1 ? longer : longer * aspect)),
    height: Math.max(1, Math.round(aspect >= 1 ? longer / aspect : longer)),
    rgba: new Uint8Array(0),
  };
  // Only what lies in the picture is resized: a field far larger than a large picture costs no memory.
  const across = overlap(left, width, rgb.width, out.width);
  const down = overlap(top, height, rgb.height, out.height);
  const inside =
    across &&
    down &&
    (await resized(
      rgb,
      { left: across.from, top: down.from, width: across.length, height: down.length },
      across.size,
      down.size,
    ));
  if (inside && across.size === out.width && down.size === out.height) return { ...out, rgba: inside };
  out.rgba = new Uint8Array(out.width * out.height * 4).fill(grey);
  for (let i = 3; i < out.rgba.length; i += 4) out.rgba[i] = 255;
  if (inside)
    for (let y = 0; y < down.size; y++) {
      const row = inside.subarray(y * across.size * 4, (y + 1) * across.size * 4);
      out.rgba.set(row, ((down.at + y) * out.width + across.at) * 4);
    }
  return out;
}

/** The part of [start, start + length) inside [0, limit), and where it comes to lie when the whole becomes `size` px. */
function overlap(start: number, length: number, limit: number, size: number) {
  const from = Math.max(0, start);
  const to = Math.min(limit, start + length);
  if (to <= from) return null;
  const scale = size / length;
  const at = Math.min(size - 1, Math.round((from - start) * scale));
  const end = Math.max(at + 1, Math.round((to - start) * scale));
  return { from, length: to - from, at, size: end - at };
}

interface Part {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** A part of a picture resized, as RGBA. */
async function resized({ width, height, rgb }: Rgb, part: Part, toWidth: number, toHeight: number) {
  const data = await sharp(rgb, { raw: { width, height, channels: 3 }, limitInputPixels: false })
    .extract(part)
    .resize(toWidth, toHeight, { fit: 'fill', kernel: toWidth > part.width ? 'cubic' : 'lanczos3' })
    .ensureAlpha()
    .raw()
    .toBuffer();
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

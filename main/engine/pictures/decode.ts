import { stat } from 'node:fs/promises';
import sharp from 'sharp';
import { UnpoolError } from '../../core/errors';
import type { Rgb } from '../../core/preprocess/resample';

/** More would be a picture made to exhaust memory. */
const mostPixels = 268_402_689;

// Pictures are read once each; a cache of open files would only hold memory.
sharp.cache(false);

type Colour = readonly [number, number, number];

/**
 * Decodes a picture to upright 8-bit RGB: EXIF orientation applied, the first frame, 16 bits scaled to 8, grey repeated,
 * alpha over `background`. Embedded colour profiles are not applied, as in PyTorch's and Keras's loaders. Throws UnpoolError
 * naming file and reason.
 */
export async function decodePicture(file: string, background: Colour): Promise<Rgb> {
  try {
    const [r, g, b] = background;
    const { data, info } = await sharp(file, {
      failOn: 'error',
      limitInputPixels: mostPixels,
      ignoreIcc: true,
      animated: false,
      sequentialRead: true,
    })
      .autoOrient()
      .toColourspace('srgb')
      .flatten({ background: { r, g, b } })
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, rgb: toRgb(data, info.channels) };
  } catch (error) {
    throw new UnpoolError('bad-picture', await reasonOf(file, error), { place: { file }, cause: error });
  }
}

function toRgb(data: Buffer, channels: number): Uint8Array {
  if (channels === 3) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const out = new Uint8Array((data.length / channels) * 3);
  for (let i = 0, k = 0; i < data.length; i += channels) {
    for (let c = 0; c < 3; c++) out[k++] = data[i + (channels < 3 ? 0 : c)]!;
  }
  return out;
}

/** The library's message as a sentence that helps. */
async function reasonOf(file: string, error: unknown): Promise<string> {
  const message = error instanceof Error ? error.message : String(error);
  const info = await stat(file).catch(() => null);
  if (!info) return 'The file is not there any more.';
  if (info.size === 0) return 'The file is empty.';
  if (/\.bmp$/i.test(file)) return 'BMP is not read. Convert it to PNG.';
  if (/pixel limit/i.test(message)) return `The picture has more than ${Math.round(mostPixels / 1e6)} million pixels.`;
  if (/unsupported image format/i.test(message)) return 'The file is no picture, or in a format that is not read.';
  if (/premature|truncated|end of|corrupt|invalid|not enough/i.test(message))
    return 'The picture is damaged or cut off.';
  return `The picture cannot be read: ${message.split('\n')[0]}.`;
}

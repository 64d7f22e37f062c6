import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { UnpoolError } from '../../core/errors';
import type { Rgb } from '../../core/preprocess/resample';
import { BmpError, decodeBmp, tooLarge } from './bmp';

/** More would be a picture made to exhaust memory. */
const mostPixels = 268_402_689;

/** What is read, whatever the file's name says; the library would draw SVG and call other programs' formats, too. */
const formats: readonly string[] = ['jpeg', 'png', 'webp', 'tiff', 'gif'];

// Pictures are read once each; a cache of open files would only hold memory.
sharp.cache(false);

type Colour = readonly [number, number, number];

/**
 * Decodes a picture to upright 8-bit RGB: EXIF orientation applied, the first frame or page, 16 bits scaled to 8, grey
 * repeated, alpha over `background`. Embedded colour profiles are not applied and CMYK is converted by its plain formula,
 * both as in PyTorch's and Keras's loaders (Pillow). Throws UnpoolError naming file and reason.
 */
export async function decodePicture(file: string, background: Colour): Promise<Rgb> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (driveErrors.has(code))
      throw new UnpoolError(driveCode, `The drive of "${file}" does not answer as it should (${code}).`, {
        hint: 'Connect it again, then go on. Nothing was lost.',
        place: { file },
        cause: error,
      });
    throw new UnpoolError('bad-picture', await reasonOf(file, error), { place: { file }, cause: error });
  }
  try {
    return await fromBytes(bytes, file, background);
  } catch (error) {
    throw new UnpoolError('bad-picture', await reasonOf(file, error), { place: { file }, cause: error });
  }
}

/** As `decodePicture`, of bytes that no file is known of. */
export async function decodeBytes(bytes: Buffer, name: string, background: Colour): Promise<Rgb> {
  try {
    return await fromBytes(bytes, name, background);
  } catch (error) {
    throw new UnpoolError('bad-picture', inWords(error), { place: { file: name }, cause: error });
  }
}

async function fromBytes(bytes: Buffer, name: string, background: Colour): Promise<Rgb> {
  const bmp = /\.bmp$/i.test(name) && bytes.subarray(0, 2).toString('latin1') === 'BM';
  return bmp ? decodeBmp(bytes, background, mostPixels) : decoded(bytes, background);
}

/** Says nothing of the picture: another try, later, may well read it. */
export const driveCode = 'drive';
const driveErrors = new Set(
  ['EIO', 'ESTALE', 'ETIMEDOUT', 'ENOTCONN', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENODEV', 'ENXIO', 'EREMOTEIO'].concat([
    'ENFILE',
    'EMFILE',
    'ENOMEM',
  ]),
);

async function decoded(bytes: Buffer, background: Colour): Promise<Rgb> {
  const image = sharp(bytes, {
    failOn: 'error',
    limitInputPixels: mostPixels,
    ignoreIcc: true,
    animated: false,
    sequentialRead: true,
  }).autoOrient();
  const [r, g, b] = background;
  const inks = !isPlainJpeg(bytes) && (await hasInks(image));
  if (inks) image.pipelineColourspace('cmyk').toColourspace('cmyk');
  else image.toColourspace('srgb').flatten({ background: { r, g, b } });
  const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const rgb = inks ? fromCmyk(data, info.channels) : toRgb(data, info.channels);
  return { width: info.width, height: info.height, rgb };
}

/** Throws where the format is none that is read. */
async function hasInks(image: Sharp): Promise<boolean> {
  const { format, space } = await image.metadata();
  if (!formats.includes(format)) throw new Error('unsupported image format');
  return space === 'cmyk';
}

/**
 * Whether it is a JPEG of one or three components (no inks), by its frame header (ITU-T T.81, B.2.2): for the usual picture
 * that saves the library a look of its own, a sixth of what decoding takes.
 */
function isPlainJpeg(bytes: Buffer): boolean {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return false;
  for (let at = 2; at + 10 <= bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1]!;
    const frame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (frame) return bytes[at + 9] === 1 || bytes[at + 9] === 3;
    if (marker === 0xda) return false; // the scan begins; what follows are no segments
    at += marker === 0xff ? 1 : 2 + bytes.readUInt16BE(at + 2);
  }
  return false;
}

function toRgb(data: Buffer, channels: number): Uint8Array {
  if (channels === 3) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const out = new Uint8Array((data.length / channels) * 3);
  for (let i = 0, k = 0; i < data.length; i += channels) {
    for (let c = 0; c < 3; c++) out[k++] = data[i + (channels < 3 ? 0 : c)]!;
  }
  return out;
}

/** (1 - ink) * (1 - black) on bytes, rounded as Pillow does (Convert.c, cmyk2rgb). */
function fromCmyk(data: Buffer, channels: number): Uint8Array {
  const out = new Uint8Array((data.length / channels) * 3);
  for (let i = 0, k = 0; i < data.length; i += channels) {
    const light = 255 - data[i + 3]!;
    for (let c = 0; c < 3; c++) {
      const product = data[i + c]! * light + 128;
      out[k++] = light - (((product >> 8) + product) >> 8);
    }
  }
  return out;
}

/** The reason where a file was deleted or moved since it was listed. */
export const goneReason = 'The file is not there any more.';

/** What went wrong, as a sentence; the library's own message stays the error's cause. */
async function reasonOf(file: string, error: unknown): Promise<string> {
  const info = await stat(file).catch(() => null);
  if (!info) return goneReason;
  if (info.isDirectory()) return 'It is a folder, and no picture.';
  if (info.size === 0) return 'The file is empty.';
  const readable = await access(file, constants.R_OK).then(
    () => true,
    () => false,
  );
  if (!readable) return 'The file cannot be read: its permissions do not allow it.';
  return inWords(error);
}

function inWords(error: unknown): string {
  if (error instanceof BmpError) return error.message;
  const message = error instanceof Error ? error.message : String(error);
  if (/pixel limit/i.test(message)) return tooLarge(mostPixels);
  if (/unsupported image format/i.test(message))
    return 'The file is no picture, in a format that is not read, or damaged.';
  return 'The picture is damaged or cut off.';
}

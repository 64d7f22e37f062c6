import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UnpoolError } from '../../../main/core/errors';
import type { Rgb } from '../../../main/core/preprocess/resample';
import { decodePicture } from '../../../main/engine/pictures/decode';
import { apart, makeFolder, raw, scene } from './support';

let folder: string;
let remove: () => Promise<void>;
beforeAll(async () => ({ folder, remove } = await makeFolder()));
afterAll(() => remove());

const background = [100, 150, 200] as const;
const decode = (name: string): Promise<Rgb> => decodePicture(join(folder, name), background);
const picture = scene(45, 31);
const from = (rgb: Rgb = picture) => sharp(rgb.rgb, raw(rgb));

describe('formats', () => {
  it.each([
    ['a.png', () => from().png()],
    ['interlaced.PNG', () => from().png({ progressive: true })],
    ['a.webp', () => from().webp({ lossless: true })],
    ['a.tif', () => from().tiff({ compression: 'lzw' })],
    ['a.tiff', () => from().tiff({ compression: 'deflate', tile: true })],
  ])('reads %s level for level', async (name, make) => {
    await writeFile(join(folder, name), await make().toBuffer());
    expect(await decode(name)).toEqual(picture);
  });

  it.each([
    ['a.jpg', () => from().jpeg({ quality: 100, chromaSubsampling: '4:4:4' }), 8],
    ['progressive.jpeg', () => from().jpeg({ quality: 100, progressive: true, chromaSubsampling: '4:4:4' }), 8],
    ['lossy.webp', () => from().webp({ quality: 100 }), 60],
    ['a.gif', () => from().gif({ dither: 0 }), 80],
  ])('reads %s', async (name, make, most) => {
    await writeFile(join(folder, name), await make().toBuffer());
    const decoded = await decode(name);
    expect([decoded.width, decoded.height]).toEqual([45, 31]);
    expect(apart(decoded.rgb, picture.rgb)).toBeLessThanOrEqual(most);
  });

  it('goes by what is in the file, not by its name', async () => {
    await writeFile(join(folder, 'really a png.jpg'), await from().png().toBuffer());
    expect(await decode('really a png.jpg')).toEqual(picture);
    await writeFile(join(folder, 'really a png.bmp'), await from().png().toBuffer());
    expect(await decode('really a png.bmp')).toEqual(picture);
  });

  it('takes the first frame', async () => {
    const second = scene(45, 31, 2);
    const frames = Buffer.concat([picture.rgb, second.rgb.map((v) => 255 - v)]);
    const animated = sharp(frames, { raw: { width: 45, height: 62, channels: 3, pageHeight: 31 } });
    await writeFile(join(folder, 'moving.gif'), await animated.gif({ dither: 0 }).toBuffer());
    const decoded = await decode('moving.gif');
    expect([decoded.width, decoded.height]).toEqual([45, 31]);
    const mean = (values: Uint8Array) => values.reduce((a, b) => a + b, 0) / values.length;
    expect(Math.abs(mean(decoded.rgb) - mean(picture.rgb))).toBeLessThan(5);
  });

  it('repeats grey, and scales 16 bits instead of clipping them', async () => {
    const levels = Uint16Array.from({ length: 256 }, (_, i) => i * 257);
    const wide = sharp(levels, { raw: { width: 16, height: 16, channels: 1 } }).toColourspace('grey16');
    await writeFile(join(folder, 'grey16.png'), await wide.png().toBuffer());
    expect((await sharp(join(folder, 'grey16.png')).metadata()).depth).toBe('ushort');
    const decoded = await decode('grey16.png');
    expect([...decoded.rgb]).toEqual(Array.from({ length: 768 }, (_, i) => Math.floor(i / 3)));
    const colours = Uint16Array.from(picture.rgb, (v) => v * 257);
    const colour = sharp(colours, raw(picture)).toColourspace('rgb16');
    await writeFile(join(folder, 'rgb16.png'), await colour.png().toBuffer());
    expect(await decode('rgb16.png')).toEqual(picture);
  });

  it.each(['png', 'webp', 'tiff'] as const)('lays alpha over the background: %s', async (format) => {
    const rgba = Uint8Array.from({ length: 256 * 4 }, (_, i) => [200, 40, 90, i >> 2][i % 4]!);
    const image = sharp(rgba, { raw: { width: 16, height: 16, channels: 4 } });
    await writeFile(join(folder, `alpha.${format}`), await image.toFormat(format, { lossless: true, compression: 'lzw' }).toBuffer()); // prettier-ignore
    const decoded = await decode(`alpha.${format}`);
    for (let i = format === 'webp' ? 1 : 0; i < 256; i++)
      for (let c = 0; c < 3; c++) {
        const exact = ([200, 40, 90][c]! * i + background[c]! * (255 - i)) / 255;
        expect(Math.abs(decoded.rgb[3 * i + c]! - exact)).toBeLessThanOrEqual(1);
      }
  });

  it('lays alpha of 16 bits over the background', async () => {
    const rgba = Uint16Array.from({ length: 64 * 4 }, (_, i) => [65535, 0, 0, 32768][i % 4]!);
    const image = sharp(rgba, { raw: { width: 8, height: 8, channels: 4 } }).toColourspace('rgb16');
    await writeFile(join(folder, 'alpha16.png'), await image.png().toBuffer());
    const { rgb } = await decode('alpha16.png');
    for (const [c, exact] of [177.5, 75, 100].entries()) expect(Math.abs(rgb[c]! - exact)).toBeLessThanOrEqual(1);
  });

  it.each(['inks.tif', 'inks.jpg'])('converts CMYK by its plain formula, without a profile: %s', async (name) => {
    const file = join(folder, name);
    const image = from().toColourspace('cmyk');
    await (name.endsWith('.tif') ? image.tiff({ compression: 'lzw' }) : image.jpeg()).toFile(file);
    const inks = await sharp(file).pipelineColourspace('cmyk').toColourspace('cmyk').raw().toBuffer();
    expect(inks).toHaveLength(45 * 31 * 4);
    const { rgb } = await decode(name);
    for (let i = 0; i < 45 * 31; i++)
      for (let c = 0; c < 3; c++) {
        const exact = ((255 - inks[4 * i + c]!) * (255 - inks[4 * i + 3]!)) / 255;
        expect(Math.abs(rgb[3 * i + c]! - exact)).toBeLessThanOrEqual(0.5);
      }
  });

  it('repeats the grey of a JPEG of one component, whatever fills the space before its segments', async () => {
    const bytes = await from().greyscale().jpeg().toBuffer();
    const levels = await sharp(bytes).toColourspace('b-w').raw().toBuffer();
    expect(levels).toHaveLength(45 * 31);
    // Any segment may be preceded by fill bytes (ITU-T T.81, B.1.1.2).
    await writeFile(join(folder, 'grey.jpg'), Buffer.concat([bytes.subarray(0, 2), Buffer.alloc(3, 0xff), bytes.subarray(2)])); // prettier-ignore
    expect([...(await decode('grey.jpg')).rgb]).toEqual(Array.from({ length: 3 * 45 * 31 }, (_, i) => levels[Math.floor(i / 3)])); // prettier-ignore
  });

  it('passes an embedded profile over', async () => {
    await from().withIccProfile('p3').png().toFile(join(folder, 'p3.png'));
    const stored = await sharp(join(folder, 'p3.png'), { ignoreIcc: true }).raw().toBuffer();
    expect(apart(stored, picture.rgb)).toBeGreaterThan(2);
    expect(apart((await decode('p3.png')).rgb, stored)).toBe(0);
  });
});

describe('orientation', () => {
  /** Where pixel (x, y) of the upright picture is in the stored one of width w and height h, by the EXIF standard. */
  const stored: Record<number, (x: number, y: number, w: number, h: number) => [number, number]> = {
    1: (x, y) => [x, y],
    2: (x, y, w) => [w - 1 - x, y],
    3: (x, y, w, h) => [w - 1 - x, h - 1 - y],
    4: (x, y, _, h) => [x, h - 1 - y],
    5: (x, y) => [y, x],
    6: (x, y, _, h) => [y, h - 1 - x],
    7: (x, y, w, h) => [w - 1 - y, h - 1 - x],
    8: (x, y, w) => [w - 1 - y, x],
  };
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('%i is turned upright', async (orientation) => {
    await from()
      .withMetadata({ orientation })
      .png()
      .toFile(join(folder, `o${orientation}.png`));
    const { width, height, rgb } = await decode(`o${orientation}.png`);
    expect([width, height]).toEqual(orientation > 4 ? [31, 45] : [45, 31]);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const [sx, sy] = stored[orientation]!(x, y, 45, 31);
        for (let c = 0; c < 3; c++) expect(rgb[(y * width + x) * 3 + c]).toBe(picture.rgb[(sy * 45 + sx) * 3 + c]);
      }
  });
});

describe('what cannot be read', () => {
  const reason = async (name: string): Promise<string> => {
    const error: unknown = await decode(name).then(
      () => expect.unreachable(`${name} was read`),
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(UnpoolError);
    expect(error).toMatchObject({ code: 'bad-picture', place: { file: join(folder, name) } });
    expect((error as Error).message).not.toMatch(/vips|lib|Input file|sharp/i);
    return (error as Error).message;
  };

  it('is told by what is wrong with it', async () => {
    await writeFile(join(folder, 'empty.png'), '');
    expect(await reason('empty.png')).toMatch(/empty/);
    await writeFile(join(folder, 'text.jpg'), 'not a picture at all');
    expect(await reason('text.jpg')).toMatch(/no picture/);
    expect(await reason('gone.jpg')).toMatch(/not there/);
    await writeFile(join(folder, 'drawing.png'), '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    expect(await reason('drawing.png')).toMatch(/not read/);
    await mkdir(join(folder, 'folder.png'));
    expect(await reason('folder.png')).toMatch(/no picture/);
    await rm(join(folder, 'folder.png'), { recursive: true });
  });

  it.each(['jpeg', 'png', 'webp', 'tiff', 'gif'] as const)('a %s cut off anywhere is damaged', async (extension) => {
    const large = scene(200, 150);
    const whole = await from(large).toFormat(extension).toBuffer();
    for (const share of [0.1, 0.5, 0.9]) {
      const name = `cut-${share}.${extension}`;
      await writeFile(join(folder, name), whole);
      await truncate(join(folder, name), Math.floor(whole.length * share));
      expect(await reason(name)).toMatch(/damaged/);
    }
  });

  it('a picture with bytes changed is damaged or read, and never anything else', async () => {
    const whole = await from().png().toBuffer();
    whole[whole.length >> 1]! ^= 0xff;
    await writeFile(join(folder, 'changed.png'), whole);
    expect(await reason('changed.png')).toMatch(/damaged/);
  });

  it('a picture of too many pixels is refused before it is decoded', async () => {
    const header = await from().png().toBuffer();
    // Width and height in the first chunk, then its checksum.
    header.writeUInt32BE(20_000, 16);
    header.writeUInt32BE(20_000, 20);
    header.writeUInt32BE(crc32(header.subarray(12, 29)), 29);
    await writeFile(join(folder, 'huge.png'), header);
    expect(await reason('huge.png')).toMatch(/million pixels/);
  });
});

/** Writes a BMP by hand: `rows` bottom up, each a list of bytes, padded to four. */
function bmp(
  width: number,
  height: number,
  bits: number,
  rows: number[][],
  more: { compression?: number; after?: number[]; header?: number } = {},
): Buffer {
  const size = more.header ?? 40;
  const after = Buffer.from(more.after ?? []);
  const body = Buffer.concat(rows.map((row) => Buffer.from([...row, ...new Array<number>((4 - (row.length % 4)) % 4).fill(0)]))); // prettier-ignore
  const head = Buffer.alloc(14 + 40);
  head.write('BM', 'latin1');
  head.writeUInt32LE(14 + 40 + after.length, 10);
  head.writeUInt32LE(size, 14);
  head.writeInt32LE(width, 18);
  head.writeInt32LE(height, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(bits, 28);
  head.writeUInt32LE(more.compression ?? 0, 30);
  return Buffer.concat([head, after, body]);
}
const word = (value: number): number[] => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];

describe('BMP', () => {
  const read = async (bytes: Buffer): Promise<number[]> => {
    await writeFile(join(folder, 'a.bmp'), bytes);
    return [...(await decode('a.bmp')).rgb];
  };
  it('of 24 bits, bottom up and top down', async () => {
    const [low, high] = [[3, 2, 1, 6, 5, 4, 9, 8, 7], [13, 12, 11, 16, 15, 14, 19, 18, 17]]; // prettier-ignore
    const expected = [11, 12, 13, 14, 15, 16, 17, 18, 19, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    expect(await read(bmp(3, 2, 24, [low, high]))).toEqual(expected);
    expect(await read(bmp(3, -2, 24, [high, low]))).toEqual(expected);
  });
  it('of a palette: 8, 4 and 1 bits', async () => {
    const palette = (bits: number) =>
      Array.from({ length: 2 ** bits }, (_, i) => [i, 100 + (i % 100), 255 - i, 0]).flat();
    const colour = (i: number) => [255 - i, 100 + (i % 100), i];
    expect(await read(bmp(3, 1, 8, [[5, 200, 7]], { after: palette(8) }))).toEqual([5, 200, 7].flatMap(colour));
    expect(await read(bmp(3, 1, 4, [[0x5c, 0x70]], { after: palette(4) }))).toEqual([5, 12, 7].flatMap(colour));
    expect(await read(bmp(3, 1, 1, [[0b10100000]], { after: palette(1) }))).toEqual([1, 0, 1].flatMap(colour));
  });
  it('of 16 and 32 bits, with masks and alpha', async () => {
    expect(await read(bmp(1, 1, 16, [[0b00011111, 0b01111100]]))).toEqual([255, 0, 255]);
    expect(await read(bmp(1, 1, 32, [[3, 2, 1, 0]]))).toEqual([1, 2, 3]);
    const masks = [0xff, 0xff00, 0xff0000].flatMap(word);
    expect(await read(bmp(1, 1, 32, [[3, 2, 1, 0]], { compression: 3, after: masks }))).toEqual([3, 2, 1]);
    const alpha = { compression: 3, header: 56, after: [...masks, ...word(0xff000000)] };
    expect(await read(bmp(1, 1, 32, [[250, 50, 0, 51]], alpha))).toEqual([130, 130, 160]);
  });
  it('that is broken is told so', async () => {
    const good = bmp(3, 2, 24, [[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 5, 6, 7, 8, 9]]); // prettier-ignore
    for (const [bytes, message] of [
      [good.subarray(0, good.length - 1), /cut off/],
      [good.subarray(0, 30), /cut off/],
      [bmp(3, 2, 8, [[1, 2, 3]], { compression: 1 }), /compressed/],
      [bmp(100_000, 100_000, 24, []), /million/],
      [bmp(0, 2, 24, []), /no pixels/],
      [bmp(3, 1, 8, [[5, 200, 7]]), /cut off/],
    ] as const)
      await expect(read(bytes)).rejects.toMatchObject({ code: 'bad-picture', message: expect.stringMatching(message) });
  });
});

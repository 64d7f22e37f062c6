import type { Rgb } from '../../core/preprocess/resample';

type Colour = readonly [number, number, number];

/** Thrown for a BMP that cannot be read, with the reason in words. */
export class BmpError extends Error {}

/**
 * Decodes an uncompressed BMP (1, 4, 8, 16, 24 or 32 bits a pixel), alpha over `background`. Source: the BITMAPINFOHEADER,
 * BITMAPV4HEADER and BITMAPV5HEADER structures of the Windows API. Throws BmpError.
 */
export function decodeBmp(bytes: Uint8Array, background: Colour, mostPixels: number): Rgb {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 54) throw new BmpError('The picture is damaged or cut off.');
  const offset = view.getUint32(10, true);
  const header = view.getUint32(14, true);
  if (header < 40) throw new BmpError('The picture is a BMP of OS/2, which is not read. Convert it to PNG.');
  const width = view.getInt32(18, true);
  const signedHeight = view.getInt32(22, true);
  const height = Math.abs(signedHeight);
  const bits = view.getUint16(28, true);
  const compression = view.getUint32(30, true);
  if (width <= 0 || height === 0) throw new BmpError('The picture has no pixels.');
  if (width * height > mostPixels) throw new BmpError(tooLarge(mostPixels));
  const masked = compression === 3 || compression === 6;
  if (![1, 4, 8, 16, 24, 32].includes(bits) || (compression !== 0 && !(masked && (bits === 16 || bits === 32))))
    throw new BmpError('The picture is a compressed BMP, which is not read. Convert it to PNG.');
  const row = Math.ceil((width * bits) / 32) * 4;
  if (offset + row * height > bytes.length) throw new BmpError('The picture is damaged or cut off.');

  const rgb = new Uint8Array(width * height * 3);
  const pixel = bits <= 8 ? palette(view, header, bits) : direct(view, bits, masked, header, background);
  for (let y = 0, out = 0; y < height; y++) {
    const start = offset + row * (signedHeight > 0 ? height - 1 - y : y);
    for (let x = 0; x < width; x++, out += 3) pixel(start, x, rgb, out);
  }
  return { width, height, rgb };
}

export const tooLarge = (mostPixels: number): string =>
  `The picture has more than ${Math.round(mostPixels / 1e6)} million pixels.`;

/** Writes pixel `x` of the row that starts at byte `start` to out[at ..]. */
type Pixel = (start: number, x: number, out: Uint8Array, at: number) => void;

function palette(view: DataView, header: number, bits: number): Pixel {
  const used = view.getUint32(46, true);
  const entries = used === 0 ? 2 ** bits : Math.min(used, 2 ** bits);
  const table = 14 + header;
  if (table + entries * 4 > view.byteLength) throw new BmpError('The picture is damaged or cut off.');
  const perByte = 8 / bits;
  return (start, x, out, at) => {
    const byte = view.getUint8(start + Math.floor(x / perByte));
    const index = (byte >> (8 - bits * ((x % perByte) + 1))) & (2 ** bits - 1);
    if (index >= entries) return; // a colour that the table does not have is black
    for (let c = 0; c < 3; c++) out[at + c] = view.getUint8(table + index * 4 + 2 - c);
  };
}

function direct(view: DataView, bits: number, masked: boolean, header: number, background: Colour): Pixel {
  if (bits === 24)
    return (start, x, out, at) => {
      for (let c = 0; c < 3; c++) out[at + c] = view.getUint8(start + x * 3 + 2 - c);
    };
  const bytes = bits / 8;
  // Masks follow the short header, or are a part of the longer ones: the same place.
  if (masked && view.byteLength < 70) throw new BmpError('The picture is damaged or cut off.');
  const usual = bits === 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff];
  const channels = usual.map((mask, c) => channel(masked ? view.getUint32(54 + 4 * c, true) : mask));
  const alphaMask = masked && header >= 56 ? view.getUint32(66, true) : 0;
  const alpha = alphaMask === 0 ? () => 255 : channel(alphaMask);
  return (start, x, out, at) => {
    const value = bytes === 2 ? view.getUint16(start + 2 * x, true) : view.getUint32(start + 4 * x, true);
    const opacity = alpha(value);
    for (let c = 0; c < 3; c++)
      out[at + c] = Math.round((channels[c]!(value) * opacity + background[c]! * (255 - opacity)) / 255);
  };
}

/** The bits under a mask, scaled to 0..255. */
function channel(mask: number): (value: number) => number {
  if (mask === 0) return () => 0;
  const shift = 31 - Math.clz32(mask & -mask);
  const most = mask >>> shift;
  return (value) => Math.trunc((((value & mask) >>> shift) * 255) / most);
}

import { crc32, deflateSync, inflateSync } from 'node:zlib';
import sharp, { type OverlayOptions } from 'sharp';
import type { Pixels } from '../../../preload/contract';
import { UnpoolError } from '../../core/errors';
import { figureData, layoutFigure, reconstructionPixels, type Figure } from '../../core/figures/figure';
import { textPath } from './text';

const ink = '#1b1b1a';
const dim = '#73726d';
const mid = '#808080';

/** Enlarged beyond this, pixels stay the squares that they are, as in the window. */
const squaresFrom = 4;

/** Draws a figure as PNG. The data that it was made from ride in the file; see `readFigureData`. */
export async function figurePng(figure: Figure): Promise<Uint8Array> {
  const layout = layoutFigure(figure);
  const pictures = [...reconstructionPixels(figure), ...figure.tiles.map((tile) => tile.patch)];
  const tiles = await Promise.all(
    [...layout.reconstructions, ...layout.patches].map(async (at, i): Promise<OverlayOptions> => ({
      input: await fitted(pictures[i]!, at.width),
      left: at.x,
      top: at.y,
    })),
  );
  const width = layout.width - 2 * layout.heading.x;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${layout.width}" height="${layout.height}">
<rect width="100%" height="100%" fill="#fff"/>
${textPath(layout.heading.text, { ...layout.heading, weight: 600, width, fill: ink })}
${layout.caption.map((line) => textPath(line.text, { ...line, weight: 400, width, fill: dim })).join('\n')}</svg>`;
  const png = await sharp(Buffer.from(svg), { density: 72 })
    .composite(tiles)
    .removeAlpha()
    .png({ compressionLevel: 9 })
    .toBuffer();
  return withText(png, JSON.stringify(figureData(figure)));
}

/** A tile at its side in px; one that is not square (a field at the proportions of the network) is centred on mid-grey. */
async function fitted({ width, height, rgba }: Pixels, side: number): Promise<Buffer> {
  const scale = side / Math.max(width, height);
  const kernel = scale > squaresFrom ? 'nearest' : scale > 1 ? 'cubic' : 'lanczos3';
  return sharp(rgba, { raw: { width, height, channels: 4 } })
    .resize(side, side, { kernel, fit: 'contain', background: mid })
    .png()
    .toBuffer();
}

const keyword = 'unpool';
const signatureLength = 8;

/** Puts a compressed iTXt chunk before the end of a PNG. */
function withText(png: Buffer, text: string): Uint8Array {
  const body = Buffer.concat([Buffer.from(`${keyword}\0\x01\0\0\0`, 'latin1'), deflateSync(Buffer.from(text))]);
  const typed = Buffer.concat([Buffer.from('iTXt'), body]);
  const chunk = Buffer.alloc(8 + typed.length);
  chunk.writeUInt32BE(body.length, 0);
  typed.copy(chunk, 4);
  chunk.writeUInt32BE(checksum(typed), 4 + typed.length);
  const end = png.length - 12; // IEND
  return new Uint8Array(Buffer.concat([png.subarray(0, end), chunk, png.subarray(end)]));
}

/** What the data of a figure may take unpacked: a small file must not fill the memory. */
const longestData = 2 ** 24;

/** The data of a figure that this program drew. Throws UnpoolError for another picture and for a damaged one. */
export function readFigureData(png: Uint8Array): unknown {
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  for (let at = signatureLength; at + 12 <= bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (type === 'iTXt' && body.toString('latin1', 0, keyword.length + 1) === `${keyword}\0`)
      return parsed(body.subarray(keyword.length + 5));
    at += 12 + length;
  }
  throw new UnpoolError('no-figure', 'The picture carries no figure of Unpool.', {
    hint: 'It may have been saved again by another program.',
  });
}

function parsed(compressed: Buffer): unknown {
  try {
    return JSON.parse(inflateSync(compressed, { maxOutputLength: longestData }).toString('utf8'));
  } catch (error) {
    throw new UnpoolError('no-figure', 'The data in the picture is damaged.', {
      hint: 'Take the picture as Unpool saved it.',
      cause: error,
    });
  }
}

/** zlib.crc32 came with Node 20.15 and 22.2; Electron 25's Node is older. */
const checksum: (bytes: Buffer) => number =
  typeof crc32 === 'function'
    ? crc32
    : (bytes) => {
        let crc = ~0;
        for (const byte of bytes) {
          crc ^= byte;
          for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
        }
        return ~crc >>> 0;
      };

import { deflateSync } from 'node:zlib';
import sharp, { type OverlayOptions } from 'sharp';
import type { Pixels } from '../../../../preload/contract';
import { UnpoolError } from '../../../core/errors';
import type { Scene } from '../../../core/figures/scene';
import { insertChunks } from '../chunks';
import { outlines } from '../fonts';
import { resample } from '../resample';

/** More than this many px takes more memory than it is worth. */
const largest = 200e6;

/** A scene as PNG at `dpi`; text as outlines. `record` rides in the file. Throws UnpoolError where it would be too large. */
export async function scenePng(
  scene: Scene,
  pictures: ReadonlyMap<string, Pixels>,
  dpi: number,
  record: string,
): Promise<Uint8Array> {
  const scale = dpi / 72;
  const px = (length: number): number => Math.round(length * scale);
  const [width, height] = [Math.max(1, px(scene.width)), Math.max(1, px(scene.height))];
  if (width * height > largest)
    throw new UnpoolError('figure-too-large', `The figure would have ${width} x ${height} px.`, {
      hint: 'Choose fewer dpi, or save it as PDF or SVG.',
      place: { field: 'dpi' },
    });
  const shapes: string[] = [];
  const tiles: Promise<OverlayOptions>[] = [];
  for (const item of scene.items) {
    if (item.kind === 'text')
      shapes.push(
        `<path fill="${item.fill}" d="${outlines(item.text, { ...item, x: item.x * scale, y: item.y * scale, size: item.size * scale, family: scene.family })}"/>`,
      );
    else {
      // Edges on whole px, so that tiles are sharp.
      const [left, top] = [px(item.x), px(item.y)];
      const [w, h] = [Math.max(1, px(item.x + item.width) - left), Math.max(1, px(item.y + item.height) - top)];
      if (item.kind === 'rect')
        shapes.push(`<rect x="${left}" y="${top}" width="${w}" height="${h}" fill="${item.fill}"/>`);
      else
        tiles.push(
          resample(pictures.get(item.picture)!, w, h).then((raster) => ({
            input: raster.data,
            raw: { width: w, height: h, channels: 3 as const },
            left,
            top,
          })),
        );
    }
  }
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="${scene.ground}"/>${shapes.join('')}</svg>`;
  const png = await sharp(Buffer.from(svg), { density: 72, limitInputPixels: false, unlimited: true })
    .composite(await Promise.all(tiles))
    .removeAlpha()
    .png({ compressionLevel: 9 })
    .toBuffer();
  const perMetre = Math.round(dpi / 0.0254);
  const physical = Buffer.alloc(9);
  physical.writeUInt32BE(perMetre, 0);
  physical.writeUInt32BE(perMetre, 4);
  physical[8] = 1;
  const text = Buffer.concat([Buffer.from('unpool\0\x01\0\0\0', 'latin1'), deflateSync(Buffer.from(record))]);
  return insertChunks(png, [
    { type: 'pHYs', body: physical },
    { type: 'iTXt', body: text },
  ]);
}

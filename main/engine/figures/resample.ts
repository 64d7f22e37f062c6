import sharp from 'sharp';
import type { Pixels } from '../../../preload/contract';
import { squaresFrom } from '../../core/figures/scene';

/** RGB, row-major. */
export interface Raster {
  width: number;
  height: number;
  data: Buffer;
}

/** A picture at a size in px. Enlarged much, px stay the squares that they are. */
export async function resample({ width, height, rgba }: Pixels, toWidth: number, toHeight: number): Promise<Raster> {
  const scale = toWidth / width;
  const kernel = scale > squaresFrom ? 'nearest' : scale > 1 ? 'cubic' : 'lanczos3';
  const data = await sharp(rgba, { raw: { width, height, channels: 4 } })
    .removeAlpha()
    .resize(toWidth, toHeight, { kernel, fit: 'fill' })
    .raw()
    .toBuffer();
  return { width: toWidth, height: toHeight, data };
}

export const rasterPng = ({ width, height, data }: Raster): Promise<Buffer> =>
  sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 9 })
    .toBuffer();

/** For documents of thousands of tiles. */
export const rasterJpeg = ({ width, height, data }: Raster): Promise<Buffer> =>
  sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 88, chromaSubsampling: '4:4:4' })
    .toBuffer();

/** What resizes pictures, for the record: another version may give other px. */
export const resampling = `sharp ${sharp.versions.sharp ?? ''}, libvips ${sharp.versions.vips}`;

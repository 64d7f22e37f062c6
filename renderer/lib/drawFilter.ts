import { midGrey, signalToPixels } from '../../main/core/figures/display';
import type { FilterItem, Pixels, Preprocessing } from '../../preload/contract';

/** Filters of the picture itself are shown in its colours, others as a small multiple of greys, a kernel for each input. */
export function filterToPixels(
  item: FilterItem,
  [height, width]: readonly [number, number],
  { peak, contrast }: { peak: number; contrast: number },
  channels: Preprocessing['channels'] | null,
): Pixels {
  if (channels !== null)
    return signalToPixels(
      { channels: item.inputs, height, width, data: item.data },
      { level: peak, contrast, channels },
    );
  return mosaic(item, height, width, peak / contrast);
}

/** Kernels row by row in a block as square as may be; kernels of more than one weight have a line between them. */
function mosaic({ inputs, data }: FilterItem, height: number, width: number, peak: number): Pixels {
  const gap = height * width > 1 ? 1 : 0;
  const columns = Math.ceil(Math.sqrt((inputs * (height + gap)) / (width + gap)));
  const rows = Math.ceil(inputs / columns);
  const out = { width: columns * (width + gap) - gap, height: rows * (height + gap) - gap };
  const rgba = new Uint8Array(4 * out.width * out.height);
  for (let input = 0; input < inputs; input++) {
    const top = Math.floor(input / columns) * (height + gap);
    const left = (input % columns) * (width + gap);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const value = data[(input * height + y) * width + x]!;
        const grey = midGrey + (peak > 0 ? Math.round((127 * value) / peak) : 0);
        const clipped = Math.max(1, Math.min(255, grey));
        rgba.set([clipped, clipped, clipped, 255], 4 * ((top + y) * out.width + left + x));
      }
  }
  return { ...out, rgba };
}

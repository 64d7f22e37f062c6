import type { Preprocessing } from '../../../preload/contract';

/** What a file or the model itself says of its preprocessing. What it leaves open is missing. */
export interface Told {
  numbers: Pick<Preprocessing, 'channels' | 'scale' | 'mean' | 'std'>;
  /** [height, width] that the network was made for, where it is told. */
  size: [number, number] | null;
  /** How a picture comes to an input of this size [height, width]. */
  resize(size: readonly [number, number]): Preprocessing['resize'];
  /** Where it is not bilinear. */
  filter?: 'bicubic';
  /** What the text says that is not kept to, in words. */
  notes: string[];
}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const numbersOf = (value: unknown, count: number): number[] | null => {
  if (isNumber(value)) return Array<number>(count).fill(value);
  if (!Array.isArray(value) || !value.every(isNumber)) return null;
  return value.length === count ? value : value.length === 1 ? Array<number>(count).fill(value[0]!) : null;
};
const side = (value: unknown): number | null =>
  isNumber(value) && Number.isInteger(value) && value > 0 && value <= 8192 ? value : null;
const pair = (h: unknown, w: unknown): [number, number] | null => {
  const [height, width] = [side(h), side(w)];
  return height !== null && width !== null ? [height, width] : null;
};
const bilinearNote = 'Unpool resizes bilinearly, with antialiasing';

/** Reads Hugging Face's preprocessor_config.json or timm's config.json, whichever it is. Null: neither. */
export function readConfig(text: string, channels: number): Told | null {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return null;
  }
  if (!isObject(json)) return null;
  return fromTimm(json, channels) ?? fromHuggingFace(json, channels);
}

/** timm: mean and std are of 0..1; the shorter side is size / crop_pct, rounded down, then the centre is cut. */
function fromTimm(json: Json, channels: number): Told | null {
  const config = isObject(json['pretrained_cfg']) ? json['pretrained_cfg'] : json;
  const mean = numbersOf(config['mean'], channels);
  const std = numbersOf(config['std'], channels);
  if (!mean || !std || std.includes(0)) return null;
  const shape = config['input_size'];
  const size = Array.isArray(shape) && shape.length === 3 ? pair(shape[1], shape[2]) : null;
  const percent = isNumber(config['crop_pct']) && config['crop_pct'] > 0 ? config['crop_pct'] : 1;
  const mode = config['crop_mode'];
  const interpolation = config['interpolation'];
  const notes =
    typeof interpolation === 'string' && !['bilinear', 'bicubic'].includes(interpolation)
      ? [`it asks for ${interpolation} interpolation; ${bilinearNote}`]
      : [];
  return {
    numbers: { channels: channels === 1 ? 'gray' : 'rgb', scale: 1 / 255, mean, std },
    ...(interpolation === 'bicubic' && { filter: interpolation }),
    size,
    resize: ([height, width]) =>
      mode === 'squash' && percent === 1
        ? { rule: 'stretch' }
        : mode === 'border'
          ? { rule: 'letterbox' }
          : { rule: 'crop', shorter: Math.max(Math.max(height, width), Math.floor(Math.min(height, width) / percent)) },
    notes,
  };
}

/** transformers: rescale, then normalise; `size` is what the picture is resized to, `crop_size` what is cut out of it. */
function fromHuggingFace(json: Json, channels: number): Told | null {
  const known = ['image_mean', 'do_rescale', 'do_normalize', 'image_processor_type', 'feature_extractor_type'];
  if (!known.some((key) => key in json)) return null;
  const on = (key: string): boolean => json[key] !== false;
  // Old files have no do_rescale and always mean 1/255.
  const scale = on('do_rescale') ? (isNumber(json['rescale_factor']) ? json['rescale_factor'] : 1 / 255) : 1;
  const normalise = on('do_normalize') && 'image_mean' in json;
  const mean = normalise ? numbersOf(json['image_mean'], channels) : Array<number>(channels).fill(0);
  const std = normalise ? numbersOf(json['image_std'] ?? 1, channels) : Array<number>(channels).fill(1);
  if (!mean || !std || std.includes(0)) return null;
  const given = json['size'];
  const box = isObject(given) ? pair(given['height'], given['width']) : null;
  const shortest = isObject(given) ? side(given['shortest_edge']) : side(given);
  const cutting = json['crop_size'];
  const cut = isObject(cutting) ? pair(cutting['height'], cutting['width']) : pair(cutting, cutting);
  const crops = json['do_center_crop'] === true && cut !== null;
  const percent = isNumber(json['crop_pct']) && json['crop_pct'] > 0 ? json['crop_pct'] : null;
  const size = crops ? cut : (box ?? (shortest === null ? null : [shortest, shortest]));
  const notes: string[] = [];
  if (json['resample'] !== undefined && json['resample'] !== 2 && json['resample'] !== 3)
    notes.push(`it asks for ${resampleNames[String(json['resample'])] ?? 'another'} interpolation; ${bilinearNote}`);
  return {
    numbers: { channels: channels === 1 ? 'gray' : 'rgb', scale, mean, std },
    ...(json['resample'] === 3 && { filter: 'bicubic' as const }),
    size,
    resize: ([height, width]) => {
      const longest = Math.max(height, width);
      // ConvNeXt: below 384 px the shorter side is size / crop_pct, from there on the picture is stretched.
      if (percent !== null && shortest !== null)
        return shortest >= 384
          ? { rule: 'stretch' }
          : { rule: 'crop', shorter: Math.max(longest, Math.floor(Math.min(height, width) / percent)) };
      if (json['do_resize'] === false) return { rule: 'letterbox' };
      const told = shortest ?? (box && crops ? Math.min(...box) : null);
      if (told === null || !size) return { rule: 'stretch' };
      if (!crops && shortest !== null && !isObject(given)) return { rule: 'stretch' }; // an old `size`: both sides
      return {
        rule: 'crop',
        shorter: Math.max(longest, Math.round((told * Math.min(height, width)) / Math.min(...size))),
      };
    },
    notes,
  };
}

const resampleNames: Record<string, string> = { 0: 'nearest', 1: 'Lanczos', 4: 'box', 5: 'Hamming' };

/**
 * Reads the metadata that a model carries: a whole config under one of the usual names, ONNX's own image metadata
 * (Image.BitmapPixelFormat, Image.NominalPixelRange), or mean and std as lists.
 */
export function readMetadata(metadata: ReadonlyMap<string, string>, channels: number): (Told & { key: string }) | null {
  const lower = new Map([...metadata].map(([key, value]) => [key.toLowerCase(), [key, value] as const]));
  for (const name of ['preprocessor_config', 'preprocessing', 'pretrained_cfg', 'data_config', 'userdefinedmetadata']) {
    const [key, value] = lower.get(name) ?? [];
    const told = key !== undefined && readConfig(value!, channels);
    if (told) return { ...told, key };
  }
  const list = (name: string): number[] | null => {
    const value = lower.get(name)?.[1];
    return value === undefined
      ? null
      : numbersOf(value.match(/-?\d+(?:\.\d+)?(?:e[-+]?\d+)?/gi)?.map(Number), channels);
  };
  const mean = list('mean') ?? list('image_mean') ?? list('pixel_mean');
  const std = list('std') ?? list('image_std') ?? list('pixel_std');
  const format = lower.get('image.bitmappixelformat')?.[1].toLowerCase() ?? '';
  const order = format.startsWith('bgr') ? 'bgr' : channels === 1 ? 'gray' : 'rgb';
  if (mean) {
    // Means of bytes are tens; those of 0..1 are at most one.
    const bytes = mean.some((value) => Math.abs(value) > 1.5);
    return {
      key: 'mean',
      numbers: { channels: order, scale: bytes ? 1 : 1 / 255, mean, std: std ?? mean.map(() => 1) },
      size: null,
      resize: plainResize,
      notes: ['how the picture is resized is not told'],
    };
  }
  const range = lower.get('image.nominalpixelrange');
  if (!range) return null;
  const name = range[1].toLowerCase();
  const flat = (scale: number, middle: number, width: number): Told['numbers'] => ({
    channels: order,
    scale,
    mean: Array<number>(channels).fill(middle),
    std: Array<number>(channels).fill(width),
  });
  const numbers = name.includes('1_1')
    ? flat(1 / 255, 0.5, 0.5)
    : name.includes('0_1')
      ? flat(1 / 255, 0, 1)
      : name.includes('0_255')
        ? flat(1, 0, 1)
        : null;
  return (
    numbers && {
      key: range[0],
      numbers,
      size: null,
      resize: plainResize,
      notes: ['how the picture is resized is not told'],
    }
  );
}

/** Where nothing is told: shorter side 8/7 of the input, centre crop. */
export const plainResize = (size: readonly [number, number]): Preprocessing['resize'] => ({
  rule: 'crop',
  shorter: Math.max(Math.max(...size), Math.round((Math.min(...size) * 256) / 224)),
});

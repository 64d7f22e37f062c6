import type { Preprocessing } from '../../preload/contract';

/** What is wrong, by the name of the field; empty where nothing is. */
export type Problems = Record<string, string>;

const isSide = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= 8192;

export function checkPreprocessing(
  { size, resize, scale, mean, std, background }: Preprocessing,
  channels: number,
): Problems {
  const problems: Problems = {};
  if (!size.every(isSide)) problems['size'] = 'The sides are whole numbers from 1 to 8192.';
  if (resize.rule === 'crop') {
    if (!isSide(resize.shorter)) problems['shorter'] = 'A whole number from 1 to 8192.';
    else if (resize.shorter < Math.max(...size))
      problems['shorter'] = `At least ${Math.max(...size)}, else the cut of that size does not fit in.`;
  }
  if (!Number.isFinite(scale) || scale === 0) problems['scale'] = 'A number other than 0.';
  if (mean.length !== channels || !mean.every(Number.isFinite))
    problems['mean'] = `A number for each of the ${channels} channels.`;
  if (std.length !== channels || !std.every((value) => Number.isFinite(value) && value !== 0))
    problems['std'] = `A number other than 0 for each of the ${channels} channels.`;
  if (!background.every((value) => Number.isInteger(value) && value >= 0 && value <= 255))
    problems['background'] = 'Whole numbers from 0 to 255.';
  return problems;
}

export function checkSettings({ k, batch }: { k: number; batch: number | null }): Problems {
  const problems: Problems = {};
  if (!Number.isInteger(k) || k < 1 || k > 100) problems['k'] = 'A whole number from 1 to 100.';
  if (batch !== null && (!Number.isInteger(batch) || batch < 1 || batch > 256))
    problems['batch'] = 'A whole number from 1 to 256, or nothing.';
  return problems;
}

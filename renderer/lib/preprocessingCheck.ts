import { t } from '../i18n';
import type { Preprocessing } from '../../preload/contract';

/** What is wrong, by the name of the field; empty where nothing is. */
export type Problems = Record<string, string>;

const isSide = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= 8192;

export function checkPreprocessing(
  { size, resize, scale, mean, std, background }: Preprocessing,
  channels: number,
): Problems {
  const problems: Problems = {};
  if (!size.every(isSide)) problems['size'] = t('create.problems.sides');
  if (resize.rule === 'crop') {
    if (!isSide(resize.shorter)) problems['shorter'] = t('create.problems.side');
    else if (resize.shorter < Math.max(...size))
      problems['shorter'] = t('create.problems.shorter', { least: Math.max(...size) });
  }
  if (!Number.isFinite(scale) || scale === 0) problems['scale'] = t('create.problems.scale');
  if (mean.length !== channels || !mean.every(Number.isFinite))
    problems['mean'] = t('create.problems.mean', { n: channels });
  if (std.length !== channels || !std.every((value) => Number.isFinite(value) && value !== 0))
    problems['std'] = t('create.problems.std', { n: channels });
  if (!background.every((value) => Number.isInteger(value) && value >= 0 && value <= 255))
    problems['background'] = t('create.problems.background');
  return problems;
}

export function checkSettings({ k, batch }: { k: number; batch: number | null }): Problems {
  const problems: Problems = {};
  if (!Number.isInteger(k) || k < 1 || k > 100) problems['k'] = t('create.problems.k');
  if (batch !== null && (!Number.isInteger(batch) || batch < 1 || batch > 256))
    problems['batch'] = t('create.problems.batch');
  return problems;
}

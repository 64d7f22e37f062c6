import type { Preprocessing } from '../../preload/contract';
import { t } from '../i18n';
import { field, pixels, thin } from './numbers';

export const channelName = (channels: Preprocessing['channels']): string =>
  channels === 'gray' ? t('create.preprocessing.grey') : channels.toUpperCase();

const numbers = (values: readonly number[]): string =>
  values.map((value) => String(Number(value.toPrecision(6)))).join(' ');

/** "227 px, RGB, mean 123 117 104": what tells one preprocessing from another at a glance. */
export function preprocessingSummary({ size, channels, scale, mean, std }: Preprocessing): string {
  const parts = [field(size), channelName(channels)];
  if (scale !== 1) parts.push(scaleText(scale));
  if (mean.some((value) => value !== 0)) parts.push(t('create.preprocessing.summaryMean', { values: numbers(mean) }));
  if (std.some((value) => value !== 1)) parts.push(t('create.preprocessing.summaryStd', { values: numbers(std) }));
  return parts.join(', ');
}

/** 1/255 is told as such. */
export function scaleText(scale: number): string {
  const inverse = 1 / scale;
  if (scale > 0 && scale < 1 && Math.abs(inverse - Math.round(inverse)) < 1e-4) return `÷${thin}${Math.round(inverse)}`;
  return `×${thin}${Number(scale.toPrecision(6))}`;
}

export function preprocessingRows(preprocessing: Preprocessing): [string, string][] {
  const { size, resize, filter, channels, scale, mean, std, meanImage, background } = preprocessing;
  const resized = {
    crop: () => t('create.preprocessing.cropped', { side: pixels(resize.rule === 'crop' ? resize.shorter : 0) }),
    stretch: () => t('create.preprocessing.stretched'),
    letterbox: () => t('create.preprocessing.letterboxed'),
  }[resize.rule]();
  return [
    [t('create.preprocessing.input'), field(size)],
    [t('create.preprocessing.resize'), filter ? t('create.preprocessing.bicubic', { resized }) : resized],
    [t('create.preprocessing.channels'), channelName(channels)],
    [t('create.preprocessing.values'), t('create.preprocessing.valuesNote', { scale: scaleText(scale) })],
    [t('create.preprocessing.mean'), numbers(mean)],
    ...(meanImage ? ([[t('create.preprocessing.meanPixel'), meanImage.file]] as [string, string][]) : []),
    [t('create.preprocessing.std'), numbers(std)],
    [t('create.preprocessing.background'), numbers(background)],
  ];
}

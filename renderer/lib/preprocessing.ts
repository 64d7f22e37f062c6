import type { FoundPreset, Preprocessing } from '../../preload/contract';
import { shape, thin } from './numbers';

export const channelNames: Record<Preprocessing['channels'], string> = {
  rgb: 'RGB',
  bgr: 'BGR',
  gray: 'grey',
  rgba: 'RGBA',
};
export const sourceNames: Record<FoundPreset['source'], string> = {
  model: 'In the model',
  beside: 'Beside the model',
  catalogue: 'Catalogue',
  habit: 'Habit',
};
export const resizeNames: Record<Preprocessing['resize']['rule'], string> = {
  crop: 'Shorter side, crop',
  stretch: 'Stretch',
  letterbox: 'Letterbox',
};

const numbers = (values: readonly number[]): string =>
  values.map((value) => String(Number(value.toPrecision(6)))).join(' ');
const side = ([height, width]: readonly [number, number]): string =>
  height === width ? `${height}${thin}px` : `${shape([height, width])}${thin}px`;

/** "227 px, RGB, mean 123 117 104": what tells one preprocessing from another at a glance. */
export function preprocessingSummary({ size, channels, scale, mean, std }: Preprocessing): string {
  const parts = [side(size), channelNames[channels]];
  if (scale !== 1) parts.push(scaleText(scale));
  if (mean.some((value) => value !== 0)) parts.push(`mean ${numbers(mean)}`);
  if (std.some((value) => value !== 1)) parts.push(`std ${numbers(std)}`);
  return parts.join(', ');
}

/** 1/255 is told as such. */
export function scaleText(scale: number): string {
  const inverse = 1 / scale;
  if (scale > 0 && scale < 1 && Math.abs(inverse - Math.round(inverse)) < 1e-4) return `÷${thin}${Math.round(inverse)}`;
  return `×${thin}${Number(scale.toPrecision(6))}`;
}

export function preprocessingRows(preprocessing: Preprocessing): [string, string][] {
  const { size, resize, channels, scale, mean, std, meanImage, background } = preprocessing;
  const resized = {
    crop: () => `shorter side to ${resize.rule === 'crop' ? resize.shorter : ''}${thin}px, then the centre is cut out`,
    stretch: () => 'stretched, whatever its shape',
    letterbox: () => 'whole, with bars',
  }[resize.rule]();
  return [
    ['Input', side(size)],
    ['Resize', resized],
    ['Channels', channelNames[channels]],
    ['Values', `(value ${scaleText(scale)} − mean) ÷ std`],
    ['Mean', numbers(mean)],
    ...(meanImage ? ([['Mean of each pixel', meanImage.file]] as [string, string][]) : []),
    ['Std', numbers(std)],
    ['Background', numbers(background)],
  ];
}

import type { Preprocessing, Preset } from '../../../preload/contract';

type Numbers = Pick<Preprocessing, 'channels' | 'scale' | 'mean' | 'std'>;
interface Recipe {
  id: string;
  label: string;
  note: string;
  numbers: Numbers;
  /** Shorter side before the centre crop, for an input of this many px; null: stretch. */
  shorter: ((side: number) => number) | null;
}

const rgb = (scale: number, mean: number[], std: number[]): Numbers => ({ channels: 'rgb', scale, mean, std });
const byte = 1 / 255;
const exact = (side: number): number => side;
/** 256 for 224, and the same share for other sizes. */
const withMargin = (side: number): number => Math.round((side * 256) / 224);

const colour: Recipe[] = [
  {
    id: 'torchvision',
    label: 'torchvision',
    note: 'RGB / 255, ImageNet mean and deviation, shorter side 8/7 of the input, centre crop.',
    numbers: rgb(byte, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    shorter: withMargin,
  },
  {
    id: 'unit',
    label: '0 to 1',
    note: 'RGB / 255, stretched to the input.',
    numbers: rgb(byte, [0, 0, 0], [1, 1, 1]),
    shorter: null,
  },
  {
    id: 'darknet',
    label: '0 to 1, centre crop',
    note: 'RGB / 255, shorter side 8/7 of the input, centre crop (Darknet’s classifiers).',
    numbers: rgb(byte, [0, 0, 0], [1, 1, 1]),
    shorter: withMargin,
  },
  {
    id: 'signed',
    label: '−1 to 1',
    note: 'RGB / 127.5 − 1, shorter side 8/7 of the input, centre crop (TensorFlow).',
    numbers: rgb(byte, [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
    shorter: withMargin,
  },
  {
    id: 'bytes',
    label: '0 to 255',
    note: 'RGB as it is, stretched to the input.',
    numbers: rgb(1, [0, 0, 0], [1, 1, 1]),
    shorter: null,
  },
  {
    id: 'caffe',
    label: 'Caffe',
    note: 'BGR 0 to 255 minus (104, 117, 123), shorter side 256 for 224 or 227, centre crop. Caffe itself stretches to 256 x 256 before it crops; here proportions are kept.',
    numbers: { channels: 'bgr', scale: 1, mean: [104, 117, 123], std: [1, 1, 1] },
    shorter: (side) => (side === 227 ? 256 : withMargin(side)),
  },
  {
    id: 'caffe-rgb',
    label: 'Caffe mean, RGB',
    note: 'RGB 0 to 255 minus (123, 117, 104), shorter side to the input, centre crop (SqueezeNet in RGB).',
    numbers: rgb(1, [123, 117, 104], [1, 1, 1]),
    shorter: exact,
  },
];

const single = (scale: number, mean: number, std: number): Numbers => ({
  channels: 'gray',
  scale,
  mean: [mean],
  std: [std],
});
const grey: Recipe[] = [
  {
    id: 'gray-unit',
    label: 'Grey, 0 to 1',
    note: 'Luma / 255, stretched to the input.',
    numbers: single(byte, 0, 1),
    shorter: null,
  },
  {
    id: 'gray-mnist',
    label: 'Grey, MNIST',
    note: 'Luma / 255, mean 0.1307, deviation 0.3081.',
    numbers: single(byte, 0.1307, 0.3081),
    shorter: null,
  },
  {
    id: 'gray-signed',
    label: 'Grey, −1 to 1',
    note: 'Luma / 127.5 − 1.',
    numbers: single(byte, 0.5, 0.5),
    shorter: null,
  },
  { id: 'gray-bytes', label: 'Grey, 0 to 255', note: 'Luma as it is.', numbers: single(1, 0, 1), shorter: null },
];

/** RGB and a fourth channel: opaque everywhere, or 0 (what it is where a mean of 255 is taken off). */
const four: Recipe[] = [
  { id: 'rgba-unit', label: 'RGBA, 0 to 1', opaque: true, scale: byte, top: 1 },
  { id: 'rgba-bytes', label: 'RGBA, 0 to 255', opaque: true, scale: 1, top: 255 },
  { id: 'rgb0-unit', label: 'RGB and 0, 0 to 1', opaque: false, scale: byte, top: 1 },
  { id: 'rgb0-bytes', label: 'RGB and 0, 0 to 255', opaque: false, scale: 1, top: 255 },
].map(({ id, label, opaque, scale, top }) => ({
  id,
  label,
  note: `Four channels: RGB, and ${opaque ? 'opaque everywhere' : 'a fourth that is 0'}; stretched to the input.`,
  numbers: { channels: 'rgba', scale, mean: [0, 0, 0, opaque ? 0 : top], std: [1, 1, 1, 1] },
  shorter: null,
}));

/** The presets that fit an input of this many channels and this size [height, width]. */
export function presetsFor(channels: number, size: readonly [number, number]): Preset[] {
  return (channels === 1 ? grey : channels === 4 ? four : colour).map(({ id, label, note, numbers, shorter }) => ({
    id,
    label,
    note,
    preprocessing: {
      ...numbers,
      mean: [...numbers.mean],
      std: [...numbers.std],
      size: [...size],
      resize: shorter === null ? { rule: 'stretch' } : { rule: 'crop', shorter: shorter(Math.min(...size)) },
      background: [128, 128, 128],
    },
  }));
}

/** What is known of a model when a preset is proposed for it. */
export interface Hints {
  name: string;
  producer: string;
  channels: number;
}

const habits: { pattern: RegExp; preset: string; reason: string }[] = [
  {
    pattern: /squeezenet1[._]0/i,
    preset: 'caffe-rgb',
    reason: 'SqueezeNet 1.0 was trained in Caffe on 0 to 255 less its mean; the order of colours is a guess',
  },
  { pattern: /darknet|yolo/i, preset: 'darknet', reason: 'Darknet networks take RGB from 0 to 1' },
  { pattern: /caffe|bvlc|zfnet/i, preset: 'caffe', reason: 'Caffe networks take BGR, 0 to 255 less the mean' },
  {
    pattern: /keras|tf2onnx|tensorflow|mobilenet_?v1|xception/i,
    preset: 'signed',
    reason: 'TensorFlow networks mostly take −1 to 1',
  },
];

/** A guess from names, and in words that it is one: the user decides. */
export function proposePreset({ name, producer, channels }: Hints): { preset: string; reason: string } {
  if (channels === 1)
    return { preset: 'gray-unit', reason: 'One channel: grey from 0 to 1 is a guess. Compare the preview.' };
  if (channels === 4)
    return { preset: 'rgba-unit', reason: 'Four channels: RGBA from 0 to 1, opaque, is a guess. Compare the preview.' };
  const habit = habits.find(({ pattern }) => pattern.test(name) || pattern.test(producer));
  if (habit) return { preset: habit.preset, reason: `${habit.reason}. A guess from the names in the file.` };
  if (/pytorch/i.test(producer))
    return { preset: 'torchvision', reason: 'Exported from PyTorch, where this is the habit. A guess.' };
  return { preset: 'torchvision', reason: 'The file does not say; this is the most common habit. A guess.' };
}

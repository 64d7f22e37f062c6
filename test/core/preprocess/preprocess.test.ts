import { describe, expect, it } from 'vitest';
import type { Box, Preprocessing } from '../../../preload/contract';
import {
  asSeen,
  channelCount,
  inputBox,
  placement,
  preprocess,
  toOriginal,
} from '../../../main/core/preprocess/preprocess';
import { presetsFor, proposePreset } from '../../../main/core/preprocess/presets';
import { resize, type Rgb } from '../../../main/core/preprocess/resample';
import { random } from '../support';

const plain: Preprocessing = {
  size: [6, 8],
  resize: { rule: 'stretch' },
  channels: 'rgb',
  scale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  background: [10, 20, 30],
};
const crop = (size: [number, number], shorter: number): Preprocessing => ({
  ...plain,
  size,
  resize: { rule: 'crop', shorter },
});
const letterbox = (size: [number, number]): Preprocessing => ({ ...plain, size, resize: { rule: 'letterbox' } });
const noise = (width: number, height: number): Rgb => {
  const next = random(width * 1000 + height);
  return { width, height, rgb: Uint8Array.from({ length: width * height * 3 }, () => Math.floor(next() * 256)) };
};

describe('placement', () => {
  it("is torchvision's: the longer side cut to whole px, the corner rounded half to even", () => {
    // 256 * 500 / 375 = 341.33; (341 - 224) / 2 = 58.5, to even 58; (256 - 224) / 2 = 16.
    expect(placement({ width: 500, height: 375 }, crop([224, 224], 256))).toEqual({ width: 341, height: 256, left: -58, top: -16 }); // prettier-ignore
    expect(placement({ width: 375, height: 500 }, crop([224, 224], 256))).toEqual({ width: 256, height: 341, left: -16, top: -58 }); // prettier-ignore
    // 256 * 512 / 375 = 349.53, cut; (349 - 224) / 2 = 62.5, to even 62.
    expect(placement({ width: 512, height: 375 }, crop([224, 224], 256))).toMatchObject({ width: 349, left: -62 });
    // (227 - 224) / 2 = 1.5, to even 2.
    expect(placement({ width: 300, height: 300 }, crop([224, 224], 227))).toMatchObject({ left: -2, top: -2 });
  });

  it('pads a crop that is larger than the picture', () => {
    expect(placement({ width: 20, height: 10 }, crop([15, 15], 10))).toEqual({ width: 20, height: 10, left: -2, top: 2 }); // prettier-ignore
  });

  it('fits a letterbox and centres it', () => {
    expect(placement({ width: 40, height: 10 }, letterbox([20, 20]))).toEqual({ width: 20, height: 5, left: 0, top: 7 }); // prettier-ignore
    expect(placement({ width: 1, height: 1000 }, letterbox([20, 20]))).toMatchObject({ width: 1, height: 20 });
  });
});

describe('preprocess', () => {
  it('puts the channels in order and normalises each by its own numbers', () => {
    const picture: Rgb = { width: 2, height: 1, rgb: Uint8Array.of(10, 20, 30, 40, 50, 60) };
    const numbers: Preprocessing = { ...plain, size: [1, 2], scale: 0.5, mean: [1, 2, 3], std: [1, 2, 4] };
    expect([...preprocess(picture, numbers)]).toEqual([4, 19, 4, 11.5, 3, 6.75]);
    // The first mean belongs to the network's first channel, which is blue here.
    expect([...preprocess(picture, { ...numbers, channels: 'bgr' })]).toEqual([14, 29, 4, 11.5, 0.5, 4.25]);
  });

  it('makes grey by Rec. 601', () => {
    const picture: Rgb = { width: 5, height: 1, rgb: Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 7, 7, 7) }; // prettier-ignore
    const grey: Preprocessing = { ...plain, size: [1, 5], channels: 'gray', mean: [0], std: [1] };
    expect([...preprocess(picture, grey)]).toEqual([0.299, 0.587, 0.114, 1, 7 / 255].map((v) => Math.round(v * 255)));
  });

  it('draws bars in the background, and the picture between them', () => {
    const picture = noise(16, 4);
    const tensor = preprocess(picture, letterbox([8, 8]));
    const inner = resize(picture, 8, 2).rgb;
    for (let c = 0; c < 3; c++)
      for (let i = 0; i < 64; i++)
        expect(tensor[c * 64 + i]).toBe(i >= 24 && i < 40 ? inner[(i - 24) * 3 + c] : [10, 20, 30][c]);
  });

  it('is cheap for a crop of a very long picture', () => {
    const picture: Rgb = { width: 60_000, height: 1, rgb: new Uint8Array(180_000).fill(77) };
    expect(new Set(preprocess(picture, crop([224, 224], 256)))).toEqual(new Set([77]));
  });
});

const rules: Preprocessing[] = [
  plain,
  crop([6, 8], 9),
  crop([7, 7], 5),
  letterbox([9, 5]),
  { ...crop([6, 6], 8), channels: 'bgr', scale: 1 / 255, mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.4] },
];

describe('asSeen', () => {
  it('undoes the numbers: the resized picture comes back, level for level', () => {
    const picture = noise(23, 17);
    for (const channels of [3, 1])
      for (const { id, preprocessing } of presetsFor(channels, [20, 20])) {
        const seen = asSeen(preprocess(picture, preprocessing), preprocessing);
        const levels = { ...plain, size: preprocessing.size, resize: preprocessing.resize };
        const grey = { ...levels, channels: 'gray' as const, background: preprocessing.background };
        const expected = preprocess(picture, channels === 1 ? grey : levels);
        for (let i = 0; i < 400; i++)
          for (let c = 0; c < 3; c++) expect(seen.rgba[4 * i + c], id).toBe(expected[channels === 1 ? i : c * 400 + i]);
        expect(seen.rgba.every((value, i) => i % 4 < 3 || value === 255)).toBe(true);
      }
  });
});

describe('toOriginal', () => {
  it('takes the place of the picture in the input to the whole original', () => {
    for (const rule of rules)
      for (const original of [noise(23, 17), noise(17, 40), noise(5, 5)]) {
        const at = placement(original, rule);
        const box: Box = [at.top, at.left, at.top + at.height, at.left + at.width];
        toOriginal(box, original, rule).forEach((value, i) =>
          expect(value).toBeCloseTo([0, 0, original.height, original.width][i]!, 9),
        );
      }
  });

  it('says where a pixel of the input came from', () => {
    // A picture that is its own coordinates; resizing keeps a ramp a ramp, away from the borders.
    const original: Rgb = { width: 120, height: 100, rgb: new Uint8Array(36_000) };
    for (let y = 0; y < 100; y++) for (let x = 0; x < 120; x++) original.rgb.set([2 * x, 2 * y, 0], (y * 120 + x) * 3);
    for (const rule of [crop([40, 30], 50), letterbox([60, 60]), { ...plain, size: [30, 70] as [number, number] }]) {
      const tensor = preprocess(original, rule);
      const [height, width] = rule.size;
      const at = placement(original, rule);
      for (let y = Math.max(3, at.top + 3); y < Math.min(height, at.top + at.height) - 3; y++)
        for (let x = Math.max(3, at.left + 3); x < Math.min(width, at.left + at.width) - 3; x++) {
          const [y0, x0, y1, x1] = toOriginal([y, x, y + 1, x + 1], original, rule);
          // Pixel x has the value 2x at its centre, x + 0.5.
          expect(Math.abs(tensor[y * width + x]! - ((x0 + x1) / 2 - 0.5) * 2)).toBeLessThan(1.01);
          expect(Math.abs(tensor[(height + y) * width + x]! - ((y0 + y1) / 2 - 0.5) * 2)).toBeLessThan(1.01);
        }
    }
  });

  it('gives the box of the whole input: inside for a crop, beyond for bars', () => {
    expect(inputBox({ width: 500, height: 250 }, crop([200, 200], 250))).toEqual([25, 150, 225, 350]);
    expect(inputBox({ width: 40, height: 20 }, letterbox([20, 20]))).toEqual([-10, 0, 30, 40]);
  });
});

describe('presets', () => {
  it('fit the input that they are made for', () => {
    for (const [channels, size] of [
      [3, [227, 227]],
      [3, [64, 96]],
      [1, [28, 28]],
    ] as const) {
      const presets = presetsFor(channels, size);
      expect(new Set(presets.map(({ id }) => id)).size).toBe(presets.length);
      for (const { preprocessing } of presets) {
        expect(preprocessing.size).toEqual(size);
        expect(channelCount(preprocessing)).toBe(channels);
        expect([preprocessing.mean.length, preprocessing.std.length]).toEqual([channels, channels]);
        if (preprocessing.resize.rule === 'crop')
          expect(preprocessing.resize.shorter).toBeGreaterThanOrEqual(Math.min(...size));
        expect(preprocess(noise(50, 30), preprocessing)).toHaveLength(channels * size[0] * size[1]);
      }
    }
  });

  it('are those of the frameworks', () => {
    const of = (id: string, side: number) =>
      presetsFor(3, [side, side]).find((preset) => preset.id === id)!.preprocessing;
    const white: Rgb = { width: 8, height: 8, rgb: new Uint8Array(192).fill(255) };
    expect(of('torchvision', 224).resize).toEqual({ rule: 'crop', shorter: 256 });
    expect(of('caffe', 227).resize).toEqual({ rule: 'crop', shorter: 256 });
    expect(preprocess(white, of('torchvision', 224))[0]).toBeCloseTo((1 - 0.485) / 0.229, 6);
    expect(preprocess(white, of('caffe', 227))[0]).toBe(255 - 104);
    expect(preprocess(white, of('caffe-rgb', 227))[0]).toBe(255 - 123);
    expect(preprocess(white, of('signed', 224))[0]).toBe(1);
    expect(preprocess(white, of('darknet', 224))[0]).toBe(1);
  });

  it('are proposed by habit, and said to be a guess', () => {
    const hint = (name: string, producer = '', channels = 3) => proposePreset({ name, producer, channels });
    expect(hint('squeezenet1.0.onnx').preset).toBe('caffe-rgb');
    expect(hint('tinydarknet.onnx').preset).toBe('darknet');
    expect(hint('bvlc_alexnet.onnx').preset).toBe('caffe');
    expect(hint('resnet18.onnx', 'pytorch').preset).toBe('torchvision');
    expect(hint('something.onnx').preset).toBe('torchvision');
    expect(hint('lenet.onnx', '', 1).preset).toBe('gray-unit');
    for (const [name, producer, channels] of [
      ['a', 'pytorch', 3],
      ['darknet', '', 3],
      ['a', '', 1],
      ['a', 'tf2onnx', 3],
    ] as const) {
      // prettier-ignore
      const { preset, reason } = hint(name, producer, channels);
      expect(reason).toMatch(/guess/i);
      expect(presetsFor(channels, [32, 32]).map(({ id }) => id)).toContain(preset);
    }
  });
});

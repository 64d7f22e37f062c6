import { describe, expect, it } from 'vitest';
import { midGrey, signalToPixels } from '../../../main/core/figures/display';
import { levelOf } from '../../../main/core/figures/level';
import type { Signal } from '../../../preload/contract';
import { random } from '../support';

/** A signal of one row from the values of each channel. */
const signal = (...planes: number[][]): Signal => ({
  channels: planes.length,
  height: 1,
  width: planes[0]!.length,
  data: Float32Array.from(planes.flat()),
});
const rgb = { level: 1, contrast: 1, channels: 'rgb' } as const;
const colours = (...args: Parameters<typeof signalToPixels>): number[][] => {
  const { rgba, width } = signalToPixels(...args);
  return Array.from({ length: width }, (_, i) => [...rgba.subarray(4 * i, 4 * i + 4)]);
};

describe('signed signals as colours', () => {
  it('by hand', () => {
    expect(colours(signal([0, 1, -1, 0.5]), rgb)).toEqual([
      [128, 128, 128, 255],
      [255, 255, 255, 255],
      [1, 1, 1, 255],
      [192, 192, 192, 255],
    ]);
  });

  it('zero is mid-grey at any level and contrast, also where the whole signal is zero', () => {
    for (const level of [0, 1e-30, 1, 1e30])
      for (const contrast of [0.1, 1, 20])
        expect(colours(signal([0, -0], [0, 0], [0, 0]), { ...rgb, level, contrast })).toEqual(
          Array(2).fill([midGrey, midGrey, midGrey, 255]),
        );
  });

  it('turning the sign round mirrors every colour about mid-grey', () => {
    const next = random(3);
    const values = Array.from({ length: 3000 }, (_, i) => (i < 600 ? (i - 300) / 254 : (next() * 2 - 1) * 1.5));
    const plus = colours(signal(values), { ...rgb, contrast: 1.3 });
    const minus = colours(signal(values.map((value) => -value)), { ...rgb, contrast: 1.3 });
    plus.forEach(([grey], i) => expect(grey! + minus[i]![0]!).toBe(2 * midGrey));
  });

  it('colours never fall as values rise', () => {
    const values = Array.from({ length: 400 }, (_, i) => i / 100 - 2);
    const greys = colours(signal(values), { ...rgb, contrast: 1.7 }).map(([grey]) => grey!);
    expect(greys).toEqual([...greys].sort((a, b) => a - b));
  });

  it('contrast multiplies, the level divides', () => {
    const values = [0.1, -0.3, 0.02];
    const twice = signalToPixels(signal(values), { ...rgb, contrast: 2 });
    expect(signalToPixels(signal(values), { ...rgb, level: 0.5 })).toEqual(twice);
    expect(signalToPixels(signal(values.map((value) => 2 * value)), rgb)).toEqual(twice);
  });

  it('channels in the order of the network', () => {
    const [red, green, blue] = [[1], [0], [-1]];
    expect(colours(signal(red!, green!, blue!), rgb)).toEqual([[255, 128, 1, 255]]);
    expect(colours(signal(blue!, green!, red!), { ...rgb, channels: 'bgr' })).toEqual([[255, 128, 1, 255]]);
    expect(colours(signal(red!, green!, blue!, [0.5]), rgb)).toEqual([[255, 128, 1, 255]]);
    expect(colours(signal([0.5]), { ...rgb, channels: 'gray' })).toEqual([[192, 192, 192, 255]]);
  });

  it('the level is over all signals and both signs', () => {
    expect(levelOf([signal([1, -3]), signal([2])])).toBe(3);
    expect(levelOf([])).toBe(0);
  });

  it('of many values one in 200 lies beyond the level, zeros do not count, and a tile of few keeps its largest', () => {
    let seed = 1;
    const random = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647;
    for (const count of [1, 199, 200, 201, 5000, 60_000]) {
      // Heavy tails of both signs, among as many zeros.
      const values = Array.from({ length: count }, () => (random() - 0.5) ** 3);
      const sorted = values.map((value) => Math.abs(Math.fround(value))).sort((a, b) => b - a);
      const wanted = sorted[Math.floor(count / 200)]!;
      expect(levelOf([signal(values.flatMap((value) => [value, 0]))])).toBe(wanted);
    }
    // All alike: nothing lies beyond.
    expect(levelOf([signal(Array<number>(1000).fill(-2))])).toBe(2);
  });
});

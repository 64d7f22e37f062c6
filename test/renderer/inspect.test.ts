// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { random } from '../core/support';
import { valuesAt } from '../../renderer/features/units/picture/values';
import {
  fit,
  frame,
  largest,
  pan,
  reveal,
  wholeTile,
  zoomBy,
  type Sizes,
} from '../../renderer/features/units/picture/zoom';
import { rendering } from '../../renderer/lib/draw';
import { divergingPixels, planeOf, scalePixels, viewsOf } from '../../renderer/lib/signedView';

const sizes: Sizes = { place: [400, 600], fitted: fit([400, 600], [50, 60]), tile: [50, 60] };

describe('zoom', () => {
  it('begins with the whole tile in the middle', () => {
    expect(sizes.fitted).toEqual([400, 480]);
    expect(frame(wholeTile(), sizes)).toEqual({ left: 60, top: 0, width: 480, height: 400 });
  });

  it('keeps the point under the pointer where it is, as long as no edge comes in', () => {
    const zoom = wholeTile();
    zoomBy(zoom, 4, sizes);
    const next = random(2);
    for (let turn = 0; turn < 40; turn++) {
      const at = [150 + next() * 100, 250 + next() * 100] as const;
      const before = frame(zoom, sizes);
      const point = [(at[0] - before.top) / before.height, (at[1] - before.left) / before.width];
      zoomBy(zoom, 1.02, sizes, at);
      const after = frame(zoom, sizes);
      expect(after.top + point[0]! * after.height).toBeCloseTo(at[0], 6);
      expect(after.left + point[1]! * after.width).toBeCloseTo(at[1], 6);
    }
  });

  it('goes no further than whole and no closer than its largest, and leaves no gap at an edge', () => {
    const zoom = wholeTile();
    const next = random(5);
    for (let turn = 0; turn < 300; turn++) {
      zoomBy(zoom, 2 ** (2 * next() - 0.9), sizes, [next() * 400, next() * 600]);
      pan(zoom, 900 * (next() - 0.5), 900 * (next() - 0.5), sizes);
      if (next() < 0.2) reveal(zoom, Math.floor(next() * 50), Math.floor(next() * 60), sizes);
      const { left, top, width, height } = frame(zoom, sizes);
      expect(width / 60).toBeLessThanOrEqual(largest + 1e-9);
      expect(width).toBeGreaterThanOrEqual(480 - 1e-9);
      expect(top).toBeLessThanOrEqual(1e-9);
      expect(top + height).toBeGreaterThanOrEqual(400 - 1e-9);
      if (width >= 600) {
        expect(left).toBeLessThanOrEqual(1e-9);
        expect(left + width).toBeGreaterThanOrEqual(600 - 1e-9);
      } else expect(left + width / 2).toBeCloseTo(300, 9);
    }
  });

  it('brings a px into sight', () => {
    const zoom = wholeTile();
    zoomBy(zoom, 8, sizes);
    for (const [y, x] of [
      [0, 0],
      [49, 59],
      [20, 3],
    ] as const) {
      reveal(zoom, y, x, sizes);
      const { left, top, width, height } = frame(zoom, sizes);
      const [py, px] = [top + ((y + 0.5) / 50) * height, left + ((x + 0.5) / 60) * width];
      expect([py >= 0 && py <= 400, px >= 0 && px <= 600]).toEqual([true, true]);
    }
  });

  it('shows squares from four times on', () => {
    expect([rendering(100, 50, 399), rendering(100, 50, 400)]).toEqual(['auto', 'pixelated']);
  });
});

describe('values under the pointer', () => {
  const view = { width: 80, height: 40, original: { width: 800, height: 400 }, inputBox: [0, 20, 40, 60] } as never;
  const signal = { channels: 2, height: 4, width: 4, data: Float32Array.from({ length: 32 }, (_, i) => i) };
  const patch = { width: 8, height: 8, rgba: Uint8Array.from({ length: 256 }, (_, i) => i % 251) };

  it('are those of the px of tile, patch and picture', () => {
    // The input of 20 x 20 px shows the picture's middle square: one px of it are 20 of the original.
    const at = valuesAt([1, 2], [4, 4], [5, 6, 9, 10], { patch, signal, view, size: [20, 20] });
    expect(at.input).toEqual([6, 8]);
    expect(at.signal).toEqual([6, 22]);
    expect(at.original).toEqual([130, 370]);
    const first = 4 * (3 * 8 + 5);
    expect(at.colour).toEqual([0, 1, 2].map((c) => (first + c) % 251));
  });

  it('are none where there is nothing yet, or outside the picture', () => {
    const at = valuesAt([0, 0], [4, 4], [-3, 0, 1, 4], { patch: undefined, signal: undefined, view, size: [20, 20] });
    expect(at).toEqual({ input: [-3, 0], original: null, colour: null, signal: null });
    expect(valuesAt([0, 0], [4, 4], [0, 0, 4, 4], { patch, signal, view: null, size: [20, 20] }).original).toBeNull();
  });
});

describe('a signed scale', () => {
  const signal = { channels: 3, height: 1, width: 3, data: Float32Array.of(1, -2, 0, 2, -2, 0, 6, 1, 0) };

  it('takes one number of the channels', () => {
    const numbers = (view: Parameters<typeof planeOf>[1]) => Array.from(planeOf(signal, view).data);
    expect(numbers('mean')).toEqual([3, -1, 0]);
    expect(numbers('size')).toEqual([6, 2, 0]);
    expect(numbers('first')).toEqual([1, -2, 0]);
    expect(numbers('third')).toEqual([6, 1, 0]);
    expect(planeOf(signal, 'mean')).toBe(planeOf(signal, 'mean'));
  });

  it('is mid-grey at zero, equally far from it on both sides, and ends at level / contrast', () => {
    const plane = { channels: 1, height: 1, width: 6, data: Float32Array.of(0, 2, -2, 4, -4, 9) };
    const { rgba } = divergingPixels(plane, { level: 8, contrast: 2 });
    const pixel = (i: number) => Array.from(rgba.subarray(4 * i, 4 * i + 3));
    expect(pixel(0)).toEqual([128, 128, 128]);
    expect(pixel(3)).toEqual(pixel(5));
    for (const [half, full] of [
      [1, 3],
      [2, 4],
    ] as const)
      pixel(half).forEach((value, c) => expect(Math.abs(2 * (value - 128) - (pixel(full)[c]! - 128))).toBeLessThan(2));
    const ramp = scalePixels('mean');
    expect(Array.from(ramp.rgba.subarray(0, 4))).toEqual([...pixel(4), 255]);
    expect(Array.from(ramp.rgba.subarray(-4))).toEqual([...pixel(3), 255]);
    expect(Array.from(ramp.rgba.subarray(4 * 127, 4 * 128))).toEqual([128, 128, 128, 255]);
    expect(Array.from(scalePixels('size').rgba.subarray(0, 3))).toEqual([128, 128, 128]);
  });

  it('has no choice of channels where there is one', () => {
    expect(viewsOf(1)).toEqual(['colours', 'mean']);
    expect(viewsOf(4)).toEqual(viewsOf(3));
  });
});

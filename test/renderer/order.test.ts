import { describe, expect, it } from 'vitest';
import type { LayerInfo } from '../../preload/contract';
import { meanFiring, orderUnits, silentCount, startLayer } from '../../renderer/lib/order';
import { binsOfTop } from '../../renderer/features/units/unit/bins';
import { around, frameOn, within } from '../../renderer/features/units/picture/frame';

const table = {
  layer: 'a',
  activation: Float32Array.from([3, 0, 9, NaN, 9, 1]),
  firing: Float32Array.from([0.5, 0, 0.1, 0, 0.9, 0.1]),
  mean: new Float32Array(6),
  selectivity: new Float32Array(6),
  bestClass: new Int32Array(6),
};

describe('the order of units', () => {
  it('is that of the index, or by activation, or by sparsity with silent units last', () => {
    expect(orderUnits(6, 'index', table)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(orderUnits(6, 'activation', table)).toEqual([2, 4, 0, 5, 1, 3]);
    expect(orderUnits(6, 'sparsity', table)).toEqual([3, 2, 5, 0, 4, 1]);
    expect(orderUnits(6, 'density', table)).toEqual([4, 0, 2, 5, 1, 3]);
    expect(orderUnits(3, 'activation', null)).toEqual([0, 1, 2]);
  });

  it('is that of selectivity or of likeness to a unit, most first, units without a number last', () => {
    const selective = { ...table, selectivity: Float32Array.from([0.2, NaN, 1, NaN, 0.5, 0]) };
    expect(orderUnits(6, 'selectivity', selective)).toEqual([2, 4, 0, 5, 1, 3]);
    expect(orderUnits(6, 'similarity', table, Float32Array.from([-0.5, 0.25, 0, 1, 0.25, -1]))).toEqual([
      3, 1, 4, 2, 0, 5,
    ]);
    expect(orderUnits(3, 'similarity', table, null)).toEqual([0, 1, 2]);
  });

  it('counts silent units and averages firing', () => {
    expect(silentCount(table)).toBe(1);
    expect(meanFiring(table)).toBeCloseTo(1.6 / 6);
  });
});

describe('the histogram', () => {
  const histogram = { start: -1, width: 0.5, counts: [1, 2, 3, 4] };
  const entry = (activation: number) => ({
    rank: 0,
    picture: 0,
    file: '',
    class: null,
    activation,
    y: 0,
    x: 0,
    box: [0, 0, 1, 1] as [number, number, number, number],
  });
  it('marks the bins of the top entries, the upper end with the last one', () => {
    expect([...binsOfTop(histogram, [entry(1), entry(0.9), entry(-0.2)])]).toEqual([3, 1]);
    expect(binsOfTop({ ...histogram, width: 0 }, [entry(1)]).size).toBe(0);
  });
});

describe('the frame on a whole picture', () => {
  it('lies where the field lies, also where the input is only a part of the picture', () => {
    // A 400 x 300 picture whose middle 300 x 300 is the 100 x 100 input.
    const view = { width: 400, height: 300, inputBox: [0, 50, 300, 350] as [number, number, number, number] };
    expect(frameOn(view, [100, 100], [0, 0, 100, 100])).toEqual({ left: 12.5, top: 0, width: 75, height: 100 });
    const leaving = frameOn(view, [100, 100], [-10, 90, 10, 110]);
    expect(leaving).toEqual({ left: 80, top: -10, width: 15, height: 20 });
    const outer = around([leaving]);
    expect(outer).toEqual({ left: 0, top: -10, width: 100, height: 110 });
    expect(within(leaving, outer)).toMatchObject({ left: 80, top: 0, width: 15 });
    expect(around([])).toEqual({ left: 0, top: 0, width: 100, height: 100 });
  });
});

describe('the layer that a study opens on', () => {
  const layer = (id: string, field: [number, number] | null, refused: string | null = null) =>
    ({ id, field, refused, units: 64 }) as LayerInfo;

  it('is the last whose units see at most two thirds of the picture, and that can be walked', () => {
    const layers = [
      layer('a', [7, 7]),
      layer('b', [60, 60]),
      layer('gate', [62, 62], 'no rule'),
      layer('c', [90, 90]),
      layer('d', null),
    ];
    expect(startLayer(layers, [96, 96])?.id).toBe('b');
    expect(startLayer(layers, [200, 200])?.id).toBe('c');
  });

  it('is not the narrow layer of a block', () => {
    const layers = [
      { ...layer('wide', [50, 50]), units: 512 },
      { ...layer('squeeze', [60, 60]), units: 64 },
    ];
    expect(startLayer(layers, [96, 96])?.id).toBe('wide');
  });

  it('is the first where none fits, and none where there is none', () => {
    expect(startLayer([layer('a', null), layer('b', null)], [96, 96])?.id).toBe('a');
    expect(startLayer([], [96, 96])).toBeNull();
  });
});

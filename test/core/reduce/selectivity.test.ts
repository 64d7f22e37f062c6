import { describe, expect, it } from 'vitest';
import { selectivityOf } from '../../../main/core/reduce/selectivity';
import { random } from '../support';

describe('class selectivity', () => {
  it('is 1 for one class alone, 0 for none preferred, and by hand in between', () => {
    expect(selectivityOf([0, 4, 0])).toEqual({ index: 1, best: 1 });
    expect(selectivityOf([2, 2])).toEqual({ index: 0, best: 0 });
    // (6 - (1 + 3) / 2) / (6 + (1 + 3) / 2)
    expect(selectivityOf([1, 3, 6])).toEqual({ index: 0.5, best: 2 });
  });

  it('leaves classes without pictures out', () => {
    expect(selectivityOf([NaN, 1, 3])).toEqual({ index: 0.5, best: 2 });
  });

  it.each([
    ['no classes', null, -1],
    ['one class', [3], 0],
    ['one class with pictures', [NaN, 3], 1],
    ['a unit that nothing excites', [0, 0, 0], -1],
    ['activations below zero', [-1, 3], 1],
    ['no class with pictures', [NaN, NaN], -1],
  ])('is not defined for %s', (_, means, best) => {
    expect(selectivityOf(means)).toEqual({ index: NaN, best });
  });

  it('lies within 0..1 and does not change when activations are scaled', () => {
    const next = random(3);
    for (let round = 0; round < 200; round++) {
      const means = Array.from({ length: 2 + Math.floor(next() * 9) }, () => next() * 100);
      const { index, best } = selectivityOf(means);
      expect(index).toBeGreaterThanOrEqual(0);
      expect(index).toBeLessThanOrEqual(1);
      expect(means[best]).toBe(Math.max(...means));
      expect(selectivityOf(means.map((mean) => mean * 8)).index).toBeCloseTo(index, 12);
    }
  });
});

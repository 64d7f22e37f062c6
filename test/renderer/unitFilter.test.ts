import { describe, expect, it } from 'vitest';
import { fromHash, homeRoute, toHash } from '../../renderer/lib/route';
import {
  classCounts,
  isFiltering,
  noFilter,
  passes,
  readFilter,
  withFilter,
  type FilterContext,
  type UnitFilter,
} from '../../renderer/lib/unitFilter';

const zeros = new Float32Array(5);
const context: FilterContext = {
  table: {
    layer: 'a',
    activation: Float32Array.from([3, 0, 9, 1, 0]),
    firing: zeros,
    mean: zeros,
    selectivity: zeros,
    bestClass: Int32Array.from([1, -1, 0, 1, -1]),
  },
  classes: ['ant', 'bee'],
  labels: ['ant', 'bee', 'ant', 'crab', 'dog'],
  note: (unit) => ({ layer: 'a', unit, note: '', tags: unit > 2 ? ['edge'] : [], pinned: unit % 2 === 1 }),
};
const shown = (filter: Partial<UnitFilter>): number[] =>
  [0, 1, 2, 3, 4].filter((unit) => passes({ ...noFilter, ...filter }, context, unit));

describe('the filter of units', () => {
  it.each<[Partial<UnitFilter>, number[]]>([
    [{}, [0, 1, 2, 3, 4]],
    [{ silent: 'hide' }, [0, 2, 3]],
    [{ silent: 'only' }, [1, 4]],
    [{ pinned: true }, [1, 3]],
    [{ tag: 'edge' }, [3, 4]],
    [{ tag: 'edge', pinned: true }, [3]],
    [{ class: 'bee' }, [0, 1, 3]],
    [{ class: 'crab' }, [3]],
    [{ class: 'nothing' }, []],
  ])('%j shows %j', (filter, units) => expect(shown(filter)).toEqual(units));

  it('counts a unit once for each class that it would be found under', () => {
    expect(classCounts(context, 5)).toEqual([
      ['bee', 3],
      ['ant', 2],
      ['crab', 1],
      ['dog', 1],
    ]);
    for (const [name, n] of classCounts(context, 5)) expect(shown({ class: name })).toHaveLength(n);
  });

  it('comes back from the address, beside what others keep there', () => {
    const filter: UnitFilter = { silent: 'hide', pinned: true, tag: 'a & b', class: 'bée=1' };
    const route = { ...homeRoute(), more: withFilter({ picture: '3' }, filter) };
    const { more } = fromHash(toHash(route));
    expect(readFilter(more)).toEqual(filter);
    expect(withFilter(more, noFilter)).toEqual({ picture: '3' });
    expect([filter, noFilter].map(isFiltering)).toEqual([true, false]);
    expect(readFilter({ silent: 'nonsense', pinned: 'yes', tag: '', class: '' })).toEqual(noFilter);
  });
});

import { describe, expect, it } from 'vitest';
import { parseRows, readUnits, unitsText } from '../../renderer/features/figure/parseRows';
import { History } from '../../renderer/lib/history';
import { fakeLayers } from './fake-data';

const units = (text: string): unknown[] | string => {
  const parsed = parseRows(text, fakeLayers);
  return 'rows' in parsed
    ? parsed.rows.map(({ layer, units: wanted }) => [layer, wanted])
    : `${parsed.wrong}: ${parsed.what}`;
};
const layer = fakeLayers.find(({ name }) => name === 'conv3')!;

describe('rows as they are typed', () => {
  it('units, several, ranges, the strongest, layers alone', () => {
    expect(units('conv3:17')).toEqual([[layer.id, [17]]]);
    expect(units('conv3: 3, 5-7')).toEqual([3, 5, 6, 7].map((unit) => [layer.id, [unit]]));
    expect(units('CONV3:1 conv3:*8; conv3')).toEqual([
      [layer.id, [1]],
      [layer.id, { first: 8, by: 'activation' }],
      [layer.id, { first: 6, by: 'activation' }],
    ]);
  });

  it.each([
    ['conv33:1', 'layer: conv33'],
    ['17', 'layer: 17'],
    [`conv3:${layer.units}`, `unit: ${layer.units}`],
    ['conv3:9-3', 'unit: 9-3'],
    ['conv3:*0', 'unit: *0'],
    ['conv3:', 'form: conv3:'],
    ['conv3:x', 'form: conv3:x'],
    ['conv3:1 conv3:-2', 'form: conv3:-2'],
    [' ', 'form:  '],
  ])('%j is not understood: %s', (text, wrong) => expect(units(text)).toBe(wrong));

  it('a row’s units are written as they are read', () => {
    for (const text of ['17', '3, 4, 5', '*8']) expect(unitsText(readUnits(text, layer)!)).toBe(text);
    for (const text of ['', 'x', '1.5', '-1', String(layer.units), '*0', '*999'])
      expect(readUnits(text, layer)).toBe(null);
  });
});

describe('what can be undone', () => {
  it('goes back and forth, and a new edit ends what was undone', () => {
    const history = new History<number>();
    for (const state of [0, 1, 2]) history.push(state);
    expect([history.undo(3), history.undo(2), history.redo(1)]).toEqual([2, 1, 2]);
    expect([history.canUndo, history.canRedo]).toEqual([true, true]);
    history.push(2);
    expect([history.canRedo, history.redo(9)]).toEqual([false, undefined]);
  });

  it('edits of the same thing shortly after one another are one', () => {
    const history = new History<number>();
    history.push(0, 'contrast', 0);
    history.push(1, 'contrast', 500);
    history.push(2, 'contrast', 5000);
    history.push(3, 'name', 5001);
    expect([history.undo(4), history.undo(3), history.undo(2), history.undo(0)]).toEqual([3, 2, 0, undefined]);
  });
});

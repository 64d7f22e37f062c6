import { describe, expect, it } from 'vitest';
import { find, labelledLayer, nameScore } from '../../renderer/lib/find';
import { fakeLayers, fakeStudy } from './fake-data';

const context = { layers: fakeLayers, labels: fakeStudy.labels, current: 'conv3' };
const names = (query: string): string[] => find(query, context).map((entry) => entry.title);

describe('find', () => {
  it('lists the layers that have units where nothing is typed', () => {
    expect(names(' ')).toEqual(fakeLayers.filter((layer) => layer.scanned).map((layer) => layer.name));
  });

  it('finds layers by the start of their name, then by parts of it', () => {
    expect(names('conv').slice(0, 2)).toEqual(['conv1', 'conv3']);
    expect(names('expand')[0]).toBe('fire2/expand');
    expect(names('f2e')[0]).toBe('fire2/expand');
    expect(names('zzz')).toEqual([]);
  });

  it.each(['conv3 175', 'conv3#175', 'CONV3 175', 'conv3:175'])('finds the unit in "%s"', (query) => {
    expect(find(query, context)[0]).toMatchObject({ layer: 'conv3', unit: 175 });
  });

  it('finds a number in the layer on the screen first, then in every layer that has as many units', () => {
    const found = find('175', context);
    expect(found[0]).toMatchObject({ layer: 'conv3', unit: 175 });
    expect(found.map((entry) => entry.layer).sort()).toEqual(['conv3', 'fire2/concat', 'fire2/expand']);
  });

  it('finds no unit that is not there', () => {
    expect(find('conv1 64', context).some((entry) => entry.unit === 64)).toBe(false);
    expect(find('conv1 63', context)[0]).toMatchObject({ layer: 'conv1', unit: 63 });
  });

  it('finds output units by the name of their class', () => {
    expect(find('granny', context)[0]).toMatchObject({ layer: 'fc', unit: 5, note: 'Granny Smith' });
    expect(find('fc 5', context)[0]?.note).toBe('Granny Smith');
    expect(labelledLayer(fakeLayers, ['one'])).toBeNull();
  });

  it('finds no pools: they have no units to show', () => {
    expect(names('pool1')).toEqual([]);
  });

  it('scores better matches lower', () => {
    const scores = ['conv', 'conv1', 'my/conv', 'myconv', 'c-o-n-v'].map((name) => nameScore(name, 'conv'));
    expect(scores).not.toContain(null);
    expect([...scores].sort((a, b) => (a ?? 0) - (b ?? 0))).toEqual(scores);
  });
});

import { describe, expect, it } from 'vitest';
import { fromHash, homeRoute, toHash, type Route } from '../../renderer/lib/route';

describe('the address', () => {
  const route: Route = {
    view: 'units',
    study: 'C:\\my studies\\a & b=c#1',
    id: '0123456789abcdef',
    layer: 'fire5/expand3x3?:0',
    unit: 175,
    method: { id: 'guided', leaky: 'own', smooth: 'rectify' },
    sort: 'sparsity',
    show: 'both',
    model: null,
    pictures: null,
    more: { picture: '12', region: '1,2,3,4' },
  };

  it('comes back the same, whatever is in the names', () => {
    expect(fromHash(toHash(route))).toEqual(route);
  });

  it('leaves out what is the default', () => {
    expect(toHash(homeRoute())).toBe('#/home');
    expect(toHash({ ...homeRoute(), view: 'units', study: '/s' })).toBe('#/units?study=%2Fs');
  });

  it.each(['', '#', '#nonsense', '#/units?unit=-1&method=magic&sort=&show=all&leaky=maybe'])(
    'takes "%s" as far as it makes sense',
    (hash) => {
      const { view, ...rest } = fromHash(hash);
      const { view: home, ...defaults } = homeRoute();
      expect(rest).toEqual(defaults);
      expect([home, 'units']).toContain(view);
    },
  );
});

// @vitest-environment happy-dom
import { createPinia, setActivePinia } from 'pinia';
import { beforeEach, describe, expect, it } from 'vitest';
import type { GridItem } from '../../preload/contract';
import { setHost, type Client } from '../../renderer/host/host';
import { TileCache } from '../../renderer/stores/tileCache';
import { useTiles, type Demand } from '../../renderer/stores/tiles';
import { fakeHost } from './fake-host';

interface Asked {
  layer: string;
  units: number[];
  show: string;
  size: number;
  signal: AbortSignal;
  /** `side`: of the patch that comes, in px. */
  tell: (unit: number, side?: number) => void;
  end: () => void;
  fail: (error: Error) => void;
}

/** A client whose grid.tiles is answered by hand: also late, also after it was cancelled. */
function byHand(): { asked: Asked[]; client: Client } {
  const asked: Asked[] = [];
  const client = {
    call: (
      _: string,
      args: { layer: string; units: number[]; show: string; size: number },
      more: { signal: AbortSignal; onItem: (item: GridItem) => void },
    ) =>
      new Promise((end, fail) => {
        asked.push({
          ...args,
          signal: more.signal,
          tell: (unit, side = 1) =>
            more.onItem({
              unit,
              patch: { width: side, height: 1, rgba: Uint8Array.of(args.layer.length, unit, side, 255) },
              signal: { channels: 1, width: 1, height: 1, data: Float32Array.of(unit) },
            }),
          end: () => end(null),
          fail,
        });
      }),
    on: () => () => undefined,
  } as unknown as Client;
  return { asked, client };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, place) => from + place);
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe('tiles of the grid', () => {
  let asked: Asked[];
  let tiles: ReturnType<typeof useTiles>;
  let stamps: Map<number, number>;
  const demand = (change: Partial<Demand>): Demand => ({
    study: '/s',
    layer: 'conv1',
    show: 'patch',
    method: { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' },
    size: 80,
    visible: range(0, 10),
    ahead: range(10, 20),
    stamp: (unit) => stamps.get(unit) ?? 1,
    ...change,
  });

  beforeEach(() => {
    const hand = byHand();
    asked = hand.asked;
    stamps = new Map();
    setHost({ ...fakeHost(), client: hand.client });
    setActivePinia(createPinia());
    tiles = useTiles();
  });

  it('asks once, what is visible first, and keeps what comes', () => {
    tiles.demand(demand({}));
    tiles.demand(demand({}));
    expect(asked).toHaveLength(1);
    expect(asked[0]?.units).toEqual(range(0, 20));
    asked[0]?.tell(3);
    expect(tiles.known.tile(demand({}), 'patch', 3)?.patch?.rgba[1]).toBe(3);
    expect(tiles.known.tile(demand({}), 'patch', 4)).toBeUndefined();
  });

  it('lets a call be while scrolling stays within it, then asks for the rest', async () => {
    tiles.demand(demand({}));
    tiles.demand(demand({ visible: range(3, 13), ahead: range(13, 23) }));
    expect(asked[0]?.signal.aborted).toBe(false);
    for (const unit of range(0, 20)) asked[0]?.tell(unit);
    asked[0]?.end();
    await settle();
    expect(asked[1]?.units).toEqual([20, 21, 22]);
  });

  it('cancels on a jump; what the old call still sends is never shown', () => {
    tiles.demand(demand({}));
    tiles.demand(demand({ visible: range(500, 510), ahead: [] }));
    expect(asked[0]?.signal.aborted).toBe(true);
    expect(asked[1]?.units).toEqual(range(500, 510));
    asked[0]?.tell(500);
    asked[0]?.tell(0);
    expect(tiles.known.tile(demand({}), 'patch', 500)).toBeUndefined();
    expect(tiles.known.tile(demand({}), 'patch', 0)).toBeUndefined();
  });

  it('shows no tile of another layer or method', () => {
    tiles.demand(demand({ show: 'both' }));
    asked[0]?.tell(5);
    expect(tiles.known.tile(demand({}), 'signal', 5)?.signal?.data[0]).toBe(5);
    expect(tiles.known.tile(demand({ layer: 'conv2' }), 'patch', 5)).toBeUndefined();
    expect(
      tiles.known.tile(demand({ method: { id: 'guided', leaky: 'strict', smooth: 'rectify' } }), 'signal', 5),
    ).toBeUndefined();
    // A patch does not depend on the method.
    expect(
      tiles.known.tile(demand({ method: { id: 'guided', leaky: 'strict', smooth: 'rectify' } }), 'patch', 5)?.patch
        ?.rgba[1],
    ).toBe(5);
  });

  it('larger, keeps the tile that it has until a sharper one comes, and asks for holes first', async () => {
    const side = (unit: number): number | undefined => tiles.known.tile(demand({}), 'patch', unit)?.patch?.width;
    tiles.demand(demand({ visible: range(0, 5), ahead: [] }));
    for (const unit of range(0, 5)) asked[0]?.tell(unit, 80);
    asked[0]?.end();
    await settle();
    tiles.demand(demand({ size: 192, visible: [3, 4, 5], ahead: [] }));
    expect(asked[1]).toMatchObject({ size: 192, units: [5, 3, 4] });
    expect(side(3)).toBe(80);
    asked[1]?.tell(3, 192);
    expect(side(3)).toBe(192);
  });

  it('smaller, asks anew only where the tile is more than twice too large', async () => {
    tiles.demand(demand({ visible: [1], ahead: [] }));
    asked[0]?.tell(1, 80);
    asked[0]?.end();
    await settle();
    tiles.demand(demand({ size: 48, visible: [1], ahead: [] }));
    expect(asked).toHaveLength(1);
    tiles.demand(demand({ size: 32, visible: [1], ahead: [] }));
    expect(asked[1]).toMatchObject({ size: 32, units: [1] });
  });

  it('does not ask for more px than the network has: what came smaller than asked for is all of it', async () => {
    tiles.demand(demand({ visible: [1, 2], ahead: [] }));
    asked[0]?.tell(1, 27);
    asked[0]?.tell(2, 80);
    asked[0]?.end();
    await settle();
    tiles.demand(demand({ size: 384, visible: [1, 2], ahead: [] }));
    expect(asked[1]?.units).toEqual([2]);
  });

  it('asks only for the half that is missing', async () => {
    tiles.demand(demand({ ahead: [] }));
    for (const unit of range(0, 10)) asked[0]?.tell(unit);
    asked[0]?.end();
    await settle();
    tiles.demand(demand({ ahead: [], show: 'both' }));
    expect(asked[1]?.show).toBe('reconstruction');
  });

  it('asks again for units whose activation changed, and shows the old tile until then', async () => {
    tiles.demand(demand({ ahead: [] }));
    for (const unit of range(0, 10)) asked[0]?.tell(unit);
    asked[0]?.end();
    await settle();
    expect(asked).toHaveLength(1);
    stamps.set(7, 2);
    tiles.demand(demand({ ahead: [] }));
    expect(asked[1]?.units).toEqual([7]);
    expect(tiles.known.tile(demand({}), 'patch', 7)?.patch?.rgba[1]).toBe(7);
  });

  it('is not cancelled by a scan that outdates tiles all the time', async () => {
    tiles.demand(demand({ ahead: [] }));
    for (const unit of range(0, 5)) asked[0]?.tell(unit);
    stamps.set(2, 2);
    tiles.demand(demand({ ahead: [] }));
    expect(asked[0]?.signal.aborted).toBe(false);
    for (const unit of range(5, 10)) asked[0]?.tell(unit);
    asked[0]?.end();
    await settle();
    expect(asked[1]?.units).toEqual([2]);
  });

  it('does not ask for ever for a unit that has nothing', async () => {
    tiles.demand(demand({ visible: [1, 2], ahead: [] }));
    asked[0]?.tell(1);
    asked[0]?.end();
    await settle();
    expect(tiles.known.tile(demand({}), 'patch', 2)?.patch).toBeNull();
    expect(asked).toHaveLength(1);
  });

  it('says what went wrong, does not ask on by itself, and asks again when told to', async () => {
    tiles.demand(demand({}));
    asked[0]?.fail(Object.assign(new Error('no'), { info: { code: 'x', message: 'no', hint: 'do' } }));
    await settle();
    expect(tiles.error).toMatchObject({ code: 'x', hint: 'do' });
    tiles.demand(demand({ visible: range(5, 15) }));
    expect(asked).toHaveLength(1);
    tiles.retry();
    expect(asked).toHaveLength(2);
    expect(tiles.error).toBeNull();
    asked[1]?.fail(Object.assign(new Error('no')));
    await settle();
    tiles.demand(demand({ layer: 'conv2' }));
    expect(asked).toHaveLength(3);
  });
});

describe('the memory for tiles', () => {
  it('holds its limit, gives up the least recently used and never what is on the screen', () => {
    const cache = new TileCache(10_000);
    const patch = { width: 16, height: 16, rgba: new Uint8Array(1024) };
    const keys = Array.from({ length: 30 }, (_, place) => `tile ${place}`);
    for (const key of keys) cache.put(key, { patch, stamp: 1, size: 16 });
    const seen = keys.slice(0, 3);
    cache.keep(seen);
    expect(cache.bytes).toBeLessThanOrEqual(10_000);
    for (const key of seen) expect(cache.get(key)).toBeDefined();
    expect(cache.get('tile 4')).toBeUndefined();
    expect(cache.get('tile 29')).toBeDefined();
    cache.put('tile 29', { patch: null, stamp: 2, size: 16 });
    cache.clear();
    expect([cache.bytes, cache.size]).toEqual([0, 0]);
  });
});

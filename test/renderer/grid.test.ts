import { describe, expect, it } from 'vitest';
import {
  askedSize,
  gridShape,
  nearestShape,
  steppedTile,
  unitsInRows,
} from '../../renderer/features/units/grid/gridShape';
import { pinchOf } from '../../renderer/lib/pinch';
import { fillSlots } from '../../renderer/lib/tileRows';
import { tileRange } from '../../renderer/stores/look';

const widths = Array.from({ length: 68 }, (_, i) => 80 + 37 * i);

describe('the shape of the grid', () => {
  it('fills any width with columns that are no smaller than asked for', () => {
    for (const width of widths)
      for (const tile of [tileRange[0], 72, 128, tileRange[1]])
        for (const both of [false, true]) {
          const shape = gridShape(width, tile, both);
          const used = shape.columns * shape.width + (shape.columns - 1) * shape.gap;
          expect(used).toBeLessThanOrEqual(width);
          expect(width - used).toBeLessThan(shape.columns);
          if (shape.columns > 1) expect(shape.width).toBeGreaterThanOrEqual(both ? 2 * tile + 1 : tile);
        }
  });

  it('shows every unit once', () => {
    const order = Array.from({ length: 4096 }, (_, unit) => unit);
    const shown = Array.from({ length: Math.ceil(4096 / 7) }, (_, row) => unitsInRows(order, 7, row, row)).flat();
    expect(shown).toEqual(order);
    expect(unitsInRows(order, 7, -3, 0)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('while it is magnified has the number of columns whose tiles are the nearest, and stays so when it comes to rest', () => {
    for (const width of widths.filter((each) => each > 160))
      for (const both of [false, true])
        for (let side = tileRange[0]; side <= tileRange[1]; side *= 1.07) {
          const near = nearestShape(width, side, both);
          const far = (height: number): number => Math.abs(Math.log(height / side));
          for (const tile of [side * 0.7, side, side * 1.3])
            expect(far(near.height)).toBeLessThanOrEqual(far(gridShape(width, tile, both).height));
          if (near.height >= tileRange[0] && near.height <= tileRange[1])
            expect(gridShape(width, near.height, both)).toEqual(near);
        }
  });

  it('changes at every step, until the tiles are as large or as small as they may be', () => {
    for (const width of [300, 556, 1356])
      for (const both of [false, true])
        for (const by of [1, -1] as const) {
          const seen: number[] = [];
          let tile = 72;
          for (let step = 0; step < 40; step++) {
            seen.push(gridShape(width, tile, both).columns);
            tile = steppedTile(width, tile, both, by);
          }
          const end = gridShape(width, tileRange[by > 0 ? 1 : 0], both).columns;
          const change = seen.slice(0, seen.indexOf(end) + 1);
          expect(seen.at(-1)).toBe(end);
          for (let i = 1; i < change.length; i++) expect((change[i - 1]! - change[i]!) * by).toBeGreaterThan(0);
        }
  });

  it('asks for sizes in steps, never for less than is shown, and within what the engine takes', () => {
    for (let side = 40; side < 1024; side++) expect(askedSize(side, 1)).toBeGreaterThanOrEqual(side);
    const asked = new Set(Array.from({ length: 3000 }, (_, side) => askedSize(side, 1)));
    expect(asked.size).toBe(10);
    expect(askedSize(4000, 3)).toBe(1024);
    expect(askedSize(72, 2)).toBe(askedSize(144, 1));
  });
});

describe('the rows of the grid', () => {
  it('are each in one slot, keep it while they are needed, and hand it on', () => {
    let held: number[] = [];
    let most = 0;
    let moves = 7;
    for (let step = 0; step < 400; step++) {
      moves = (moves * 48271) % 2147483647;
      const first = step % 9 === 0 ? moves % 480 : Math.max(0, (held.find((row) => row >= 0) ?? 0) + (moves % 5) - 2);
      const last = Math.min(511, first + 13 + (moves % 2));
      const next = fillSlots(held, first, last, 512);
      for (let row = first; row <= last; row++) {
        expect(next.filter((each) => each === row)).toHaveLength(1);
        if (held.includes(row)) expect(next.indexOf(row)).toBe(held.indexOf(row));
      }
      held = next;
      most = Math.max(most, held.length);
    }
    expect(most).toBeLessThanOrEqual(15 + 2);
  });

  it('that there are no more of give up their slots', () => {
    const held = fillSlots([], 90, 99, 100);
    expect(
      fillSlots(held, 0, 4, 5)
        .filter((row) => row >= 0)
        .sort(),
    ).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('a pinch', () => {
  it('out and back again comes to where it began, and a notch of a wheel is no leap', () => {
    const turn = (deltaY: number, deltaMode = 0): number => pinchOf({ deltaY, deltaMode });
    expect(turn(3) * turn(-3)).toBeCloseTo(1, 12);
    expect(turn(-2)).toBeGreaterThan(1);
    for (const by of [-120, -53, 240]) expect(Math.abs(Math.log(turn(by)))).toBeLessThan(Math.log(1.25));
    expect(turn(1, 1)).toBe(turn(16));
  });
});

import { defineStore } from 'pinia';
import { markRaw, shallowRef } from 'vue';
import type { ErrorInfo, GridItem, MethodChoice } from '../../preload/contract';
import { useHost } from '../host/host';
import { isCancelled, isEngineGone, toErrorInfo } from '../lib/errors';
import type { Show } from '../lib/route';
import { TileCache, type Tile } from './tileCache';

/** Which tiles a grid shows: everything that they depend on, but the unit and how sharp they are. */
export interface TileKind {
  study: string;
  layer: string;
  show: Show;
  method: MethodChoice;
}

export interface TileSpec extends TileKind {
  /** Longer side of a tile in device px. */
  size: number;
}

export interface Demand extends TileSpec {
  /** Units on the screen, in reading order, then those that come next. */
  visible: readonly number[];
  ahead: readonly number[];
  /** The unit's activation in the table; a tile asked for under another one is stale. */
  stamp: (unit: number) => number;
}

type Kind = 'patch' | 'signal';

interface Flight {
  spec: string;
  pending: Set<number>;
  controller: AbortController;
}

/** Memory for tiles that are not on the screen. */
const limit = 192 * 2 ** 20;

/** One key for all sizes: until the tile is there in another size, the old one is shown in its place. */
export function tileKey(spec: TileKind, kind: Kind, unit: number): string {
  const method = kind === 'patch' ? '' : `${spec.method.id}/${spec.method.leaky}/${spec.method.smooth}`;
  // Means are other pictures than the strongest.
  const of = spec.show === 'mean' ? 'mean ' : '';
  return `${of}${kind}|${method}|${unit}|${spec.layer}|${spec.study}`;
}

/** A tile of more than so many times the px that are wanted is asked for anew: made smaller by the page it would flicker. */
const muchTooLarge = 2;

/** Whether a tile that was asked for at some size does for `size`, too. */
function isSharp({ patch, signal, size }: Tile, wanted: number): boolean {
  const picture = patch ?? signal;
  if (!picture) return true;
  const side = Math.max(picture.width, picture.height);
  // Smaller than it was asked for: it has no more px, however large it is asked for.
  return side <= muchTooLarge * wanted && (size >= wanted || side < size);
}

const kindsOf: Record<Show, readonly Kind[]> = {
  patch: ['patch'],
  reconstruction: ['signal'],
  both: ['patch', 'signal'],
  mean: ['patch', 'signal'],
};

/**
 * Tiles of the grid. It is told what is wanted and asks for what is missing, in one streaming call; a jump cancels that
 * call and asks anew. A tile is kept under the key of the question it answers, so a late one cannot show in a wrong place.
 */
export const useTiles = defineStore('tiles', () => {
  const { client } = useHost();
  const cache = markRaw(new TileCache(limit));
  const error = shallowRef<ErrorInfo | null>(null);
  const busy = shallowRef(false);
  let wanted: Demand | null = null;
  let flight: Flight | null = null;
  let failedSpec = '';

  const specKey = (spec: TileSpec): string =>
    JSON.stringify([spec.study, spec.layer, spec.show, spec.method, spec.size]);

  function isFresh(demand: Demand, kind: Kind, unit: number): boolean {
    const tile = cache.get(tileKey(demand, kind, unit));
    return tile !== undefined && Object.is(tile.stamp, demand.stamp(unit)) && isSharp(tile, demand.size);
  }

  function tile(spec: TileKind, kind: Kind, unit: number): Tile | undefined {
    return cache.get(tileKey(spec, kind, unit));
  }

  const shown = (demand: Demand, unit: number): boolean =>
    kindsOf[demand.show].every((kind) => tile(demand, kind, unit) !== undefined);

  /** Says what is on the screen and what comes next. Cheap: call it at every scroll. */
  function demand(next: Demand): void {
    wanted = next;
    const spec = specKey(next);
    if (failedSpec !== '' && failedSpec !== spec) clearError();
    if (failedSpec === spec) return;
    const kinds = kindsOf[next.show];
    const missing = (unit: number): boolean => kinds.some((kind) => !isFresh(next, kind, unit));
    const visible = next.visible.filter(missing);
    // Holes before tiles that are only out of date, or not sharp.
    const holes = visible.filter((unit) => !shown(next, unit));
    const stale = visible.filter((unit) => shown(next, unit));
    const units = [...holes, ...stale, ...next.ahead.filter(missing)].slice(0, 4096);
    if (flight && !stillGood(flight, next, spec, holes)) stop();
    if (flight || units.length === 0) return;
    void ask(next, spec, units);
  }

  /**
   * A running call is let be while it works on the holes of the screen and not mainly on what has left it. Tiles that are
   * only out of date wait for its end: else a scan, which outdates tiles all the time, would cancel it again and again.
   */
  function stillGood({ spec, pending }: Flight, next: Demand, nextSpec: string, holes: readonly number[]): boolean {
    if (spec !== nextSpec || holes.some((unit) => !pending.has(unit))) return false;
    const near = new Set([...next.visible, ...next.ahead]);
    let passed = 0;
    for (const unit of pending) if (!near.has(unit)) passed++;
    return passed <= next.visible.length / 2;
  }

  function stop(): void {
    flight?.controller.abort();
    flight = null;
    busy.value = false;
  }

  async function ask(demanded: Demand, spec: string, units: number[]): Promise<void> {
    const controller = new AbortController();
    const { signal } = controller;
    const mine: Flight = { spec, pending: new Set(units), controller };
    flight = mine;
    busy.value = true;
    const stamps = new Map(units.map((unit) => [unit, demanded.stamp(unit)]));
    const lacking = (kind: Kind): boolean => units.some((unit) => !isFresh(demanded, kind, unit));
    const show: Show =
      demanded.show !== 'both'
        ? demanded.show
        : !lacking('patch')
          ? 'reconstruction'
          : !lacking('signal')
            ? 'patch'
            : 'both';
    const { study, layer, method, size } = demanded;

    const accept = (item: GridItem): void => {
      const stamp = stamps.get(item.unit);
      if (signal.aborted || stamp === undefined) return;
      mine.pending.delete(item.unit);
      for (const kind of kindsOf[show])
        cache.put(tileKey(demanded, kind, item.unit), { stamp, size, [kind]: item[kind] ?? null });
    };
    try {
      await client.call('grid.tiles', { study, layer, units, show, method, size }, { signal, onItem: accept });
      for (const unit of mine.pending) accept({ unit });
    } catch (thrown) {
      if (!isCancelled(thrown, signal) && !isEngineGone(thrown)) {
        error.value = toErrorInfo(thrown);
        failedSpec = spec;
      }
    }
    if (flight !== mine) return;
    flight = null;
    busy.value = false;
    if (wanted) {
      const seen = wanted;
      const kinds: readonly Kind[] = ['patch', 'signal'];
      cache.keep([...seen.ahead, ...seen.visible].flatMap((unit) => kinds.map((kind) => tileKey(seen, kind, unit))));
      demand(seen);
    }
  }

  function clearError(): void {
    error.value = null;
    failedSpec = '';
  }

  /** After an error, or after the engine was started again. */
  function retry(): void {
    clearError();
    stop();
    if (wanted) demand(wanted);
  }

  /** Another study: nothing of the old one stays. */
  function clear(): void {
    stop();
    clearError();
    wanted = null;
    cache.clear();
  }

  // Pinia would wrap a function, and this one is called for every tile of every row that comes.
  const known = markRaw({ tile });
  return { error, busy, known, demand, retry, clear };
});

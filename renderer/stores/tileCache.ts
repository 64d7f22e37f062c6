import { shallowReactive } from 'vue';
import type { Pixels, Signal } from '../../preload/contract';

/** What a tile draws. */
export interface Tile {
  /** Null: there is nothing to show (the unit has no input that excites it). */
  patch?: Pixels | null;
  signal?: Signal | null;
  /** The unit's activation in the table when it was asked for: when that changes, it is stale. */
  stamp: number;
  /** Longer side in px that it was asked for at: it may have no more px than the network has. */
  size: number;
}

const costOf = (tile: Tile): number => 64 + (tile.patch?.rgba.byteLength ?? 0) + (tile.signal?.data.byteLength ?? 0);

/** Tiles by key, the least recently used given up first. Reading a key in an effect or a template follows that key only. */
export class TileCache {
  readonly #tiles = shallowReactive(new Map<string, Tile>());
  /** Keys in the order of use; a Map keeps insertion order. */
  readonly #used = new Map<string, number>();
  #bytes = 0;

  constructor(readonly limit: number) {}

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#used.size;
  }

  get(key: string): Tile | undefined {
    return this.#tiles.get(key);
  }

  put(key: string, tile: Tile): void {
    this.#bytes += costOf(tile) - (this.#used.get(key) ?? 0);
    this.#used.delete(key);
    this.#used.set(key, costOf(tile));
    this.#tiles.set(key, tile);
  }

  /** Marks tiles as in use, then gives up others until the limit holds. */
  keep(keys: readonly string[]): void {
    for (const key of keys) {
      const cost = this.#used.get(key);
      if (cost === undefined) continue;
      this.#used.delete(key);
      this.#used.set(key, cost);
    }
    const needed = new Set(keys);
    for (const [key, cost] of this.#used) {
      if (this.#bytes <= this.limit) return;
      if (needed.has(key)) return;
      this.#used.delete(key);
      this.#tiles.delete(key);
      this.#bytes -= cost;
    }
  }

  clear(): void {
    this.#tiles.clear();
    this.#used.clear();
    this.#bytes = 0;
  }
}

import type { HostEvents } from '../../preload/contract';

type Listener<K extends keyof HostEvents> = (value: HostEvents[K]) => void;

/** Listeners of a host's events. */
export class HostEmitter {
  readonly #listeners = new Map<keyof HostEvents, Set<(value: never) => void>>();

  on<K extends keyof HostEvents>(event: K, listener: Listener<K>): () => void {
    const set = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, set);
    set.add(listener);
    return () => set.delete(listener);
  }

  emit<K extends keyof HostEvents>(event: K, value: HostEvents[K]): void {
    for (const listener of this.#listeners.get(event) ?? []) (listener as Listener<K>)(value);
  }
}

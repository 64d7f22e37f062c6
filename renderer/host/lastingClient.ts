import type { EventName, Events } from '../../preload/contract';
import { createClient, type Client, type RpcPort } from '../../preload/rpc';

/** A client that outlives its port: calls wait for the next port, and listeners are put on each. */
export interface LastingClient extends Client {
  /** A new port; calls that waited go out on it. */
  connect(port: RpcPort): void;
  /** The port is gone: calls wait from now on. */
  disconnect(): void;
}

export function createLastingClient(): LastingClient {
  const listeners = new Map<EventName, Set<(value: never) => void>>();
  let client: Client | null = null;
  let waiting: ((client: Client) => void)[] = [];

  const next = (signal: AbortSignal | undefined): Promise<Client> =>
    client
      ? Promise.resolve(client)
      : new Promise((resolve, reject) => {
          waiting.push(resolve);
          signal?.addEventListener('abort', () => reject(new DOMException('cancelled', 'AbortError')), { once: true });
        });

  return {
    async call(name, args, options = {}) {
      const ready = client ?? (await next(options.signal));
      return ready.call(name, args, options);
    },
    on(event, listener) {
      const set = listeners.get(event) ?? new Set();
      // The first listener to an event has it brought from the port that is there; later ports bring it from the start.
      if (!listeners.has(event) && client) relay(client, event);
      listeners.set(event, set);
      set.add(listener);
      return () => set.delete(listener);
    },
    connect(port) {
      const made = createClient(port);
      client = made;
      for (const event of listeners.keys()) relay(made, event);
      const all = waiting;
      waiting = [];
      for (const resolve of all) resolve(made);
    },
    disconnect() {
      client = null;
    },
  };

  function relay<K extends EventName>(from: Client, event: K): void {
    from.on(event, (value) => {
      for (const listener of listeners.get(event) ?? []) (listener as (value: Events[K]) => void)(value);
    });
  }
}

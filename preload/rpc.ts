import * as v from 'valibot';
import type { ArgsIn, ArgsOf, CallName, ErrorInfo, EventName, Events, ItemOf, ResultOf } from './contract';
import { calls } from './contract';

/** Anything that carries whole messages both ways: a MessagePort, a child process, a WebSocket with a codec. */
export interface RpcPort {
  post(message: unknown): void;
  listen(handler: (message: unknown) => void): void;
  /** Called once when the other side is gone. */
  onClose(handler: () => void): void;
}

/** What a handler may look at and give back while it works: the caller's cancellation, and its streamed items. */
export interface HandlerContext<K extends CallName> {
  readonly signal: AbortSignal;
  item(value: ItemOf<K>): void;
}

/** One handler for every call that the engine answers; one left out does not compile. */
export type Handlers = {
  readonly [K in CallName]: (args: ArgsOf<K>, context: HandlerContext<K>) => Promise<ResultOf<K>>;
};

/** Messages, told apart by `t`; replies are matched by id. */
const text = v.pipe(v.string(), v.maxLength(256));
const id = v.pipe(v.number(), v.integer(), v.minValue(0));
const request = v.variant('t', [
  v.object({ t: v.literal('call'), id, name: text, args: v.unknown() }),
  v.object({ t: v.literal('cancel'), id }),
]);
const reply = v.variant('t', [
  v.object({ t: v.literal('item'), id, value: v.unknown() }),
  v.object({ t: v.literal('result'), id, value: v.unknown() }),
  v.object({ t: v.literal('error'), id, error: v.looseObject({ code: v.string(), message: v.string() }) }),
  v.object({ t: v.literal('event'), name: text, value: v.unknown() }),
]);

/** An error that came over a port; `info` is for the user. */
export class RpcError extends Error {
  readonly info: ErrorInfo;
  constructor(info: ErrorInfo) {
    super(info.message);
    this.name = 'RpcError';
    this.info = info;
  }
}

export interface Client {
  call<K extends CallName>(
    name: K,
    args: ArgsIn<K>,
    options?: { signal?: AbortSignal; onItem?: (item: ItemOf<K>) => void },
  ): Promise<ResultOf<K>>;
  /** Returns a function that takes the listener off again. */
  on<K extends EventName>(event: K, listener: (value: Events[K]) => void): () => void;
}

export const cancelled: ErrorInfo = { code: 'cancelled', message: 'Cancelled.' };
export const engineGone: ErrorInfo = {
  code: 'engine-gone',
  message: 'The engine stopped before it answered.',
  hint: 'It is started again by itself; try once more.',
};

/** The calling side. `gone` is what open calls are told when the port closes. */
export function createClient(port: RpcPort, gone: ErrorInfo = engineGone): Client {
  interface Open {
    resolve(value: unknown): void;
    reject(error: Error): void;
    item: ((value: unknown) => void) | undefined;
  }
  const open = new Map<number, Open>();
  const listeners = new Map<string, Set<(value: unknown) => void>>();
  let next = 0;
  let closed = false;

  port.listen((message) => {
    const parsed = v.safeParse(reply, message);
    if (!parsed.success) return;
    const frame = parsed.output;
    if (frame.t === 'event') {
      for (const listener of listeners.get(frame.name) ?? []) listener(frame.value);
      return;
    }
    const call = open.get(frame.id);
    if (!call) return; // an answer to a call that was given up
    if (frame.t === 'item') {
      call.item?.(frame.value);
      return;
    }
    open.delete(frame.id);
    if (frame.t === 'result') call.resolve(frame.value);
    else call.reject(new RpcError(frame.error as unknown as ErrorInfo));
  });
  port.onClose(() => {
    closed = true;
    for (const call of open.values()) call.reject(new RpcError(gone));
    open.clear();
  });

  return {
    call(name, args, options = {}) {
      return new Promise((resolve, reject) => {
        const { signal } = options;
        if (signal?.aborted) return reject(new RpcError(cancelled));
        if (closed) return reject(new RpcError(gone));
        const number = next++;
        const abort = (): void => {
          open.delete(number);
          port.post({ t: 'cancel', id: number });
          reject(new RpcError(cancelled));
        };
        const done = (): void => signal?.removeEventListener('abort', abort);
        signal?.addEventListener('abort', abort, { once: true });
        open.set(number, {
          resolve: (value) => (done(), resolve(value as ResultOf<typeof name>)),
          reject: (error) => (done(), reject(error)),
          item: options.onItem as ((value: unknown) => void) | undefined,
        });
        port.post({ t: 'call', id: number, name, args });
      });
    },
    on(event, listener) {
      const set = listeners.get(event) ?? new Set();
      listeners.set(event, set);
      set.add(listener as (value: unknown) => void);
      return () => set.delete(listener as (value: unknown) => void);
    },
  };
}

/**
 * The answering side. Unknown calls are refused, arguments are checked against the contract, each call can be cancelled,
 * and no error is lost: `describe` puts it into words.
 */
export function serveCalls(
  port: RpcPort,
  handlers: Handlers | Promise<Handlers>,
  describe: (error: unknown, call: string) => ErrorInfo,
): { emit<K extends EventName>(event: K, value: Events[K]): void } {
  const running = new Map<number, AbortController>();
  port.onClose(() => {
    for (const controller of running.values()) controller.abort();
    running.clear();
  });

  async function answer(frame: { id: number; name: string; args: unknown }): Promise<void> {
    if (running.has(frame.id)) return; // ids are the client's to keep apart
    if (!Object.hasOwn(calls, frame.name)) {
      port.post({
        t: 'error',
        id: frame.id,
        error: { code: 'unknown-call', message: `There is no call "${frame.name}".` } satisfies ErrorInfo,
      });
      return;
    }
    const name = frame.name as CallName;
    const args = v.safeParse(calls[name].args, frame.args);
    if (!args.success) {
      port.post({ t: 'error', id: frame.id, error: badArguments(name, args.issues) });
      return;
    }
    const controller = new AbortController();
    running.set(frame.id, controller);
    const send = (message: unknown): void => {
      if (running.get(frame.id) === controller && !controller.signal.aborted) port.post(message);
    };
    try {
      // One union of handlers cannot be called with one union of arguments; the schema has just matched name and arguments.
      const handler = (await handlers)[name] as (
        args: unknown,
        context: { signal: AbortSignal; item(value: unknown): void },
      ) => Promise<unknown>;
      const value = await handler(args.output, {
        signal: controller.signal,
        item: (item) => send({ t: 'item', id: frame.id, value: item }),
      });
      send({ t: 'result', id: frame.id, value });
    } catch (error) {
      send({ t: 'error', id: frame.id, error: describe(error, name) });
    } finally {
      running.delete(frame.id);
    }
  }

  port.listen((message) => {
    const parsed = v.safeParse(request, message);
    if (!parsed.success) return;
    if (parsed.output.t === 'call') void answer(parsed.output as { id: number; name: string; args: unknown });
    else running.get(parsed.output.id)?.abort();
  });

  return { emit: (event, value) => port.post({ t: 'event', name: event, value }) };
}

export function badArguments(call: string, issues: readonly v.BaseIssue<unknown>[]): ErrorInfo {
  const [issue] = issues;
  const field = issue ? (v.getDotPath(issue) ?? '') : '';
  return {
    code: 'bad-arguments',
    message: `"${call}" was asked with something that does not fit${field ? ` in "${field}"` : ''}: ${issue?.message ?? 'unknown'}.`,
    ...(field && { place: { field } }),
  };
}

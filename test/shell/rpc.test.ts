import { describe, expect, it, vi } from 'vitest';
import type { ErrorInfo } from '../../preload/contract';
import { createClient, serveCalls, type Handlers, type RpcError } from '../../preload/rpc';
import { portPair } from './ports';

const describeError = (error: unknown, call: string): ErrorInfo => ({
  code: 'told',
  message: `${call}: ${(error as Error).message}`,
});

/** A client and a server of these handlers, joined. */
function join(handlers: Partial<Handlers>) {
  const [near, far] = portPair();
  const server = serveCalls(far, handlers as Handlers, describeError);
  return { near, far, server, client: createClient(near) };
}

const failure = (promise: Promise<unknown>): Promise<ErrorInfo> =>
  promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: RpcError) => error.info,
  );

describe('typed calls over a port', () => {
  it('answers go to their calls, in whatever order they come', async () => {
    const waiting: (() => void)[] = [];
    const { client } = join({
      'study.open': ({ path }) => new Promise((resolve) => waiting.push(() => resolve({ name: path } as never))),
    });
    const both = [client.call('study.open', { path: 'first' }), client.call('study.open', { path: 'second' })];
    await vi.waitFor(() => expect(waiting).toHaveLength(2));
    waiting.reverse().forEach((answer) => answer());
    expect(await Promise.all(both)).toMatchObject([{ name: 'first' }, { name: 'second' }]);
  });

  it('items come in order before the result, with their arrays', async () => {
    const { client } = join({
      async 'unit.patches'({ size }, { item }) {
        for (let rank = 0; rank < 3; rank++) {
          await Promise.resolve();
          item({ rank, picture: 0, y: 0, x: 0, patch: { width: size, height: 1, rgba: new Uint8Array([rank]) } });
        }
        return null;
      },
    });
    const seen: unknown[] = [];
    await client.call('unit.patches', { study: 's', layer: 'l', unit: 0, size: 8 }, { onItem: (i) => seen.push(i) });
    expect(seen.map((each) => (each as { patch: { rgba: Uint8Array } }).patch.rgba)).toEqual(
      [0, 1, 2].map((rank) => new Uint8Array([rank])),
    );
  });

  it('defaults are filled in, and handlers see no argument that the contract does not name', async () => {
    const handler = vi.fn(() => Promise.resolve(null as never));
    const { client } = join({ 'unit.reconstructions': handler });
    await client.call('unit.reconstructions', {
      study: 's',
      layer: 'l',
      unit: 1,
      method: { id: 'guided' },
      evil: 'more',
    } as never);
    expect(handler.mock.calls[0]).toMatchObject([
      { study: 's', layer: 'l', unit: 1, method: { id: 'guided', leaky: 'strict', smooth: 'rectify' } },
      {},
    ]);
    expect(handler.mock.calls[0]![0 as never]).not.toHaveProperty('evil');
  });

  it.each([['study.destroy'], ['constructor'], ['__proto__'], ['toString'], ['']])(
    'the call "%s" is unknown, even where an object inherits its name',
    async (name) => {
      const { client } = join({});
      expect(await failure(client.call(name as never, {} as never))).toMatchObject({ code: 'unknown-call' });
    },
  );

  it.each([
    [{ study: 's', layer: 'l', unit: -1 }, 'unit'],
    [{ study: 's', layer: 'l', unit: 1.5 }, 'unit'],
    [{ study: 7, layer: 'l', unit: 1 }, 'study'],
    [{ study: 'x'.repeat(5000), layer: 'l', unit: 1 }, 'study'],
  ])('%o is refused, and the field is named', async (args, field) => {
    const handler = vi.fn();
    const { client } = join({ 'unit.detail': handler });
    expect(await failure(client.call('unit.detail', args as never))).toMatchObject({
      code: 'bad-arguments',
      place: { field },
    });
    expect(handler).not.toHaveBeenCalled();
  });

  it('no arguments at all are refused too', async () => {
    const { client } = join({ 'unit.detail': vi.fn() });
    for (const args of [undefined, null, 'text', []])
      expect(await failure(client.call('unit.detail', args as never))).toMatchObject({ code: 'bad-arguments' });
  });

  it.each([
    ['thrown at once', () => { throw new Error('no'); }], // prettier-ignore
    ['thrown later', () => Promise.reject(new Error('no'))],
  ])('an error %s is put into words', async (_when, handler) => {
    const { client } = join({ 'recent.list': handler });
    expect(await failure(client.call('recent.list', {}))).toEqual({ code: 'told', message: 'recent.list: no' });
  });

  it('a result that the port cannot carry is an error, not silence', async () => {
    const { client } = join({ 'recent.list': () => Promise.resolve([() => 1] as never) });
    expect(await failure(client.call('recent.list', {}))).toMatchObject({ code: 'told' });
  });

  it('cancelling rejects at once, aborts the handler, and nothing that comes later is heard', async () => {
    let signal: AbortSignal | undefined;
    let more: (() => void) | undefined;
    const { client } = join({
      'grid.tiles': (_args, context) => {
        signal = context.signal;
        return new Promise((resolve) => {
          more = () => (context.item({ unit: 1 }), resolve(null));
        });
      },
    });
    const controller = new AbortController();
    const onItem = vi.fn();
    const call = client.call(
      'grid.tiles',
      { study: 's', layer: 'l', units: [1], show: 'patch', method: { id: 'deconvnet' }, size: 8 },
      { signal: controller.signal, onItem },
    );
    await vi.waitFor(() => expect(more).toBeDefined());
    controller.abort();
    expect(await failure(call)).toMatchObject({ code: 'cancelled' });
    await vi.waitFor(() => expect(signal?.aborted).toBe(true));
    more!();
    await new Promise(setImmediate);
    expect(onItem).not.toHaveBeenCalled();
  });

  it('a signal that is aborted already sends nothing', async () => {
    const handler = vi.fn();
    const { client } = join({ 'recent.list': handler });
    expect(await failure(client.call('recent.list', {}, { signal: AbortSignal.abort() }))).toMatchObject({
      code: 'cancelled',
    });
    await new Promise(setImmediate);
    expect(handler).not.toHaveBeenCalled();
  });

  it('a port that closes rejects open calls and later ones, and aborts what runs', async () => {
    let signal: AbortSignal | undefined;
    const { client, near } = join({
      'recent.list': (_args, context) => ((signal = context.signal), new Promise(() => undefined)),
    });
    const call = client.call('recent.list', {});
    await vi.waitFor(() => expect(signal).toBeDefined());
    near.close();
    expect(await failure(call)).toMatchObject({ code: 'engine-gone' });
    expect(await failure(client.call('recent.list', {}))).toMatchObject({ code: 'engine-gone' });
    expect(signal!.aborted).toBe(true);
  });

  it('events reach their listeners until they are taken off', async () => {
    const { client, server } = join({});
    const seen: string[] = [];
    const off = client.on('study.changed', ({ study }) => seen.push(study));
    server.emit('study.changed', { study: 'a' });
    await new Promise(setImmediate);
    off();
    server.emit('study.changed', { study: 'b' });
    await new Promise(setImmediate);
    expect(seen).toEqual(['a']);
  });

  it('messages that are none are dropped on both sides, and calls go on', async () => {
    const { client, near, far } = join({ 'recent.list': () => Promise.resolve([]) });
    for (const junk of [
      null,
      3,
      'call',
      [],
      {},
      { t: 'call' },
      { t: 'call', id: -1, name: 'recent.list' },
      { t: 'call', id: 'x', name: 'recent.list', args: {} },
      { t: 'result', id: 99, value: 1 },
      { t: 'error', id: 0, error: null },
      { t: '__proto__' },
    ]) {
      near.post(junk);
      far.post(junk);
    }
    expect(await client.call('recent.list', {})).toEqual([]);
  });

  it('a second call under an id that is running is not a second run', async () => {
    const handler = vi.fn(() => new Promise<never>(() => undefined));
    const { near } = join({ 'recent.list': handler });
    for (let i = 0; i < 2; i++) near.post({ t: 'call', id: 5, name: 'recent.list', args: {} });
    await new Promise(setImmediate);
    expect(handler).toHaveBeenCalledTimes(1);
  });
});

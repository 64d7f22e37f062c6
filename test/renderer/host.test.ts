import { describe, expect, it } from 'vitest';
import { createLastingClient } from '../../renderer/host/lastingClient';
import type { RpcPort } from '../../preload/rpc';

/** One end of a port, the other in the test's hands. */
function port(): RpcPort & {
  sent: { t: string; id: number; name: string }[];
  say(message: unknown): void;
  close(): void;
} {
  let hear: (message: unknown) => void = () => undefined;
  let gone: () => void = () => undefined;
  const sent: { t: string; id: number; name: string }[] = [];
  return {
    sent,
    post: (message) => void sent.push(message as (typeof sent)[number]),
    listen: (handler) => (hear = handler),
    onClose: (handler) => (gone = handler),
    say: (message) => hear(message),
    close: () => gone(),
  };
}
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe('a client that outlives its port', () => {
  it('holds calls until there is a port, and then again', async () => {
    const client = createLastingClient();
    const answer = client.call('app.info', {});
    const first = port();
    client.connect(first);
    await settle();
    first.say({ t: 'result', id: first.sent[0]?.id, value: 'one' });
    expect(await answer).toBe('one');

    client.disconnect();
    first.close();
    const later = client.call('recent.list', {});
    await settle();
    expect(first.sent).toHaveLength(1);
    const second = port();
    client.connect(second);
    await settle();
    second.say({ t: 'result', id: second.sent[0]?.id, value: [] });
    expect(await later).toEqual([]);
  });

  it('tells open calls that the engine is gone', async () => {
    const client = createLastingClient();
    const only = port();
    client.connect(only);
    const open = client.call('app.info', {});
    client.disconnect();
    only.close();
    await expect(open).rejects.toMatchObject({ info: { code: 'engine-gone' } });
  });

  it('gives up a call that is cancelled while it waits', async () => {
    const client = createLastingClient();
    const controller = new AbortController();
    const call = client.call('app.info', {}, { signal: controller.signal });
    controller.abort();
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });
    const late = port();
    client.connect(late);
    await settle();
    expect(late.sent).toHaveLength(0);
  });

  it('hears events on every port, until the listener is taken off', () => {
    const client = createLastingClient();
    const heard: string[] = [];
    const off = client.on('study.changed', ({ study }) => heard.push(study));
    for (const name of ['a', 'b']) {
      const next = port();
      client.connect(next);
      next.say({ t: 'event', name: 'study.changed', value: { study: name } });
    }
    off();
    const last = port();
    client.connect(last);
    last.say({ t: 'event', name: 'study.changed', value: { study: 'c' } });
    expect(heard).toEqual(['a', 'b']);
  });
});

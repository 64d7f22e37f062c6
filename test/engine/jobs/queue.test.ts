import { describe, expect, it } from 'vitest';
import { CancelledError } from '../../../main/core/errors';
import { LruCache } from '../../../main/engine/cache/lru';
import { createQueue } from '../../../main/engine/jobs/queue';

describe('compute queue', () => {
  it('runs one task at a time, what somebody waits for first', async () => {
    const queue = createQueue();
    const order: string[] = [];
    let running = 0;
    const task = (name: string) => async () => {
      expect(++running).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 1));
      order.push(name);
      running--;
      return name;
    };
    const first = queue.run('scan', async () => {
      await task('scan 1')();
      // While it ran, others came.
      void queue.run('background', task('background'));
      void queue.run('scan', task('scan 2'));
      void queue.run('grid', task('grid'));
      void queue.run('interactive', task('interactive'));
    });
    await first;
    await queue.idle();
    expect(order).toEqual(['scan 1', 'interactive', 'grid', 'scan 2', 'background']);
  });

  it('passes failures on and goes on, and drops what was cancelled before its turn', async () => {
    const queue = createQueue();
    const controller = new AbortController();
    const failed = queue.run('grid', () => Promise.reject(new Error('no')));
    const cancelled = queue.run('grid', () => Promise.resolve(1), controller.signal);
    controller.abort();
    const fine = queue.run('grid', () => Promise.resolve(2));
    await expect(failed).rejects.toThrow('no');
    await expect(cancelled).rejects.toBeInstanceOf(CancelledError);
    expect(await fine).toBe(2);
  });
});

describe('cache', () => {
  it('keeps what was used last, up to its bytes', () => {
    const cache = new LruCache<string>(10);
    cache.set('a', 'A', 4);
    cache.set('b', 'B', 4);
    expect(cache.get('a')).toBe('A');
    cache.set('c', 'C', 4);
    expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.bytes]).toEqual(['A', undefined, 'C', 8]);
    cache.set('a', 'AA', 6);
    expect([cache.get('a'), cache.get('c'), cache.bytes]).toEqual(['AA', 'C', 10]);
    cache.set('large', 'L', 11);
    expect([cache.get('large'), cache.bytes]).toEqual([undefined, 10]);
  });
});

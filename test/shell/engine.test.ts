import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { startEngine, type EngineProcess } from '../../main/engine/client';
import type { EngineSettings } from '../../main/engine/index';
import { createJudge, restartCode, restartMessage } from '../../main/engine/restart';

/** A child that answers each message with its own process id, or dies when it is told to. */
const folder = mkdtempSync(path.join(tmpdir(), 'unpool-engine-'));
const script = path.join(folder, 'child.cjs');
writeFileSync(
  script,
  `process.on('message', ([client, message]) => {
     if (message === null) return;
     if (message.die) process.kill(process.pid, 'SIGKILL');
     else if (message.exit) process.exit(message.exit);
     else process.send([client, { pid: process.pid, settings: JSON.parse(process.env.UNPOOL_ENGINE), message }]);
   });
   process.on('disconnect', () => process.exit(0));`,
);
afterAll(() => rmSync(folder, { recursive: true }));

const settings = { home: '/home', demo: null, version: '1', initial: { kind: 'home' }, runtime: 'auto' } as const;
interface Answer {
  pid: number;
  message: { data: Float32Array };
  settings: unknown;
}
let engine: EngineProcess | undefined;
afterEach(() => engine?.stop());

const ask = (port: ReturnType<EngineProcess['port']>, message: object): Promise<Answer> =>
  new Promise((resolve) => {
    port.listen((answer) => resolve(answer as Answer));
    port.post(message);
  });
const closed = (port: ReturnType<EngineProcess['port']>): Promise<void> =>
  new Promise((resolve) => port.onClose(() => resolve()));

describe('the engine’s process', () => {
  it('gets its settings, and typed arrays arrive as such on the port that asked', async () => {
    engine = startEngine(settings, script);
    const [first, second] = [engine.port(), engine.port()];
    const heard = vi.fn();
    second.listen(heard);
    const answer = await ask(first, { data: new Float32Array([1.5, NaN]) });
    expect(answer).toMatchObject({ settings, message: { data: new Float32Array([1.5, NaN]) } });
    expect(heard).not.toHaveBeenCalled();
  });

  it('killed: every port closes, its state is told, and a new one answers', async () => {
    engine = startEngine(settings, script);
    const states: string[] = [];
    engine.onState(({ state }) => states.push(state));
    const [first, second] = [engine.port(), engine.port()];
    const { pid } = await ask(first, {});
    const both = Promise.all([closed(first), closed(second)]);
    first.post({ die: true });
    // What is sent into its end must not end this process too.
    for (let i = 0; i < 50; i++) second.post({ i });
    await both;
    second.post({ late: true });
    second.close();
    expect(states).toEqual(['restarting', 'ready']);
    expect((await ask(engine.port(), {})).pid).not.toBe(pid);
  });

  it('that dies again and again is given up, and ports asked for then close', async () => {
    engine = startEngine(settings, script);
    const states: string[] = [];
    engine.onState(({ state }) => states.push(state));
    for (let i = 0; i < 4; i++) {
      const port = engine.port();
      const end = closed(port);
      port.post({ die: true });
      await end;
    }
    await vi.waitFor(() => expect(states.at(-1)).toBe('gone'));
    expect(states.filter((state) => state === 'restarting')).toHaveLength(3);
    await closed(engine.port());
  });

  it('that ends twice within a minute on a provider goes on without it, and says so', async () => {
    engine = startEngine({ ...settings, runtime: 'webgpu' }, script);
    const told: string[] = [];
    engine.onState(({ state, message }) => state === 'restarting' && told.push(message));
    const distrusted: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      const port = engine.port();
      distrusted.push((await ask(port, {})).settings);
      const end = closed(port);
      port.post({ die: true });
      await end;
    }
    await vi.waitFor(() => expect(told).toHaveLength(3));
    expect(told[0]).not.toMatch(/CPU/);
    expect(told[1]).toMatch(/twice within a minute with WebGPU.*on the CPU/);
    expect(distrusted.map((each) => (each as EngineSettings).distrusted)).toEqual([undefined, undefined, 'webgpu']);
  });

  it('is judged by what it ran on and by how long ago it ended', () => {
    const judge = createJudge({ home: folder, runtime: 'cuda' });
    expect(judge(0).distrusted).toBeNull();
    expect(judge(61_000).distrusted).toBeNull();
    expect(judge(120_000).distrusted).toBe('cuda');
    const other = createJudge({ home: folder, runtime: 'auto' });
    expect([0, 31_000, 62_000, 93_000].map((time) => other(time))).toEqual(
      Array.from({ length: 4 }, () => ({
        message: expect.stringMatching(/started again/) as string,
        distrusted: null,
      })),
    );
    expect([94_000, 95_000].map((time) => other(time).message)).not.toContain(null);
    expect(other(96_000).message).toBeNull();
  });

  it('that asks to be started again is, as often as it asks', async () => {
    engine = startEngine(settings, script);
    const told: string[] = [];
    engine.onState(({ state, message }) => told.push(state === 'restarting' ? message : state));
    for (let i = 0; i < 5; i++) {
      const port = engine.port();
      const end = closed(port);
      port.post({ exit: restartCode });
      await end;
    }
    await vi.waitFor(() => expect(told).toEqual(Array.from({ length: 5 }, () => [restartMessage, 'ready']).flat()));
    expect((await ask(engine.port(), {})).settings).toEqual(settings);
  });

  it('stops when asked, and is not started again', async () => {
    engine = startEngine(settings, script);
    const states: string[] = [];
    engine.onState(({ state }) => states.push(state));
    const { pid } = await ask(engine.port(), {});
    await engine.stop();
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
    await engine.stop();
    expect(states).toEqual([]);
  });
});

import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { HostEvents } from '../../preload/contract';
import type { RpcPort } from '../../preload/rpc';
import type { EngineSettings } from './index';
import { createJudge, goneMessage, restartCode, restartMessage } from './restart';

type State = HostEvents['engine.state'];

/** The engine as a child process; started again when it dies. */
export interface EngineProcess {
  /** A port of its own for one client. It closes when the engine dies; ask for another then. */
  port(): RpcPort & { close(): void };
  onState(listener: (state: State) => void): void;
  stop(): Promise<void>;
}

/**
 * The engine's environment. Files are read in threads that a stalled drive holds; with more of these than pictures are read at
 * a time, the study can still be written then.
 */
export const engineEnvironment = (settings: EngineSettings): NodeJS.ProcessEnv => ({
  UV_THREADPOOL_SIZE: '16',
  ...process.env,
  UNPOOL_ENGINE: JSON.stringify(settings),
});

export function startEngine(settings: EngineSettings, script = path.join(__dirname, 'engine.cjs')): EngineProcess {
  const ports = new Map<number, { handle(message: unknown): void; close(): void }>();
  const listeners: ((state: State) => void)[] = [];
  const tell = (state: State): void => listeners.forEach((listener) => listener(state));
  let child: ChildProcess | null = null;
  let stopping = false;
  const judge = createJudge(settings);
  let next = 0;

  // A child that is going cannot be sent to any more; its end closes the ports, which tells their clients.
  const send = (message: [number, unknown]): boolean | undefined => child?.send(message, () => undefined);

  function start(distrusted: EngineSettings['distrusted'] = null): void {
    const started = fork(script, [], {
      serialization: 'advanced',
      env: engineEnvironment({ ...settings, ...(distrusted && { distrusted }) }),
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child = started;
    started.on('message', ([client, message]: [number, unknown]) => ports.get(client)?.handle(message));
    // One that cannot be started at all tells an error and has no end.
    started.on('error', (error) => {
      console.error(`The engine: ${error.message}`);
      if (started.pid === undefined) over();
    });
    started.on('exit', (code) => over(code === restartCode));

    function over(wanted = false): void {
      if (child !== started) return;
      child = null;
      for (const port of ports.values()) port.close();
      ports.clear();
      if (stopping) return;
      const verdict = wanted ? { message: restartMessage, distrusted: null } : judge();
      if (verdict.message === null) {
        tell({ state: 'gone', message: goneMessage });
        return;
      }
      tell({ state: 'restarting', message: verdict.message });
      start(verdict.distrusted);
      tell({ state: 'ready', message: 'The engine is running again.' });
    }
  }
  start();

  return {
    port() {
      const id = next++;
      const handlers: ((message: unknown) => void)[] = [];
      const closers: (() => void)[] = [];
      ports.set(id, {
        handle: (message) => handlers.forEach((each) => each(message)),
        close: () => closers.forEach((each) => each()),
      });
      if (!child) queueMicrotask(() => closers.forEach((each) => each()));
      return {
        post: (message) => ports.has(id) && send([id, message]),
        listen: (handler) => handlers.push(handler),
        onClose: (handler) => closers.push(handler),
        close() {
          if (ports.delete(id)) send([id, null]);
        },
      };
    },
    onState: (listener) => listeners.push(listener),
    stop() {
      stopping = true;
      const running = child;
      if (!running) return Promise.resolve();
      return new Promise((resolve) => {
        running.once('exit', () => resolve());
        if (running.connected) running.disconnect();
        setTimeout(() => running.kill('SIGKILL'), 5000).unref();
      });
    },
  };
}

import path from 'node:path';
import type { AppInfo, ErrorInfo, EventName, Events, ProviderId, RuntimeChoice } from '../../preload/contract';
import { cancelled, serveCalls, type RpcPort } from '../../preload/rpc';
import { CancelledError, UnpoolError } from '../core/errors';
import { usableCores } from './cores';
import { createEngine } from './handlers';
import { createDecoders } from './pictures/decoders';
import { readSettings } from '../settings';
import { restartCode } from './restart';
import { Providers } from './providers/providers';
import { loadRuntime, ortBuild } from './runtimes';

/**
 * The engine's process: Electron's utilityProcess or a child of the command line and the browser host. Each client has a
 * port of its own; what the engine tells of its own accord goes to all.
 */

/** What the parent passes in the environment variable UNPOOL_ENGINE. */
export interface EngineSettings {
  home: string;
  demo: string | null;
  version: string;
  initial: AppInfo['initial'];
  /** What the command line asks for; null: what the settings in `home` say. */
  runtime: RuntimeChoice | null;
  /** A provider with which the engine ended twice within a minute: it is not used until it is tried again. */
  distrusted?: ProviderId | null;
}

const settings = JSON.parse(process.env['UNPOOL_ENGINE'] ?? '{}') as EngineSettings;
const clients = new Set<{ emit<K extends EventName>(event: K, value: Events[K]): void }>();

const cores = usableCores();
const choice = settings.runtime ?? readSettings(settings.home).runtime;

const providers = new Providers({
  home: settings.home,
  script: path.join(__dirname, 'trial.cjs'),
  threads: cores,
  build: ortBuild(),
  version: settings.version,
});

/** Where no runtime loads, every call says so. One from the settings that does not load gives way to the others. */
const trusted = settings.distrusted ? providers.distrust(settings.distrusted) : Promise.resolve();
const loaded = trusted.then(() => loadRuntime(choice, cores, settings.runtime === null, providers));
const engine = loaded.then(({ runtime, note }) =>
  createEngine({
    ...settings,
    runtime,
    runtimeChoice: { choice, given: settings.runtime !== null, note },
    restart,
    providers,
    decoders: createDecoders(path.join(__dirname, 'decoder.cjs'), Math.min(4, cores)),
    emit: (event, value) => {
      for (const client of clients) client.emit(event, value);
    },
  }),
);
const handlers = engine.then(({ handle }) => handle);
handlers.catch(() => undefined);

/** Ends so that the parent starts it again, once the answer to the call that wants it is on its way. */
function restart(): void {
  setTimeout(() => {
    void engine.then((made) => made.dispose()).finally(() => process.exit(restartCode));
  }, 100);
}

function describe(error: unknown, call: string): ErrorInfo {
  if (error instanceof CancelledError) return cancelled;
  if (error instanceof UnpoolError) {
    const { code, message, hint, place } = error;
    return { code, message, ...(hint && { hint }), place };
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  console.error(`${call}: ${detail}`);
  return {
    code: 'defect',
    message: `Something went wrong inside Unpool (${call}).`,
    hint: 'Nothing was lost. If it happens again, please report it with the details.',
    defect: true,
    detail,
  };
}

function connect(port: RpcPort): void {
  const client = serveCalls(port, handlers, describe);
  clients.add(client);
  port.onClose(() => clients.delete(client));
}

/** Electron's ports, as far as they are used (its types are for the desktop shell only). */
interface ElectronPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { data: unknown; ports: ElectronPort[] }) => void): void;
  on(event: 'close', listener: () => void): void;
  start?(): void;
}
const parentPort = (process as unknown as { parentPort?: ElectronPort }).parentPort;

if (parentPort) {
  // Every message of the shell hands over the port of a window.
  parentPort.on('message', ({ ports: [port] }) => {
    if (!port) return;
    connect({
      post: (message) => port.postMessage(message),
      listen: (handler) => port.on('message', (event) => handler(event.data)),
      onClose: (handler) => port.on('close', handler),
    });
    port.start?.();
  });
} else {
  // A child process carries many clients over one channel: [client, message], and [client, null] when one leaves.
  const ports = new Map<number, { handle(message: unknown): void; close(): void }>();
  const port = (client: number) => {
    const listeners: ((message: unknown) => void)[] = [];
    const closers: (() => void)[] = [];
    connect({
      // A parent that is gone shows itself by its disconnect; what could not be sent then is nobody's loss.
      post: (message) => process.send?.([client, message], undefined, undefined, () => undefined),
      listen: (handler) => listeners.push(handler),
      onClose: (handler) => closers.push(handler),
    });
    return {
      handle: (message: unknown) => listeners.forEach((each) => each(message)),
      close: () => closers.forEach((each) => each()),
    };
  };
  process.on('message', ([client, message]: [number, unknown]) => {
    if (message === null) {
      ports.get(client)?.close();
      ports.delete(client);
      return;
    }
    if (!ports.has(client)) ports.set(client, port(client));
    ports.get(client)!.handle(message);
  });
  process.on('disconnect', () => void engine.then((made) => made.dispose()).finally(() => process.exit(0)));
}

// A signal reaches the whole process group: the parent decides when to go.
process.on('SIGINT', () => undefined);

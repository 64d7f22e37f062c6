import path from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { AppInfo, ErrorInfo, MethodId, SmoothRule } from '../../preload/contract';
import { createClient, type Client } from '../../preload/rpc';
import { version } from '../../package.json';
import { startEngine, type EngineProcess } from '../engine/client';
import { demoFolder, homeFolder, runtimeGiven } from '../places';

/** Exit codes: 0 done, 1 an error told in words, 2 wrong usage, 130 interrupted. */
export const interrupted = 130;

/** An error of the command line itself. */
export class Told extends Error {}

/** A command that was not written as its help says. */
export class Misused extends Told {}

export const engineFor = (initial: AppInfo['initial'] = { kind: 'home' }): EngineProcess =>
  startEngine({ home: homeFolder(), demo: demoFolder(), version, initial, runtime: runtimeGiven() });

/** Runs a task with an engine of its own; it fails where the engine does. */
export async function withEngine<T>(task: (client: Client) => Promise<T>): Promise<T> {
  const engine = engineFor();
  try {
    const port = engine.port();
    const gone = new Promise<never>((_, reject) => {
      port.onClose(() => reject(new Told('The engine stopped. Run the same command again; a scan goes on.')));
    });
    const client = createClient(port);
    const { runtime } = await Promise.race([gone, client.call('app.info', {})]);
    if (runtime.note) say(runtime.note);
    return await Promise.race([gone, task(client)]);
  } finally {
    await engine.stop();
  }
}

export const print = (text: string): void => void process.stdout.write(`${text}\n`);
export const say = (text: string): void => void process.stderr.write(`${text}\n`);
export const absolute = (file: string): string => path.resolve(file);

export function words({ message, hint, place, detail }: ErrorInfo): string {
  const where = place?.file && !message.includes(place.file) ? ` (${place.file})` : '';
  const debug = process.env['UNPOOL_DEBUG'] && detail ? `\n${detail}` : '';
  return `${message}${where}${hint ? `\n${hint}` : ''}${debug}`;
}

export const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('A whole number is needed.');
  return value;
};
export const positive = (text: string): number => {
  if (whole(text) === 0) throw new InvalidArgumentError('At least 1 is needed.');
  return whole(text);
};

/** "224", or "48x320": [height, width] in px. */
export function pictureSize(text: string): [number, number] {
  const [height, width, more] = text.split(/[x×]/).map(positive);
  if (more !== undefined) throw new InvalidArgumentError('A size is needed, as 224 or 48x320.');
  return [height!, width ?? height!];
}

/** A call's `signal` for Ctrl-C: the first stops cleanly. */
export function interruptible(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => (controller.signal.aborted ? process.exit(interrupted) : controller.abort());
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
}

/** What a call gives, or null where it failed because it was stopped. */
export const unlessStopped = <T>(signal: AbortSignal, call: Promise<T>): Promise<T | null> =>
  call.catch((error: unknown) => {
    if (signal.aborted) return null;
    throw error;
  });

/** One line that is written over, on a terminal only. */
export function line(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;

export interface MethodOptions {
  method: MethodId;
  leaky: 'strict' | 'own';
  smooth: SmoothRule;
}

export const methodFrom = ({ method, leaky, smooth }: MethodOptions) => ({ id: method, leaky, smooth });

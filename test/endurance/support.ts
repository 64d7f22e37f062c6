import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { writeOnnx } from '../../main/core/formats/onnx/index';
import { startEngine } from '../../main/engine/client';
import type { ArgsIn, ScanState } from '../../preload/contract';
import { createClient, type Client } from '../../preload/rpc';
import { Net } from '../core/support';

export const root = path.resolve(import.meta.dirname, '../..');

/** The value after a flag. */
export const option = (args: readonly string[], name: string, otherwise: number): number => {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(args[at + 1]);
};

export interface Program {
  child: ChildProcess;
  /** Its exit code; null where a signal ended it. */
  ended: Promise<number | null>;
  said(): string;
}

/** Starts the built command in a process group of its own, so that all of it can be killed at once. */
export function unpool(args: readonly string[], home: string, env: object = {}): Program {
  const child = spawn(process.execPath, ['main/unpool.cjs', ...args], {
    cwd: root,
    detached: true,
    env: { ...process.env, UNPOOL_HOME: home, DISPLAY: '', WAYLAND_DISPLAY: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (data: string) => (text += data));
  return {
    child,
    ended: new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    }),
    said: () => text,
  };
}

export function killGroup({ child }: Program): void {
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it was done already
  }
}

/** Links the files of a folder under new names until there are so many; each costs a name only. */
export function linkMany(from: string, to: string, count: number): string {
  const sources = readdirSync(from, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(png|jpg)$/.test(name))
    .map((name) => path.join(from, name));
  for (let i = 0; i < count; i++) {
    const folder = path.join(to, String(Math.floor(i / 1000)).padStart(4, '0'));
    if (i % 1000 === 0) mkdirSync(folder, { recursive: true });
    // A file holds a limited number of names.
    linkSync(sources[i % sources.length]!, path.join(folder, `${String(i).padStart(7, '0')}${path.extname(sources[i % sources.length]!)}`)); // prettier-ignore
  }
  return to;
}

export const lines = (file: string): string[] =>
  existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];

/** Names of the tables whose bytes differ between two studies. */
export const different = (a: string, b: string): string[] =>
  ['units.arrow', 'stats.arrow', 'images.arrow', 'sample.arrow'].filter(
    (name) => !readFileSync(path.join(a, name)).equals(readFileSync(path.join(b, name))),
  );

/** A network of one convolution: what is left of a scan's time and memory is the program's own. */
export function tinyModel(): Uint8Array {
  const net = new Net([3, 24, 24], 1);
  const maps = net.relu(net.conv(net.picture, 3, 4, 3, {}, true, 'only'));
  const flat = net.add('Flatten', [net.add('GlobalAveragePool', [maps])], { axis: 1 });
  return writeOnnx(net.graph(net.add('Gemm', [flat, net.weights([4, 3]), net.weights([3])], {}, 'scores')));
}

/** Bytes of memory that a process holds, and held at most. */
export function memoryOf(pid: number): { now: number; most: number } | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0);
    return { now: 1024 * kilobytes('VmRSS'), most: 1024 * kilobytes('VmHWM') };
  } catch {
    return null; // gone
  }
}

/** The built engine in a process of its own, spoken to by the contract. */
export function builtEngine(home: string): { client: Client; pid(): number; stop(): Promise<void> } {
  const script = path.join(root, 'dist/main/engine.cjs');
  const engine = startEngine(
    { home, demo: null, version: '0', initial: { kind: 'home' }, runtime: 'onnxruntime' },
    script,
  );
  return {
    client: createClient(engine.port()),
    pid() {
      for (const task of readdirSync('/proc/self/task'))
        for (const child of readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean))
          if (readFileSync(`/proc/${child}/cmdline`, 'utf8').includes(script)) return Number(child);
      throw new Error('the engine does not run');
    },
    stop: () => engine.stop(),
  };
}

/** Makes a study and resolves when its scan has ended; `seen` is told how far it is. */
export async function scanned(
  client: Client,
  args: ArgsIn<'study.create'>,
  seen: (state: ScanState) => void = () => undefined,
): Promise<ScanState> {
  let settle: (state: ScanState) => void = () => undefined;
  const ended = new Promise<ScanState>((resolve) => (settle = resolve));
  client.on('scan.progress', ({ study, scan }) => {
    if (study !== args.folder) return;
    seen(scan);
    if (scan.phase !== 'running' && scan.phase !== 'none') settle(scan);
  });
  await client.call('study.create', args);
  const state = await ended;
  if (state.phase !== 'done') throw new Error(JSON.stringify(state.error));
  return state;
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

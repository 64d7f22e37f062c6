import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { toFloat32, type Tensor } from '../../main/core/graph/tensor';

/** A Python program in peers/ that answers each line with one line of JSON. */
export interface Peer {
  about: Record<string, unknown>;
  ask(line: string): Promise<Record<string, unknown>>;
  end(): void;
}

/** The Python that has PyTorch: UNPOOL_PYTHON. */
export const python = process.env['UNPOOL_PYTHON'] ?? null;

export async function startPeer(script: string, args: readonly string[]): Promise<Peer> {
  if (!python) throw new Error('UNPOOL_PYTHON names no Python');
  const child: ChildProcess = spawn(python, [path.join(import.meta.dirname, 'peers', script), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = readline.createInterface({ input: child.stdout! });
  const waiting: { resolve(answer: Record<string, unknown>): void; reject(error: Error): void }[] = [];
  const failed = (why: string) => waiting.splice(0).forEach(({ reject }) => reject(new Error(`${script}: ${why}`)));
  lines.on('line', (line) => waiting.shift()?.resolve(JSON.parse(line) as Record<string, unknown>));
  child.on('error', (error) => failed(error.message));
  child.on('exit', (code) => failed(`it ended with status ${code}`));
  const next = () => new Promise<Record<string, unknown>>((resolve, reject) => waiting.push({ resolve, reject }));
  const about = await next();
  return {
    about,
    ask(line) {
      const answer = next();
      child.stdin!.write(`${line}\n`);
      return answer;
    },
    end: () => child.stdin!.end(),
  };
}

/** The convolutions' weights and biases in order, and the pictures. */
export function writeForPeer(
  folder: string,
  initializers: ReadonlyMap<string, Tensor>,
  pictures: readonly Float32Array[],
): string {
  const write = (name: string, parts: readonly Float32Array[]) =>
    writeFileSync(
      path.join(folder, name),
      Buffer.concat(parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength))),
    );
  write(
    'weights.bin',
    [...initializers].filter(([name]) => name.startsWith('conv')).map(([, tensor]) => toFloat32(tensor)),
  );
  write('pictures.bin', pictures);
  return folder;
}

import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { EnvHttpProxyAgent, Response } from 'undici';
import { CancelledError, UnpoolError } from '../../core/errors';
import { fileError } from '../study/files';

export interface DownloadOptions {
  address: string;
  /** Where the whole file goes; until then it is PATH.part. */
  path: string;
  bytes: number;
  sha256: string;
  signal: AbortSignal;
  progress(done: number): void;
  /** The place of the environment's proxy settings, where not the process's own. */
  environment?: NodeJS.ProcessEnv;
}

/** ms between reports. */
const reportEvery = 100;

/** The proxy of the environment for HTTPS addresses; null: none. */
export function proxyOf(environment: NodeJS.ProcessEnv): string | null {
  for (const name of ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'])
    if (environment[name]) return environment[name].replace(/\/\/[^/@]*@/, '//'); // without its password
  return null;
}

type Undici = typeof import('undici');

/** Loaded when something is fetched: it wants a global that the oldest Electron (25, with Node 18) has in a module only. */
async function loadUndici(): Promise<Undici> {
  const { File } = await import('node:buffer');
  (globalThis as { File?: unknown }).File ??= File;
  return import('undici');
}

function agentFor({ EnvHttpProxyAgent }: Undici, environment: NodeJS.ProcessEnv): EnvHttpProxyAgent {
  const of = (name: string): string => environment[name.toLowerCase()] || environment[name] || '';
  const http = of('HTTP_PROXY');
  return new EnvHttpProxyAgent({
    httpProxy: http,
    httpsProxy: of('HTTPS_PROXY') || http,
    noProxy: of('NO_PROXY'),
    connectTimeout: 30_000,
    headersTimeout: 60_000,
    bodyTimeout: 60_000,
  });
}

/**
 * Fetches a file. What is there of it already (PATH.part) is gone on with, where the server can. Renamed into place when its
 * size and SHA-256 are right. Throws UnpoolError, CancelledError; what came stays for the next time, but not what is wrong.
 */
export async function download(options: DownloadOptions): Promise<void> {
  const { path, bytes, signal } = options;
  const part = `${path}.part`;
  const address = checkedAddress(options.address);
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
    throw fileError(error, 'write', dirname(path));
  });
  const undici = await loadUndici();
  const agent = agentFor(undici, options.environment ?? process.env);
  try {
    let have = await sizeOf(part);
    if (have > bytes) {
      await rm(part, { force: true }); // of another file
      have = 0;
    }
    if (have < bytes) await fetchRest({ ...options, address, part, have, agent, undici });
    options.progress(bytes);
    const sum = await hashOf(part, signal);
    if (sum !== options.sha256) {
      await rm(part, { force: true });
      throw new UnpoolError('wrong-file', `What came from ${address.host} is not the network that was asked for.`, {
        hint: `Its SHA-256 is ${sum}; it should be ${options.sha256}. It was deleted. Try another address.`,
        place: { field: 'address' },
      });
    }
    await rename(part, path).catch((error: unknown) => {
      throw fileError(error, 'write', path);
    });
  } catch (error) {
    if (signal.aborted) throw new CancelledError();
    throw error;
  } finally {
    await agent.destroy();
  }
}

function checkedAddress(text: string): URL {
  const bad = (what: string) =>
    new UnpoolError('bad-address', `"${text}" ${what}.`, {
      hint: 'An address begins with https:// and leads to the file itself.',
      place: { field: 'address' },
    });
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw bad('is not an address');
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw bad('is not an address that can be fetched from');
  return url;
}

interface Rest extends Omit<DownloadOptions, 'address'> {
  address: URL;
  part: string;
  have: number;
  agent: EnvHttpProxyAgent;
  undici: Undici;
}

async function fetchRest({ address, part, have, bytes, signal, agent, undici, progress }: Rest): Promise<void> {
  const response = await undici
    .fetch(address, {
      dispatcher: agent,
      signal,
      redirect: 'follow',
      // As it lies there: a server that compresses on the way counts other bytes.
      headers: { 'accept-encoding': 'identity', ...(have > 0 && { range: `bytes=${have}-` }) },
    })
    .catch((error: unknown) => {
      throw unreachable(address, error);
    });
  const from = startOf(response, address, have);
  const announced = Number(response.headers.get('content-length') ?? NaN);
  const expected = bytes - from;
  if (Number.isFinite(announced) && announced !== expected && !response.headers.get('content-encoding')) {
    await response.body?.cancel();
    throw new UnpoolError(
      'wrong-file',
      `${address.host} answers with a file of ${from + announced} bytes; the network has ${bytes}.`,
      {
        hint: 'It may be a page that says why. Open the address in a browser, or try another one.',
        place: { field: 'address' },
      },
    );
  }
  const file = await open(part, from > 0 ? 'r+' : 'w').catch((error: unknown) => {
    throw fileError(error, 'write', part);
  });
  let at = from;
  let told = 0;
  try {
    for await (const chunk of response.body ?? []) {
      const piece = chunk as Uint8Array;
      if (at + piece.length > bytes) {
        await rm(part, { force: true });
        throw new UnpoolError(
          'wrong-file',
          `${address.host} sends more than the ${bytes} bytes that the network has.`,
          {
            hint: 'It is another file. Try another address.',
            place: { field: 'address' },
          },
        );
      }
      await file.write(piece, 0, piece.length, at).catch((error: unknown) => {
        throw fileError(error, 'write', part);
      });
      at += piece.length;
      if (performance.now() - told >= reportEvery) {
        told = performance.now();
        progress(at);
      }
    }
  } catch (error) {
    throw error instanceof UnpoolError ? error : broken(address, at, bytes, error);
  } finally {
    await file.close();
  }
  if (at < bytes) throw broken(address, at, bytes);
}

/** Where the answer begins in the file. A server that cannot go on sends all of it again. */
function startOf(response: Response, address: URL, have: number): number {
  if (response.status === 200) return 0;
  if (response.status === 206) {
    const start = Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1] ?? NaN);
    if (start === have) return have;
  }
  const gone = response.status === 404 || response.status === 410;
  void response.body?.cancel().catch(() => undefined); // the answer itself is told
  throw new UnpoolError(
    'not-there',
    `${address.host} answers ${response.status} ${response.statusText}.`.replace(' .', '.'),
    {
      hint: gone
        ? 'The network is not at this address any more. Try another address, or fetch the file by hand.'
        : 'Try again later, try another address, or fetch the file by hand.',
      place: { field: 'address' },
    },
  );
}

function unreachable(address: URL, error: unknown): UnpoolError {
  return new UnpoolError('unreachable', `${address.host} cannot be reached (${causeOf(error)}).`, {
    hint: 'Check the connection. Behind a firewall, set HTTPS_PROXY, or fetch the file by hand.',
    place: { field: 'address' },
    cause: error,
  });
}

function broken(address: URL, at: number, bytes: number, error?: unknown): UnpoolError {
  return new UnpoolError(
    'cut-off',
    `The connection to ${address.host} broke off after ${at} of ${bytes} bytes${error === undefined ? '' : ` (${causeOf(error)})`}.`,
    { hint: 'Fetch it again: it goes on where it stopped.', place: { field: 'address' }, cause: error },
  );
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return (cause as NodeJS.ErrnoException).code ?? cause.message;
}

const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );

/** SHA-256 of a file, in hexadecimal. Throws UnpoolError. */
export async function hashOf(file: string, signal?: AbortSignal): Promise<string> {
  const hash: Hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20, ...(signal && { signal }) }))
      hash.update(chunk as Buffer);
  } catch (error) {
    if (signal?.aborted) throw new CancelledError();
    throw fileError(error, 'read', file);
  }
  return hash.digest('hex');
}

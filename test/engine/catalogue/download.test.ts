import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CancelledError } from '../../../main/core/errors';
import { catalogueEntries, type CatalogueEntry } from '../../../main/engine/catalogue/catalogue';
import { proxyOf } from '../../../main/engine/catalogue/download';
import { Shelf } from '../../../main/engine/catalogue/shelf';

const body = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251));
const sha256 = createHash('sha256').update(body).digest('hex');

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const asked: { url: string; range: string | undefined }[] = [];
let server: Server;
let base: string;
let answer: Answer;
let home: string;

const whole: Answer = (request, response) => {
  const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(from ? 206 : 200, {
    'content-length': body.length - from,
    ...(from && { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` }),
  });
  response.end(body.subarray(from));
};
/** Sends the first bytes of what it should, then cuts the line. */
const cut =
  (after: number): Answer =>
  (_, response) => {
    response.writeHead(200, { 'content-length': body.length });
    response.write(body.subarray(0, after), () => setTimeout(() => response.destroy(), 30));
  };

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'unpool-get-'));
  asked.length = 0;
  answer = whole;
  server = createServer((request, response) => {
    asked.push({ url: request.url!, range: request.headers.range });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(home, { recursive: true, force: true });
});

const folder = (): string => join(home, 'models');
const part = (): string => join(folder(), 'net.onnx.part');
function shelf(environment: NodeJS.ProcessEnv = {}, more: Partial<CatalogueEntry> = {}): Shelf {
  const entry = { ...catalogueEntries[0]!, id: 'net', file: 'net.onnx', bytes: body.length, sha256, address: `${base}/net`, ...more }; // prettier-ignore
  return new Shelf({ folder: folder(), entries: [entry], environment });
}
const get = (
  from: Shelf,
  address = '',
  signal = new AbortController().signal,
  progress = (_: { done: number }) => {},
) => from.get('net', { address, signal, progress });

describe('fetching a network', () => {
  it('writes it whole, checked, and does not fetch it twice', async () => {
    const here = shelf();
    expect((await here.list()).models[0]).toMatchObject({ path: null, partial: 0 });
    const path = await get(here);
    expect(path).toBe(join(folder(), 'net.onnx'));
    expect(body.equals(await readFile(path))).toBe(true);
    expect(existsSync(part())).toBe(false);
    expect((await here.list()).models[0]!.path).toBe(path);
    await get(here);
    expect(asked).toHaveLength(1);
  });

  it('goes on after a cut connection, with what came', async () => {
    answer = cut(100_000);
    await expect(get(shelf())).rejects.toThrow(/broke off after \d+ of 300000 bytes/);
    const { partial } = (await shelf().list()).models[0]!;
    expect(partial).toBeGreaterThan(0);
    answer = whole;
    expect(body.equals(await readFile(await get(shelf())))).toBe(true);
    expect(asked[1]!.range).toBe(`bytes=${partial}-`);
  });

  it('begins again where the server cannot go on', async () => {
    await mkdir(folder(), { recursive: true });
    await writeFile(part(), body.subarray(0, 5000));
    answer = (_, response) => response.writeHead(200, { 'content-length': body.length }).end(body);
    expect(body.equals(await readFile(await get(shelf())))).toBe(true);
  });

  it('follows redirects, with the range', async () => {
    await mkdir(folder(), { recursive: true });
    await writeFile(part(), body.subarray(0, 7));
    answer = (request, response) =>
      request.url === '/net' ? response.writeHead(302, { location: '/there' }).end() : whole(request, response);
    expect(body.equals(await readFile(await get(shelf())))).toBe(true);
    expect(asked.map(({ url }) => url)).toEqual(['/net', '/there']);
    expect(asked[1]!.range).toBe('bytes=7-');
  });

  it('keeps nothing of a file with another hash', async () => {
    await expect(get(shelf({}, { sha256: '0'.repeat(64) }))).rejects.toMatchObject({
      code: 'wrong-file',
      hint: expect.stringContaining(sha256) as string,
    });
    expect([existsSync(part()), existsSync(join(folder(), 'net.onnx'))]).toEqual([false, false]);
  });

  it('recovers from a damaged part: it is found by the hash and thrown away', async () => {
    await mkdir(folder(), { recursive: true });
    await writeFile(part(), Buffer.alloc(5000, 1));
    await expect(get(shelf())).rejects.toMatchObject({ code: 'wrong-file' });
    expect(body.equals(await readFile(await get(shelf())))).toBe(true);
  });

  it('says what is wrong with the answer, without taking it', async () => {
    answer = (_, response) => response.writeHead(404).end('gone');
    await expect(get(shelf())).rejects.toMatchObject({ code: 'not-there', message: expect.stringContaining('404') as string }); // prettier-ignore
    answer = (_, response) => response.writeHead(200, { 'content-length': 4 }).end('page');
    await expect(get(shelf())).rejects.toMatchObject({ code: 'wrong-file' });
    answer = (_, response) => {
      response.write(body); // chunked: no length is told
      response.end(body);
    };
    await expect(get(shelf())).rejects.toMatchObject({ code: 'wrong-file' });
    for (const address of ['nowhere', 'file:///etc/hosts', 'ftp://127.0.0.1/x'])
      await expect(get(shelf(), address)).rejects.toMatchObject({ code: 'bad-address' });
    await expect(get(shelf(), 'http://127.0.0.1:1/')).rejects.toMatchObject({ code: 'unreachable' });
    await expect(shelf().get('x', { signal: new AbortController().signal, progress: () => undefined })).rejects.toMatchObject({ code: 'no-such-model' }); // prettier-ignore
  });

  it('stops when asked to, keeps what came, and goes on', async () => {
    const controller = new AbortController();
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': body.length });
      response.write(body.subarray(0, 50_000));
    };
    const run = get(shelf(), '', controller.signal, ({ done }) => done > 0 && controller.abort());
    await expect(run).rejects.toBeInstanceOf(CancelledError);
    expect((await readFile(part())).length).toBeGreaterThan(0);
    answer = whole;
    expect(body.equals(await readFile(await get(shelf())))).toBe(true);
    expect(asked[1]!.range).toMatch(/^bytes=\d+-$/);
  });

  it('takes the address that it is given', async () => {
    await get(shelf(), `${base}/elsewhere`);
    expect(asked.map(({ url }) => url)).toEqual(['/elsewhere']);
  });

  it('goes through the proxy of the environment, but for hosts that are to be left out', async () => {
    const tunnels: string[] = [];
    const proxy = createServer((request, response) => {
      tunnels.push(request.url!); // an ordinary request through a proxy has the whole address
      whole(request, response);
    });
    proxy.on('connect', (request, socket) => {
      tunnels.push(request.url!);
      socket.end('HTTP/1.1 502 No\r\n\r\n');
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    await expect(get(shelf({ HTTPS_PROXY: address }), 'https://models.invalid/net')).rejects.toMatchObject({ code: 'unreachable' }); // prettier-ignore
    expect(tunnels).toEqual(['models.invalid:443']);
    await get(shelf({ HTTPS_PROXY: address, HTTP_PROXY: address, NO_PROXY: '127.0.0.1' }));
    expect(tunnels).toHaveLength(1);
    proxy.closeAllConnections();
    await new Promise((resolve) => proxy.close(resolve));
    expect(proxyOf({ HTTPS_PROXY: 'http://me:secret@proxy:3128' })).toBe('http://proxy:3128');
    expect(proxyOf({})).toBeNull();
  });
});

describe('a file that was fetched by hand', () => {
  it('is found by its content, whatever its name', async () => {
    await mkdir(folder(), { recursive: true });
    await writeFile(join(folder(), 'my download (1).onnx'), body);
    await writeFile(join(folder(), 'other.onnx'), Buffer.alloc(body.length));
    const here = shelf();
    expect((await here.list()).models[0]!.path).toBe(join(folder(), 'my download (1).onnx'));
    expect(await get(here)).toBe(join(folder(), 'my download (1).onnx'));
    expect(asked).toEqual([]);
  });
});

describe('the catalogue', () => {
  it('has all that is shown and needed of each network', () => {
    expect(catalogueEntries).toHaveLength(13);
    for (const entry of catalogueEntries) {
      expect(entry.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(entry.address).toMatch(/^https:\/\//);
      for (const words of [entry.name, entry.licence, entry.note]) expect(words.length).toBeGreaterThan(5);
      expect(entry.preprocessing.mean).toHaveLength(3);
      expect(entry.preprocessing.std).toHaveLength(3);
    }
    expect(new Set(catalogueEntries.map(({ sha256: sum }) => sum)).size).toBe(13);
  });
});

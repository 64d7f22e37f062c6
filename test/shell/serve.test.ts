import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { decode, encode } from '../../preload/codec';
import { serveCalls, type Handlers } from '../../preload/rpc';
import type { EngineProcess } from '../../main/engine/client';
import { fileFor, serve, type BrowserHost } from '../../main/serve';
import { portPair } from './ports';

let folder: string;
let host: BrowserHost;
let port: number;
let token: string;
let cookie: string;
/** Kills every port, as an engine that dies does. */
let die: () => void;
const openPorts = new Set<unknown>();

/** An engine in this process with one call. */
function engineHere(): EngineProcess {
  const ends: (() => void)[] = [];
  die = () => ends.forEach((end) => end());
  return {
    port() {
      const [near, far] = portPair();
      openPorts.add(near);
      near.onClose(() => openPorts.delete(near));
      ends.push(near.close);
      serveCalls(far, { 'recent.list': () => Promise.resolve([]) } as Partial<Handlers> as Handlers, (error) => ({
        code: 'told',
        message: String(error),
      }));
      return near;
    },
    onState: () => undefined,
    stop: () => Promise.resolve(),
  };
}

beforeAll(async () => {
  const outside = await mkdtemp(path.join(tmpdir(), 'unpool-serve-'));
  folder = path.join(outside, 'renderer');
  await mkdir(path.join(folder, 'assets'), { recursive: true });
  await writeFile(path.join(folder, 'index.html'), '<title>the window</title>');
  await writeFile(path.join(folder, 'assets/app.js'), 'void 0');
  await writeFile(path.join(outside, 'secret.txt'), 'secret');
  await mkdir(path.join(outside, 'renderer-of-others'));
  await writeFile(path.join(outside, 'renderer-of-others/secret.txt'), 'secret');
  host = await serve(engineHere(), folder);
  const url = new URL(host.address);
  port = Number(url.port);
  token = url.searchParams.get('token')!;
  const entered = await get(`/?token=${token}`);
  cookie = entered.headers['set-cookie']![0]!.split(';')[0]!;
});
afterAll(async () => {
  await host.close();
  await rm(path.dirname(folder), { recursive: true });
});

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A request whose path and headers nobody tidies up. */
function get(target: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: target, method, headers }, (response) => {
      let body = '';
      response.setEncoding('latin1').on('data', (data: string) => (body += data));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    })
      .on('error', reject)
      .end();
  });
}

/** Bytes as they are, for what no HTTP client would send. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text, 'latin1'));
    let answer = '';
    socket.setEncoding('latin1').on('data', (data: string) => (answer += data));
    socket.on('close', () => resolve(answer)).on('error', reject);
  });
}

/** Opens a socket; resolves to it, or to the status of the refusal. */
function open(headers: Record<string, string>, target = '/rpc', origin = `http://127.0.0.1:${port}`) {
  return new Promise<WebSocket | number>((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${target}`, { headers, ...(origin && { origin }) });
    socket.on('open', () => resolve(socket));
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode!));
    socket.on('error', reject);
  });
}
const ask = (socket: WebSocket, message: unknown): Promise<unknown> =>
  new Promise((resolve) => {
    socket.once('message', (data: Buffer) => resolve(decode(data)));
    socket.send(encode(message));
  });
const ended = (socket: WebSocket): Promise<number> => new Promise((resolve) => socket.on('close', resolve));

describe('the browser host serves', () => {
  it('the window to whoever brings the token, which no script and no other site sees', async () => {
    const entered = await get(`/?token=${token}`);
    expect(entered.status).toBe(200);
    expect(entered.headers['set-cookie']![0]).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
    expect(entered.body).not.toContain(token);
    const page = await get('/', { cookie: `other=1; ${cookie}` });
    expect([page.status, page.body]).toEqual([200, '<title>the window</title>']);
    expect((await get('/assets/app.js?v=1', { cookie })).headers['content-type']).toMatch(/^text\/javascript/);
    expect((await get('/assets/app.js', { cookie }, 'HEAD')).body).toBe('');
  });

  it('every answer with a strict policy, and none to be stored or framed', async () => {
    for (const answer of [
      await get('/', { cookie }),
      await get('/'),
      await get('/none', { cookie }),
      await get(`/?token=${token}`),
    ]) {
      const policy = String(answer.headers['content-security-policy']);
      expect(policy).toMatch(/default-src 'none'.*script-src 'self';.*frame-ancestors 'none'/);
      expect(policy).not.toMatch(/script-src[^;]*unsafe/);
      expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    }
  });

  it('the engine to the window', async () => {
    const socket = (await open({ cookie })) as WebSocket;
    expect(await ask(socket, { t: 'call', id: 3, name: 'recent.list', args: {} })).toEqual({
      t: 'result',
      id: 3,
      value: [],
    });
    socket.close();
    await vi.waitFor(() => expect(openPorts.size).toBe(0));
  });

  it('and tells the window when the engine went', async () => {
    const socket = (await open({ cookie })) as WebSocket;
    const code = ended(socket);
    die();
    expect(await code).toBe(1012);
  });
});

describe('the browser host refuses', () => {
  it.each([
    ['no token', {}, '/'],
    ['a wrong token', {}, '/?token=wrong'],
    ['an empty token', {}, '/?token='],
    ['the cookie of another host of this machine', { cookie: 'unpool-1=x' }, '/'],
    ['files without a token', {}, '/assets/app.js'],
  ])('%s', async (_what, headers, target) => {
    const answer = await get(target, headers as Record<string, string>);
    expect(answer.status).toBe(401);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  it('a token that is longer in bytes than in letters, and goes on', async () => {
    const letters = 'é'.repeat(token.length);
    expect((await get(`/?token=${encodeURIComponent(letters)}`)).status).toBe(401);
    expect(
      await raw(
        `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nCookie: ${cookie.split('=')[0]}=${letters}\r\nConnection: close\r\n\r\n`,
      ),
    ).toMatch(/^HTTP\/1.1 401/);
    expect(await open({ cookie: `${cookie.split('=')[0]}=${letters}` })).toBe(403);
  });

  it('addresses that are none, and goes on', async () => {
    for (const target of ['//', '//[', '/%', '/%00', '/\\..\\..\\x', 'http://evil.example/', '*'])
      expect(
        await raw(
          `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`,
        ),
        target,
      ).toMatch(/^HTTP\/1.1 4\d\d/);
    expect((await get('/', { cookie })).status).toBe(200);
  });

  it.each(['evil.example', 'evil.example:80', '127.0.0.1', '127.0.0.1:1', '0.0.0.0'])(
    'the host "%s", even with the token: a name that only leads here',
    async (name) => {
      expect((await get(`/?token=${token}`, { host: name, cookie })).status).toBe(403);
      expect(await open({ host: name, cookie })).toBe(403);
    },
  );

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('%s', async (method) => {
    expect((await get('/', { cookie }, method)).status).toBe(405);
  });

  it.each([
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/%2e%2e%2fsecret.txt',
    '/assets/../../secret.txt',
    '/assets/%2e%2e/%2e%2e/secret.txt',
    '/..%5csecret.txt',
    '/../renderer-of-others/secret.txt',
    '/%2fetc/passwd',
    '//etc/passwd',
    '/file:///etc/passwd',
    '/index.html%00.js',
    '/assets',
    '/assets/',
  ])('%s: nothing outside of the window is a file of it', async (target) => {
    const answer = await raw(
      `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 4\d\d/);
    expect(answer).not.toMatch(/secret|root:/);
  });

  it.each([
    ['without the cookie', {}, '/rpc', undefined],
    ['with a wrong cookie', { cookie: 'unpool=x' }, '/rpc', undefined],
    ['from a foreign page', 'cookie', '/rpc', 'https://evil.example'],
    ['from another port of this machine', 'cookie', '/rpc', 'http://127.0.0.1:1'],
    ['from a page without origin', 'cookie', '/rpc', 'null'],
    ['from no page', 'cookie', '/rpc', ''],
    ['at another address', 'cookie', '/', undefined],
  ])('sockets %s', async (_what, headers, target, origin) => {
    expect(await open(headers === 'cookie' ? { cookie } : (headers as Record<string, string>), target, origin)).toBe(
      403,
    );
  });

  it('unknown calls', async () => {
    const socket = (await open({ cookie })) as WebSocket;
    for (const name of ['files.read', 'constructor', 'shell.reveal'])
      expect(await ask(socket, { t: 'call', id: 1, name, args: {} })).toMatchObject({
        t: 'error',
        error: { code: 'unknown-call' },
      });
    socket.close();
  });

  it.each([
    ['text', 'hello', 1003],
    ['bytes that are no message', Buffer.from([9, 0, 0, 0, 1]), 1003],
    ['a frame that is too large', Buffer.alloc(17 * 2 ** 20), 1009],
  ])('%s: the connection ends, its port with it, and the next is served', async (_what, frame, code) => {
    const socket = (await open({ cookie })) as WebSocket;
    const closed = ended(socket);
    socket.send(frame);
    expect(await closed).toBe(code);
    await vi.waitFor(() => expect(openPorts.size).toBe(0));
    const next = (await open({ cookie })) as WebSocket;
    expect(await ask(next, { t: 'call', id: 0, name: 'recent.list', args: {} })).toMatchObject({ t: 'result' });
    next.close();
  });

  it('everybody who is not on this machine', async () => {
    const second = await serve(engineHere(), folder);
    expect(new URL(second.address).hostname).toBe('127.0.0.1');
    expect(new URL(second.address).searchParams.get('token')).not.toBe(token);
    expect(token.length).toBeGreaterThanOrEqual(32);
    await second.close();
  });
});

describe('files of the window', () => {
  it('are those below its folder', () => {
    const base = path.resolve('/somewhere/renderer');
    expect(fileFor(base, '/')).toBe(path.join(base, 'index.html'));
    expect(fileFor(base, '/assets/a%20b.js')).toBe(path.join(base, 'assets/a b.js'));
    for (const name of ['/..', '/../renderer', '/../../x', '/a/%2e%2e/%2e%2e/x', '//x', '/%2fx'])
      expect(fileFor(base, name) ?? path.join(base, 'x'), name).toMatch(path.join(base, '/'));
    for (const name of ['/%', '/a\0', '/..\\x', '/%5cx']) expect(fileFor(base, name), name).toBeNull();
  });
});

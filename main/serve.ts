import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import path from 'node:path';
import { WebSocketServer, type WebSocket } from 'ws';
import { decode, encode } from '../preload/codec';
import type { EngineProcess } from './engine/client';

/** The window in a browser: serves the renderer and joins its socket to the engine. Bound to this machine only. */
export interface BrowserHost {
  /** With the token; whoever has it may use the engine. */
  address: string;
  close(): Promise<void>;
}

const loopback = '127.0.0.1';
const largestFrame = 16 * 2 ** 20;

const contentTypes: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
  '.json': 'application/json',
};

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' blob: data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const safeHeaders = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=(self), microphone=(), geolocation=(), display-capture=(), usb=(), serial=(), hid=()',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** Compares without telling by its time how much is right. */
function same(given: string | null | undefined, token: string): boolean {
  const [left, right] = [Buffer.from(given ?? ''), Buffer.from(token)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function cookieOf(request: IncomingMessage, wanted: string): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [name, value] = pair.trim().split('=');
    if (name === wanted) return value;
  }
  return undefined;
}

/** The address that was asked for; null for one that is none. */
function urlOf(request: IncomingMessage): URL | null {
  if (!request.url?.startsWith('/')) return null;
  try {
    return new URL(`http://${loopback}${request.url}`);
  } catch {
    return null;
  }
}

/** Goes on from a page of this host: a redirect would count as the other site's, where a link there led here. */
const enter =
  '<!doctype html><meta charset="utf-8"><title>Unpool</title><link rel="icon" href="data:,">' +
  '<meta http-equiv="refresh" content="0;url=/">\n';

/** Starts the browser host on a port of this machine (0: any free one). */
export async function serve(engine: EngineProcess, folder: string, port = 0): Promise<BrowserHost> {
  const token = randomBytes(24).toString('base64url');
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      console.error(error);
      response.destroy();
    });
  });
  await listen(server, port);
  const { port: bound } = server.address() as { port: number };
  const hosts = new Set([`${loopback}:${bound}`, `localhost:${bound}`]);
  const origins = new Set([...hosts].map((host) => `http://${host}`));
  // Cookies are shared by all ports of a machine: each host has a name of its own.
  const cookieName = `unpool-${bound}`;

  /** Against pages elsewhere that name this address (DNS rebinding), and pages that only know the port. */
  const known = (request: IncomingMessage): boolean => hosts.has(request.headers.host ?? '');

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refuse = (status: number, words: string): void => {
      response.writeHead(status, { ...safeHeaders, 'content-type': 'text/plain; charset=utf-8' }).end(`${words}\n`);
    };
    if (!known(request)) return refuse(403, 'This address is not served.');
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'Only GET.');
    const url = urlOf(request);
    if (!url) return refuse(400, 'This is no address.');
    if (same(url.searchParams.get('token'), token)) {
      // From here on the token rides in a cookie that no script and no other site sees.
      const cookie = `${cookieName}=${token}; HttpOnly; SameSite=Strict; Path=/`;
      const type = { 'content-type': contentTypes['.html'] };
      response.writeHead(200, { ...safeHeaders, ...type, 'set-cookie': cookie }).end(enter);
      return;
    }
    if (!same(cookieOf(request, cookieName), token))
      return refuse(401, 'Open the whole address that Unpool printed; it carries the token.');
    const file = fileFor(folder, url.pathname);
    const bytes = file && (await readFile(file).catch(() => null));
    if (!file || !bytes) return refuse(404, 'Not there.');
    const type = contentTypes[path.extname(file)] ?? 'application/octet-stream';
    response
      .writeHead(200, { ...safeHeaders, 'content-type': type })
      .end(request.method === 'HEAD' ? undefined : bytes);
  }

  const sockets = new WebSocketServer({ noServer: true, maxPayload: largestFrame, perMessageDeflate: false });
  server.on('upgrade', (request, socket, head) => {
    const allowed =
      known(request) &&
      origins.has(request.headers.origin ?? '') &&
      same(cookieOf(request, cookieName), token) &&
      request.url === '/rpc';
    if (!allowed) {
      socket.on('error', () => socket.destroy());
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => join(client, engine));
  });

  return {
    address: `http://${loopback}:${bound}/?token=${token}`,
    async close() {
      for (const client of sockets.clients) client.terminate();
      sockets.close();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, loopback, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A file of the built window, or null for anything outside. */
export function fileFor(folder: string, pathname: string): string | null {
  let name: string;
  try {
    name = decodeURIComponent(pathname);
  } catch {
    return null;
  }
  if (name.includes('\0') || name.includes('\\')) return null;
  const file = path.resolve(folder, `.${name === '/' ? '/index.html' : path.posix.normalize(name)}`);
  return file.startsWith(folder + path.sep) ? file : null;
}

/** One socket, one client of the engine. A frame that is no message ends the connection. */
function join(socket: WebSocket, engine: EngineProcess): void {
  const port = engine.port();
  socket.on('message', (data, isBinary) => {
    try {
      if (!isBinary) throw new RangeError('text');
      port.post(decode(data as Buffer));
    } catch {
      socket.close(1003, 'not a message');
    }
  });
  port.listen((message) => socket.readyState === socket.OPEN && socket.send(encode(message)));
  port.onClose(() => socket.close(1012, 'the engine was restarted'));
  socket.on('close', () => port.close());
  socket.on('error', () => socket.terminate());
}

import { t } from '../i18n';
import { decode, encode } from '../../preload/codec';
import { RpcError, type RpcPort } from '../../preload/rpc';
import { HostEmitter } from './emitter';
import type { Host } from './host';
import { createLastingClient } from './lastingClient';

const retryEvery = 1500;
/** The close code (service restart) by which the server tells that only the engine went. */
const engineRestarts = 1012;

/** A socket as a port. */
function socketPort(socket: WebSocket): RpcPort {
  return {
    // A message that finds the socket closed is lost with it: its call is told so when the port closes.
    post: (message) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(encode(message) as Uint8Array<ArrayBuffer>);
    },
    listen: (handler) =>
      socket.addEventListener('message', ({ data }) => {
        if (data instanceof ArrayBuffer) handler(decode(new Uint8Array(data)));
      }),
    onClose: (handler) => socket.addEventListener('close', handler, { once: true }),
  };
}

/** Downloads bytes as a file. */
function download(bytes: Uint8Array, name: string): void {
  const url = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** The window in a browser, served by `unpool serve`: the engine at the other end of a socket. */
export function browserHost(): Host {
  const events = new HostEmitter();
  const client = createLastingClient();
  const address = new URL('rpc', location.href);
  address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  address.hash = '';
  let told = false;

  function connect(): void {
    const socket = new WebSocket(address);
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => {
      client.connect(socketPort(socket));
      if (told) events.emit('engine.state', { state: 'ready', message: '' });
      told = false;
    });
    socket.addEventListener('close', ({ code }) => {
      client.disconnect();
      if (code === engineRestarts)
        events.emit('engine.state', { state: 'restarting', message: t('shell.engine.nothingLost') });
      else if (!told) events.emit('engine.state', { state: 'gone', message: t('shell.engine.serverGone') });
      told = true;
      setTimeout(connect, retryEvery);
    });
  }
  connect();

  return {
    kind: 'browser',
    client,
    pathOf: () => null,
    linkOf: (hash) => `${location.origin}${location.pathname}${hash}`,
    async saveFile(name, make) {
      const { bytes } = await make('');
      download(bytes, name);
      return t('shell.saved', { name });
    },
    async copyPicture(make) {
      // Not there on pages that are not secure, whatever its type says.
      const clipboard = navigator.clipboard as Clipboard | undefined;
      if (!clipboard)
        throw new RpcError({
          code: 'no-clipboard',
          message: t('shell.clipboard.none'),
          hint: t('shell.clipboard.noneHint'),
        });
      const png = make();
      const blob = png.then((bytes) => new Blob([bytes as Uint8Array<ArrayBuffer>], { type: 'image/png' }));
      try {
        await clipboard.write([new ClipboardItem({ 'image/png': blob })]);
      } catch (refused) {
        await png; // what went wrong in making it says more
        throw refused;
      }
    },
    on: (event, listener) => events.on(event, listener),
  };
}

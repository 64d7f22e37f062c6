import type { ErrorInfo, ShellCallName } from '../../preload/contract';
import type { DesktopBridge } from '../../preload/index';
import { RpcError, type RpcPort } from '../../preload/rpc';
import type { Host } from './host';
import { createLastingClient } from './lastingClient';

declare global {
  interface Window {
    unpool?: DesktopBridge;
  }
}

/** A port of the desktop. Buffers are copied, never given away: those would be lost on their way. */
function messagePort(port: MessagePort): RpcPort {
  return {
    post: (message) => port.postMessage(message),
    listen(handler) {
      port.addEventListener('message', ({ data }) => handler(data));
      port.start();
    },
    // The window is told of the engine's end by its shell, and gets another port then.
    onClose: (handler) => port.addEventListener('close', handler),
  };
}

/** The window in Electron: the engine behind a port, dialogs by the shell. */
export function desktopHost(bridge: DesktopBridge): Host {
  const client = createLastingClient();
  addEventListener('message', ({ source, data, ports: [port] }) => {
    if (source !== window || data !== 'unpool:port' || !port) return;
    client.disconnect();
    client.connect(messagePort(port));
  });

  async function shell<K extends ShellCallName>(...[name, args]: Parameters<typeof bridge.shell<K>>) {
    const answer = await bridge.shell(name, args);
    if ('error' in answer) throw new RpcError(answer.error as ErrorInfo);
    return answer.value;
  }

  return {
    kind: 'desktop',
    client,
    pickModel: () => shell('shell.pickModel', {}),
    pickFolder: (title) => shell('shell.pickFolder', { title }),
    pathOf: (file) => bridge.pathOf(file) || null,
    async saveFigure(figure, name) {
      const path = await shell('shell.pickSave', { name });
      if (path === null) return null;
      await client.call('figure.render', { ...figure, path });
      return `Saved to ${path}.`;
    },
    reveal: async (path) => void (await shell('shell.reveal', { path })),
    setTheme: async (theme) => void (await shell('shell.setTheme', { theme })),
    on: (event, listener) => bridge.on(event, listener),
  };
}

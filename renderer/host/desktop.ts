import { t } from '../i18n';
import type { ArgsIn, ResultOf, ShellCallName } from '../../preload/contract';
import { linkOfHash } from '../../preload/link';
import type { DesktopBridge } from '../../preload/index';
import { RpcError, type RpcPort } from '../../preload/rpc';
import type { Host } from './host';
import { createLastingClient } from './lastingClient';

declare global {
  interface Window {
    /** There in the desktop shell only. */
    unpool?: DesktopBridge;
  }
}

/** The window in the desktop shell: the engine at the other end of a port that the shell hands over, anew at each start. */
export function desktopHost(bridge: DesktopBridge): Host {
  const client = createLastingClient();
  let drop = (): void => undefined;

  // Older Electrons do not tell a port that its other end is gone; the shell does.
  bridge.on('engine.state', ({ state }) => {
    if (state === 'ready') return;
    client.disconnect();
    drop();
  });
  addEventListener('message', ({ source, data, ports: [port] }) => {
    if (source !== window || data !== 'unpool:port' || !port) return;
    const closed: (() => void)[] = [];
    drop();
    drop = () => {
      port.close();
      for (const handler of closed.splice(0)) handler();
    };
    const through: RpcPort = {
      post: (message) => port.postMessage(message),
      listen: (handler) => {
        port.onmessage = (event) => handler(event.data);
      },
      onClose: (handler) => void closed.push(handler),
    };
    client.connect(through);
  });

  async function shell<K extends ShellCallName>(name: K, args: ArgsIn<K>): Promise<ResultOf<K>> {
    const answer = await bridge.shell(name, args);
    if ('error' in answer) throw new RpcError(answer.error as RpcError['info']);
    return answer.value as ResultOf<K>;
  }

  return {
    kind: 'desktop',
    client,
    pickModel: () => shell('shell.pickModel', {}),
    pickFolder: (title) => shell('shell.pickFolder', { title }),
    pathOf: (file) => bridge.pathOf(file) || null,
    async saveFile(name, make) {
      const path = await shell('shell.pickSave', { name });
      if (path === null) return null;
      await make(path);
      return t('shell.saved', { name: path });
    },
    copyPicture: async (make) => void (await shell('shell.copyPicture', { png: new Uint8Array(await make()) })),
    reveal: async (path) => void (await shell('shell.reveal', { path })),
    linkOf: linkOfHash,
    trash: async (path) => void (await shell('shell.trash', { path })),
    setMenu: async (menu) => void (await shell('shell.setMenu', menu)),
    setTheme: async (theme) => void (await shell('shell.setTheme', { theme })),
    on: (event, listener) => bridge.on(event, listener),
  };
}

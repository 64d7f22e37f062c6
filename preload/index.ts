import { contextBridge, ipcRenderer, webUtils } from 'electron';
import type { ArgsIn, HostEvents, ResultOf, ShellCallName } from './contract';

/** What the page may use of the desktop: its shell's calls, its events, and the path of a dropped file. */
const bridge = {
  platform: process.platform,

  async shell<K extends ShellCallName>(name: K, args: ArgsIn<K>): Promise<{ value: ResultOf<K> } | { error: unknown }> {
    return (await ipcRenderer.invoke('shell', name, args)) as { value: ResultOf<K> } | { error: unknown };
  },

  on<K extends keyof HostEvents>(event: K, listener: (value: HostEvents[K]) => void): () => void {
    const relay = (_event: unknown, name: unknown, value: unknown): void => {
      if (name === event) listener(value as HostEvents[K]);
    };
    ipcRenderer.on('host', relay);
    return () => ipcRenderer.removeListener('host', relay);
  },

  /** Electron before 32 put the path on the file itself. */
  pathOf(file: File): string {
    const utilities = webUtils as typeof webUtils | undefined;
    return utilities ? utilities.getPathForFile(file) : ((file as File & { path?: string }).path ?? '');
  },
};

export type DesktopBridge = typeof bridge;

contextBridge.exposeInMainWorld('unpool', bridge);

// Ports do not pass the bridge; they are handed to the page as a message of the window to itself.
ipcRenderer.on('port', (event) => window.postMessage('unpool:port', '*', [...event.ports]));

import type { HostEvents, MenuModel } from '../../preload/contract';
import type { Client } from '../../preload/rpc';

export type { Client };

/** What is around the window: the desktop shell, a browser talking to `unpool serve`, or a fake one in tests. */
export interface Host {
  kind: 'desktop' | 'browser';
  /** Calls and events of the engine. */
  client: Client;
  /** A model's path, from the system's dialog; null: closed without one. Absent: the window shows its own browser of folders. */
  pickModel?(): Promise<string | null>;
  pickFolder?(title: string): Promise<string | null>;
  /** Path of a file or folder that was dropped; null where the host cannot know it. */
  pathOf(file: File): string | null;
  /**
   * Saves a file where the user wants it. `make` writes it to the path that it is given, or, for an empty one, gives its
   * bytes. Resolves to what to say then, or null where it was not saved.
   */
  saveFile(name: string, make: (path: string) => Promise<{ bytes: Uint8Array }>): Promise<string | null>;
  /** Puts a PNG on the clipboard: browsers want to be asked at the click, before it is made. Rejects with what making it throws. */
  copyPicture(make: () => Promise<Uint8Array>): Promise<void>;
  /** Shows a file in the system's file manager. */
  reveal?(path: string): Promise<void>;
  /** The address of what is on the screen, for giving it away. */
  linkOf(hash: string): string;
  /** Moves what the engine has put into its trash on to the system's. Absent: it stays in the program's own. */
  trash?(path: string): Promise<void>;
  /** Shows the window's commands in the native menu. */
  setMenu?(menu: MenuModel): Promise<void>;
  /** Tells the shell, so that native menus and dialogs match. */
  setTheme?(theme: 'system' | 'light' | 'dark'): Promise<void>;
  on<K extends keyof HostEvents>(event: K, listener: (value: HostEvents[K]) => void): () => void;
}

let current: Host | null = null;

/** Set once, before the app is mounted. */
export function setHost(host: Host): void {
  current = host;
}

export function useHost(): Host {
  if (!current) throw new Error('No host has been set.');
  return current;
}

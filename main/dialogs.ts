import {
  clipboard,
  ClipboardItem,
  dialog,
  ipcMain,
  nativeImage,
  nativeTheme,
  shell,
  type BrowserWindow,
  type IpcMainInvokeEvent,
} from 'electron';
import path from 'node:path';
import * as v from 'valibot';
import {
  shellCalls,
  type ArgsOf,
  type ErrorInfo,
  type MenuModel,
  type ResultOf,
  type ShellCallName,
} from '../preload/contract';
import { badArguments } from '../preload/rpc';
import { modelExtensions } from './core/formats/index';
import { homeFolder } from './places';

type ShellHandlers = { [K in ShellCallName]: (args: ArgsOf<K>, window: BrowserWindow) => Promise<ResultOf<K>> };

/** Older Electrons have a call of their own for pictures, newer ones that of browsers. */
async function copyPicture(png: Uint8Array): Promise<null> {
  const older = clipboard as { writeImage?(image: Electron.NativeImage): void };
  if (older.writeImage) older.writeImage(nativeImage.createFromBuffer(Buffer.from(png)));
  else await clipboard.write([new ClipboardItem({ 'image/png': new Blob([Buffer.from(png)]) })]);
  return null;
}

/** What the rest of the shell does for a window. */
interface Shell {
  keepTheme(theme: 'system' | 'light' | 'dark'): void;
  showMenu(model: MenuModel): void;
}

/** Answers the calls that a window makes to its shell. */
export function handleShellCalls(
  windowOf: (event: IpcMainInvokeEvent) => BrowserWindow | null,
  { keepTheme, showMenu }: Shell,
): void {
  const handlers: ShellHandlers = {
    async 'shell.pickModel'(_args, window) {
      const filters = [
        { name: 'Networks', extensions: [...modelExtensions] },
        { name: 'All files', extensions: ['*'] },
      ];
      const { canceled, filePaths } = await dialog.showOpenDialog(window, {
        title: 'Open a network',
        properties: ['openFile'],
        filters,
      });
      return canceled ? null : (filePaths[0] ?? null);
    },
    async 'shell.pickFolder'({ title }, window) {
      const { canceled, filePaths } = await dialog.showOpenDialog(window, { title, properties: ['openDirectory'] });
      return canceled ? null : (filePaths[0] ?? null);
    },
    async 'shell.pickSave'({ name }, window) {
      const extension = path.extname(name).slice(1);
      const filters = [{ name: extension.toUpperCase(), extensions: [extension] }];
      const { canceled, filePath } = await dialog.showSaveDialog(window, {
        title: 'Save the figure',
        defaultPath: path.basename(name),
        filters,
      });
      return canceled ? null : (filePath ?? null);
    },
    'shell.copyPicture'({ png }) {
      return copyPicture(png);
    },
    'shell.reveal'({ path: file }) {
      shell.showItemInFolder(path.resolve(file));
      return Promise.resolve(null);
    },
    async 'shell.trash'({ path: folder }) {
      // A window asks for nothing to be thrown away but what the engine has put into the trash.
      const own = path.join(homeFolder(), 'trash') + path.sep;
      if (!path.resolve(folder).startsWith(own)) throw new Error(`"${folder}" is not in the trash`);
      await shell.trashItem(path.resolve(folder));
      return null;
    },
    'shell.setMenu'(model) {
      showMenu(model);
      return Promise.resolve(null);
    },
    'shell.setTheme'({ theme }) {
      nativeTheme.themeSource = theme;
      keepTheme(theme);
      return Promise.resolve(null);
    },
  };

  type Answer = { value: unknown } | { error: ErrorInfo };
  ipcMain.handle('shell', async (event, name: unknown, args: unknown): Promise<Answer> => {
    const window = windowOf(event);
    if (!window || typeof name !== 'string' || !Object.hasOwn(shellCalls, name))
      return { error: { code: 'unknown-call', message: `There is no call "${String(name)}".` } };
    const call = name as ShellCallName;
    const parsed = v.safeParse(shellCalls[call].args, args);
    if (!parsed.success) return { error: badArguments(call, parsed.issues) };
    try {
      // The schema has just matched name and arguments.
      return {
        value: await (handlers[call] as (args: unknown, window: BrowserWindow) => Promise<unknown>)(
          parsed.output,
          window,
        ),
      };
    } catch (error) {
      console.error(error);
      return {
        error: {
          code: 'shell',
          message: `The system refused: ${error instanceof Error ? error.message : String(error)}.`,
        },
      };
    }
  });
}

import {
  app,
  type BrowserWindow,
  MessageChannelMain,
  nativeTheme,
  utilityProcess,
  type IpcMainInvokeEvent,
  type UtilityProcess,
} from 'electron';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { AppInfo, HostEvents, MenuModel } from '../preload/contract';
import { version } from '../package.json';
import { hashOfLink } from '../preload/link';
import { ownArguments } from './arguments';
import { handleShellCalls } from './dialogs';
import { engineEnvironment } from './engine/client';
import type { EngineSettings } from './engine/index';
import { createJudge, goneMessage, restartCode, restartMessage } from './engine/restart';
import { setMenu } from './menu';
import { demoFolder, homeFolder, runtimeGiven } from './places';
import { readSettings, writeSettings } from './settings';
import { createWindow, registerScheme, secureSession } from './window';

/** The desktop shell: one window, and the engine in a process of its own. */

const initialFlag = '--initial=';

let window: BrowserWindow | null = null;
let engine: UtilityProcess | null = null;
let judge: ReturnType<typeof createJudge> | null = null;
let quitting = false;
/** What the program was started with. */
let given: readonly string[] = [];

function tell<K extends keyof HostEvents>(event: K, value: HostEvents[K]): void {
  window?.webContents.send('host', event, value);
}

/** What the program was started with: by the command line, or by opening a file. */
function initialOf(args: readonly string[]): AppInfo['initial'] {
  const flag = args.find((arg) => arg.startsWith(initialFlag));
  if (flag) return JSON.parse(flag.slice(initialFlag.length)) as AppInfo['initial'];
  const hash = linkIn(args);
  if (hash !== null) return { kind: 'link', hash };
  const [file] = pathsIn(args);
  if (file)
    return existsSync(path.join(file, 'study.json'))
      ? { kind: 'study', path: file }
      : { kind: 'new', model: file, pictures: '' };
  const demo = demoFolder();
  return demo ? { kind: 'study', path: demo } : { kind: 'home' };
}

/** Files and folders among arguments, those that are there. */
const pathsIn = (args: readonly string[]): string[] =>
  args.filter((arg) => !arg.startsWith('-') && existsSync(arg)).map((arg) => path.resolve(arg));

/** The window's hash for the first link among arguments; what is no link that is taken is passed over. */
function linkIn(args: readonly string[]): string | null {
  for (const arg of args) {
    const hash = arg.startsWith('unpool:') ? hashOfLink(arg) : null;
    if (hash !== null) return hash;
  }
  return null;
}

function startEngine(distrusted: EngineSettings['distrusted'] = null): void {
  const settings: EngineSettings = {
    home: homeFolder(),
    demo: demoFolder(),
    version,
    initial: initialOf(given),
    runtime: runtimeGiven(),
    distrusted,
  };
  const judged = (judge ??= createJudge(settings));
  const started = utilityProcess.fork(path.join(__dirname, 'engine.cjs'), [], {
    env: engineEnvironment(settings),
    serviceName: 'Unpool engine',
    stdio: 'inherit',
  });
  engine = started;
  started.on('exit', (code) => {
    const wanted = code === restartCode;
    if (engine !== started || quitting) return;
    engine = null;
    const verdict = wanted ? { message: restartMessage, distrusted: null } : judged();
    if (verdict.message === null) {
      tell('engine.state', { state: 'gone', message: goneMessage });
      return;
    }
    tell('engine.state', { state: 'restarting', message: verdict.message });
    startEngine(verdict.distrusted);
    connect();
    tell('engine.state', { state: 'ready', message: 'The engine is running again.' });
  });
}

/** Joins window and engine by a channel of their own; what goes through it never passes this process. */
function connect(): void {
  if (!window || !engine) return;
  const { port1, port2 } = new MessageChannelMain();
  engine.postMessage(null, [port1]);
  window.webContents.postMessage('port', null, [port2]);
}

function openWindow(): void {
  const home = homeFolder();
  const settings = readSettings(home);
  nativeTheme.themeSource = settings.theme;
  const opened = createWindow(settings);
  window = opened;
  // At every load: a page that is loaded again has lost its port.
  opened.webContents.on('did-finish-load', connect);
  opened.webContents.on('render-process-gone', (_event, details) => {
    console.error(`The window's process is gone: ${details.reason}.`);
    if (details.reason !== 'clean-exit') opened.webContents.reload();
  });
  opened.on('close', () =>
    writeSettings(home, { ...readSettings(home), bounds: opened.getNormalBounds(), maximised: opened.isMaximized() }),
  );
  opened.on('closed', () => (window = null));
  showMenu(null);
}

const showMenu = (model: MenuModel | null): void => setMenu(model, (command) => tell('menu.command', { command }));

/** Brings the window forth, one that is made where there is none, and tells it once it listens. */
function inWindow(say: () => void): void {
  if (!window) openWindow();
  const { webContents } = window!;
  if (window!.isMinimized()) window!.restore();
  window!.focus();
  if (webContents.isLoadingMainFrame()) webContents.once('did-finish-load', say);
  else say();
}

const openPaths = (paths: string[]): void => inWindow(() => paths.length > 0 && tell('open.paths', { paths }));
const openLink = (hash: string): void => inWindow(() => tell('open.link', { hash }));

/** The window that a call comes from, if it comes from the top frame of ours. */
const windowOf = (event: IpcMainInvokeEvent): BrowserWindow | null =>
  window && event.senderFrame === window.webContents.mainFrame ? window : null;

/** Starts the shell; called once, before the app is ready. */
export function startDesktopShell(args: readonly string[]): void {
  given = args;
  registerScheme();
  app.setPath('userData', homeFolder());
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  // Not from a checkout: the system would start Electron without the program.
  if (app.isPackaged) app.setAsDefaultProtocolClient('unpool');
  app.on('second-instance', (_event, argv) => {
    const own = ownArguments(argv, app.isPackaged ? null : app.getAppPath());
    const hash = linkIn(own);
    if (hash !== null) openLink(hash);
    else openPaths(pathsIn(own));
  });
  app.on('open-url', (event, url) => {
    event.preventDefault();
    const hash = linkIn([url]);
    if (hash === null) return;
    if (app.isReady()) openLink(hash);
    else given = [...given, url];
  });
  app.on('open-file', (event, file) => {
    event.preventDefault();
    if (app.isReady()) openPaths([file]);
    else given = [...given, file];
  });
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  app.on('activate', () => {
    if (!window) openWindow();
  });
  app.on('before-quit', () => (quitting = true));

  void app.whenReady().then(() => {
    secureSession();
    handleShellCalls(windowOf, {
      keepTheme: (theme) => writeSettings(homeFolder(), { ...readSettings(homeFolder()), theme }),
      showMenu,
    });
    startEngine();
    openWindow();
  });
}

import { BrowserWindow, net, protocol, screen, session } from 'electron';
import { pathToFileURL } from 'node:url';
import { mayUse } from './permissions';
import { preloadFile, rendererFolder } from './places';
import { fileFor } from './serve';
import type { Settings } from './settings';

const scheme = 'app';
const home = `${scheme}://unpool/`;

/** Before the app is ready: the window's pages are a secure origin of their own, not file://. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme, privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ]);
}

/** Serves the built window and nothing else, and shuts the doors that a page could use. */
export function secureSession(): void {
  protocol.handle(scheme, (request) => {
    const url = new URL(request.url);
    const file = url.host === 'unpool' && request.method === 'GET' ? fileFor(rendererFolder, url.pathname) : null;
    return file ? net.fetch(pathToFileURL(file).href) : new Response('Not there.', { status: 404 });
  });
  session.defaultSession.setPermissionRequestHandler((_contents, permission, answer, details) => {
    const media = ('mediaTypes' in details && details.mediaTypes) || [];
    answer(mayUse({ permission, page: details.requestingUrl, media }, home));
  });
  session.defaultSession.setPermissionCheckHandler((_contents, permission, page, { mediaType }) =>
    mayUse({ permission, page, media: [mediaType] }, home),
  );
  // Nothing leaves the machine, whatever a page asks for.
  session.defaultSession.webRequest.onBeforeRequest((details, answer) => {
    const allowed = [home, 'devtools:', 'blob:', 'data:', 'file:'].some((start) => details.url.startsWith(start));
    answer({ cancel: !allowed });
  });
}

export function createWindow(settings: Settings): BrowserWindow {
  const window = new BrowserWindow({
    width: 1440,
    height: 900,
    ...(settings.bounds && onScreen(settings.bounds) ? settings.bounds : {}),
    minWidth: 900,
    minHeight: 560,
    show: false,
    backgroundColor: '#f6f6f4',
    title: 'Unpool',
    webPreferences: {
      preload: preloadFile,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
    },
  });
  if (settings.maximised) window.maximize();
  window.once('ready-to-show', () => window.show());
  window.webContents.setWindowOpenHandler(() => ({ action: 'deny' }));
  window.webContents.on('will-navigate', (event, url) => {
    if (!url.startsWith(home)) event.preventDefault();
  });
  window.webContents.on('will-attach-webview', (event) => event.preventDefault());
  void window.loadURL(home);
  return window;
}

function onScreen({ x, y }: NonNullable<Settings['bounds']>): boolean {
  if (x === undefined || y === undefined) return true;
  return screen
    .getAllDisplays()
    .some(
      ({ workArea }) =>
        x >= workArea.x - 50 &&
        y >= workArea.y - 50 &&
        x < workArea.x + workArea.width - 100 &&
        y < workArea.y + workArea.height - 100,
    );
}

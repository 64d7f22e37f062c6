import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { runtimeChoices, type RuntimeChoice } from '../preload/contract';

/** Where the program lies: the checkout, or the packed app. Built files are in dist/main. */
const root = path.resolve(__dirname, '../..');

export const rendererFolder = path.join(root, 'dist/renderer');
export const preloadFile = path.join(root, 'dist/preload/index.cjs');

/** The demo study: in the packed app beside the archive, where it is a plain folder. */
export function demoFolder(): string | null {
  const packed = (process as unknown as { resourcesPath?: string }).resourcesPath;
  const candidates = [...(packed ? [path.join(packed, 'demo-study')] : []), path.join(root, 'assets/demo-study')];
  return candidates.find((folder) => existsSync(path.join(folder, 'study.json'))) ?? null;
}

/** Where studies and settings are kept, by each system's custom; the same for the window and the command line. */
export function homeFolder(): string {
  const given = process.env['UNPOOL_HOME'];
  if (given) return path.resolve(given);
  const home = homedir();
  if (process.platform === 'win32')
    return path.join(process.env['APPDATA'] ?? path.join(home, 'AppData/Roaming'), 'Unpool');
  if (process.platform === 'darwin') return path.join(home, 'Library/Application Support/Unpool');
  return path.join(process.env['XDG_CONFIG_HOME'] ?? path.join(home, '.config'), 'Unpool');
}

/**
 * Which library is to run networks: UNPOOL_RUNTIME, which the command line's --runtime sets. Null, as for names that are
 * not known: what the settings say.
 */
export function runtimeGiven(): RuntimeChoice | null {
  const asked = process.env['UNPOOL_RUNTIME'];
  return runtimeChoices.find((each) => each === asked) ?? null;
}

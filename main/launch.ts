import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** Longest wait for the electron package to fetch its binary. */
const patience = 10_000;

export type Desktop = { started: true; code: number } | { started: false; why: string };

/** Where Electron's binary is, or in one line why it cannot be had. */
async function electronBinary(root: string): Promise<{ file: string } | { why: string }> {
  const name =
    process.platform === 'win32'
      ? 'electron.exe'
      : process.platform === 'darwin'
        ? 'Electron.app/Contents/MacOS/Electron'
        : 'electron';
  const given = process.env['ELECTRON_OVERRIDE_DIST_PATH'];
  if (given) {
    const file = path.join(given, name);
    return existsSync(file) ? { file } : { why: `there is no Electron in ELECTRON_OVERRIDE_DIST_PATH (${given})` };
  }
  let folder: string;
  try {
    folder = path.dirname(createRequire(path.join(root, 'package.json')).resolve('electron/package.json'));
  } catch {
    return { why: 'the electron package is not installed' };
  }
  const file = path.join(folder, 'dist', name);
  if (existsSync(file)) return { file };
  const fetched = await fetchBinary(folder);
  return fetched && existsSync(file) ? { file } : { why: 'Electron’s program could not be fetched' };
}

/** The electron package fetches its binary on demand, from outside the package registry; behind a firewall it hangs or fails. */
function fetchBinary(folder: string): Promise<boolean> {
  const script = path.join(folder, 'install.js');
  if (!existsSync(script)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script], { cwd: folder, stdio: 'ignore' });
    const timer = setTimeout(() => child.kill('SIGKILL'), patience);
    child.on('error', () => resolve(false));
    child.on('exit', (code) => {
      clearTimeout(timer);
      resolve(code === 0);
    });
  });
}

/** Starts the window in Electron and waits until it is closed; or says why it cannot. */
export async function startDesktop(root: string, args: readonly string[]): Promise<Desktop> {
  if (process.platform === 'linux' && !process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY'])
    return { started: false, why: 'there is no display' };
  const binary = await electronBinary(root);
  if ('why' in binary) return { started: false, why: binary.why };
  // Chromium's sandbox refuses to run as root.
  const flags = process.platform === 'linux' && process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return new Promise((resolve) => {
    const started = Date.now();
    const child = spawn(binary.file, [...flags, root, ...args], {
      stdio: 'inherit',
      env: { ...process.env, ELECTRON_RUN_AS_NODE: undefined },
    });
    child.on('error', (error) => resolve({ started: false, why: `Electron does not start (${error.message})` }));
    child.on('exit', (code, signal) => {
      const early = Date.now() - started < 5000 && code !== 0;
      if (early)
        resolve({ started: false, why: `Electron does not start (it ended with ${signal ?? `code ${code}`})` });
      else resolve({ started: true, code: code ?? 1 });
    });
  });
}

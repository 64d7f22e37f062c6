import path from 'node:path';

/** Chromium's flags, which come before the app's own arguments. */
const chromiumFlag =
  /^--(no-sandbox|inspect|remote-debugging|disable-|enable-|allow-|force-|use-|ozone|lang|user-data-dir)/;

/**
 * What the program itself was given: without the executable, the app's folder (where Electron was told of it) and
 * Chromium's flags.
 */
export function ownArguments(argv: readonly string[], appPath: string | null): string[] {
  const rest = argv.slice(1);
  const folder = appPath === null ? -1 : rest.findIndex((arg) => path.resolve(arg) === path.resolve(appPath));
  return rest.slice(folder + 1).filter((arg) => !chromiumFlag.test(arg));
}

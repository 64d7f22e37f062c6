import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { providerIds, type FileEntry } from '../../../preload/contract';
import { UnpoolError } from '../../core/errors';
import { readSettings, writeSettings } from '../../settings';
import { fileError } from '../study/files';
import { existing } from '../study/paths';
import { isStudy } from '../study/study';
import { modelExtensions, pictureExtensions } from './kinds';
import type { Context, Group } from './context';

/** What the program is, what was opened last, and a look into folders for hosts without dialogs. */
export function appHandlers({
  options,
  runtime,
  recent,
}: Context): Group<
  'app.info' | 'runtime.choose' | 'providers.list' | 'providers.try' | 'recent.list' | 'recent.forget' | 'files.list'
> {
  return {
    'app.info': () =>
      Promise.resolve({
        version: options.version,
        runtime: {
          name: runtime.name,
          threads: runtime.threads,
          ...(options.runtimeChoice ?? { choice: 'auto', given: false, note: null }),
        },
        demo: options.demo,
        initial: options.initial ?? { kind: 'home' },
        home: options.home,
      }),
    'runtime.choose'({ choice }) {
      if (options.runtimeChoice?.given)
        throw new UnpoolError('runtime-given', 'Unpool was started with a runtime of its own choice.', {
          hint: 'Start it without --runtime and UNPOOL_RUNTIME to choose here.',
        });
      writeSettings(options.home, { ...readSettings(options.home), runtime: choice });
      options.restart?.();
      return Promise.resolve(null);
    },
    'providers.list': async () => (await options.providers?.list()) ?? [],
    'providers.try': async (_, { signal, item }) => (await options.providers?.try(providerIds, signal, item)) ?? [],
    'recent.list': () => recent.list(isStudy),
    async 'recent.forget'({ path }) {
      await recent.forget(path);
      return null;
    },
    async 'files.list'({ path }) {
      const folder = await existing(path || homedir(), 'folder');
      const parent = dirname(folder);
      const names = await readdir(folder).catch((error: unknown) => {
        throw fileError(error, 'read', folder);
      });
      const entries = await Promise.all(
        names.filter((name) => !name.startsWith('.')).map((name) => describe(join(folder, name), name)),
      );
      return {
        path: folder,
        parent: parent === folder ? null : parent,
        entries: entries
          .filter((entry) => entry !== null)
          .sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, 'en', { numeric: true })),
      };
    },
  };
}

const rank = ({ kind }: FileEntry): number =>
  kind === 'folder' || kind === 'study' ? 0 : kind === 'model' ? 1 : kind === 'picture' ? 2 : 3;

/** Null for what is neither file nor folder, or cannot be looked at (a broken link). */
async function describe(path: string, name: string): Promise<FileEntry | null> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory())
    return { name, path, kind: (await isStudy(path).catch(() => false)) ? 'study' : 'folder', bytes: 0 };
  if (!found?.isFile()) return null;
  const extension = extname(name).slice(1).toLowerCase();
  const kind = modelExtensions.includes(extension)
    ? 'model'
    : (pictureExtensions as readonly string[]).includes(extension)
      ? 'picture'
      : 'other';
  return { name, path, kind, bytes: found.size };
}

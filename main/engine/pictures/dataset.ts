import { createHash } from 'node:crypto';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { throwIfCancelled, UnpoolError } from '../../core/errors';
import { shownName } from '../finder/imagenet';

export const pictureExtensions = ['jpg', 'jpeg', 'png', 'webp', 'tif', 'tiff', 'gif', 'bmp'] as const;

/** A folder of pictures: class = the folder right below the root (a WordNet id by the name of its ImageNet class), null for pictures that lie loose in it. */
export interface Dataset {
  root: string;
  /** Relative to the root, with '/', in code-unit order. */
  files: string[];
  classes: string[];
  /** Index into `classes` for each file, -1 for none. */
  classOf: Int32Array;
  /** Changes when a picture is added, removed, renamed, or changes in size. A copy elsewhere is the same. */
  identity: string;
}

const isPicture = (name: string): boolean =>
  (pictureExtensions as readonly string[]).includes(path.extname(name).slice(1).toLowerCase());

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The path of a picture. Throws UnpoolError where there is none of that number. */
export function pictureFile({ root, files }: Dataset, picture: number): string {
  const file = files[picture];
  if (file === undefined) throw new UnpoolError('no-picture', `There is no picture ${picture}.`);
  return path.join(root, file);
}

/**
 * Lists the pictures of a folder and its subfolders. Links are followed, except to a folder that they lie in; hidden files
 * and links that lead nowhere are passed over. Throws UnpoolError.
 */
export async function listPictures(root: string, options: { signal?: AbortSignal } = {}): Promise<Dataset> {
  const info = await stat(root).catch(() => null);
  if (!info)
    throw new UnpoolError('no-folder', 'The folder of pictures is not there.', {
      hint: 'It may have been moved or renamed, or its drive is not connected.',
      place: { file: root },
    });
  if (!info.isDirectory())
    throw new UnpoolError('no-folder', 'That is a file; a folder of pictures is needed.', { place: { file: root } });
  const files: string[] = [];
  await collect(root, '', [await realpath(root)], files, options.signal);
  if (files.length === 0)
    throw new UnpoolError('no-pictures', 'There are no pictures in the folder.', {
      hint: `Pictures are looked for in it and in its subfolders: ${pictureExtensions.join(', ')}.`,
      place: { file: root },
    });
  files.sort(byCodeUnit);
  const className = (file: string): string | null =>
    file.includes('/') ? shownName(file.slice(0, file.indexOf('/'))) : null;
  const classes = [...new Set(files.flatMap((file) => className(file) ?? []))].sort(byCodeUnit);
  const indexOf = new Map(classes.map((name, index) => [name, index]));
  return {
    root,
    files,
    classes,
    classOf: Int32Array.from(files, (file) => indexOf.get(className(file) ?? '') ?? -1),
    identity: await identityOf(root, files, options.signal),
  };
}

/** `above`: the real paths of this folder and of those it lies in. */
async function collect(
  root: string,
  folder: string,
  above: readonly string[],
  files: string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  throwIfCancelled(signal);
  const entries = await readdir(path.join(root, folder), { withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      throw new UnpoolError('unreadable', `The folder cannot be read (${error.code ?? error.message}).`, {
        hint: 'Check its permissions.',
        place: { file: path.join(root, folder) },
        cause: error,
      });
    },
  );
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const name = folder ? `${folder}/${entry.name}` : entry.name;
    const target = entry.isSymbolicLink() ? await stat(path.join(root, name)).catch(() => null) : entry;
    if (target?.isFile() && isPicture(entry.name)) files.push(name);
    if (!target?.isDirectory()) continue;
    const real = entry.isSymbolicLink() ? await realpath(path.join(root, name)) : path.join(above.at(-1)!, entry.name);
    if (!above.includes(real)) await collect(root, name, [...above, real], files, signal);
  }
}

/** Names and sizes: a copy of the same folder elsewhere is the same set of pictures. */
async function identityOf(root: string, files: readonly string[], signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  const together = 64;
  for (let i = 0; i < files.length; i += together) {
    throwIfCancelled(signal);
    const part = files.slice(i, i + together);
    const sizes = await Promise.all(
      part.map((file) =>
        stat(path.join(root, file)).then(
          (info) => info.size,
          () => -1,
        ),
      ),
    );
    part.forEach((file, k) => hash.update(`${file}\0${sizes[k]}\n`));
  }
  return hash.digest('hex');
}

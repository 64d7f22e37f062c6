import { createHash } from 'node:crypto';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { throwIfCancelled, UnpoolError } from '../../core/errors';
import { shownName } from '../finder/imagenet';

export const pictureExtensions = ['jpg', 'jpeg', 'png', 'webp', 'tif', 'tiff', 'gif', 'bmp'] as const;

/** Pictures by number, below one folder. */
export interface PictureList {
  root: string;
  count: number;
  /** Relative to the root, with '/'. */
  file(picture: number): string;
  className(picture: number): string | null;
}

/** A folder of pictures: class = the folder right below the root (a WordNet id by the name of its ImageNet class), null for pictures that lie loose in it. */
export interface Dataset extends PictureList {
  /** In code-unit order. */
  files: string[];
  classes: string[];
  /** Index into `classes` for each file, -1 for none. */
  classOf: Int32Array;
  /** Size of each file; -1 where it cannot be told. */
  bytes: Float64Array;
  /** Changes when a picture is added, removed, renamed, or changes in size. A copy elsewhere is the same. */
  identity: string;
}

const isPicture = (name: string): boolean =>
  (pictureExtensions as readonly string[]).includes(path.extname(name).slice(1).toLowerCase());

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The path of a picture. Throws UnpoolError where there is none of that number. */
export function pictureFile(list: PictureList, picture: number): string {
  if (picture < 0 || picture >= list.count) throw new UnpoolError('no-picture', `There is no picture ${picture}.`);
  return path.join(list.root, list.file(picture));
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
  const names = new Map<string, string>();
  const className = (file: string): string | null => {
    const slash = file.indexOf('/');
    if (slash < 0) return null;
    const folder = file.slice(0, slash);
    let name = names.get(folder);
    if (name === undefined) names.set(folder, (name = shownName(folder)));
    return name;
  };
  const classes = [...new Set(files.flatMap((file) => className(file) ?? []))].sort(byCodeUnit);
  const indexOf = new Map(classes.map((name, index) => [name, index]));
  const bytes = await sizesOf(root, files.length, (i) => files[i]!, options.signal);
  return {
    root,
    count: files.length,
    file: (picture) => files[picture]!,
    className: (picture) => className(files[picture]!),
    files,
    classes,
    classOf: Int32Array.from(files, (file) => indexOf.get(className(file) ?? '') ?? -1),
    bytes,
    identity: identityOf(
      files.length,
      (i) => files[i]!,
      (i) => bytes[i]!,
    ),
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

/** Size of each file; -1 where it is not there. */
export async function sizesOf(
  root: string,
  count: number,
  file: (i: number) => string,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const sizes = new Float64Array(count);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      throwIfCancelled(signal);
      const i = next++;
      sizes[i] = await stat(path.join(root, file(i))).then(
        (info) => info.size,
        () => -1,
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(64, count) }, worker));
  return sizes;
}

/** Names and sizes, in the order of the list: a copy of the same folder elsewhere is the same set of pictures. */
export function identityOf(count: number, file: (i: number) => string, bytes: (i: number) => number): string {
  const hash = createHash('sha256');
  for (let i = 0; i < count; i++) hash.update(`${file(i)}\0${bytes(i)}\n`);
  return hash.digest('hex');
}

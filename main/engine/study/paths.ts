import { stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { UnpoolError } from '../../core/errors';
import { fileError } from './files';

export async function kindOf(path: string): Promise<'file' | 'folder' | null> {
  try {
    const found = await stat(path);
    return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : null;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw fileError(error, 'read', path);
  }
}

/** An absolute path in its plain form. Throws UnpoolError for a relative one. */
export function absolute(path: string): string {
  if (!isAbsolute(path) || path.includes('\0'))
    throw new UnpoolError('bad-path', `"${path}" is not an absolute path.`, { place: { file: path } });
  return resolve(path);
}

/** The path in its plain form, checked to be there and of this kind. Throws UnpoolError. */
export async function existing(path: string, kind: 'file' | 'folder'): Promise<string> {
  const plain = absolute(path);
  const found = await kindOf(plain);
  if (found === kind) return plain;
  throw new UnpoolError(
    found ? 'wrong-kind' : 'not-found',
    found ? `"${plain}" is a ${found}, not a ${kind}.` : `There is no ${kind} "${plain}".`,
    { hint: found ? `Choose a ${kind}.` : 'It may have been moved or deleted.', place: { file: plain } },
  );
}

/** How a study names a place: absolute, and relative to its own folder with "/" (null between drives). */
export function placeOf(folder: string, path: string): { path: string; relative: string | null } {
  const way = relative(folder, path);
  return { path, relative: isAbsolute(way) ? null : way.split(sep).join('/') };
}

/** Where a named place is now: beside the study first, then where it was. Null where it is at neither. */
export async function locate(
  folder: string,
  place: { path: string; relative: string | null },
  kind: 'file' | 'folder',
): Promise<string | null> {
  const candidates = [...(place.relative === null ? [] : [resolve(folder, place.relative)]), place.path];
  for (const path of candidates) if (isAbsolute(path) && (await kindOf(path)) === kind) return path;
  return null;
}

import { randomBytes } from 'node:crypto';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UnpoolError } from '../../core/errors';

const reasons: Record<string, { what: string; hint: string }> = {
  ENOSPC: { what: 'the disk is full', hint: 'Free some space, then go on.' },
  EDQUOT: { what: 'your quota on this disk is used up', hint: 'Free some space, then go on.' },
  EACCES: { what: 'you may not write there', hint: 'Choose another folder, or change its permissions.' },
  EPERM: { what: 'you may not write there', hint: 'Choose another folder, or change its permissions.' },
  EROFS: { what: 'the place is read-only', hint: 'Copy the study to a place where you may write.' },
  ENOENT: { what: 'it is not there', hint: 'It may have been moved or deleted.' },
  ENOTDIR: { what: 'a part of the path is not a folder', hint: 'Check the path.' },
  EISDIR: { what: 'it is a folder', hint: 'Choose a file.' },
};

/** The user's words for a failure of the file system; anything else is given back as it is. */
export function fileError(error: unknown, verb: 'read' | 'write', file: string): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (typeof code !== 'string' || !(error instanceof Error) || !/^E[A-Z0-9]+$/.test(code)) return error;
  const reason = reasons[code];
  const mayNot = verb === 'read' && (code === 'EACCES' || code === 'EPERM');
  const what = mayNot ? 'you may not read it' : (reason?.what ?? error.message);
  return new UnpoolError(`file-${code.toLowerCase()}`, `Cannot ${verb} "${file}": ${what}.`, {
    ...(reason && { hint: mayNot ? 'Change its permissions.' : reason.hint }),
    place: { file },
    cause: error,
  });
}

/** The pieces of a file in one. */
export async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return new Uint8Array(Buffer.concat(all));
}

/**
 * Writes a file whole under another name in its folder, then renames it into place. Pieces are written as they come. Throws
 * UnpoolError, and what the pieces throw.
 */
export async function writeWhole(path: string, bytes: Uint8Array | string | AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'wx');
    try {
      if (typeof bytes === 'string' || bytes instanceof Uint8Array) await file.writeFile(bytes);
      else for await (const piece of bytes) await file.writeFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileError(error, 'write', (error as NodeJS.ErrnoException).code === 'ENOENT' ? dirname(path) : path);
  }
}

/** Removes what a killed program left half written in a folder, of files whose names begin so. Throws UnpoolError. */
export async function removeTemporaries(folder: string, start = ''): Promise<void> {
  try {
    for (const name of await readdir(folder))
      if (name.startsWith(start) && /\.[0-9a-f]{12}\.tmp$/.test(name)) await rm(join(folder, name), { force: true });
  } catch (error) {
    throw fileError(error, 'write', folder);
  }
}

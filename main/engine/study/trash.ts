import { cp, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UnpoolError } from '../../core/errors';
import { fileError } from './files';
import { kindOf } from './paths';

/** Days after which what lies in the trash is let go of. */
const keptFor = 30;

/** Moves a folder, across drives where it must. Throws UnpoolError. */
export async function moveFolder(from: string, to: string): Promise<void> {
  try {
    await mkdir(dirname(to), { recursive: true });
    await rename(from, to).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EXDEV') throw error;
      // Whole before the old one goes: a program that dies between leaves two, never none.
      await cp(from, to, { recursive: true, errorOnExist: true, force: false });
      await rm(from, { recursive: true });
    });
  } catch (error) {
    throw fileError(error, 'write', from);
  }
}

/** Folders of studies that were deleted: each in a folder of its own, so that it keeps its name. */
export class Trash {
  private readonly folder: string;

  constructor(home: string) {
    this.folder = join(home, 'trash');
  }

  /** Moves a folder here; resolves to where it lies now. */
  async put(path: string, now = Date.now()): Promise<string> {
    await this.expire(now);
    for (let i = now; ; i++) {
      const place = join(this.folder, String(i));
      if (await kindOf(place)) continue;
      const to = join(place, basename(path));
      await moveFolder(path, to);
      return to;
    }
  }

  /** Moves one back to where it was. Throws UnpoolError where it is not here, or its place is taken. */
  async restore(trashed: string, to: string): Promise<void> {
    const from = resolve(trashed);
    if (dirname(dirname(from)) !== resolve(this.folder) || (await kindOf(from)) !== 'folder')
      throw new UnpoolError('not-in-trash', `"${trashed}" is not in the trash any more.`, {
        hint: 'Look for it in the trash of the system.',
        place: { file: trashed },
      });
    if (await kindOf(to))
      throw new UnpoolError('folder-in-use', `There is something at "${to}" again.`, {
        hint: `Move it away, or take the study out of "${from}" by hand.`,
        place: { file: to },
      });
    await moveFolder(from, to);
    await rm(dirname(from), { recursive: true, force: true });
  }

  private async expire(now: number): Promise<void> {
    const names = await readdir(this.folder).catch(() => [] as string[]); // nothing was ever deleted
    for (const name of names) {
      const place = join(this.folder, name);
      const found = await stat(place).catch(() => null);
      const since = /^\d+$/.test(name) ? Number(name) : (found?.mtimeMs ?? now);
      if (now - since > keptFor * 864e5) await rm(place, { recursive: true, force: true });
    }
  }
}

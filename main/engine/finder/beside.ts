import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { UnpoolError } from '../../core/errors';
import { readNpy } from '../../core/preprocess/npy';
import type { BesideFile } from '../../core/preprocess/sources';
import { fileError } from '../study/files';

const largest = 64 << 20;

/** The files beside a model that may tell of its preprocessing, in the order of trust; what is wrong with one, in words. */
export async function filesBeside(model: string): Promise<{ files: BesideFile[]; notes: string[] }> {
  const stem = basename(model, extname(model));
  const files: BesideFile[] = [];
  const notes: string[] = [];
  for (const name of ['preprocessor_config.json', 'config.json', `${stem}.mean.npy`, 'mean.npy']) {
    const bytes = await contents(join(dirname(model), name));
    if (!bytes) continue;
    if (name.endsWith('.json')) {
      files.push({ name, text: new TextDecoder().decode(bytes) });
      continue;
    }
    try {
      files.push({ name, mean: readNpy(bytes), sha256: createHash('sha256').update(bytes).digest('hex') });
    } catch (error) {
      if (!(error instanceof UnpoolError)) throw error;
      notes.push(`"${name}" beside the model was left aside: ${error.message}`);
    }
  }
  return { files, notes };
}

/** Null where the file is not there or far too large for what it should be. */
async function contents(file: string): Promise<Uint8Array | null> {
  let handle;
  try {
    handle = await open(file);
  } catch (error) {
    if (['ENOENT', 'EISDIR', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw fileError(error, 'read', file);
  }
  try {
    const info = await handle.stat();
    return info.isFile() && info.size <= largest ? await handle.readFile() : null;
  } finally {
    await handle.close();
  }
}

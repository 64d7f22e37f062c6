import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pixels } from '../../../preload/contract';
import { decode, encode } from '../../../preload/codec';
import { writeWhole } from './files';

/** Strips of a few tiles, kept on disk: home shows many studies, and opening each to look would be slow. */
const most = 60;

export class Strips {
  private readonly folder: string;

  constructor(home: string) {
    this.folder = join(home, 'strips');
  }

  private fileOf(key: string): string {
    return join(this.folder, createHash('sha256').update(key).digest('hex').slice(0, 32));
  }

  /** The tiles kept under a key, or those made now. A cache that cannot be read or written is done without. */
  async get(key: string, make: () => Promise<Pixels[]>): Promise<Pixels[]> {
    const file = this.fileOf(key);
    try {
      const kept = (decode(await readFile(file)) as { tiles: Pixels[] }).tiles;
      const now = new Date();
      await utimes(file, now, now);
      return kept;
    } catch {
      // Not there yet, or not whole.
    }
    const tiles = await make();
    try {
      await mkdir(this.folder, { recursive: true });
      await writeWhole(file, encode({ tiles }));
      await this.prune();
    } catch (error) {
      console.error(`strips: ${String(error)}`);
    }
    return tiles;
  }

  /** Those not looked at for longest go. */
  private async prune(): Promise<void> {
    const names = await readdir(this.folder);
    if (names.length <= most) return;
    const files = await Promise.all(
      names.map(async (name) => {
        const file = join(this.folder, name);
        return { file, time: (await stat(file)).mtimeMs };
      }),
    );
    files.sort((a, b) => b.time - a.time);
    for (const { file } of files.slice(most)) await rm(file, { force: true });
  }
}

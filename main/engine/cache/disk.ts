import { createHash, randomBytes } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A file: this, the SHA-256 of what follows, and that. Other files are not read. */
const magic = Buffer.from('unpool-1');
const headLength = magic.length + 32;
/** What is not written yet may be this large; more is dropped, so that a slow disk holds nobody up. */
const mostQueued = 64e6;
/** So many files are written at a time: while the runtime holds this thread, each goes one step further only. */
const writers = 8;
/** Files take whole blocks on a disk. */
const block = 4096;
/** ms after which a file that was being written is taken to be left by a program that was killed. */
const stale = 3600e3;

/**
 * Bytes by key on disk, up to a number of bytes in all: what was not used for longest goes. Several programs may share the
 * folder. A cache is done without where it cannot be read or written; damaged files are misses, and go.
 */
export class DiskCache {
  readonly limit: number;
  private readonly folder: string;
  private readonly queue: { file: string; body: Uint8Array }[] = [];
  private queued = 0;
  private writing: Promise<void> | null = null;
  private counting: Promise<void> = Promise.resolve();
  /** Bytes in the folder as last counted, with what was written since; null: not counted yet. */
  private total: number | null = null;
  private sinceCount = 0;
  private failure: Error | null = null;

  constructor(folder: string, limit: number) {
    this.folder = folder;
    this.limit = limit;
  }

  /** Why the last write failed; null where it did not. */
  get problem(): Error | null {
    return this.failure;
  }

  private fileOf(key: string): string {
    const name = createHash('sha256').update(key).digest('hex');
    return join(this.folder, name.slice(0, 2), name);
  }

  async has(key: string): Promise<boolean> {
    return access(this.fileOf(key)).then(
      () => true,
      () => false,
    );
  }

  /** Null where there is none that is whole. */
  async get(key: string): Promise<Uint8Array | null> {
    const file = this.fileOf(key);
    const whole = await readFile(file).catch(() => null); // not there, or not to be read: made anew
    if (!whole) return null;
    const body = whole.subarray(headLength);
    if (!whole.subarray(0, headLength).equals(headOf(body))) {
      await rm(file, { force: true }).catch(() => undefined); // a miss in any case
      return null;
    }
    const now = new Date();
    utimes(file, now, now).catch(() => undefined); // another program may have removed it
    return body;
  }

  /** Keeps it when the disk comes to it. */
  put(key: string, body: Uint8Array): void {
    const size = headLength + body.length;
    if (size > this.limit / 2 || this.queued + size > mostQueued) return;
    this.queued += size;
    this.queue.push({ file: this.fileOf(key), body });
    this.start();
  }

  /** Bytes that are not written yet. */
  get waiting(): number {
    return this.queued;
  }

  /** Resolves when what was put is written. */
  async settle(): Promise<void> {
    while (this.writing) await this.writing;
  }

  private start(): void {
    this.writing ??= Promise.all(Array.from({ length: writers }, () => this.write())).then(() => {
      this.writing = null;
      if (this.queue.length > 0) this.start(); // put while the last writer ended
    });
  }

  private async write(): Promise<void> {
    for (let next = this.queue.shift(); next; next = this.queue.shift()) {
      const size = headLength + next.body.length;
      try {
        await store(next.file, next.body);
        await (this.counting = this.counting.then(() => this.count(Math.ceil(size / block) * block)));
        this.failure = null;
      } catch (error) {
        if (!this.failure) console.error(`cache: ${String(error)}`);
        this.failure = error as Error;
      }
      this.queued -= size;
    }
  }

  /** Counts what was written. The folder itself is counted now and then, as other programs write there too. */
  private async count(size: number): Promise<void> {
    this.sinceCount += size;
    if (this.total !== null) this.total += size;
    if (this.total !== null && this.total <= this.limit && this.sinceCount <= this.limit / 16) return;
    const files = await this.files();
    this.total = files.reduce((sum, each) => sum + each.size, 0);
    this.sinceCount = 0;
    if (this.total <= this.limit) return;
    files.sort((a, b) => a.time - b.time);
    for (const { file, size: bytes } of files) {
      if (this.total <= 0.9 * this.limit) break;
      await rm(file, { force: true });
      this.total -= bytes;
    }
  }

  private async files(): Promise<{ file: string; size: number; time: number }[]> {
    const found: { file: string; size: number; time: number }[] = [];
    for (const part of await readdir(this.folder)) {
      const names = await readdir(join(this.folder, part)).catch(() => []); // no folder: not ours
      const stats = await Promise.all(
        names.map(async (name) => {
          const file = join(this.folder, part, name);
          const info = await stat(file).catch(() => null); // removed meanwhile
          return info && { file, size: Math.ceil(info.size / block) * block, time: info.mtimeMs };
        }),
      );
      for (const each of stats) {
        if (!each) continue;
        if (each.file.endsWith('.tmp') && Date.now() - each.time > stale) await rm(each.file, { force: true });
        else found.push(each);
      }
    }
    return found;
  }
}

const headOf = (body: Uint8Array): Buffer => Buffer.concat([magic, createHash('sha256').update(body).digest()]);

/** Writes under another name, then renames. Without sync: what a power cut damages is found by its hash. */
async function store(file: string, body: Uint8Array): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  const whole = Buffer.concat([headOf(body), body]);
  try {
    await writeFile(temporary, whole, { flag: 'wx' }).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      await mkdir(dirname(file), { recursive: true });
      await writeFile(temporary, whole, { flag: 'wx' });
    });
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first failure is the one to tell
    throw error;
  }
}

import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { RecentStudy } from '../../../preload/contract';
import { fileError, writeWhole } from '../study/files';

const most = 30;
const listSchema = v.array(
  v.object({ path: v.string(), name: v.string(), model: v.string(), pictures: v.number(), opened: v.string() }),
);
export type RecentEntry = v.InferOutput<typeof listSchema>[number];

/** The studies opened last, newest first, in `recent.json` of the program's own place. */
export class RecentList {
  private readonly file: string;
  private readonly home: string;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(home: string) {
    this.home = home;
    this.file = join(home, 'recent.json');
  }

  async read(): Promise<RecentEntry[]> {
    let text: string;
    try {
      text = await readFile(this.file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw fileError(error, 'read', this.file);
    }
    try {
      return v.parse(listSchema, JSON.parse(text));
    } catch {
      // Only a convenience: a list that cannot be read is begun anew rather than keeping the program from starting.
      return [];
    }
  }

  add(entry: RecentEntry): Promise<void> {
    return this.change((list) => [entry, ...list.filter(({ path }) => path !== entry.path)].slice(0, most));
  }

  forget(path: string): Promise<void> {
    return this.change((list) => list.filter((entry) => entry.path !== path));
  }

  /** With what is missing from disk marked, by `exists`. */
  async list(exists: (path: string) => Promise<boolean>): Promise<RecentStudy[]> {
    const list = await this.read();
    return Promise.all(list.map(async (entry) => ({ ...entry, missing: !(await exists(entry.path)) })));
  }

  /** One change at a time, so that none is lost. */
  private change(edit: (list: RecentEntry[]) => RecentEntry[]): Promise<void> {
    const next = this.turn
      .catch(() => undefined) // its own caller has been told
      .then(async () => {
        const list = edit(await this.read());
        await mkdir(this.home, { recursive: true });
        await writeWhole(this.file, `${JSON.stringify(list, null, 2)}\n`);
      });
    this.turn = next;
    return next;
  }
}

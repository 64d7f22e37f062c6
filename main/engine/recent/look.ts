import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import type { LookValue } from '../../../preload/contract';
import { writeWhole } from '../study/files';

const schema = v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()]));
/** Some settings are kept for each study. */
const most = 2000;

/** How windows show things, in `look.json`: a page of the browser host has another address, and so no memory, at each start. */
export class Look {
  private readonly file: string;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(home: string) {
    this.file = join(home, 'look.json');
  }

  /** One that is not there or not whole means nothing is remembered. */
  async read(): Promise<Record<string, LookValue>> {
    try {
      return v.parse(schema, JSON.parse(await readFile(this.file, 'utf8')));
    } catch {
      return {};
    }
  }

  /** One change at a time, so that none is lost. */
  write(key: string, value: LookValue): Promise<void> {
    const next = this.turn
      .catch(() => undefined) // its own caller has been told
      .then(async () => {
        const all = { ...(await this.read()), [key]: value };
        if (Object.keys(all).length > most) return;
        await mkdir(dirname(this.file), { recursive: true });
        await writeWhole(this.file, `${JSON.stringify(all, null, 2)}\n`);
      });
    this.turn = next;
    return next;
  }
}

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CatalogueInfo } from '../../../preload/contract';
import { UnpoolError } from '../../core/errors';
import { catalogueEntries, catalogueNote, type CatalogueEntry } from './catalogue';
import { download, hashOf, proxyOf } from './download';

export interface ShelfOptions {
  /** Where fetched networks lie, and where those fetched by hand are put. */
  folder: string;
  /** Where not the program's own. */
  entries?: readonly CatalogueEntry[];
  environment?: NodeJS.ProcessEnv;
}

/** The networks that can be fetched, and those that are there. */
export class Shelf {
  readonly folder: string;
  private readonly entries: readonly CatalogueEntry[];
  private readonly environment: NodeJS.ProcessEnv;
  /** SHA-256 of files that were looked at, by path, size and time. */
  private readonly sums = new Map<string, Promise<string>>();
  private readonly running = new Set<string>();

  constructor(options: ShelfOptions) {
    this.folder = options.folder;
    this.entries = options.entries ?? catalogueEntries;
    this.environment = options.environment ?? process.env;
  }

  async list(): Promise<CatalogueInfo> {
    const found = await this.found();
    return {
      models: await Promise.all(
        this.entries.map(async ({ id, name, file, bytes, sha256, licence, note, address }) => ({
          ...{ id, name, file, bytes, sha256, licence, note, address },
          path: found.get(sha256) ?? null,
          partial: await stat(join(this.folder, `${file}.part`)).then(
            ({ size }) => size,
            () => 0,
          ),
        })),
      ),
      folder: this.folder,
      note: catalogueNote,
      proxy: proxyOf(this.environment),
    };
  }

  /** Fetches a network, unless it is there; resolves to its path. Throws UnpoolError, CancelledError. */
  async get(
    id: string,
    options: { address?: string; signal: AbortSignal; progress(state: { done: number; total: number }): void },
  ): Promise<string> {
    const entry = this.entries.find((each) => each.id === id || each.file === id || each.name === id);
    if (!entry)
      throw new UnpoolError('no-such-model', `There is no network "${id}" in the catalogue.`, {
        hint: `There are: ${this.entries.map((each) => each.id).join(', ')}.`,
      });
    const there = (await this.found()).get(entry.sha256);
    if (there) return there;
    if (this.running.has(entry.id))
      throw new UnpoolError('already-running', `${entry.name} is being fetched already.`, {});
    this.running.add(entry.id);
    try {
      const path = join(this.folder, entry.file);
      await download({
        address: options.address || entry.address,
        path,
        bytes: entry.bytes,
        sha256: entry.sha256,
        signal: options.signal,
        environment: this.environment,
        progress: (done) => options.progress({ done, total: entry.bytes }),
      });
      return path;
    } finally {
      this.running.delete(entry.id);
    }
  }

  /** Files of the folder that are networks of the catalogue, whatever their names, by SHA-256. */
  private async found(): Promise<Map<string, string>> {
    const names = await readdir(this.folder).catch(() => []); // not there yet
    const sizes = new Set(this.entries.map(({ bytes }) => bytes));
    const out = new Map<string, string>();
    for (const name of names.sort()) {
      const path = join(this.folder, name);
      const info = await stat(path).catch(() => null);
      // Only a file of the right size can be one: nothing else is read.
      if (!info?.isFile() || !sizes.has(info.size) || name.endsWith('.part')) continue;
      const key = `${path} ${info.size} ${info.mtimeMs}`;
      const sum = this.sums.get(key) ?? hashOf(path);
      this.sums.set(key, sum);
      const value = await sum.catch(() => {
        this.sums.delete(key); // it was taken away meanwhile, or may not be read
        return null;
      });
      if (value !== null && !out.has(value)) out.set(value, path);
    }
    return out;
  }
}

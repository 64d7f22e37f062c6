import { mkdir, open, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ShardState } from '../../../preload/contract';
import { UnpoolError } from '../../core/errors';
import { unpackHeader } from '../../core/reduce/pack';
import { fileError } from '../study/files';
import { scannedLayers, type Manifest } from '../study/manifest';
import { kindOf } from '../study/paths';
import type { Study } from '../study/study';
import { readTables, type ScanFiles } from './checkpoint';
import { shardRange, type Range } from './ranges';
import { emptyTables, mergeTables, type ScanTables } from './tables';

/** Shards lie in this folder of the study: 3-of-8.bin, and 3-of-8.log while it is scanned. */
export const shardFolder = 'shards';

export const shardFiles = (study: string, index: number, of: number): ScanFiles => {
  const name = join(study, shardFolder, `${index}-of-${of}`);
  return { checkpoint: `${name}.bin`, journal: `${name}.log` };
};

/** The range of a shard. Throws UnpoolError where pictures were added: they are scanned on one machine. */
export function rangeOfShard({ pictures, settings }: Manifest, index: number, of: number): Range {
  if (pictures.parts)
    throw new UnpoolError('grown', 'Pictures were added to this study; it cannot be scanned in shards any more.', {
      hint: 'Make a new study of all pictures.',
    });
  return shardRange(pictures.count, settings.batch, index, of);
}

export async function makeShardFolder(study: string): Promise<void> {
  const folder = join(study, shardFolder);
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw fileError(error, 'write', folder);
  }
}

const headBytes = 1 << 20;

/** Where each of `of` shards stands, by the heads of their files. */
export async function shardStates(study: Study, of: number): Promise<ShardState[]> {
  const states: ShardState[] = [];
  for (let index = 1; index <= of; index++) {
    const { from, to } = rangeOfShard(study.manifest, index, of);
    const next = await nextOf(shardFiles(study.path, index, of).checkpoint);
    states.push({ index, total: to - from, done: next === null ? 0 : next - from, complete: next === to });
  }
  return states;
}

async function nextOf(file: string): Promise<number | null> {
  let handle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw fileError(error, 'read', file);
  }
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    const header = unpackHeader(buffer.subarray(0, bytesRead)) as { next?: unknown } | null;
    return typeof header?.next === 'number' ? header.next : null;
  } finally {
    await handle.close();
  }
}

/** The shard files that paths name: a file itself, a study's shards, or all of a folder. Throws UnpoolError where there are none. */
export async function findShards(paths: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const path of paths) {
    const kind = await kindOf(path);
    if (kind === 'file') found.add(path);
    else if (kind === 'folder') {
      const inside = join(path, shardFolder);
      const folder = (await kindOf(inside)) === 'folder' ? inside : path;
      for (const name of await readdir(folder)) if (name.endsWith('.bin')) found.add(join(folder, name));
    } else
      throw new UnpoolError('not-found', `There is no shard or study "${path}".`, {
        hint: 'Name study folders, or the .bin files in their folder "shards".',
        place: { file: path },
      });
  }
  if (found.size === 0)
    throw new UnpoolError('no-shards', `There are no shards in ${paths.join(', ')}.`, {
      hint: 'unpool scan MODEL PICTURES -o STUDY --shard 1/8 makes the first of eight.',
    });
  return [...found].sort();
}

/** The study that a shard lies in. */
export const studyOfShard = (file: string): string =>
  basename(dirname(file)) === shardFolder ? dirname(dirname(file)) : dirname(file);

/**
 * Joins shards to the tables of the whole scan. Their order does not matter: each table depends on what was put in alone.
 * Throws UnpoolError where shards are of another scan, unfinished, overlap, or pictures are in none.
 */
export async function joinShards(files: readonly string[], manifest: Manifest): Promise<ScanTables> {
  const { count, classes } = manifest.pictures;
  const all = emptyTables(scannedLayers(manifest), manifest.settings.k, classes.length, { from: 0, to: count }, count);
  const done: (Range & { file: string })[] = [];
  for (const file of files) {
    const tables = await readTables(file, manifest);
    if (!tables) throw new UnpoolError('not-found', `There is no shard "${file}".`, { place: { file } });
    const { from, to, next } = tables;
    if (next < to)
      throw new UnpoolError(
        'unfinished',
        `The shard "${file}" is not done (${next - from} of ${to - from} pictures).`,
        {
          hint: 'Run its scan again: it goes on.',
          place: { file },
        },
      );
    const same = done.find((each) => from < each.to && each.from < to);
    if (same && same.from === from && same.to === to) continue; // another copy of it
    if (same)
      throw new UnpoolError('overlap', `"${file}" and "${same.file}" hold some of the same pictures.`, {
        hint: 'Merge shards of one division only, as 1/8 to 8/8.',
        place: { file },
      });
    done.push({ from, to, file });
    mergeTables(all, tables);
  }
  done.sort((a, b) => a.from - b.from || a.to - b.to);
  let next = 0;
  for (const { from, to } of [...done, { from: count, to: count }]) {
    if (from > next)
      throw new UnpoolError('missing-shard', `The pictures ${next} to ${from - 1} are in no shard.`, {
        hint: 'Scan the shards that are missing, then merge again.',
      });
    next = Math.max(next, to);
  }
  all.next = count;
  return all;
}

import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Scanner } from '../../core/program/scanner';
import { UnpoolError } from '../../core/errors';
import type { ComputeQueue } from '../jobs/queue';
import { sizesOf, type PictureList } from '../pictures/dataset';
import { goneReason } from '../pictures/decode';
import type { Decoders } from '../pictures/decoders';
import { createLoader, type Loader } from '../pictures/loader';
import { partsOf } from '../study/manifest';
import { kindOf } from '../study/paths';
import type { Study } from '../study/study';
import { scanIdentity, writeCheckpoint, type ScanFiles } from './checkpoint';
import { runScan, type LoadedBatch, type ScanOptions } from './job';
import { Journal } from './journal';
import type { Range } from './ranges';

export interface RangeOptions extends Pick<
  ScanOptions,
  'tables' | 'scanner' | 'progress' | 'changed' | 'signal' | 'checkpointEvery'
> {
  study: Study;
  list: PictureList;
  files: ScanFiles;
  scanner: Scanner;
  decoders: Decoders;
  queue: ComputeQueue;
}

/**
 * Scans a range of a study's pictures from where its tables are, keeping checkpoint and journal. Returns whether it came to
 * the end; the checkpoint holds all that was done then. Throws UnpoolError.
 */
export async function scanRange(options: RangeOptions): Promise<boolean> {
  const { study, list, files, tables, queue, decoders } = options;
  const { manifest } = study;
  const { batch, k, onePerPicture } = manifest.settings;
  const identity = scanIdentity(manifest);
  const loader = createLoader(list, manifest.preprocessing, decoders);
  const save = (): Promise<void> => writeCheckpoint(files.checkpoint, identity, tables);
  // What a journal of before holds is in the tables; after this it can begin anew.
  await save();
  const journal = await Journal.open(files.journal, JSON.stringify(identity));
  let complete: boolean;
  try {
    complete = await runScan({
      ...options,
      parts: partsOf(manifest),
      batch,
      perPicture: onePerPicture ? 1 : k,
      classOf: (picture) => study.classOf(picture),
      load: (from, to, then) => loadBatch(list, loader, from, to, then),
      waiting: () => loader.waiting(),
      compute: (task) => queue.run('scan', task),
      note: (result) => journal.append(result),
      async checkpoint() {
        await save();
        await journal.clear();
      },
    });
    await save();
  } finally {
    await journal.close();
  }
  await rm(files.journal, { force: true });
  return complete;
}

/** Decodes a batch; pictures that cannot be read leave a hole. Throws where the whole folder is gone. */
export async function loadBatch(
  list: PictureList,
  loader: Loader,
  from: number,
  to: number,
  then: readonly [number, number],
): Promise<LoadedBatch> {
  const loaded = await loader.load(from, to, then);
  const good = loaded.flatMap((each, i) => ('data' in each ? [{ ...each, picture: from + i }] : []));
  const broken = loaded.flatMap((each, i): [number, string][] => ('broken' in each ? [[from + i, each.broken]] : []));
  const gone = broken.filter(([, reason]) => reason === goneReason);
  if (gone.length > 0 && (await driveGone(list, gone[0]![0])))
    throw new UnpoolError('pictures-missing', `The folder of pictures "${list.root}" is not there any more.`, {
      hint: 'Put it back, then go on with the scan.',
      place: { file: list.root },
    });
  const length = good[0]?.data.length ?? 0;
  const data = new Float32Array(good.length * length);
  const hashes = new Uint32Array(2 * good.length);
  good.forEach((each, i) => {
    data.set(each.data, i * length);
    hashes.set(each.hash, 2 * i);
  });
  return { data, pictures: good.map(({ picture }) => picture), hashes, broken };
}

/** Whether more than one picture is gone: its root or its folder, or the root is empty as where a drive is not mounted. */
async function driveGone(list: PictureList, picture: number): Promise<boolean> {
  if ((await kindOf(list.root)) !== 'folder') return true;
  if ((await kindOf(dirname(join(list.root, list.file(picture))))) !== 'folder') return true;
  return (await readdir(list.root).catch(() => [])).length === 0;
}

/** How many names an error tells. */
const told = 3;

/**
 * Compares the files of a range with the study's list. Pictures that are gone may be: each is said to be broken when its turn
 * comes. Throws UnpoolError, with names, where files have other sizes than when they were listed.
 */
export async function checkPictures(
  study: Study,
  list: PictureList,
  range: Range,
  signal?: AbortSignal,
): Promise<void> {
  if (!study.images.sized) return;
  const sizes = await sizesOf(list.root, range.to - range.from, (i) => list.file(range.from + i), signal);
  const changed: string[] = [];
  let missing = 0;
  sizes.forEach((size, i) => {
    const listed = study.images.bytes(range.from + i);
    if (size < 0) missing++;
    else if (listed >= 0 && size !== listed) changed.push(list.file(range.from + i));
  });
  if (missing > 0 && missing === sizes.length && (await driveGone(list, range.from)))
    throw new UnpoolError('pictures-missing', `The folder of pictures "${list.root}" is not there any more.`, {
      hint: 'Put it back, then go on with the scan.',
      place: { file: list.root },
    });
  if (changed.length > 0)
    throw new UnpoolError(
      'pictures-changed',
      `${changed.length === 1 ? 'A picture has' : `${changed.length} pictures have`} changed since the study was made: ${changed
        .slice(0, told)
        .join(', ')}${changed.length > told ? ' ...' : ''}.`,
      { hint: 'Bring the folder back to what it was, or make a new study of it.', place: { file: list.root } },
    );
}

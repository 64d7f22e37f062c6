import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { UnpoolError } from '../../core/errors';
import { pack, unpack } from '../../core/reduce/pack';
import { fileError, writeWhole } from '../study/files';
import { scannedLayers, type Manifest } from '../study/manifest';
import type { LayerResult } from '../study/tables';
import { emptyTables, type ScanTables } from './tables';

export const checkpointName = 'scan.bin';

/** What a scan's numbers depend on: a checkpoint of something else must not be gone on with. */
export function scanIdentity({ model, pictures, preprocessing, settings, layers }: Manifest): string {
  const parts = [model.sha256, pictures.identity, pictures.classes, preprocessing, settings, layers];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

const headerSchema = v.object({
  identity: v.string(),
  next: v.number(),
  broken: v.array(v.tuple([v.number(), v.string()])),
  nan: v.array(v.number()),
});

const arraysOf = ({ top, statistics: { histograms, ...statistics } }: LayerResult) => [
  top.activation,
  top.picture,
  top.place,
  top.count,
  statistics.count,
  statistics.fired,
  statistics.sum,
  statistics.classCount,
  statistics.classSum,
  histograms.counts,
  histograms.exponent,
  histograms.min,
  histograms.max,
];

/** Writes the checkpoint of a scan into its study's folder, whole. */
export async function writeCheckpoint(folder: string, identity: string, tables: ScanTables): Promise<void> {
  const header = {
    identity,
    next: tables.next,
    broken: [...tables.broken],
    nan: tables.results.map(({ top }) => top.nan),
  };
  await writeWhole(join(folder, checkpointName), pack(header, tables.results.flatMap(arraysOf)));
}

/** The checkpoint of a study, or null where there is none. Throws UnpoolError where it is not the study's own. */
export async function readCheckpoint(folder: string, manifest: Manifest): Promise<ScanTables | null> {
  const file = join(folder, checkpointName);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw fileError(error, 'read', file);
  }
  const bad = (what: string, cause?: unknown) =>
    new UnpoolError('bad-checkpoint', `The scan cannot go on from "${file}": ${what}.`, {
      hint: 'Delete this file to scan from the start.',
      place: { file },
      cause,
    });
  let unpacked: ReturnType<typeof unpack>;
  try {
    unpacked = unpack(bytes);
  } catch (error) {
    throw bad('it is cut off or not a checkpoint', error);
  }
  const header = v.safeParse(headerSchema, unpacked.header);
  if (!header.success) throw bad('it is of another version');
  if (header.output.identity !== scanIdentity(manifest))
    throw bad('it belongs to another model, other pictures or other settings than study.json names');
  const layers = scannedLayers(manifest);
  const tables = emptyTables(layers, manifest.settings.k, manifest.pictures.classes.length);
  tables.next = header.output.next;
  tables.broken = new Map(header.output.broken);
  const targets = tables.results.flatMap(arraysOf);
  targets.forEach((target, i) => {
    const source = unpacked.arrays[i];
    if (source?.length !== target.length || source.constructor !== target.constructor)
      throw bad('its tables have other sizes');
    target.set(source);
  });
  tables.results.forEach(({ top }, i) => (top.nan = header.output.nan[i] ?? 0));
  return tables;
}

export async function deleteCheckpoint(folder: string): Promise<void> {
  const file = join(folder, checkpointName);
  try {
    await rm(file, { force: true });
  } catch (error) {
    throw fileError(error, 'write', file);
  }
}

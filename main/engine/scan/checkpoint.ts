import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import * as v from 'valibot';
import { UnpoolError } from '../../core/errors';
import { pack, unpack } from '../../core/reduce/pack';
import type { Sums } from '../../core/reduce/sum';
import { fileError, writeWhole } from '../study/files';
import { scannedLayers, type Manifest } from '../study/manifest';
import type { LayerResult } from '../study/tables';
import { replayJournal } from './journal';
import type { Range } from './ranges';
import { emptyTables, type ScanTables } from './tables';

/** Where a scan's progress lies: its checkpoint, and beside it the journal of the batches since. */
export interface ScanFiles {
  checkpoint: string;
  journal: string;
}

const hashOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);

/** What a scan's numbers depend on, part by part: what was made with something else must not be gone on with or merged. */
export function scanIdentity({ model, pictures, preprocessing, settings, layers }: Manifest) {
  return {
    model: model.sha256.slice(0, 32),
    pictures: hashOf([pictures.identity, pictures.classes, pictures.parts]),
    preprocessing: hashOf(preprocessing),
    settings: hashOf(settings),
    layers: hashOf(layers.filter(({ scanned }) => scanned).map(({ id, units, map }) => [id, units, map])),
  };
}
export type Identity = ReturnType<typeof scanIdentity>;

const partNames: Record<keyof Identity, string> = {
  model: 'another model',
  pictures: 'other pictures',
  preprocessing: 'another preprocessing',
  settings: 'other settings',
  layers: 'other layers',
};

/** In words what two identities do not share; null where they are the same. */
export function identityDifference(a: Identity, b: Identity): string | null {
  const parts = (Object.keys(partNames) as (keyof Identity)[]).filter((part) => a[part] !== b[part]);
  // Another model has other layers: that is said by the model.
  const told = parts.includes('model') ? parts.filter((part) => part !== 'layers') : parts;
  return told.length ? told.map((part) => partNames[part]).join(' and ') : null;
}

const part = v.string();
const headerSchema = v.object({
  format: v.literal('unpool-scan'),
  identity: v.object({ model: part, pictures: part, preprocessing: part, settings: part, layers: part }),
  from: v.number(),
  to: v.number(),
  next: v.number(),
  broken: v.array(v.tuple([v.number(), v.string()])),
  nan: v.array(v.number()),
  classes: v.number(),
  /** Whether samples are kept: earlier programs had none. */
  sample: v.optional(v.boolean(), false),
});

const sumsOf = (sums: Sums) => sums.tiers;
const arraysOf = ({ top, statistics: { histograms, ...statistics } }: LayerResult) => [
  top.activation,
  top.picture,
  top.place,
  top.count,
  statistics.count,
  statistics.fired,
  ...sumsOf(statistics.sum),
  statistics.classCount,
  ...sumsOf(statistics.classSum),
  histograms.counts,
  histograms.exponent,
  histograms.min,
  histograms.max,
];

/** Writes a scan's tables, whole. */
export async function writeCheckpoint(file: string, identity: Identity, tables: ScanTables): Promise<void> {
  const { from, to, next, broken, results, hashes } = tables;
  const header: v.InferOutput<typeof headerSchema> = {
    format: 'unpool-scan',
    identity,
    from,
    to,
    next,
    broken: [...broken],
    nan: results.map(({ top }) => top.nan),
    classes: results[0]?.statistics.classes ?? 0,
    sample: results.every(({ sample }) => sample !== null),
  };
  const samples = results.flatMap(({ sample }) => (sample ? [sample.activation, sample.place] : []));
  await writeWhole(file, pack(header, [hashes, ...results.flatMap(arraysOf), ...(header.sample ? samples : [])]));
}

const refusal = (file: string, what: string, cause?: unknown) =>
  new UnpoolError('bad-checkpoint', `The scan cannot go on from "${file}": ${what}.`, {
    hint: 'Delete this file to scan from the start.',
    place: { file },
    cause,
  });

async function bytesOf(file: string): Promise<Uint8Array | null> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw fileError(error, 'read', file);
  }
}

/** The tables of a file that `writeCheckpoint` wrote; null where there is none. Throws UnpoolError where it is not the study's own. */
export async function readTables(file: string, manifest: Manifest): Promise<ScanTables | null> {
  const bytes = await bytesOf(file);
  if (!bytes) return null;
  let unpacked: ReturnType<typeof unpack>;
  try {
    unpacked = unpack(bytes);
  } catch (error) {
    throw refusal(file, 'it is cut off or not a checkpoint', error);
  }
  const parsed = v.safeParse(headerSchema, unpacked.header);
  if (!parsed.success) throw refusal(file, 'it is of another version');
  const header = parsed.output;
  const other = identityDifference(header.identity, scanIdentity(manifest));
  if (other) throw refusal(file, `it belongs to ${other} than study.json names`);
  const { settings, pictures } = manifest;
  const tables = emptyTables(scannedLayers(manifest), settings.k, header.classes, header, pictures.count);
  tables.next = header.next;
  tables.broken = new Map(header.broken);
  const arrays = [...unpacked.arrays];
  const take = (
    target: { length: number; constructor: unknown; set(source: never): void },
    sizes = [target.length],
  ) => {
    const source = arrays.shift();
    if (!source || !sizes.includes(source.length) || source.constructor !== target.constructor)
      throw refusal(file, 'its tables have other sizes');
    return source;
  };
  const fill = (target: Parameters<typeof take>[0]) => target.set(take(target) as never);
  const fillSums = (sums: Sums) => {
    for (const tier of [0, 1, 2] as const)
      sums.tiers[tier] = take(sums.tiers[tier], [0, 2 * sums.length]) as Float64Array;
  };
  fill(tables.hashes);
  tables.results.forEach(({ top, statistics }, i) => {
    [top.activation, top.picture, top.place, top.count, statistics.count, statistics.fired].forEach(fill);
    fillSums(statistics.sum);
    fill(statistics.classCount);
    fillSums(statistics.classSum);
    const { counts, exponent, min, max } = statistics.histograms;
    [counts, exponent, min, max].forEach(fill);
    top.nan = header.nan[i] ?? 0;
  });
  for (const result of tables.results)
    if (!header.sample) result.sample = null;
    else if (result.sample) [result.sample.activation, result.sample.place].forEach(fill);
  return tables;
}

/**
 * How far a scan of this range came: its checkpoint, and the batches that its journal holds beyond. Null where it has not begun.
 * Throws UnpoolError where the files are not the study's own.
 */
export async function readProgress(
  files: ScanFiles,
  manifest: Manifest,
  range: Range,
  classOf: (picture: number) => number,
): Promise<ScanTables | null> {
  const saved = await readTables(files.checkpoint, manifest);
  const journal = await bytesOf(files.journal);
  if (saved && (saved.from !== range.from || saved.to !== range.to))
    throw refusal(files.checkpoint, `it is of the pictures ${saved.from} to ${saved.to}`);
  if (!journal) return saved;
  const { k, onePerPicture } = manifest.settings;
  const layers = scannedLayers(manifest);
  const { classes, count } = manifest.pictures;
  const tables = saved ?? emptyTables(layers, k, classes.length, range, count);
  replayJournal(journal, JSON.stringify(scanIdentity(manifest)), layers, tables, classOf, onePerPicture ? 1 : k, () =>
    refusal(files.journal, 'it belongs to another scan than study.json names'),
  );
  return tables;
}

export async function removeProgress(files: ScanFiles): Promise<void> {
  for (const file of [files.checkpoint, files.journal])
    try {
      await rm(file, { force: true });
    } catch (error) {
      throw fileError(error, 'write', file);
    }
}

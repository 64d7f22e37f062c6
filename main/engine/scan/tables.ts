import { UnpoolError } from '../../core/errors';
import type { Layer } from '../../core/program/network';
import type { Maxima } from '../../core/program/scanner';
import { addBatch, emptyStatistics, mergeStatistics, withClasses } from '../../core/reduce/statistics';
import { addToSample, emptySample, mergeSamples, sampledPictures } from '../../core/reduce/sample';
import { emptyTopK, insertBatch, mergeTopK } from '../../core/reduce/topk';
import type { LayerResult } from '../study/tables';
import type { Range } from './ranges';

/** Per-class sums are kept up to this many numbers in all layers together (80 MB). */
const mostClassSums = 4_000_000;

/** All that a scan of the pictures [from, to) has gathered; a checkpoint holds exactly this. */
export interface ScanTables extends Range {
  /** The next picture to look at. */
  next: number;
  broken: Map<number, string>;
  /** [to - from, 2] difference hashes; 0, 0 where the picture was not read yet. */
  hashes: Uint32Array;
  results: LayerResult[];
}

const unitsOf = (layers: readonly Layer[]): number => layers.reduce((total, layer) => total + layer.units, 0);
const keptClasses = (layers: readonly Layer[], classes: number): number =>
  unitsOf(layers) * classes <= mostClassSums ? classes : 0;

/** Tables for a range of a list of `total` pictures. */
export function emptyTables(
  layers: readonly Layer[],
  k: number,
  classes: number,
  { from, to }: Range,
  total: number,
): ScanTables {
  const kept = keptClasses(layers, classes);
  const sampled = sampledPictures(total, unitsOf(layers)).filter((picture) => picture >= from && picture < to);
  return {
    from,
    to,
    next: from,
    broken: new Map(),
    hashes: new Uint32Array(2 * (to - from)),
    results: layers.map((layer) => ({
      top: emptyTopK(layer.units, k),
      statistics: emptyStatistics(layer.units, kept),
      sample: emptySample(sampled, layer.units, layer.map[0] * layer.map[1]),
    })),
  };
}

/** What became of one batch of pictures. */
export interface BatchResult extends Range {
  /** Those that could be read, with the halves of their hashes one after the other. */
  pictures: readonly number[];
  hashes: Uint32Array;
  broken: readonly (readonly [picture: number, reason: string])[];
  /** Of each layer; empty where no picture could be read. */
  maxima: readonly Maxima[];
}

/** Adds the batch that the tables wait for. `classOf`: the class of a picture, -1 for none. */
export function addToTables(
  tables: ScanTables,
  batch: BatchResult,
  classOf: (picture: number) => number,
  perPicture: number,
): void {
  const { pictures, hashes, broken, maxima } = batch;
  if (pictures.length > 0) {
    const classes = pictures.map(classOf);
    tables.results.forEach(({ top, statistics, sample }, index) => {
      const { max, place } = maxima[index]!;
      insertBatch(top, pictures, max, place, perPicture);
      addBatch(statistics, classes, max, perPicture);
      if (sample) addToSample(sample, pictures, max, place, perPicture);
    });
  }
  pictures.forEach((picture, i) => tables.hashes.set(hashes.subarray(2 * i, 2 * i + 2), 2 * (picture - tables.from)));
  for (const [picture, reason] of broken) tables.broken.set(picture, reason);
  tables.next = batch.to;
}

/** Adds the tables of other pictures of the same list. */
export function mergeTables(into: ScanTables, from: ScanTables): void {
  into.results.forEach((result, index) => {
    const other = from.results[index]!;
    mergeTopK(result.top, other.top);
    mergeStatistics(result.statistics, other.statistics);
    if (result.sample && other.sample) mergeSamples(result.sample, other.sample);
    else result.sample = null;
  });
  into.hashes.set(from.hashes, 2 * (from.from - into.from));
  for (const [picture, reason] of from.broken) into.broken.set(picture, reason);
}

/** The same tables for a list that has grown to `total` pictures, with further classes at its end. */
export function grownTables(tables: ScanTables, layers: readonly Layer[], total: number, classes: number): ScanTables {
  if (tables.from !== 0 || tables.next !== tables.to)
    throw new UnpoolError('not-done', 'Pictures can be added to a study when its scan is done.');
  const hashes = new Uint32Array(2 * total);
  hashes.set(tables.hashes);
  // What was not kept of the first pictures cannot be kept of the later ones.
  const kept = tables.results.some(({ statistics }) => statistics.classes > 0) ? keptClasses(layers, classes) : 0;
  const sampled = sampledPictures(total, unitsOf(layers));
  return {
    ...tables,
    to: total,
    hashes,
    results: tables.results.map(({ top, statistics, sample: old }, index) => {
      const { units, map } = layers[index]!;
      const sample = old && emptySample(sampled, units, map[0] * map[1]);
      if (old && sample) mergeSamples(sample, old);
      return { top, statistics: withClasses(statistics, kept), sample };
    }),
  };
}

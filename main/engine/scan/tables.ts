import type { Layer } from '../../core/program/network';
import type { Maxima } from '../../core/program/scanner';
import { addBatch, emptyStatistics } from '../../core/reduce/statistics';
import { emptyTopK, insertBatch } from '../../core/reduce/topk';
import type { LayerResult } from '../study/tables';

/** Per-class sums are kept up to this many numbers in all layers together (64 MB). */
const mostClassSums = 4_000_000;

/** All that a scan has gathered; a checkpoint holds exactly this. */
export interface ScanTables {
  /** The next picture to look at. */
  next: number;
  broken: Map<number, string>;
  results: LayerResult[];
}

export function emptyTables(layers: readonly Layer[], k: number, classes: number): ScanTables {
  const units = layers.reduce((total, layer) => total + layer.units, 0);
  const kept = units * classes <= mostClassSums ? classes : 0;
  return {
    next: 0,
    broken: new Map(),
    results: layers.map((layer) => ({
      top: emptyTopK(layer.units, k),
      statistics: emptyStatistics(layer.units, kept),
    })),
  };
}

/** Adds what a scanner found in these pictures. `classOf`: the class of each, -1 for none. */
export function addMaxima(
  tables: ScanTables,
  pictures: readonly number[],
  classOf: readonly number[],
  maxima: readonly Maxima[],
  perPicture: number,
): void {
  tables.results.forEach(({ top, statistics }, index) => {
    const { max, place } = maxima[index]!;
    insertBatch(top, pictures, max, place, perPicture);
    addBatch(statistics, classOf, max, perPicture);
  });
}

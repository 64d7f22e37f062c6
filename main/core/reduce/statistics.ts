import { addToHistogram, emptyHistograms, type Histograms } from './histogram';

/**
 * What is known of every unit of one layer over the pictures: of each picture the unit's maximum counts. Values that are not
 * finite are left out. Sums are float64 in the order of the pictures, so that batches and restarts do not change them.
 */
export interface Statistics {
  readonly units: number;
  readonly classes: number;
  /** Pictures with a finite maximum, and those of them above zero. */
  readonly count: Int32Array;
  readonly fired: Int32Array;
  readonly sum: Float64Array;
  /** [units, classes]; 0 classes where they are not kept. */
  readonly classCount: Int32Array;
  readonly classSum: Float64Array;
  readonly histograms: Histograms;
}

export function emptyStatistics(units: number, classes: number): Statistics {
  return {
    units,
    classes,
    count: new Int32Array(units),
    fired: new Int32Array(units),
    sum: new Float64Array(units),
    classCount: new Int32Array(units * classes),
    classSum: new Float64Array(units * classes),
    histograms: emptyHistograms(units),
  };
}

/**
 * Adds a batch: `max` is [classOf.length, units, perPicture], of which the first column is taken; `classOf` holds the class of
 * each picture, -1 for none. Batches must come in the order of the pictures.
 */
export function addBatch(table: Statistics, classOf: readonly number[], max: Float32Array, perPicture: number): void {
  const { units, classes } = table;
  classOf.forEach((label, n) => {
    for (let unit = 0; unit < units; unit++) {
      const value = max[(n * units + unit) * perPicture]!;
      if (!Number.isFinite(value)) continue;
      table.count[unit] = table.count[unit]! + 1;
      if (value > 0) table.fired[unit] = table.fired[unit]! + 1;
      table.sum[unit] = table.sum[unit]! + value;
      if (label >= 0 && label < classes) {
        const at = unit * classes + label;
        table.classCount[at] = table.classCount[at]! + 1;
        table.classSum[at] = table.classSum[at]! + value;
      }
      addToHistogram(table.histograms, unit, value);
    }
  });
}

import { addToHistogram, emptyHistograms, mergeHistograms, type Histograms } from './histogram';
import { addTo, emptySums, mergeSums, rearranged, type Sums } from './sum';

/**
 * What is known of every unit of one layer over the pictures: of each picture the unit's maximum counts. Values that are not
 * finite are left out. Everything depends on the values alone, not on their order, on batches or on merging.
 */
export interface Statistics {
  readonly units: number;
  readonly classes: number;
  /** Pictures with a finite maximum, and those of them above zero. */
  readonly count: Int32Array;
  readonly fired: Int32Array;
  readonly sum: Sums;
  /** [units, classes]; 0 classes where they are not kept. */
  readonly classCount: Int32Array;
  readonly classSum: Sums;
  readonly histograms: Histograms;
}

export function emptyStatistics(units: number, classes: number): Statistics {
  return {
    units,
    classes,
    count: new Int32Array(units),
    fired: new Int32Array(units),
    sum: emptySums(units),
    classCount: new Int32Array(units * classes),
    classSum: emptySums(units * classes),
    histograms: emptyHistograms(units),
  };
}

/**
 * Adds a batch: `max` is [classOf.length, units, perPicture], of which the first column is taken; `classOf` holds the class of
 * each picture, -1 for none.
 */
export function addBatch(table: Statistics, classOf: readonly number[], max: Float32Array, perPicture: number): void {
  const { units, classes, count, fired, sum, classCount, classSum, histograms } = table;
  const pictures = classOf.length;
  // Unit by unit: what is kept of a unit is then fetched once a batch.
  for (let unit = 0; unit < units; unit++) {
    let [finite, positive] = [0, 0];
    for (let n = 0, at = unit * perPicture; n < pictures; n++, at += units * perPicture) {
      const value = max[at]!;
      if (value - value !== 0) continue; // infinite, or not a number
      finite++;
      if (value > 0) positive++;
      addTo(sum, unit, value);
      const label = classOf[n]!;
      if (label >= 0 && label < classes) {
        const cell = unit * classes + label;
        classCount[cell] = classCount[cell]! + 1;
        addTo(classSum, cell, value);
      }
      addToHistogram(histograms, unit, value);
    }
    count[unit] = count[unit]! + finite;
    fired[unit] = fired[unit]! + positive;
  }
}

/** Adds what was gathered from other pictures of the same layer. */
export function mergeStatistics(into: Statistics, from: Statistics): void {
  const add = (target: Int32Array, source: Int32Array) => source.forEach((value, i) => (target[i]! += value));
  add(into.count, from.count);
  add(into.fired, from.fired);
  add(into.classCount, from.classCount);
  mergeSums(into.sum, from.sum);
  mergeSums(into.classSum, from.classSum);
  mergeHistograms(into.histograms, from.histograms);
}

/** The same with this many classes: further ones are empty; 0 lets go of what was kept by class. */
export function withClasses(table: Statistics, classes: number): Statistics {
  if (classes === table.classes) return table;
  const from = (i: number): number => {
    const label = i % classes;
    return label < table.classes ? Math.floor(i / classes) * table.classes + label : -1;
  };
  const length = table.units * classes;
  return {
    ...table,
    classes,
    classCount: Int32Array.from({ length }, (_, i) => (from(i) < 0 ? 0 : table.classCount[from(i)]!)),
    classSum: rearranged(table.classSum, length, from),
  };
}

import { Float64, Uint32 } from 'apache-arrow';
import type { Histogram } from '../../../preload/contract';
import type { Layer } from '../../core/program/network';
import { histogramOf } from '../../core/reduce/histogram';
import type { Statistics } from '../../core/reduce/statistics';
import type { LayerSample } from '../../core/reduce/sample';
import { selectivityOf, type Selectivity } from '../../core/reduce/selectivity';
import { sumAt, sumsIn } from '../../core/reduce/sum';
import { emptyTopK, type TopK } from '../../core/reduce/topk';
import {
  ArrowTable,
  dictionaryColumn,
  float32Column,
  float64Column,
  int32Column,
  listColumn,
  writeArrow,
} from './arrow';

/** What a scan gathers of one layer. */
export interface LayerResult {
  top: TopK;
  statistics: Statistics;
  /** Null where the scan was begun by a program that kept none. */
  sample: LayerSample | null;
}

/** What a view asks of one layer's results, read from files or from a running scan. */
export interface LayerView {
  top: TopK;
  /** [units] pictures with a finite maximum, and those of them above zero. */
  count: Int32Array;
  fired: Int32Array;
  /** [units] mean of the maxima. */
  mean(unit: number): number;
  /** [classes] mean of the maxima by class, in the order of `pictures.classes`, NaN where a class has none; null: not kept. */
  classMeans(unit: number): ArrayLike<number> | null;
  /** [units] how much each prefers a class; worked out when first asked for, and anew when there are more pictures. */
  selectivities(): readonly Selectivity[];
  histogram(unit: number): Histogram;
}

export const viewOf = ({ top, statistics }: LayerResult): LayerView => ({
  top,
  count: statistics.count,
  fired: statistics.fired,
  mean: (unit) => sumAt(statistics.sum, unit) / statistics.count[unit]!,
  classMeans: (unit) => classMeans(statistics, unit),
  selectivities: () => selectivities(statistics),
  histogram: (unit) => histogramOf(statistics.histograms, unit),
});

/** units.arrow of the scanned layers, in their order. */
export function writeUnits(layers: readonly Layer[], results: readonly LayerResult[]): Uint8Array {
  const rows = results.reduce((total, { top }) => total + top.count.reduce((sum, count) => sum + count, 0), 0);
  const columns = {
    layer: new Int32Array(rows),
    channel: new Int32Array(rows),
    rank: new Int32Array(rows),
    image: new Int32Array(rows),
    y: new Int32Array(rows),
    x: new Int32Array(rows),
  };
  const activation = new Float32Array(rows);
  let row = 0;
  results.forEach(({ top }, index) => {
    const width = layers[index]!.map[1];
    for (let unit = 0; unit < top.units; unit++)
      for (let rank = 0; rank < top.count[unit]!; rank++, row++) {
        const at = unit * top.k + rank;
        const place = top.place[at]!;
        columns.layer[row] = index;
        columns.channel[row] = unit;
        columns.rank[row] = rank;
        columns.image[row] = top.picture[at]!;
        columns.y[row] = Math.floor(place / width);
        columns.x[row] = place % width;
        activation[row] = top.activation[at]!;
      }
  });
  const { layer, ...numbers } = columns;
  return writeArrow([
    dictionaryColumn(
      'layer',
      layers.map(({ id }) => id),
      layer,
    ),
    ...Object.entries(numbers).map(([name, values]) => int32Column(name, values)),
    float32Column('activation', activation),
  ]);
}

export function readUnits(
  bytes: Uint8Array,
  file: string,
  layers: readonly Layer[],
  k: number,
  images: number,
): TopK[] {
  const table = new ArrowTable(bytes, file);
  const layer = table.dictionary(
    'layer',
    layers.map(({ id }) => id),
  );
  const [channel, rank, image, y, x] = ['channel', 'rank', 'image', 'y', 'x'].map((name) => table.int32(name)) as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  const activation = table.float32('activation');
  const tops = layers.map(({ units }) => emptyTopK(units, k));
  for (let row = 0; row < table.rows; row++) {
    const { units, map } = layers[layer[row]!]!;
    const top = tops[layer[row]!]!;
    const [unit, place] = [channel[row]!, rank[row]!];
    if (unit < 0 || unit >= units) throw table.bad(`row ${row}: the layer has no channel ${unit}`, 'channel');
    if (place >= k || place !== top.count[unit])
      throw table.bad(`row ${row}: the rank ${place} is out of order`, 'rank');
    if (image[row]! < 0 || image[row]! >= images) throw table.bad(`row ${row}: no picture ${image[row]}`, 'image');
    if (y[row]! < 0 || y[row]! >= map[0]) throw table.bad(`row ${row}: outside the map`, 'y');
    if (x[row]! < 0 || x[row]! >= map[1]) throw table.bad(`row ${row}: outside the map`, 'x');
    const at = unit * k + place;
    top.count[unit] = place + 1;
    top.picture[at] = image[row]!;
    top.place[at] = y[row]! * map[1] + x[row]!;
    top.activation[at] = activation[row]!;
  }
  return tops;
}

export function writeStatistics(layers: readonly Layer[], results: readonly LayerResult[]): Uint8Array {
  const units = results.flatMap(({ statistics }, index) =>
    Array.from({ length: statistics.units }, (_, unit) => ({ index, unit, statistics })),
  );
  const histograms = units.map(({ statistics, unit }) => histogramOf(statistics.histograms, unit));
  const int32 = (value: (row: (typeof units)[number]) => number) => Int32Array.from(units, value);
  return writeArrow([
    dictionaryColumn(
      'layer',
      layers.map(({ id }) => id),
      int32(({ index }) => index),
    ),
    int32Column(
      'channel',
      int32(({ unit }) => unit),
    ),
    int32Column(
      'count',
      int32(({ statistics, unit }) => statistics.count[unit]!),
    ),
    int32Column(
      'fired',
      int32(({ statistics, unit }) => statistics.fired[unit]!),
    ),
    float64Column(
      'mean',
      Float64Array.from(units, ({ statistics, unit }) => sumAt(statistics.sum, unit) / statistics.count[unit]!),
    ),
    float64Column(
      'histogram_start',
      Float64Array.from(histograms, ({ start }) => start),
    ),
    float64Column(
      'histogram_width',
      Float64Array.from(histograms, ({ width }) => width),
    ),
    listColumn(
      'histogram_counts',
      new Uint32(),
      histograms.map(({ counts }) => counts),
      false,
    ),
    listColumn(
      'class_means',
      new Float64(),
      units.map(({ statistics, unit }) => classMeans(statistics, unit)),
      true,
    ),
  ]);
}

function classMeans({ classes, classSum, classCount }: Statistics, unit: number): Float64Array | null {
  if (classes === 0) return null;
  const means = sumsIn(classSum, unit * classes, (unit + 1) * classes);
  for (let i = 0; i < classes; i++) means[i]! /= classCount[unit * classes + i]!;
  return means;
}

/** What was worked out for a layer's statistics, and for how many values: a running scan adds to them. */
const selective = new WeakMap<Statistics, { values: number; of: readonly Selectivity[] }>();

function selectivities(statistics: Statistics): readonly Selectivity[] {
  const values = statistics.count.reduce((sum, count) => sum + count, 0);
  const known = selective.get(statistics);
  if (known?.values === values) return known.of;
  const of = selectivitiesBy(statistics.units, (unit) => classMeans(statistics, unit));
  selective.set(statistics, { values, of });
  return of;
}

const selectivitiesBy = (units: number, means: LayerView['classMeans']): readonly Selectivity[] =>
  Array.from({ length: units }, (_, unit) => selectivityOf(means(unit)));

/** The views of the scanned layers, from the bytes of stats.arrow and the tables of units.arrow. */
export function readStatistics(
  bytes: Uint8Array,
  file: string,
  layers: readonly Layer[],
  tops: readonly TopK[],
): LayerView[] {
  const table = new ArrowTable(bytes, file);
  const layer = table.dictionary(
    'layer',
    layers.map(({ id }) => id),
  );
  const [channel, count, fired] = [table.int32('channel'), table.int32('count'), table.int32('fired')];
  const mean = table.float64('mean');
  const [start, width, counts, byClass] = [
    table.float64('histogram_start'),
    table.float64('histogram_width'),
    table.list('histogram_counts'),
    table.list('class_means'),
  ];
  let row = 0;
  const views = layers.map(({ units }, index): LayerView => {
    const first = row;
    let known: readonly Selectivity[] | undefined;
    const means: LayerView['classMeans'] = (unit) => byClass(first + unit);
    for (let unit = 0; unit < units; unit++, row++)
      if (layer[row] !== index || channel[row] !== unit) throw table.bad(`row ${row} is out of order`, 'channel');
    return {
      top: tops[index]!,
      count: count.subarray(first, row),
      fired: fired.subarray(first, row),
      mean: (unit) => mean[first + unit]!,
      classMeans: means,
      selectivities: () => (known ??= selectivitiesBy(units, means)),
      histogram: (unit) => ({
        start: start[first + unit]!,
        width: width[first + unit]!,
        counts: Array.from(counts(first + unit) ?? []),
      }),
    };
  });
  if (row !== table.rows) throw table.bad(`it has ${table.rows} rows where ${row} are expected`);
  return views;
}

/**
 * The k strongest activations of every unit of one layer. Entries have a total order (activation descending, then picture,
 * then place ascending), so that a table depends on what was put in and never on the order, the batches or the merging.
 * Row-major [units, k]; a unit's first `count` entries are filled, strongest first, and the rest hold picture -1.
 */
export interface TopK {
  readonly units: number;
  readonly k: number;
  readonly activation: Float32Array;
  readonly picture: Int32Array;
  /** Row * map width + column. */
  readonly place: Int32Array;
  /** Filled entries of each unit. */
  readonly count: Int32Array;
  /** How many activations were not numbers; they are never kept. */
  nan: number;
}

export function emptyTopK(units: number, k: number): TopK {
  return {
    units,
    k,
    activation: new Float32Array(units * k).fill(-Infinity),
    picture: new Int32Array(units * k).fill(-1),
    place: new Int32Array(units * k).fill(-1),
    count: new Int32Array(units),
    nan: 0,
  };
}

/** Whether entry (a, p, q) comes before the entry at index `at` of a table. */
function precedes(table: TopK, at: number, activation: number, picture: number, place: number): boolean {
  const other = table.activation[at]!;
  if (activation !== other) return activation > other;
  const otherPicture = table.picture[at]!;
  return picture !== otherPicture ? picture < otherPicture : place < table.place[at]!;
}

function insertOne(table: TopK, unit: number, activation: number, picture: number, place: number): void {
  const start = unit * table.k;
  let count = table.count[unit]!;
  if (count === table.k) {
    if (!precedes(table, start + count - 1, activation, picture, place)) return;
  } else table.count[unit] = ++count;
  let at = start + count - 1;
  for (; at > start && precedes(table, at - 1, activation, picture, place); at--) {
    table.activation[at] = table.activation[at - 1]!;
    table.picture[at] = table.picture[at - 1]!;
    table.place[at] = table.place[at - 1]!;
  }
  table.activation[at] = activation;
  table.picture[at] = picture;
  table.place[at] = place;
}

/**
 * Puts a batch in: `max` and `place` are [pictures.length, units, perPicture], largest first; minus infinity is no entry (a
 * map may have fewer places than perPicture). A picture must not be put in twice.
 */
export function insertBatch(
  table: TopK,
  pictures: readonly number[],
  max: Float32Array,
  place: Int32Array,
  perPicture: number,
): void {
  const { units } = table;
  for (let n = 0; n < pictures.length; n++)
    for (let unit = 0; unit < units; unit++)
      for (let i = 0, at = (n * units + unit) * perPicture; i < perPicture; i++, at++) {
        const activation = max[at]!;
        if (activation > -Infinity) insertOne(table, unit, activation, pictures[n]!, place[at]!);
        else if (Number.isNaN(activation)) table.nan++;
      }
}

/** Puts the entries of another table of the same layer, made from other pictures, into this one. */
export function mergeTopK(into: TopK, from: TopK): void {
  for (let unit = 0; unit < from.units; unit++)
    for (let at = unit * from.k, end = at + from.count[unit]!; at < end; at++)
      insertOne(into, unit, from.activation[at]!, from.picture[at]!, from.place[at]!);
  into.nan += from.nan;
}

/**
 * A sample of a list's pictures, and of each of them every unit's maximum: what the strongest entries and the sums do not
 * tell, as quantiles and correlations. Which pictures are in it depends on how long the list is and on nothing else.
 */
export interface LayerSample {
  readonly units: number;
  /** The sampled pictures, ascending. */
  readonly pictures: Int32Array;
  /** [pictures, units] maxima; not a number where a picture was not read or not reached. */
  readonly activation: Float32Array;
  /** [pictures, units] where they are: row * map width + column. */
  readonly place: Uint16Array | Int32Array;
}

/** Most pictures of a sample, and most of its numbers in all layers together. */
const mostPictures = 512;
const mostNumbers = 8_000_000;

/** Spreads the numbers 0 .. 2^32 - 1 over themselves, each to another (the last steps of MurmurHash3). */
function spread(index: number): number {
  let x = (index + 0x9e3779b9) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/**
 * The pictures of a list of `count` that are sampled, ascending: those whose index is spread to the smallest numbers. Where
 * the list grows at its end, pictures leave the sample but none of the old ones comes in. `units`: of all layers together.
 */
export function sampledPictures(count: number, units: number): Int32Array {
  const size = Math.min(count, mostPictures, Math.floor(mostNumbers / Math.max(1, units)));
  if (size === count) return Int32Array.from({ length: count }, (_, i) => i);
  // As spread numbers lie evenly, those below a bound are soon enough and never many.
  for (let bound = (2 ** 33 * (size + 8)) / count; ; bound *= 2) {
    const low: [number, number][] = [];
    for (let i = 0; i < count; i++) {
      const at = spread(i);
      if (at < bound) low.push([at, i]);
    }
    if (low.length < size) continue;
    low.sort((a, b) => a[0] - b[0]);
    return Int32Array.from(low.slice(0, size), ([, i]) => i).sort();
  }
}

/** `places`: of a map of the layer. */
export function emptySample(pictures: Int32Array, units: number, places: number): LayerSample {
  const length = pictures.length * units;
  return {
    units,
    pictures,
    activation: new Float32Array(length).fill(NaN),
    place: places > 0x10000 ? new Int32Array(length) : new Uint16Array(length),
  };
}

/** The row of a picture, -1 where it is not in the sample. */
function rowOf({ pictures }: LayerSample, picture: number): number {
  let [low, high] = [0, pictures.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (pictures[middle]! < picture) low = middle + 1;
    else high = middle;
  }
  return pictures[low] === picture ? low : -1;
}

/** Takes what a batch has of the sampled pictures: `max` and `place` are [pictures.length, units, perPicture], largest first. */
export function addToSample(
  sample: LayerSample,
  pictures: readonly number[],
  max: Float32Array,
  place: Int32Array,
  perPicture: number,
): void {
  const { units } = sample;
  pictures.forEach((picture, n) => {
    const row = rowOf(sample, picture);
    if (row < 0) return;
    for (let unit = 0, at = n * units * perPicture; unit < units; unit++, at += perPicture) {
      sample.activation[row * units + unit] = max[at]!;
      sample.place[row * units + unit] = place[at]!;
    }
  });
}

/** Takes over the pictures of another sample of the same layer that are sampled here too. */
export function mergeSamples(into: LayerSample, from: LayerSample): void {
  const { units } = into;
  from.pictures.forEach((picture, i) => {
    const row = rowOf(into, picture);
    if (row < 0) return;
    into.activation.set(from.activation.subarray(i * units, (i + 1) * units), row * units);
    into.place.set(from.place.subarray(i * units, (i + 1) * units), row * units);
  });
}

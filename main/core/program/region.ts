import type { Box, RegionAnswer } from '../../../preload/contract';
import type { Layer, Network } from './network';

/**
 * The places of a layer's map (row * width + column) whose receptive fields have their centres in a region of the input;
 * where a field is the whole picture, places are spread evenly over it. At least the one nearest to the region's centre.
 */
export function cellsIn(network: Pick<Network, 'input'>, layer: Layer, region: Box): number[] {
  const centres = ([0, 1] as const).map((axis) => {
    const { field, map } = layer;
    return Float64Array.from({ length: map[axis] }, (_, i) =>
      field
        ? field.start[axis] + i * field.stride[axis] + field.size[axis] / 2
        : ((i + 0.5) * network.input.size[axis]) / map[axis],
    );
  });
  const along = (axis: 0 | 1): number[] => {
    const [low, high] = [region[axis], region[axis + 2]!];
    const inside = [...centres[axis]!.keys()].filter((i) => centres[axis]![i]! >= low && centres[axis]![i]! < high);
    if (inside.length > 0) return inside;
    const middle = (low + high) / 2;
    const distance = (i: number): number => Math.abs(centres[axis]![i]! - middle);
    return [[...centres[axis]!.keys()].reduce((best, i) => (distance(i) < distance(best) ? i : best), 0)];
  };
  const columns = along(1);
  return along(0).flatMap((row) => columns.map((column) => row * layer.map[1] + column));
}

/** Units whose mean inside is less than this share of the layer's strongest are left out: their quotient says little. */
const weakest = 0.1;

/**
 * The `count` units of a layer whose maps [units, ...map] answer most to these places: by the mean there relative to
 * the mean of the whole map, largest first.
 */
export function answersTo(
  maps: Float32Array,
  { units, map: [height, width] }: Pick<Layer, 'units' | 'map'>,
  cells: readonly number[],
  count: number,
): RegionAnswer['units'] {
  const area = height * width;
  const means = Array.from({ length: units }, (_, unit) => {
    let inside = 0;
    let strongest = cells[0]!;
    for (const cell of cells) {
      const value = maps[unit * area + cell]!;
      inside += value;
      if (value > maps[unit * area + strongest]!) strongest = cell;
    }
    let whole = 0;
    for (let i = 0; i < area; i++) whole += maps[unit * area + i]!;
    const [y, x] = [Math.floor(strongest / width), strongest % width];
    return { unit, inside: inside / cells.length, whole: whole / area, y, x };
  });
  const strongest = means.reduce((most, { inside }) => Math.max(most, inside), 0);
  // A mean of the whole at or below zero (maps before a rectifier): nothing to be relative to, so that it comes first.
  // In hundredths: maps that lie inside altogether have the same quotient, and then the stronger comes first.
  const quotient = ({ inside, whole }: (typeof means)[number]): number =>
    whole > 0 ? Math.round((100 * inside) / whole) : Infinity;
  return means
    .filter(({ inside }) => inside > 0 && inside >= weakest * strongest)
    .sort((a, b) => {
      const [x, y] = [quotient(a), quotient(b)];
      return x === y ? b.inside - a.inside : y - x;
    })
    .slice(0, count);
}

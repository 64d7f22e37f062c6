import type { UnitSpread } from '../../../preload/contract';
import type { Layer } from '../../core/program/network';
import { finiteRows, pickQuantiles } from '../../core/reduce/spread';
import type { Study } from '../study/study';

const quantiles = [1, 0.99, 0.95, 0.9, 0.75, 0.5, 0.25, 0] as const;

/** The pictures at quantiles of a unit's activation, of the study's sample; null where it has none. */
export async function spreadOf(study: Study, layer: Layer, unit: number): Promise<Omit<UnitSpread, 'complete'> | null> {
  const sample = await study.sample(layer);
  if (!sample) return null;
  const entries = pickQuantiles(sample, unit, quantiles).map(({ row, quantile, exact }) => {
    const at = row * sample.units + unit;
    const picture = sample.pictures[row]!;
    const place = sample.place[at]!;
    return {
      picture,
      file: study.images.file(picture),
      class: study.images.class(picture),
      activation: sample.activation[at]!,
      y: Math.floor(place / layer.map[1]),
      x: place % layer.map[1],
      box: study.box(layer, place),
      quantile,
      exact,
    };
  });
  return { entries, pictures: finiteRows(sample, unit).length };
}

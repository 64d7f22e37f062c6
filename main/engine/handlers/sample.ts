import type { ClassActivation } from '../../../preload/contract';
import { correlations, fiveNumbers, finiteRows } from '../../core/reduce/spread';
import type { TopK } from '../../core/reduce/topk';
import type { Context, Group } from './context';
import { spreadOf } from './spread';
import { unitOf } from './units';

/** What is known of units beyond their strongest entries: from the sample that a scan keeps. */
export function sampleHandlers({ studies }: Context): Group<'unit.spread' | 'unit.classes' | 'unit.similar'> {
  return {
    async 'unit.spread'(args) {
      const { study, layer, view } = await unitOf(studies, args);
      const spread = await spreadOf(study, layer, args.unit);
      return spread && { ...spread, complete: spread.pictures === view.count[args.unit] };
    },
    async 'unit.classes'(args) {
      const { study, layer, view } = await unitOf(studies, args);
      const sample = await study.sample(layer);
      const values = new Map<number, number[]>();
      if (sample)
        for (const row of finiteRows(sample, args.unit)) {
          const label = study.classOf(sample.pictures[row]!);
          const own = values.get(label) ?? [];
          if (own.length === 0) values.set(label, own);
          own.push(sample.activation[row * sample.units + args.unit]!);
        }
      const means = view.classMeans(args.unit);
      const classes = study.manifest.pictures.classes.map((name, label): ClassActivation => {
        const own = values.get(label) ?? [];
        const mean = means ? (means[label] ?? NaN) : own.reduce((sum, value) => sum + value, 0) / own.length;
        return { name, pictures: own.length, box: fiveNumbers(own), mean };
      });
      const known = classes.filter(({ mean, box }) => !Number.isNaN(mean) || box !== null);
      known.sort((a, b) => (b.mean > a.mean ? 1 : b.mean < a.mean ? -1 : 0));
      return { classes: known, exact: means !== null, sampled: sample !== null };
    },
    async 'unit.similar'(args) {
      const { study, layer, view } = await unitOf(studies, args);
      const sample = await study.sample(layer);
      const similarity = sample && correlations(sample, args.unit);
      return similarity ? { similarity, by: 'activations' } : { similarity: overlaps(view.top, args.unit), by: 'tops' };
    },
  };
}

/** Shared pictures over all pictures (Jaccard) of the strongest entries of every unit and of one of them: [units]. */
function overlaps(top: TopK, unit: number): Float32Array {
  const picturesOf = (of: number) => new Set(top.picture.subarray(of * top.k, of * top.k + top.count[of]!));
  const own = picturesOf(unit);
  return Float32Array.from({ length: top.units }, (_, other) => {
    if (other === unit) return 1;
    const others = picturesOf(other);
    let shared = 0;
    for (const picture of others) if (own.has(picture)) shared++;
    const all = own.size + others.size - shared;
    return all > 0 ? shared / all : 0;
  });
}

import type { Calls, ArgsIn, LayerInfo, ResultOf, SpreadEntry, StudyInfo } from '../../preload/contract';
import { activationOf, fakeClasses, random, topOf } from './fake-data';

type Unit = { layer: string; unit: number };
type Name = 'unit.spread' | 'unit.classes' | 'unit.similar';
type Answers = { [K in Name & keyof Calls]: (args: ArgsIn<K>) => Promise<ResultOf<K>> };

/** Entries at eight quantiles. */
export function fakeSpread(layer: LayerInfo, unit: number): SpreadEntry[] {
  const strongest = activationOf(layer.id, unit);
  const tops = topOf(layer, unit, 16);
  return [1, 0.99, 0.95, 0.9, 0.75, 0.5, 0.25, 0].map((quantile, i) => {
    const { rank, alike, ...entry } = tops[2 * i]!;
    void [rank, alike];
    const activation = quantile < 0.5 ? 0 : strongest * (0.05 + 0.95 * quantile ** 6);
    return { ...entry, activation, quantile, exact: Math.round(quantile * 511) / 511 };
  });
}

/** What the sample of a scan tells of the fake units. */
export function fakeUnits(study: StudyInfo, layerOf: (id: string) => LayerInfo, noSample = false): Answers {
  const seed = ({ layer, unit }: Unit): number => unit + layer.length * 97;
  return {
    'unit.spread': async (args) =>
      noSample ? null : { entries: fakeSpread(layerOf(args.layer), args.unit), pictures: 512, complete: false },
    'unit.classes': async (args) => {
      const next = random(seed(args));
      const strongest = activationOf(args.layer, args.unit);
      const names = study.pictures.classes.length ? study.pictures.classes : fakeClasses;
      const classes = names.map((name) => {
        const top = strongest * (0.2 + 0.8 * next());
        const [low, quarter, median, high] = [0, top * 0.1 * next(), top * 0.4, top * 0.7];
        const box: [number, number, number, number, number] = [low, quarter, median, high, top];
        return {
          name,
          pictures: 3 + Math.floor(next() * 60),
          box: noSample ? null : box,
          mean: top * (0.3 + 0.2 * next()),
        };
      });
      return { classes: classes.sort((a, b) => b.mean - a.mean), exact: true, sampled: !noSample };
    },
    'unit.similar': async (args) => {
      const next = random(seed(args));
      const similarity = Float32Array.from({ length: layerOf(args.layer).units }, () => next() ** 3 * 1.3 - 0.3);
      similarity[args.unit] = 1;
      return { similarity, by: noSample ? 'tops' : 'activations' };
    },
  };
}

import type { Box, EntryPlace, LayerSummary, TopEntry } from '../../../preload/contract';
import { CancelledError, UnpoolError } from '../../core/errors';
import { groupsOf } from '../../core/preprocess/likeness';
import type { Layer } from '../../core/program/network';
import type { TopK } from '../../core/reduce/topk';
import type { Study } from '../study/study';
import type { LayerView } from '../study/tables';
import type { Context, Group } from './context';
import { spreadOf } from './spread';

/** The numbers of layers and units, and the pictures behind them. */
export function unitHandlers({
  studies,
}: Context): Group<'layer.table' | 'layer.summaries' | 'unit.detail' | 'unit.patches'> {
  return {
    async 'layer.table'(args) {
      const study = await studies.get(args.study);
      const layer = study.layer(args.layer);
      const view = await study.view(layer);
      const column = (value: (unit: number) => number) =>
        Float32Array.from({ length: layer.units }, (_, i) => value(i));
      const selective = view.selectivities();
      return {
        layer: layer.id,
        activation: column((unit) => strongest(view, unit)),
        firing: column((unit) => firing(view, unit)),
        mean: column((unit) => mean(view, unit)),
        selectivity: column((unit) => selective[unit]!.index),
        bestClass: Int32Array.from(selective, ({ best }) => best),
      };
    },
    async 'layer.summaries'(args) {
      const study = await studies.get(args.study);
      const summaries: LayerSummary[] = [];
      for (const { id, scanned } of study.manifest.layers) {
        if (!scanned) continue;
        const layer = study.layer(id);
        const view = await study.view(layer);
        let [silent, sum] = [0, 0];
        for (let unit = 0; unit < layer.units; unit++) {
          if (strongest(view, unit) === 0) silent++;
          sum += firing(view, unit);
        }
        summaries.push({ layer: id, units: layer.units, silent, firing: sum / layer.units });
      }
      return summaries;
    },
    async 'unit.detail'(args) {
      const { study, layer, view } = await unitOf(studies, args);
      const { unit } = args;
      const top = topEntries(study, layer, view.top, unit);
      const { labels, outputLayer } = study.manifest;
      return {
        layer: layer.id,
        unit,
        label: layer.id === outputLayer ? (labels?.[unit] ?? null) : null,
        top,
        histogram: view.histogram(unit),
        firing: firing(view, unit),
        mean: mean(view, unit),
        classes: classesOf(top),
        pictures: view.count[unit]!,
      };
    },
    async 'unit.patches'(args, { signal, item }) {
      const { study, layer, view } = await unitOf(studies, args);
      const { patches } = await studies.picturesOf(study);
      for (const { rank, picture, y, x, box } of await entriesOf(args.of, study, layer, view.top, args.unit)) {
        if (args.rank !== null && rank !== args.rank) continue;
        if (signal.aborted) throw new CancelledError();
        item({ rank, picture, y, x, patch: await patches.patch(picture, box, args.size) });
      }
      return null;
    },
  };
}

/** A unit with its layer's results. Throws UnpoolError where there is none of that number. */
export async function unitOf(
  studies: Context['studies'],
  args: { study: string; layer: string; unit: number },
): Promise<{ study: Study; layer: Layer; view: LayerView }> {
  const study = await studies.get(args.study);
  const layer = study.layer(args.layer);
  checkUnit(layer, args.unit);
  return { study, layer, view: await study.view(layer) };
}

export function checkUnit(layer: Layer, unit: number): void {
  if (unit >= layer.units)
    throw new UnpoolError('no-unit', `The layer "${layer.name}" has ${layer.units} units; there is no unit ${unit}.`, {
      place: { field: 'unit' },
    });
}

const strongest = ({ top }: LayerView, unit: number): number => (top.count[unit] ? top.activation[unit * top.k]! : 0);
const firing = ({ fired, count }: LayerView, unit: number): number => (count[unit] ? fired[unit]! / count[unit]! : 0);
const mean = (view: LayerView, unit: number): number => (view.count[unit] ? view.mean(unit) : 0);

/** A unit's strongest entries, or those at quantiles, in their order. */
export async function entriesOf(
  of: 'top' | 'spread',
  study: Study,
  layer: Layer,
  top: TopK,
  unit: number,
): Promise<(EntryPlace & { box: Box })[]> {
  if (of === 'top') return topEntries(study, layer, top, unit);
  const spread = await spreadOf(study, layer, unit);
  return (spread?.entries ?? []).map((entry, rank) => ({ ...entry, rank }));
}

/** A unit's entries, strongest first. */
export function topEntries(study: Study, layer: Layer, top: TopK, unit: number): TopEntry[] {
  const first = unit * top.k;
  const pictures = Array.from(top.picture.subarray(first, first + top.count[unit]!));
  const groups = groupsOf(pictures.map((picture) => study.hash(picture)));
  return pictures.map((picture, rank) => {
    const place = top.place[first + rank]!;
    return {
      rank,
      picture,
      file: study.images.file(picture),
      class: study.images.class(picture),
      activation: top.activation[first + rank]!,
      y: Math.floor(place / layer.map[1]),
      x: place % layer.map[1],
      box: study.box(layer, place),
      ...(groups[rank] !== rank && { alike: groups[rank]! }),
    };
  });
}

/** Classes by how many entries they have; of as many, the one whose strongest entry is stronger comes first. */
function classesOf(top: readonly TopEntry[]): { name: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const entry of top) if (entry.class !== null) counts.set(entry.class, (counts.get(entry.class) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count);
}

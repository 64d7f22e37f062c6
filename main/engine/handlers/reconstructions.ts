import type { GridItem, Signal } from '../../../preload/contract';
import { CancelledError } from '../../core/errors';
import type { Wanted } from '../cache/reconstructions';
import { shrink } from './shrink';
import { checkUnit, entriesOf, unitOf } from './units';
import type { Context, Group } from './context';

/** Reconstructions of one unit's strongest entries, the tiles of many units, and those that are made ahead. */
export function reconstructionHandlers({
  studies,
  reconstructions,
  cacheLimit,
}: Context): Group<'unit.reconstructions' | 'grid.tiles' | 'layer.render'> {
  return {
    async 'unit.reconstructions'({ method, unit, of, ...args }, { signal, item }) {
      const started = performance.now();
      const { study, layer, view } = await unitOf(studies, { ...args, unit });
      const entries = await entriesOf(of, study, layer, view.top, unit);
      const { extent, rules } = await reconstructions.run(
        {
          study,
          layer,
          method,
          wanted: entries.map(({ picture, y, x }) => ({ unit, picture, place: y * layer.map[1] + x })),
          priority: 'interactive',
          signal,
        },
        (index, made) => {
          const { rank, picture, y, x } = entries[index]!;
          item({ rank, picture, y, x, activation: made.activation, ...made.signal });
        },
      );
      return { extent, rules, milliseconds: performance.now() - started };
    },

    async 'layer.render'({ method, ...args }, { signal, item }) {
      const started = performance.now();
      const study = await studies.get(args.study);
      const layer = study.layer(args.layer);
      const { top } = await study.view(layer);
      const { channels, size } = study.manifest.input;
      const [height, width] = layer.field?.size ?? size;
      // Half the cache at most: what was seen of other layers stays.
      const fitting = Math.floor(cacheLimit / 2 / (4 * channels * height * width * layer.units));
      const ranks = Math.max(1, Math.min(top.k, fitting));
      const wanted: Wanted[] = [];
      for (let unit = 0; unit < layer.units; unit++)
        for (let at = unit * top.k; at < unit * top.k + Math.min(ranks, top.count[unit]!); at++)
          wanted.push({ unit, picture: top.picture[at]!, place: top.place[at]! });
      // By picture: each is decoded once.
      wanted.sort((a, b) => a.picture - b.picture || a.unit - b.unit);
      const total = wanted.length;
      await reconstructions.ahead({ study, layer, method, wanted, signal }, (done, made) => {
        const seconds = (performance.now() - started) / 1000;
        item({ done, total, left: made > 0 && seconds > 1 ? (seconds / made) * (total - done) : null });
      });
      return { ready: total, ranks, of: top.k };
    },

    async 'grid.tiles'({ units, show, method, size, ...args }, { signal, item }) {
      const study = await studies.get(args.study);
      const layer = study.layer(args.layer);
      for (const unit of units) checkUnit(layer, unit);
      const { top } = await study.view(layer);
      // The tables of a running scan change: what is asked for now is what is sent.
      const wanted = units.map((unit): Wanted | null => {
        const at = unit * top.k;
        return top.count[unit] ? { unit, picture: top.picture[at]!, place: top.place[at]! } : null;
      });
      const { patches } = await studies.picturesOf(study);
      const tile = async (index: number, made: Signal | null): Promise<GridItem> => {
        const each = wanted[index];
        return {
          unit: units[index]!,
          ...(each &&
            show !== 'reconstruction' && {
              patch: await patches.patch(each.picture, study.box(layer, each.place), size),
            }),
          ...(made && { signal: made }),
        };
      };
      if (show === 'patch') {
        for (let index = 0; index < units.length; index++) {
          if (signal.aborted) throw new CancelledError();
          item(await tile(index, null));
        }
        return null;
      }
      const signals = new Map<number, Signal>();
      const indices = wanted.flatMap((each, index) => (each ? [index] : []));
      // Tiles go out in order, each when it and all before it are there.
      let next = 0;
      let sending: Promise<void> = Promise.resolve();
      const send = (): void => {
        sending = sending.then(async () => {
          while (next < units.length && (!wanted[next] || signals.has(next)) && !signal.aborted) {
            const made = signals.get(next) ?? null;
            signals.delete(next);
            item(await tile(next++, made));
          }
        });
        sending.catch(() => undefined); // seen below
      };
      await reconstructions.run(
        {
          study,
          layer,
          method,
          wanted: indices.map((index) => wanted[index]!),
          priority: 'grid',
          signal,
          keep: { name: `grid ${size}`, shrink: (full) => shrink(full, size) },
        },
        (index, made) => {
          signals.set(indices[index]!, made.signal);
          send();
        },
      );
      send();
      await sending;
      if (signal.aborted) throw new CancelledError();
      return null;
    },
  };
}

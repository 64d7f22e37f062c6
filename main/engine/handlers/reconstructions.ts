import type { GridItem, Pixels, Signal } from '../../../preload/contract';
import { CancelledError } from '../../core/errors';
import type { Wanted } from '../cache/reconstructions';
import { averaged, meanPixels, meanSignal } from './mean';
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
      const entries = units.map((unit): Wanted[] =>
        Array.from({ length: Math.min(show === 'mean' ? averaged : 1, top.count[unit]!) }, (_, rank) => {
          const at = unit * top.k + rank;
          return { unit, picture: top.picture[at]!, place: top.place[at]! };
        }),
      );
      const { patches } = await studies.picturesOf(study);
      const cut = async ({ picture, place }: Wanted): Promise<Pixels> => {
        const box = study.box(layer, place);
        // No more px than the network has: then all of a unit's patches are of one size.
        const side = show === 'mean' ? Math.min(size, Math.max(box[2] - box[0], box[3] - box[1])) : size;
        return patches.patch(picture, box, side);
      };
      const tile = async (index: number, made: readonly Signal[]): Promise<GridItem> => {
        const own = entries[index]!;
        const cuts: Pixels[] = [];
        if (show !== 'reconstruction')
          for (const each of own) {
            if (signal.aborted) throw new CancelledError();
            cuts.push(await cut(each));
          }
        return {
          unit: units[index]!,
          ...(cuts.length > 0 && { patch: cuts.length > 1 ? meanPixels(cuts) : cuts[0]! }),
          ...(made.length > 0 && { signal: made.length > 1 ? meanSignal(made) : made[0]! }),
        };
      };
      if (show === 'patch' || (show === 'mean' && layer.refused !== null)) {
        for (let index = 0; index < units.length; index++) {
          if (signal.aborted) throw new CancelledError();
          item(await tile(index, []));
        }
        return null;
      }
      const signals = units.map((): Signal[] => []);
      const wanted = entries.flatMap((own, index) => own.map((each) => ({ index, each })));
      // Tiles go out in order, each when it and all before it are there.
      let next = 0;
      let sending: Promise<void> = Promise.resolve();
      const send = (): void => {
        sending = sending.then(async () => {
          while (next < units.length && signals[next]!.length === entries[next]!.length && !signal.aborted) {
            const made = signals[next]!.splice(0);
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
          wanted: wanted.map(({ each }) => each),
          priority: 'grid',
          signal,
          keep: { name: `grid ${size}`, shrink: (full) => shrink(full, size) },
        },
        (at, made) => {
          signals[wanted[at]!.index]!.push(made.signal);
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

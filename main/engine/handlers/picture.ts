import type { Box, FoundPicture, MapItem } from '../../../preload/contract';
import { throwIfCancelled, UnpoolError } from '../../core/errors';
import { toFloat32 } from '../../core/graph/tensor';
import { classScore, probabilities } from '../../core/program/classifier';
import { fieldBox, type Layer } from '../../core/program/network';
import { camLayer } from '../../core/program/observer';
import { answersTo, cellsIn } from '../../core/program/region';
import { layerIn, type Pass } from '../cache/passes';
import { shrink } from './shrink';
import { checkUnit } from './units';
import type { Context, Group } from './context';

/** Names of files that are read before others may ask. */
const together = 4096;

/** One picture: what the network says of it, what each layer makes of it, and where that comes from. */
export function pictureHandlers({
  studies,
  queue,
  passes,
}: Context): Group<
  | 'picture.view'
  | 'picture.find'
  | 'picture.take'
  | 'picture.classes'
  | 'picture.layer'
  | 'picture.maps'
  | 'picture.unit'
  | 'picture.region'
  | 'picture.cam'
> {
  return {
    async 'picture.view'(args) {
      const study = await studies.get(args.study);
      const { patches, index } = await passes.patchesOf(study, args.picture);
      return patches.view(index, args.as, args.size);
    },

    async 'picture.find'({ study, text, count }, { signal }) {
      const { images } = await studies.get(study);
      const wanted = text.trim().toLowerCase();
      const found: FoundPicture[] = [];
      const at = /^\d{1,9}$/.test(wanted) ? Number(wanted) - 1 : -1;
      if (at >= 0 && at < images.count) found.push({ picture: at, file: images.file(at) });
      for (let picture = 0; picture < images.count && found.length < count; picture++) {
        if (picture % together === 0) {
          await new Promise(setImmediate); // others may ask between
          throwIfCancelled(signal);
        }
        const file = images.file(picture);
        if (picture !== at && file.toLowerCase().includes(wanted)) found.push({ picture, file });
      }
      return found;
    },

    async 'picture.take'({ study, name, bytes }) {
      return { key: await passes.take(await studies.get(study), name, bytes) };
    },

    async 'picture.classes'(args, { signal }) {
      const study = await studies.get(args.study);
      const { model, classes } = await passes.of(study, args.picture, signal);
      const { analysis, classes: output, outputLayer } = model.network;
      if (!classes || output === null || outputLayer === null) return null;
      const { squash } = classScore(analysis, output, layerIn(model, outputLayer));
      const shares = probabilities(classes, squash);
      const { labels } = study.manifest;
      const order = [...shares.keys()].sort((a, b) => shares[b]! - shares[a]! || a - b).slice(0, args.count);
      return {
        top: order.map((unit) => ({ class: unit, label: labels?.[unit] ?? null, probability: shares[unit]! })),
        by: shares === classes || squash !== null ? 'network' : 'softmax',
      };
    },

    async 'picture.layer'(args, { signal }) {
      const pass = await passes.of(await studies.get(args.study), args.picture, signal);
      const layer = layerIn(pass.model, args.layer);
      const { maps, area } = mapsOf(pass, layer);
      const out = {
        layer: layer.id,
        max: new Float32Array(layer.units),
        place: new Int32Array(layer.units),
        mean: new Float32Array(layer.units),
      };
      for (let unit = 0; unit < layer.units; unit++) {
        let [best, sum] = [0, 0];
        for (let i = 0; i < area; i++) {
          sum += maps[unit * area + i]!;
          if (maps[unit * area + i]! > maps[unit * area + best]!) best = i;
        }
        out.max[unit] = maps[unit * area + best]!;
        out.place[unit] = best;
        out.mean[unit] = sum / area;
      }
      return out;
    },

    async 'picture.maps'(args, { signal, item }) {
      const pass = await passes.of(await studies.get(args.study), args.picture, signal);
      const layer = layerIn(pass.model, args.layer);
      for (const unit of args.units) checkUnit(layer, unit);
      const { maps, area } = mapsOf(pass, layer);
      const [height, width] = layer.map;
      for (const unit of args.units) {
        throwIfCancelled(signal);
        const data = maps.subarray(unit * area, (unit + 1) * area);
        item({ unit, ...inBytes(shrink({ channels: 1, height, width, data }, args.size)) });
      }
      return null;
    },

    async 'picture.unit'({ method, times, unit, y, x, size, ...args }, { signal }) {
      const started = performance.now();
      const study = await studies.get(args.study);
      const { model, tensor } = await passes.of(study, args.picture, signal);
      const { network, reconstructor } = model;
      const layer = layerIn(model, args.layer);
      checkUnit(layer, unit);
      if (y >= layer.map[0] || x >= layer.map[1])
        throw new UnpoolError('no-place', `The maps of "${layer.name}" have no row ${y} and column ${x}.`, {
          place: { field: 'y' },
        });
      const { before } = study.manifest.settings;
      const box = fieldBox(network, layer, y, x);
      const { patches, index } = await passes.patchesOf(study, args.picture);
      const patch = await patches.patch(index, box, size);
      const requests = [{ picture: tensor, unit, y, x }];
      const [made] = await reconstructor.run(layer, method, before, requests, (task) =>
        queue.run('interactive', task, signal),
      );
      const { extent } = reconstructor.plan(layer, method, before);
      const result = made!.signal;
      return {
        ...(times ? { ...result, data: timesInput(result.data, tensor, box, network.input) } : result),
        ...{ activation: made!.activation, box, patch, extent, milliseconds: performance.now() - started },
      };
    },

    async 'picture.region'({ region, count, ...args }, { signal, item }) {
      const [y0, x0, y1, x1] = region;
      if (!(y1 > y0 && x1 > x0))
        throw new UnpoolError('bad-region', 'The region has no area.', { place: { field: 'region' } });
      const pass = await passes.of(await studies.get(args.study), args.picture, signal);
      for (const layer of pass.model.network.layers) {
        if (!layer.scanned || layer.map[0] * layer.map[1] === 1) continue;
        throwIfCancelled(signal);
        const cells = cellsIn(pass.model.network, layer, region);
        const { maps } = mapsOf(pass, layer);
        item({ layer: layer.id, cells: cells.length, units: answersTo(maps, layer, cells, count) });
        await new Promise(setImmediate); // others may ask between
      }
      return null;
    },

    async 'picture.cam'(args, { signal }) {
      const { model, tensor } = await passes.of(await studies.get(args.study), args.picture, signal);
      const layer = args.layer === '' ? camLayer(model.network) : layerIn(model, args.layer);
      if (args.class >= model.network.outputUnits)
        throw new UnpoolError('no-class', `The network has ${model.network.outputUnits} classes.`, {
          place: { field: 'class' },
        });
      const cam = await queue.run('interactive', () => model.observer.cam(tensor, layer, args.class), signal);
      return { layer: layer.id, class: args.class, ...cam };
    },
  };
}

/** A layer's maps [units, area]. */
function mapsOf({ maps }: Pass, layer: Layer): { maps: Float32Array; area: number } {
  return { maps: toFloat32(maps.get(layer.id)!), area: layer.map[0] * layer.map[1] };
}

/** A map on 256 steps between its smallest and its largest value. */
function inBytes({
  height,
  width,
  data,
}: {
  height: number;
  width: number;
  data: Float32Array;
}): Omit<MapItem, 'unit'> {
  let [min, max] = [Infinity, -Infinity];
  for (const value of data) {
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const gain = max > min ? 255 / (max - min) : 0;
  return { height, width, min, max, data: Uint8Array.from(data, (value) => Math.round((value - min) * gain)) };
}

/** A signal [channels, box] times the input [channels, height, width] below it; outside the input there is nothing. */
function timesInput(
  signal: Float32Array,
  input: Float32Array,
  [top, left, bottom, right]: Box,
  { channels, size: [height, width] }: { channels: number; size: readonly [number, number] },
): Float32Array {
  const out = new Float32Array(signal.length);
  let at = 0;
  for (let c = 0; c < channels; c++)
    for (let y = top; y < bottom; y++)
      for (let x = left; x < right; x++, at++)
        if (y >= 0 && x >= 0 && y < height && x < width) out[at] = signal[at]! * input[(c * height + y) * width + x]!;
  return out;
}

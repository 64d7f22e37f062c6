import type { ArgsIn, CallName, ItemOf, LayerInfo, ResultOf, StudyInfo } from '../../preload/contract';
import { activationOf, fakePixels, fakeSignal, random } from './fake-data';

type Names = Extract<CallName, `picture.${string}` | `filters.${string}`>;
type Answers = {
  [K in Names]: (args: ArgsIn<K>, tell: (item: ItemOf<K>) => Promise<void>) => Promise<ResultOf<K>>;
};
const seedOf = (picture: number | string): number => (typeof picture === 'number' ? picture : 7);

/** What the fake engine says of single pictures and of filters. */
export function fakePictures(study: StudyInfo, layerOf: (id: string) => LayerInfo): Answers {
  const filtersOf = (id: string) => {
    const layer = layerOf(id);
    const first = layer.id === study.layers[0]!.id;
    return { layer, first, inputs: first ? 3 : 64, side: layer.kind === 'dense' ? 1 : first ? 7 : 3 };
  };
  return {
    'picture.view': async ({ picture, as }) => {
      const network = as === 'network';
      const seed = seedOf(picture);
      return {
        ...(network ? fakePixels(seed, [0, 0, 1, 1], 227, 227) : fakePixels(seed, [-0.166, 0, 1.166, 1], 800, 600)),
        file: 'banana/banana.jpg',
        class: 'banana',
        original: { width: 2400, height: 1800 },
        inputBox: network ? [0, 0, 227, 227] : [0, 100, 600, 700],
      };
    },
    'picture.find': async ({ text = '', count }) =>
      Array.from({ length: study.pictures.count }, (_, picture) => ({ picture, file: `shelf/${picture}.jpg` }))
        .filter(({ picture, file }) => String(picture + 1) === text || file.includes(text))
        .slice(0, count),
    'picture.take': async () => ({ key: 'ab'.repeat(16) }),
    'picture.classes': async ({ count }) => ({
      by: 'network',
      top: Array.from({ length: Math.min(count, 12) }, (_, rank) => ({
        class: rank,
        label: study.labels?.[rank] ?? null,
        probability: 0.6 * 0.4 ** rank,
      })),
    }),
    'picture.layer': async ({ picture, layer }) => {
      const { units, map } = layerOf(layer);
      const next = random(seedOf(picture) + units);
      const max = Float32Array.from({ length: units }, (_, unit) => activationOf(layer, unit) * next());
      return {
        ...{ layer, max, mean: max.map((value) => value / 8) },
        place: Int32Array.from({ length: units }, () => Math.floor(next() * map[0] * map[1])),
      };
    },
    'picture.maps': async ({ layer, units, picture }, tell) => {
      const [height, width] = layerOf(layer).map;
      for (const unit of units) {
        const next = random(unit * 31 + seedOf(picture));
        const [y, x] = [next() * height, next() * width];
        const data = Uint8Array.from({ length: height * width }, (_, i) =>
          Math.round(255 * Math.exp(-((Math.floor(i / width) - y) ** 2 + ((i % width) - x) ** 2) / (height * 1.5))),
        );
        await tell({ unit, height, width, min: 0, max: activationOf(layer, unit), data });
      }
      return null;
    },
    'picture.unit': async ({ layer, unit, y, x, method, size }) => {
      const side = layerOf(layer).field?.[0] ?? 227;
      const [stepY, stepX] = layerOf(layer).stride;
      const [top, left] = [y * stepY, x * stepX];
      return {
        ...fakeSignal(unit + y * 7 + x + method.id.length, side, side, activationOf(layer, unit)),
        activation: activationOf(layer, unit) / 2,
        box: [top, left, top + side, left + side],
        patch: fakePixels(unit, [left / 227, top / 227, (left + side) / 227, (top + side) / 227], size, size),
        extent: 'cone',
        milliseconds: 31,
      };
    },
    'picture.region': async ({ count }, tell) => {
      for (const layer of study.layers.filter((each) => each.scanned && each.map[0] > 1))
        await tell({
          layer: layer.id,
          cells: 9,
          units: Array.from({ length: count }, (_, i) => ({ unit: i * 3, inside: 9 - i, whole: 1, y: 1, x: i % 2 })),
        });
      return null;
    },
    'picture.cam': async ({ class: unit }) => ({
      ...{ layer: 'conv3', class: unit, height: 13, width: 13 },
      data: Float32Array.from({ length: 169 }, (_, i) => Math.exp(-((i - 80) ** 2) / 900)),
    }),
    'filters.layer': async ({ layer: id, other }) => {
      const { layer, first, inputs, side } = filtersOf(id);
      const next = random(layer.units);
      const norm = Float32Array.from({ length: layer.units }, () => 0.4 + next());
      norm[3] = 0;
      return {
        ...{ layer: id, op: 'Conv', units: layer.units, inputs, kernel: [side, side], groups: 1, first, peak: 1, norm },
        dead: [3],
        nearest: {
          unit: Int32Array.from({ length: layer.units }, (_, unit) => (unit + 1) % layer.units),
          cosine: Float32Array.from({ length: layer.units }, (_, unit) => (unit % 9 === 5 ? 0.99 : 0.4)),
        },
        against: other ? norm.map((value) => value / 1.5) : null,
      };
    },
    'filters.tiles': async ({ layer: id, units }, tell) => {
      const { inputs, side } = filtersOf(id);
      for (const unit of units) {
        const next = random(unit + 3);
        const data = Float32Array.from({ length: inputs * side * side }, () => (unit === 3 ? 0 : next() * 2 - 1));
        await tell({ unit, inputs, cut: false, data });
      }
      return null;
    },
  };
}

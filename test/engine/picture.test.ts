import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CancelledError } from '../../main/core/errors';
import { writeOnnx } from '../../main/core/formats/onnx/index';
import { Builder } from '../../main/core/graph/builder';
import { preparePicture } from '../../main/engine/pictures/prepare';
import { shrink } from '../../main/engine/handlers/shrink';
import type { LayerInfo, MapItem } from '../../preload/contract';
import { relativeDifference } from '../core/support';
import { makePlace, preprocessing, settled, smallNetwork, startEngine, type Place, type TestEngine } from './support';

let place: Place;
let engine: TestEngine;
let study: string;
let layers: LayerInfo[];
let files: string[];
beforeAll(async () => {
  place = await makePlace(12);
  engine = startEngine(join(place.folder, 'home'));
  study = join(place.folder, 'study');
  await engine.call('study.create', { model: place.model, pictures: place.pictures, preprocessing, folder: study });
  await settled(engine, study);
  layers = (await engine.call('study.open', { path: study })).layers;
  files = [];
  for (let picture = 0; picture < 12; picture++)
    files.push((await engine.call('picture.view', { study, picture, as: 'original', size: 64 })).file);
});
afterAll(async () => {
  await engine.dispose();
  await place.remove();
});

const fileOf = (picture: number): string => join(place.pictures, files[picture]!);

/** The values of a picture's forward pass, from ONNX Runtime alone. */
async function values(picture: number, names: string[]) {
  const graph = smallNetwork();
  const whole = new Builder(graph).build(names.map((name) => ({ name, type: 'float32', shape: null })));
  const session = await ort.InferenceSession.create(writeOnnx(whole));
  const { data } = await preparePicture(fileOf(picture), preprocessing);
  const results = await session.run({ picture: new ort.Tensor('float32', data, [1, 3, 24, 24]) });
  return names.map((name) => results[name]!.data as Float32Array);
}
const asValues = ({ data, min, max }: MapItem): Float32Array =>
  Float32Array.from(data, (byte) => min + (byte / 255) * (max - min));

describe('one picture', () => {
  it('is found by its number or a part of its path, whatever its case', async () => {
    const find = async (text: string, count = 20) =>
      (await engine.call('picture.find', { study, text, count })).map(({ picture }) => picture);
    expect(await engine.call('picture.find', { study, text: '', count: 3 })).toEqual(
      files.slice(0, 3).map((file, picture) => ({ picture, file })),
    );
    const name = files[5]!.split('/').at(-1)!.toUpperCase();
    expect(await find(name)).toEqual([...files.keys()].filter((i) => files[i]!.toUpperCase().includes(name)));
    expect((await find('12'))[0]).toBe(11);
    expect(await find('no such file')).toEqual([]);
    expect(new Set(await find('1')).size).toBe((await find('1')).length);
  });

  it('has the classes that the network gives it, with their names', async () => {
    for (const picture of [0, 7]) {
      const [scores] = await values(picture, ['scores']);
      const exps = [...scores!].map((score) => Math.exp(score));
      const sum = exps.reduce((a, b) => a + b, 0);
      const answer = (await engine.call('picture.classes', { study, picture, count: 3 }))!;
      expect(answer.by).toBe('softmax');
      const order = exps.map((_, i) => i).sort((a, b) => exps[b]! - exps[a]!);
      expect(answer.top.map((each) => each.class)).toEqual(order.slice(0, 3));
      expect(answer.top.map((each) => each.label)).toEqual(
        order.slice(0, 3).map((i) => ['ape', 'bat', 'cat', 'dog', 'eel'][i]),
      );
      answer.top.forEach((each) => expect(each.probability).toBeCloseTo(exps[each.class]! / sum, 5));
    }
  });

  it('has the maps of every layer, whole and made smaller', async () => {
    const named = layers.filter(({ kind }) => kind !== 'dense');
    const expected = await values(
      4,
      named.map(({ id }) => id),
    );
    for (const [i, layer] of named.entries()) {
      const area = layer.map[0] * layer.map[1];
      const maps = expected[i]!;
      const answer = await engine.call('picture.layer', { study, picture: 4, layer: layer.id });
      for (let unit = 0; unit < layer.units; unit++) {
        const map = maps.subarray(unit * area, (unit + 1) * area);
        expect(answer.max[unit]).toBeCloseTo(Math.max(...map), 4);
        expect(answer.place[unit]).toBe(map.indexOf(Math.max(...map)));
        expect(answer.mean[unit]).toBeCloseTo(map.reduce((a, b) => a + b, 0) / area, 4);
      }
      for (const size of [8, 64]) {
        const units = [layer.units - 1, 0];
        const items = await engine.items('picture.maps', { study, picture: 4, layer: layer.id, units, size });
        expect(items.map(({ unit }) => unit)).toEqual(units);
        for (const item of items) {
          const data = maps.slice(item.unit * area, (item.unit + 1) * area);
          const small = shrink({ channels: 1, height: layer.map[0], width: layer.map[1], data }, size);
          expect([item.height, item.width]).toEqual([small.height, small.width]);
          const worst = Math.max(...asValues(item).map((value, at) => Math.abs(value - small.data[at]!)));
          expect(worst).toBeLessThanOrEqual((item.max - item.min) / 509 + 1e-5);
        }
      }
    }
    await expect(
      engine.items('picture.maps', { study, picture: 4, layer: layers[0]!.id, units: [6], size: 8 }),
    ).rejects.toMatchObject({ code: 'no-unit' });
  });

  it('is reconstructed where it is clicked, as the strongest inputs are', async () => {
    const layer = layers.filter(({ scanned }) => scanned)[1]!;
    const unit = 2;
    for (const id of ['deconvnet', 'guided', 'gradient'] as const) {
      const method = { id };
      const tops = await engine.items('unit.reconstructions', { study, layer: layer.id, unit, method });
      for (const { picture, y, x, activation, data } of tops.slice(0, 3)) {
        const args = { study, picture, layer: layer.id, unit, y, x, method, size: 32 };
        const made = await engine.call('picture.unit', args);
        expect(made.activation).toBeCloseTo(activation, 5);
        expect(relativeDifference(data, made.data)).toBeLessThan(1e-5);
        expect([made.height, made.width]).toEqual([made.box[2] - made.box[0], made.box[3] - made.box[1]]);
        const times = await engine.call('picture.unit', { ...args, times: true });
        const { data: input } = await preparePicture(fileOf(picture), preprocessing);
        let at = 0;
        for (let c = 0; c < 3; c++)
          for (let row = made.box[0]; row < made.box[2]; row++)
            for (let column = made.box[1]; column < made.box[3]; column++, at++) {
              const inside = row >= 0 && column >= 0 && row < 24 && column < 24;
              const below = inside ? input[(c * 24 + row) * 24 + column]! : 0;
              expect(times.data[at]).toBeCloseTo(made.data[at]! * below, 5);
            }
      }
    }
    await expect(
      engine.call('picture.unit', {
        ...{ study, picture: 0, layer: layer.id, unit, y: 10, x: 0, size: 32 },
        method: { id: 'deconvnet' },
      }),
    ).rejects.toMatchObject({ code: 'no-place' });
  });

  it('has in each layer the units that answer to a region', async () => {
    const [first, second] = layers.filter(({ kind }) => kind === 'conv');
    const region: [number, number, number, number] = [0, 0, 12, 12];
    const items = await engine.items('picture.region', { study, picture: 1, region, count: 4 });
    expect(items.map(({ layer }) => layer)).toEqual([first!.id, second!.id]);
    const [map] = await values(1, [first!.id]);
    // The first layer has a place for each px, its field's centre half a px further.
    const quotients = Array.from({ length: 6 }, (_, unit) => {
      let [inside, whole] = [0, 0];
      for (let y = 0; y < 24; y++)
        for (let x = 0; x < 24; x++) {
          const value = map![unit * 576 + y * 24 + x]!;
          whole += value / 576;
          if (y < 12 && x < 12) inside += value / 144;
        }
      return { unit, inside, whole };
    });
    const most = Math.max(...quotients.map(({ inside }) => inside));
    const expected = quotients
      .filter(({ inside }) => inside >= most / 10)
      .sort((a, b) => b.inside / b.whole - a.inside / a.whole)
      .slice(0, 4);
    expect(items[0]!.cells).toBe(144);
    expect(items[0]!.units.map(({ unit }) => unit)).toEqual(expected.map(({ unit }) => unit));
    items[0]!.units.forEach((each, i) => expect(each.inside).toBeCloseTo(expected[i]!.inside, 4));
    for (const { unit, y, x } of items[0]!.units) {
      expect(y < 12 && x < 12).toBe(true);
      const rows = Array.from({ length: 12 }, (_, row) =>
        map!.subarray(unit * 576 + row * 24, unit * 576 + row * 24 + 12),
      );
      expect(map![unit * 576 + y * 24 + x]).toBe(Math.max(...rows.map((row) => Math.max(...row))));
    }
    await expect(
      engine.items('picture.region', { study, picture: 1, region: [3, 3, 3, 9], count: 4 }),
    ).rejects.toMatchObject({ code: 'bad-region' });
  });

  it('has a Grad-CAM for a class', async () => {
    const cam = await engine.call('picture.cam', { study, picture: 3, class: 1 });
    const layer = layers.findLast(({ kind }) => kind === 'conv')!;
    expect(cam).toMatchObject({ layer: layer.id, class: 1, height: layer.map[0], width: layer.map[1] });
    // Behind the layer: mean over places, then a dense layer. So a map's weight is that of the dense layer, by its area.
    const [map] = await values(3, [layer.id]);
    const graph = smallNetwork();
    const dense = graph.initializers.get(graph.nodes.at(-1)!.inputs[1]!)!.data as Float32Array;
    const area = cam.height * cam.width;
    const expected = Float32Array.from({ length: area }, (_, i) => {
      let sum = 0;
      for (let unit = 0; unit < 8; unit++) sum += (dense[unit * 5 + 1]! / area) * map![unit * area + i]!;
      return Math.max(0, sum);
    });
    expect(relativeDifference(expected, cam.data)).toBeLessThan(1e-4);
    await expect(engine.call('picture.cam', { study, picture: 3, class: 5 })).rejects.toMatchObject({
      code: 'no-class',
    });
  });

  it('may come from elsewhere, and is then treated alike', async () => {
    const bytes = new Uint8Array(await readFile(fileOf(5)));
    const { key } = await engine.call('picture.take', { study, name: 'pasted.png', bytes });
    const own = await engine.call('picture.classes', { study, picture: 5, count: 5 });
    expect(await engine.call('picture.classes', { study, picture: key, count: 5 })).toEqual(own);
    const view = await engine.call('picture.view', { study, picture: key, as: 'network', size: 64 });
    expect(view).toMatchObject({ file: 'pasted.png', class: null, width: 24, height: 24 });
    const text = new TextEncoder().encode('no picture at all');
    await expect(
      engine.call('picture.take', { study, name: 'notes.txt', bytes: text as Uint8Array<ArrayBuffer> }),
    ).rejects.toMatchObject({ code: 'bad-picture', place: { file: 'notes.txt' } });
    await expect(engine.call('picture.classes', { study, picture: '0'.repeat(32), count: 5 })).rejects.toMatchObject({
      code: 'picture-gone',
    });
    await expect(engine.call('picture.classes', { study, picture: 12, count: 5 })).rejects.toMatchObject({
      code: 'no-picture',
    });
  });

  it('stops where it is cancelled', async () => {
    const controller = new AbortController();
    controller.abort();
    const args = { study, picture: 9, layer: layers[0]!.id };
    await expect(engine.call('picture.layer', args, controller.signal)).rejects.toBeInstanceOf(CancelledError);
    await expect(
      engine.items('picture.maps', { ...args, units: [0], size: 8 }, controller.signal),
    ).rejects.toBeInstanceOf(CancelledError);
    const region: [number, number, number, number] = [0, 0, 9, 9];
    await expect(
      engine.items('picture.region', { study, picture: 9, region, count: 3 }, controller.signal),
    ).rejects.toBeInstanceOf(CancelledError);
  });
});

describe('filters', () => {
  it('are the weights in the file, beside those of another model', async () => {
    const [layer] = layers;
    const file = { path: place.model, layer: layer!.id };
    const graph = smallNetwork();
    const stored = graph.initializers.get(graph.nodes[0]!.inputs[1]!)!.data as Float32Array;
    const table = await engine.call('filters.layer', { ...file, other: file });
    expect(table).toMatchObject({ op: 'Conv', units: 6, inputs: 3, kernel: [3, 3], first: true, dead: [] });
    expect(table.peak).toBe(Math.max(...stored.map(Math.abs)));
    expect([...table.against!].every((cosine) => Math.abs(cosine - 1) < 1e-6)).toBe(true);
    const items = await engine.items('filters.tiles', { ...file, units: [4, 1] });
    for (const item of items) expect(item.data).toEqual(stored.slice(item.unit * 27, (item.unit + 1) * 27));
    expect(items.map(({ unit, cut }) => [unit, cut])).toEqual([
      [4, false],
      [1, false],
    ]);
    const pool = layers.find(({ kind }) => kind === 'pool')!;
    await expect(engine.call('filters.layer', { ...file, layer: pool.id })).rejects.toMatchObject({
      code: 'no-filters',
    });
  });
});

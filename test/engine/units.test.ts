import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CancelledError } from '../../main/core/errors';
import type { LayerInfo, Pixels, Signal } from '../../preload/contract';
import { meanPixels, meanSignal } from '../../main/engine/handlers/mean';
import { shrink } from '../../main/engine/handlers/shrink';
import { relativeDifference } from '../core/support';
import { makePlace, preprocessing, settled, startEngine, type Place, type TestEngine } from './support';

let place: Place;
let engine: TestEngine;
let study: string;
let layers: LayerInfo[];
beforeAll(async () => {
  place = await makePlace(20);
  engine = startEngine(join(place.folder, 'home'));
  study = join(place.folder, 'study');
  const args = { model: place.model, pictures: place.pictures, preprocessing, settings: { k: 5 }, folder: study };
  await engine.call('study.create', args);
  await settled(engine, study);
  layers = (await engine.call('study.open', { path: study })).layers.filter(({ scanned }) => scanned);
});
afterAll(async () => {
  await engine.dispose();
  await place.remove();
});

const method = { id: 'deconvnet' } as const;

describe('units', () => {
  it('names the class of an output unit', async () => {
    const last = layers.at(-1)!;
    expect((await engine.call('unit.detail', { study, layer: last.id, unit: 2 })).label).toBe('cat');
    expect((await engine.call('unit.detail', { study, layer: layers[0]!.id, unit: 2 })).label).toBeNull();
  });

  it('names the entries whose pictures are nearly the same as a stronger one, while it scans and from its files', async () => {
    const twice = await makePlace(4);
    for (const name of ['ants/000.png', 'ants/003.png', 'bees/001.png', 'crabs/002.png'])
      await copyFile(join(twice.pictures, name), join(twice.pictures, name.replace('.png', 'b.png')));
    const folder = join(place.folder, 'twice');
    const args = { model: twice.model, pictures: twice.pictures, preprocessing, settings: { k: 8 }, folder };
    await engine.call('study.create', args);
    await settled(engine, folder);
    const other = startEngine(join(place.folder, 'home'));
    for (const by of [engine, other]) {
      const { top } = await by.call('unit.detail', { study: folder, layer: layers[0]!.id, unit: 0 });
      expect(top).toHaveLength(8);
      const names = top.map(({ file }) => file.replace('b.png', '.png'));
      for (const { rank, alike } of top)
        expect(alike).toBe(names.indexOf(names[rank]!) === rank ? undefined : names.indexOf(names[rank]!));
    }
    await other.dispose();
    await engine.call('recent.forget', { path: folder });
    await twice.remove();
  });

  it('refuses layers and units that are not there', async () => {
    const layer = layers[0]!.id;
    await expect(engine.call('unit.detail', { study, layer, unit: 6 })).rejects.toMatchObject({ code: 'no-unit' });
    await expect(engine.call('unit.detail', { study, layer: 'x', unit: 0 })).rejects.toMatchObject({
      code: 'no-layer',
    });
    await expect(engine.call('picture.view', { study, picture: 20, as: 'original', size: 64 })).rejects.toMatchObject({
      code: 'no-picture',
    });
    const pool = (await engine.call('study.open', { path: study })).layers.find(({ kind }) => kind === 'pool')!;
    await expect(engine.call('layer.table', { study, layer: pool.id })).rejects.toMatchObject({ code: 'not-scanned' });
  });

  it('has patches and reconstructions of the same places, as strong as the scan found', async () => {
    for (const layer of layers) {
      const unit = { study, layer: layer.id, unit: 1 };
      const { top } = await engine.call('unit.detail', unit);
      const patches = await engine.items('unit.patches', { ...unit, size: 64 });
      const made = await engine.items('unit.reconstructions', { ...unit, method });
      for (const items of [patches, made])
        expect(items.map(({ rank, picture, y, x }) => ({ rank, picture, y, x }))).toEqual(
          top.map(({ rank, picture, y, x }) => ({ rank, picture, y, x })),
        );
      for (const item of made) {
        const { activation, box } = top[item.rank]!;
        expect(item.activation).toBeCloseTo(activation, 4);
        expect([item.height, item.width]).toEqual([box[2] - box[0], box[3] - box[1]]);
      }
    }
  });

  it('gives at once and the same what was made before', async () => {
    const { activation } = await engine.call('layer.table', { study, layer: layers[1]!.id });
    const unit = { study, layer: layers[1]!.id, unit: activation.indexOf(Math.max(...activation)) };
    const [first, second] = [
      await engine.items('unit.reconstructions', { ...unit, method }),
      await engine.items('unit.reconstructions', { ...unit, method }),
    ];
    expect(second.map(({ data }) => data)).toEqual(first.map(({ data }) => data));
    second.forEach(({ data }, i) => expect(data.buffer).toBe(first[i]!.data.buffer));
    const other = await engine.items('unit.reconstructions', { ...unit, method: { id: 'gradient' } });
    expect(relativeDifference(first[0]!.data, other[0]!.data)).toBeGreaterThan(0);
  });

  it('stops between batches once it is cancelled', async () => {
    const controller = new AbortController();
    controller.abort();
    const args = { study, layer: layers[1]!.id, unit: 5, method };
    await expect(engine.items('unit.reconstructions', args, controller.signal)).rejects.toBeInstanceOf(CancelledError);
    await expect(engine.items('unit.patches', { ...args, size: 64 }, controller.signal)).rejects.toBeInstanceOf(
      CancelledError,
    );
  });

  it('makes a grid of many units in the order asked for, small, and equal to the full reconstruction made small', async () => {
    const layer = layers[1]!;
    const units = [7, 0, 3, 3, 5, 1, 2, 6, 4];
    const items = await engine.items('grid.tiles', { study, layer: layer.id, units, show: 'both', method, size: 8 });
    expect(items.map(({ unit }) => unit)).toEqual(units);
    for (const item of items) {
      const [full] = await engine.items('unit.reconstructions', { study, layer: layer.id, unit: item.unit, method });
      const small = shrink({ channels: 3, height: full!.height, width: full!.width, data: full!.data }, 8);
      expect(Math.max(item.signal!.height, item.signal!.width)).toBe(Math.min(8, Math.max(full!.height, full!.width)));
      expect(relativeDifference(small.data, item.signal!.data)).toBeLessThan(1e-5);
      expect(item.patch!.rgba).toHaveLength(item.patch!.width * item.patch!.height * 4);
    }
    const patches = await engine.items('grid.tiles', {
      study,
      layer: layer.id,
      units,
      show: 'patch',
      method,
      size: 16,
    });
    expect(patches.map(({ unit, signal }) => [unit, signal])).toEqual(units.map((unit) => [unit, undefined]));
  });
});

describe('the mean of the nine strongest', () => {
  it('is that of the patches, in 8 bits, and of the reconstructions', async () => {
    const layer = layers[1]!;
    const side = layer.field![0];
    const units = [7, 0, 3];
    const items = await engine.items('grid.tiles', { study, layer: layer.id, units, show: 'mean', method, size: side });
    expect(items.map(({ unit }) => unit)).toEqual(units);
    for (const { unit, patch, signal } of items) {
      const args = { study, layer: layer.id, unit };
      const patches = (await engine.items('unit.patches', { ...args, size: side })).slice(0, 9);
      const signals = (await engine.items('unit.reconstructions', { ...args, method })).slice(0, 9);
      expect(patches.length).toBeGreaterThan(1);
      expect(patch!.rgba).toHaveLength(patches[0]!.patch.rgba.length);
      patch!.rgba.forEach((value, i) => {
        const mean = patches.reduce((sum, each) => sum + each.patch.rgba[i]!, 0) / patches.length;
        expect(Math.abs(value - mean)).toBeLessThanOrEqual(0.5);
      });
      const mean = signals[0]!.data.map(
        (_, i) => signals.reduce((sum, { data }) => sum + data[i]!, 0) / signals.length,
      );
      expect(relativeDifference(mean, signal!.data)).toBeLessThan(1e-5);
    }
  });

  it('refuses what has not one size', () => {
    const pixels = (width: number): Pixels => ({ width, height: 1, rgba: new Uint8Array(4 * width) });
    expect(() => meanPixels([pixels(1), pixels(2)])).toThrow(RangeError);
    expect(() => meanPixels([])).toThrow(RangeError);
    expect(() => meanSignal([])).toThrow(RangeError);
  });
});

describe('a signal made smaller', () => {
  it('keeps its mean, whatever the sizes', () => {
    for (const [height, width, size] of [
      [7, 5, 3],
      [10, 10, 4],
      [3, 9, 8],
      [155, 155, 96],
    ] as const) {
      const data = Float32Array.from(
        { length: 2 * height * width },
        (_, i) => Math.sin(i * 1.7) + (i < height * width ? 1 : -2),
      );
      const small = shrink({ channels: 2, height, width, data }, size);
      expect(Math.max(small.height, small.width)).toBe(size);
      const mean = ({ channels, height: h, width: w, data: values }: Signal, c: number) =>
        values.slice(c * h * w, (c + 1) * h * w).reduce((a, b) => a + b, 0) / (h * w) + 0 * channels;
      for (const c of [0, 1]) expect(mean(small, c)).toBeCloseTo(mean({ channels: 2, height, width, data }, c), 4);
    }
  });

  it('leaves alone what is small enough', () => {
    const signal = { channels: 1, height: 2, width: 3, data: Float32Array.of(1, 2, 3, 4, 5, 6) };
    expect(shrink(signal, 3)).toBe(signal);
  });
});

describe('the other calls', () => {
  it('looks at a model and at pictures', async () => {
    const model = await engine.call('model.inspect', { path: place.model });
    expect(model).toMatchObject({ name: 'model.onnx', input: { channels: 3, size: [24, 24] }, labels: { count: 5 } });
    expect(model.presets.map(({ id }) => id)).toContain(model.proposed.preset);
    const pictures = await engine.call('pictures.inspect', { path: place.pictures });
    expect(pictures.count).toBe(20);
    expect(pictures.classes).toEqual([
      { name: 'ants', count: 7 },
      { name: 'bees', count: 7 },
      { name: 'crabs', count: 6 },
    ]);
    const preview = await engine.call('preprocessing.preview', { pictures: place.pictures, picture: 3, preprocessing });
    expect([preview.network.height, preview.network.width]).toEqual([24, 24]);
  });

  it('remembers and forgets what was opened, and notices what is gone', async () => {
    const [entry] = await engine.call('recent.list', {});
    expect(entry).toMatchObject({ path: study, model: 'model.onnx', pictures: 20, missing: false });
    const again = startEngine(join(place.folder, 'home'));
    expect(await again.call('recent.list', {})).toHaveLength(1);
    await again.call('recent.forget', { path: study });
    expect(await engine.call('recent.list', {})).toEqual([]);
    await again.dispose();
  });

  it('lists folders first, then models, and knows a study', async () => {
    const folder = join(place.folder, 'listing');
    await mkdir(join(folder, 'b'), { recursive: true });
    await mkdir(join(folder, 'a-study'));
    await writeFile(join(folder, 'a-study', 'study.json'), '{}');
    await Promise.all(['z.onnx', 'a.txt', 'm.PNG', '.hidden'].map((name) => writeFile(join(folder, name), 'x')));
    const { entries, parent } = await engine.call('files.list', { path: folder });
    expect(parent).toBe(place.folder);
    expect(entries.map(({ name, kind }) => [name, kind])).toEqual([
      ['a-study', 'study'],
      ['b', 'folder'],
      ['z.onnx', 'model'],
      ['m.PNG', 'picture'],
      ['a.txt', 'other'],
    ]);
    await expect(engine.call('files.list', { path: join(folder, 'a.txt') })).rejects.toMatchObject({
      code: 'wrong-kind',
    });
  });
});

describe('the whole network', () => {
  it('its layers’ numbers at once are those of their tables', async () => {
    const summaries = await engine.call('layer.summaries', { study });
    expect(summaries.map(({ layer }) => layer)).toEqual(layers.map(({ id }) => id));
    for (const { layer, units, silent, firing } of summaries) {
      const table = await engine.call('layer.table', { study, layer });
      expect(units).toBe(table.activation.length);
      expect(silent).toBe(table.activation.filter((value) => value === 0).length);
      expect(firing).toBeCloseTo(table.firing.reduce((sum, value) => sum + value, 0) / units, 6);
    }
  });

  it('is drawn from the model: every layer is a node that can be reached from the input', async () => {
    const graph = await engine.call('model.graph', { study, method });
    expect(graph.nodes[0]!.kind).toBe('input');
    for (const { id } of layers) expect(graph.nodes.some(({ layer }) => layer === id)).toBe(true);
    const reached = new Set([0]);
    for (const { from, to } of graph.edges.toSorted((a, b) => a.from - b.from)) if (reached.has(from)) reached.add(to);
    expect(reached.size).toBe(graph.nodes.length);
    await expect(engine.call('model.graph', { study: join(place.folder, 'gone'), method })).rejects.toMatchObject({
      message: expect.stringContaining('gone') as string,
    });
  });
});

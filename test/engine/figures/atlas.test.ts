import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, preprocessing, settled, startEngine, type Place, type TestEngine } from '../support';

let place: Place;
let engine: TestEngine;
let study: string;
let layers: { id: string; units: number }[];

beforeAll(async () => {
  place = await makePlace(6);
  engine = startEngine(join(place.folder, 'home'));
  const { model, pictures } = place;
  const info = await engine.call('study.create', { model, pictures, preprocessing, settings: { k: 4 } });
  study = info.path;
  await settled(engine, study);
  layers = info.layers.filter(({ scanned }) => scanned);
});
afterAll(async () => {
  await engine?.dispose();
  await place?.remove();
});

const method = { id: 'deconvnet' } as const;
const json = (html: string, id: string): unknown =>
  JSON.parse(new RegExp(`id="${id}">(.*?)</script>`, 's').exec(html)![1]!);

describe('an atlas', () => {
  it('HTML: every unit with its pictures, and nothing from elsewhere', async () => {
    const layer = layers[1]!;
    const { bytes } = await engine.call('atlas.make', { study, layer: layer.id, method, kind: 'html' });
    const html = new TextDecoder().decode(bytes);
    const { units } = json(html, 'units') as { units: { unit: number; top: { file: string; activation: number }[] }[] };
    expect(units.map(({ unit }) => unit)).toEqual(Array.from({ length: layer.units }, (_, unit) => unit));
    const { top } = await engine.call('unit.detail', { study, layer: layer.id, unit: 3 });
    expect(units[3]!.top).toMatchObject(top.map(({ file, activation }) => ({ file, activation })));
    const pictures = /id="pictures">(.*?)<\/script>/s.exec(html)![1]!.split('\n');
    expect(pictures).toHaveLength(layer.units);
    for (const picture of pictures) expect(Buffer.from(picture, 'base64').toString('latin1', 8, 12)).toBe('WEBP');
    expect(html).toMatch(/default-src 'none'; img-src data:; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'/);
    expect(html).not.toMatch(/(?:src|href)="(?!data:)|https?:\/\//);
    expect(json(html, 'unpool')).toMatchObject({ format: 'unpool-atlas', layer: layer.id });
  });

  it('PDF: pages of A4, the same bytes each time', async () => {
    const args = { study, layer: layers[0]!.id, method, kind: 'pdf' } as const;
    const { bytes } = await engine.call('atlas.make', args);
    expect(Buffer.from((await engine.call('atlas.make', args)).bytes).equals(bytes)).toBe(true);
    expect(Buffer.from(bytes).toString('latin1')).toMatch(/\/MediaBox \[0 0 595\.\d+ 841\.\d+\]/);
  });

  it.each(['html', 'pdf'] as const)(
    '%s: written as it is made, the same bytes, and verified from its own data',
    async (kind) => {
      const args = {
        study,
        layer: layers[1]!.id,
        method: { id: 'guided' },
        scale: 'own',
        contrast: 1.5,
        kind,
      } as const;
      const { bytes } = await engine.call('atlas.make', args);
      const path = join(place.folder, `atlas.${kind}`);
      expect(await engine.call('atlas.make', { ...args, path })).toEqual({ bytes: new Uint8Array(0), path });
      const written = await readFile(path);
      expect(written.equals(bytes)).toBe(true);
      const report = await engine.call('figure.verify', { path });
      const { units } = layers[1]!;
      expect(report).toMatchObject({ kind, study, units, tiles: 4 * units, same: true, differences: [] });

      // One letter of what a reader sees.
      const at = kind === 'html' ? written.indexOf('<title>') + 7 : written.length - 400;
      written[at] = written[at]! ^ 1;
      await writeFile(path, written);
      const spoiled = await engine.call('figure.verify', { path, study });
      expect(spoiled.same).toBe(false);
      expect(spoiled.differences).toEqual([{ what: 'file', text: expect.stringContaining('not byte for byte') }]);
      // It is no composed figure.
      await expect(engine.call('figure.spec', { path })).rejects.toMatchObject({
        message: expect.stringMatching(/atlas/),
      });
    },
  );

  it('verify says what else an atlas was made from', async () => {
    const { bytes } = await engine.call('atlas.make', { study, layer: layers[0]!.id, method, kind: 'html' });
    const path = join(place.folder, 'other.html');
    const html = new TextDecoder().decode(bytes).replace(/"sha256":"[0-9a-f]{6}/, '"sha256":"000000');
    await writeFile(path, html);
    const { differences } = await engine.call('figure.verify', { path, study });
    expect(differences.map(({ what }) => what)).toEqual(['model', 'file']);
  });

  it('what is stopped leaves no file', async () => {
    const path = join(place.folder, 'stopped.pdf');
    const controller = new AbortController();
    const args = { study, layer: layers[1]!.id, method: { id: 'gradient' }, kind: 'pdf', path } as const;
    await expect(engine.call('atlas.make', args, controller.signal, () => controller.abort())).rejects.toMatchObject({
      name: 'CancelledError',
    });
    expect((await readdir(place.folder)).filter((name) => name.startsWith('stopped'))).toEqual([]);
  });

  it('tells how far it is, and stops when it is told to', async () => {
    const args = { study, layer: layers[1]!.id, method, kind: 'html' } as const;
    const items = await engine.items('atlas.make', args);
    expect(items.at(-1)).toEqual({ done: 4 * layers[1]!.units, total: 4 * layers[1]!.units });
    const controller = new AbortController();
    controller.abort();
    await expect(engine.call('atlas.make', args, controller.signal)).rejects.toMatchObject({ name: 'CancelledError' });
  });
});

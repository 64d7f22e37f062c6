import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signalToPixels } from '../../../main/core/figures/display';
import { levelOf } from '../../../main/core/figures/level';
import { readNpy } from '../../../main/core/preprocess/npy';
import { newSpec, type FigureSpec } from '../../../main/core/figures/spec';
import { runsOf } from '../../../main/engine/figures/fonts';
import { UnpoolError } from '../../../main/core/errors';
import { chunksOf, insertChunks } from '../../../main/engine/figures/chunks';
import { recordIn, specIn } from '../../../main/engine/figures/read';
import { figureKinds, type FigureKind, type VerifyReport } from '../../../preload/contract';
import { Net } from '../../core/support';
import { makePlace, preprocessing, settled, startEngine, type Place, type TestEngine } from '../support';

let place: Place;
let engine: TestEngine;
let study: string;
let layers: string[];
let spec: FigureSpec;

beforeAll(async () => {
  place = await makePlace(9);
  engine = startEngine(join(place.folder, 'home'));
  const { model, pictures } = place;
  const info = await engine.call('study.create', { model, pictures, preprocessing, settings: { k: 4 } });
  study = info.path;
  await settled(engine, study);
  layers = info.layers.filter(({ scanned }) => scanned).map(({ name }) => name);
  spec = newSpec(
    [
      { layer: layers[0]!, units: [1], caption: 'Первый & <ß>' },
      { layer: layers[1]!, units: { first: 2 }, method: { id: 'gradient' } },
      { layer: layers[2]!, units: [3] },
    ],
    { name: 'Zwölf "Tiles"', page: 'double', grid: [2, 2], bars: true },
  );
});
afterAll(async () => {
  await engine?.dispose();
  await place?.remove();
});

const make = async (kind: FigureKind, more: { spec?: FigureSpec; dpi?: number } = {}): Promise<Uint8Array> =>
  (await engine.call('figure.make', { study, spec, kind, dpi: 150, ...more })).bytes;

async function verify(bytes: Uint8Array, from = study): Promise<VerifyReport> {
  const path = join(place.folder, 'file');
  writeFileSync(path, bytes);
  return engine.call('figure.verify', { path, study: from });
}
const whats = (report: VerifyReport): string[] => report.differences.map(({ what }) => what);

describe.each(figureKinds)('a figure as %s', (kind) => {
  it('is the same bytes each time, carries what it was made from, and is verified', async () => {
    const bytes = await make(kind);
    expect(Buffer.from(await make(kind)).equals(bytes)).toBe(true);
    const record = recordIn(bytes);
    expect(record.spec).toEqual(spec);
    expect(specIn(bytes)).toEqual(spec);
    expect(record).toMatchObject({ kind, dpi: 150, versions: { unpool: '0.0.1' } });
    expect(record.panels.map(({ row, name }) => [row, name])).toEqual([
      [0, layers[0]],
      ...[0, 1].map(() => [1, layers[1]]),
      [2, layers[2]],
    ]);
    const { top } = await engine.call('unit.detail', { study, layer: record.panels[0]!.layer, unit: 1 });
    expect(record.panels[0]!.tiles).toMatchObject(
      top.map(({ picture, file, activation, y, x, box }) => ({ picture, file, activation, y, x, box })),
    );
    expect(JSON.stringify(record)).not.toContain(place.folder);
    expect(await verify(bytes)).toMatchObject({ kind, units: 4, tiles: 16, same: true, differences: [], notes: [] });
  });

  it('cut off or filled with other bytes, it is told in words', async () => {
    const bytes = await make(kind);
    const damaged = Uint8Array.from(bytes);
    damaged.fill(7, 20, damaged.length);
    for (const bad of [bytes.subarray(0, 40), damaged, new Uint8Array(0), new Uint8Array(999)])
      expect(() => recordIn(bad)).toThrow(UnpoolError);
  });
});

describe('verify', () => {
  it('finds one changed px of a PNG', async () => {
    const bytes = await make('png');
    const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    data[300_000] = data[300_000]! ^ 255;
    const { width, height, channels } = info;
    const other = await sharp(data, { raw: { width, height, channels } }).png().toBuffer();
    // The record of the first in the pixels of the second: as an editor would leave it.
    const report = await verify(
      insertChunks(
        other,
        [...chunksOf(bytes)].filter(({ type }) => type === 'iTXt'),
      ),
    );
    expect(report).toMatchObject({ same: false, differences: [{ what: 'file' }] });
    expect(report.differences[0]!.text).toMatch(/^1 of \d+ px differ, by at most \d+ of 255\.$/);
  });

  it('says which pictures changed since, and which tiles that changes', async () => {
    const bytes = await make('svg');
    const { tiles } = recordIn(bytes).panels[0]!;
    const file = join(place.pictures, tiles[0]!.file);
    const kept = readFileSync(file);
    try {
      const { width, height } = await sharp(kept).metadata();
      await sharp({ create: { width, height, channels: 3, background: '#f00' } })
        .png()
        .toFile(file);
      const fresh = startEngine(join(place.folder, 'home'));
      const path = join(place.folder, 'file');
      writeFileSync(path, bytes);
      const report = await fresh.call('figure.verify', { path, study });
      await fresh.dispose();
      expect(report.same).toBe(false);
      expect(report.differences[0]!.text).toBe(`${layers[0]}, unit 1: 1 picture file of 4 changed.`);
      expect(whats(report)).toContain('tiles');
    } finally {
      writeFileSync(file, kept);
    }
  });

  it('another study: says that network and strongest pictures are others', async () => {
    const net = new Net([3, 24, 24], 5);
    const conv = (from: string, channels: number, name: string): string =>
      net.relu(net.conv(from, channels, 8, 3, {}, true, name));
    const other = await makePlace(9, [], net.graph(conv(conv(net.picture, 3, 'first'), 8, 'second')));
    try {
      const { model, pictures } = other;
      const info = await engine.call('study.create', { model, pictures, preprocessing, settings: { k: 4 } });
      await settled(engine, info.path);
      const rows = [{ layer: layers[0]!, units: [1] }];
      const bytes = await make('csv', { spec: newSpec(rows, { grid: [2, 2] }) });
      const report = await verify(bytes, info.path);
      expect(whats(report)).toEqual(expect.arrayContaining(['model', 'entries', 'file']));
    } finally {
      await other.remove();
    }
  });

  it('a file in a study, or of a study opened lately, is verified without naming it; others are not', async () => {
    const path = join(place.folder, 'lonely.csv');
    writeFileSync(path, await make('csv'));
    expect(await engine.call('figure.verify', { path })).toMatchObject({ study, same: true });
    const stranger = startEngine(join(place.folder, 'elsewhere'));
    await expect(stranger.call('figure.verify', { path })).rejects.toMatchObject({ code: 'no-study' });
    const moved = join(place.folder, 'moved');
    await cp(study, moved, { recursive: true });
    copyFileSync(path, join(moved, 'kept.csv'));
    expect(await stranger.call('figure.verify', { path: join(moved, 'kept.csv') })).toMatchObject({ study: moved });
    await stranger.dispose();
  });
});

describe('what is in the files', () => {
  it('PNG: the size on paper, and, enlarged to squares, the pixels that were given', async () => {
    const bare = { show: 'reconstruction', ramp: false, note: false, headings: false, letters: 'none' } as const;
    const rows = [{ layer: layers[1]!, units: [2], title: '' }];
    const inch = newSpec(rows, { ...bare, grid: [1, 1], page: { width: 25.4 }, contrast: 1 });
    const bytes = await make('png', { spec: inch, dpi: 144 });
    expect(await sharp(bytes).metadata()).toMatchObject({ width: 144, density: 144 });
    const { layer } = recordIn(bytes).panels[0]!;
    const [signal] = await engine.items('unit.reconstructions', { study, layer, unit: 2, method: { id: 'deconvnet' } });
    const wanted = signalToPixels(signal!, { level: levelOf([signal!]), contrast: 1, channels: 'rgb' });
    const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    const top = info.height - 144;
    for (let y = 0; y < wanted.height; y++)
      for (let x = 0; x < wanted.width; x++) {
        const at = [y + 0.5, x + 0.5].map((place) => Math.floor((place * 144) / wanted.width));
        const shown = 3 * ((top + at[0]!) * info.width + at[1]!);
        const given = 4 * (y * wanted.width + x);
        expect([...data.subarray(shown, shown + 3)]).toEqual([...wanted.rgba.subarray(given, given + 3)]);
      }
  });

  it.each([
    ['sans', 'Inter'],
    ['serif', 'SourceSerif4'],
  ] as const)('speaks Russian, in %s: as text and as outlines', async (family, font) => {
    const ru = newSpec(spec.rows, { language: 'ru', font: { family } });
    const svg = new TextDecoder().decode(await make('svg', { spec: ru }));
    const said = [...svg.matchAll(/<text[^>]*>([^<]*)/g)].map(([, words]) => words).join('');
    expect(said).toContain('канал 1');
    expect(said).toContain('P99,5');
    expect(said).toMatch(/РеконструкцияФрагмент.*Реконструкции \(deconvnet; градиент\) для ?девяти ?сильнейших/s);
    expect(said).not.toMatch(/Reconstruction|unit 1|strongest|peak/);
    const pdf = Buffer.from(await make('pdf', { spec: ru })).toString('latin1');
    expect(pdf.match(new RegExp(`/BaseFont /[A-Z]{6}\\+${font}`, 'g'))!.length).toBeGreaterThan(1);
    const bytes = await make('png', { spec: ru });
    expect(await verify(bytes)).toMatchObject({ same: true });
    // Its letters are outlines of their own, not those of a sign that is missing.
    expect(runsOf('Ёлка, щит', { x: 0, size: 7, family, weight: 400 }).map(({ face }) => face.script)).toEqual([
      'cyrillic',
      'latin',
      'cyrillic',
    ]);
  });

  it('SVG and PDF keep text as text and name their fonts', async () => {
    const svg = new TextDecoder().decode(await make('svg'));
    expect(svg).toContain('>Первый<');
    expect(svg).toMatch(/@font-face\{font-family:"Inter cyrillic"/);
    expect(svg.match(/<image /g)).toHaveLength(2 * 16 + 1);
    expect(svg).not.toMatch(/href="(?!data:)/);
    const pdf = Buffer.from(await make('pdf')).toString('latin1');
    expect(pdf).toMatch(/\/BaseFont \/[A-Z]{6}\+Inter/);
    expect(pdf).not.toMatch(/CreationDate \(D:20(?!00)/);
  });

  it('NPZ: the arrays as computed', async () => {
    const files = unzipSync(await make('npz'));
    expect(Object.keys(files).sort()).toEqual(
      [0, 1, 2, 3]
        .flatMap((i) => ['activations', 'patches', 'places', 'reconstructions'].map((name) => `p00${i}_${name}.npy`))
        .concat('unpool.json'),
    );
    const record = recordIn(await make('npz'));
    const { layer } = record.panels[0]!;
    const signals = await engine.items('unit.reconstructions', { study, layer, unit: 1, method: { id: 'deconvnet' } });
    const made = readNpy(files['p000_reconstructions.npy']!);
    const [first] = signals;
    expect(made.shape).toEqual([4, first!.channels, first!.height, first!.width]);
    expect([...made.data]).toEqual(signals.flatMap(({ data }) => [...data]));
    const { tiles } = record.panels[0]!;
    expect([...readNpy(files['p000_places.npy']!).data]).toEqual(tiles.flatMap(({ picture, y, x }) => [picture, y, x]));
    expect([...readNpy(files['p000_activations.npy']!).data]).toEqual(tiles.map(({ activation }) => activation));
    expect(readNpy(files['p000_patches.npy']!).shape).toEqual([4, first!.height, first!.width, 3]);
  });

  const python = '/opt/venv/bin/python';
  it.skipIf(!existsSync(python))('NPZ: numpy loads it', async () => {
    const path = join(place.folder, 'figure.npz');
    writeFileSync(path, await make('npz'));
    const script =
      'import numpy, sys; f = numpy.load(sys.argv[1]); print([(n, f[n].shape, str(f[n].dtype)) for n in f.files if n[0] == "p"])';
    const said = execFileSync(python, ['-c', script, path], { encoding: 'utf8' });
    expect(said).toContain("('p000_places', (4, 3), 'int32')");
    expect(said).toMatch(/'p003_reconstructions', \(4, 3, 24, 24\), 'float32'/);
  });

  it('CSV: a line per tile', async () => {
    const lines = new TextDecoder()
      .decode(await make('csv'))
      .trimEnd()
      .split('\n');
    expect(lines).toHaveLength(2 + 16);
    const { tiles } = recordIn(await make('csv')).panels[0]!;
    const [tile] = tiles;
    expect(lines[2]).toBe(
      `0,${layers[0]},1,,0,${tile!.activation},${tile!.picture},${tile!.file},${tile!.class},${tile!.y},${tile!.x},${tile!.box.join(',')}`,
    );
  });
});

describe('a preview', () => {
  it('is the page that is saved', async () => {
    const preview = await engine.call('figure.preview', { study, spec, dpi: 150 });
    const saved = new TextDecoder().decode(await make('svg'));
    const bare = saved.replace(/<metadata id="unpool">[^<]*</, '<metadata id="unpool"><');
    expect(preview.svg === bare).toBe(true);
    expect(preview.panels).toBe(4);
  });

  it('says which row is wrong, and stops when it is not wanted any more', async () => {
    const bad = newSpec([
      { layer: layers[0]!, units: [0] },
      { layer: 'nowhere', units: [0] },
    ]);
    await expect(engine.call('figure.preview', { study, spec: bad })).rejects.toMatchObject({
      code: 'no-layer',
      hint: `It has: ${layers.join(', ')}.`,
      place: { field: 'rows.1.layer' },
    });
    const controller = new AbortController();
    controller.abort();
    await expect(engine.call('figure.preview', { study, spec }, controller.signal)).rejects.toMatchObject({
      name: 'CancelledError',
    });
  });
});

describe('figures saved in a study', () => {
  it('are there again, changed, and gone; one that is damaged is listed and says so', async () => {
    const { id } = await engine.call('figure.save', { study, spec });
    expect(id).toBe('Zwölf-Tiles');
    expect((await engine.call('figure.save', { study, spec })).id).toBe('Zwölf-Tiles-2');
    await engine.call('figure.save', { study, id, spec: { ...spec, contrast: 3 } });
    writeFileSync(join(study, 'figures', 'broken.json'), '{"format":"unpool-figure","version":9}');
    const list = await engine.call('figure.list', { study });
    expect(list.map((figure) => [figure.id, figure.spec?.contrast])).toEqual(
      [
        ['Zwölf-Tiles-2', 1],
        ['Zwölf-Tiles', 3],
        ['broken', undefined],
      ].sort((a, b) => (`${a[0]}.json` < `${b[0]}.json` ? -1 : 1)),
    );
    expect(list.find((figure) => figure.id === 'broken')!.problem).toMatch(/version 9/);
    for (const figure of list) await engine.call('figure.remove', { study, id: figure.id });
    expect(readdirSync(join(study, 'figures'))).toEqual([]);
    await expect(engine.call('figure.remove', { study, id: '../study' })).rejects.toMatchObject({ code: 'bad-figure' });
  });
});

import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatVersion, parseManifest } from '../../main/engine/study/manifest';
import { makePlace, preprocessing, settled, startEngine, type Place, type TestEngine } from './support';

let place: Place;
let engine: TestEngine;
let study: string;
beforeAll(async () => {
  place = await makePlace(20, [4]);
  engine = startEngine(join(place.folder, 'home'));
  study = join(place.folder, 'study');
  await engine.call('study.create', {
    model: place.model,
    pictures: place.pictures,
    preprocessing,
    settings: { k: 5 },
    folder: study,
    name: 'A study',
  });
  await settled(engine, study);
});
afterAll(async () => {
  await engine.dispose();
  await place.remove();
});

const copy = async (name: string): Promise<string> => {
  const to = join(place.folder, name);
  await cp(study, to, { recursive: true });
  return to;
};

describe('the study folder', () => {
  it('holds the files of its format and nothing else', async () => {
    expect((await readdir(study)).sort()).toEqual([
      'images.arrow',
      'sample.arrow',
      'scan.bin',
      'stats.arrow',
      'study.json',
      'units.arrow',
    ]);
    const manifest = JSON.parse(await readFile(join(study, 'study.json'), 'utf8')) as Record<string, unknown>;
    expect(manifest).toMatchObject({ format: 'unpool-study', version: formatVersion, name: 'A study' });
    expect(manifest['model']).toMatchObject({ relative: '../model.onnx', name: 'model.onnx' });
  });

  it('refuses what is newer, broken or not a study, naming the field', async () => {
    const text = await readFile(join(study, 'study.json'), 'utf8');
    const changed = (edit: (value: Record<string, never>) => void): string => {
      const value = JSON.parse(text) as Record<string, never>;
      edit(value);
      return JSON.stringify(value);
    };
    const refused = (content: string) => {
      try {
        parseManifest(content, 'study.json');
      } catch (error) {
        return error as { code: string; message: string; place: { field?: string } };
      }
      throw new Error('was read');
    };
    expect(refused(text.slice(0, 200)).code).toBe('bad-study');
    expect(refused('{}').code).toBe('bad-study');
    const newer = refused(changed((value) => Object.assign(value, { version: formatVersion + 1 })));
    expect(newer.code).toBe('study-too-new');
    expect(newer.message).toMatch(new RegExp(`version ${formatVersion + 1} .* reads up to ${formatVersion}`));
    const cases: [string, (value: never) => void][] = [
      ['model.sha256', (value: { model: { sha256: string } }) => (value.model.sha256 = 'x')],
      ['layers.1.units', (value: { layers: { units: number }[] }) => (value.layers[1]!.units = 0)],
      ['settings.k', (value: { settings: { k: number } }) => (value.settings.k = 0)],
      [
        'preprocessing.resize.rule',
        (value: { preprocessing: { resize: { rule: string } } }) => (value.preprocessing.resize.rule = 'x'),
      ],
      ['scan.phase', (value: { scan: { phase: string } }) => (value.scan.phase = 'x')],
    ] as [string, (value: never) => void][];
    for (const [field, edit] of cases)
      expect(refused(changed(edit as (value: Record<string, never>) => void)).place.field).toBe(field);
    await expect(engine.call('study.open', { path: place.pictures })).rejects.toMatchObject({ code: 'no-study' });
    await expect(engine.call('study.open', { path: 'somewhere' })).rejects.toMatchObject({ code: 'bad-path' });
  });

  it('says which table is cut off', async () => {
    for (const [i, name] of ['images.arrow', 'units.arrow', 'stats.arrow'].entries()) {
      const folder = await copy(`cut-${i}`);
      const bytes = await readFile(join(folder, name));
      for (const share of [0, 0.3, 0.9]) {
        await writeFile(join(folder, name), bytes.subarray(0, Math.floor(bytes.length * share)));
        const reading = async () => {
          const info = await engine.call('study.open', { path: folder });
          await engine.call('layer.table', { study: folder, layer: info.layers[0]!.id });
        };
        await expect(reading(), `${name} ${share}`).rejects.toMatchObject({
          name: 'UnpoolError',
          place: { file: join(folder, name) },
        });
      }
    }
  });

  it('opens where it cannot be written, and is then not scanned', async () => {
    const folder = await copy('locked');
    const before = await readdir(folder);
    await chmod(folder, 0o555);
    try {
      const info = await engine.call('study.open', { path: folder });
      expect(info.scan.phase).toBe('done');
      const detail = await engine.call('unit.detail', { study: folder, layer: info.layers[0]!.id, unit: 0 });
      expect(detail.top).toHaveLength(5);
      expect(await readdir(folder)).toEqual(before);
    } finally {
      await chmod(folder, 0o755);
    }
  });

  it('takes the model and pictures beside it before those at the old place', async () => {
    const home = join(place.folder, 'bundle');
    await mkdir(home);
    const inside = join(home, 'demo');
    await mkdir(inside);
    await cp(place.model, join(inside, 'model.onnx'));
    await cp(place.pictures, join(inside, 'pictures'), { recursive: true });
    await cp(study, inside, { recursive: true });
    const file = join(inside, 'study.json');
    const manifest = JSON.parse(await readFile(file, 'utf8')) as {
      model: { relative: string };
      pictures: { relative: string };
    };
    manifest.model.relative = 'model.onnx';
    manifest.pictures.relative = 'pictures';
    await writeFile(file, JSON.stringify(manifest));
    const moved = join(place.folder, 'moved');
    await rename(inside, moved);
    const info = await engine.call('study.open', { path: moved });
    expect(info.model).toMatchObject({ path: join(moved, 'model.onnx'), missing: false });
    expect(info.pictures).toMatchObject({ path: join(moved, 'pictures'), missing: false });
  });

  it('shows its numbers where model and pictures are gone, and says so where they are needed', async () => {
    const away = await makePlace(6);
    const folder = join(away.folder, 'study');
    const args = { model: away.model, pictures: away.pictures, preprocessing, folder };
    await engine.call('study.create', args);
    await settled(engine, folder);
    await rm(away.model);
    await rm(away.pictures, { recursive: true });
    const info = await engine.call('study.open', { path: folder });
    expect([info.model.missing, info.pictures.missing]).toEqual([true, true]);
    const unit = { study: folder, layer: info.layers[0]!.id, unit: 0 };
    expect((await engine.call('unit.detail', unit)).top).toHaveLength(6);
    await expect(engine.items('unit.patches', { ...unit, size: 64 })).rejects.toMatchObject({
      code: 'pictures-missing',
    });
    await expect(engine.items('unit.reconstructions', { ...unit, method: { id: 'deconvnet' } })).rejects.toMatchObject({
      code: 'model-missing',
    });
    await away.remove();
  });

  it('is made around a model and pictures that lie in its folder, and can then be moved with them', async () => {
    const whole = await makePlace(5);
    const made = await engine.call('study.create', { ...whole, preprocessing, folder: whole.folder });
    await settled(engine, made.path);
    const moved = `${whole.folder}-moved`;
    await rename(whole.folder, moved);
    const info = await engine.call('study.open', { path: moved });
    expect(info.model).toMatchObject({ path: join(moved, 'model.onnx'), missing: false });
    const unit = { study: moved, layer: info.layers[0]!.id, unit: 0, method: { id: 'deconvnet' } as const };
    expect(await engine.items('unit.reconstructions', unit)).toHaveLength(5);
    await rm(moved, { recursive: true });
  });

  it('is not made where it does not fit or would overwrite', async () => {
    const args = { model: place.model, pictures: place.pictures, preprocessing };
    await expect(engine.call('study.create', { ...args, folder: study })).rejects.toMatchObject({
      code: 'folder-in-use',
    });
    await expect(engine.call('study.create', { ...args, model: place.pictures })).rejects.toMatchObject({
      code: 'wrong-kind',
    });
    await expect(engine.call('study.create', { ...args, pictures: `${place.pictures}x` })).rejects.toMatchObject({
      code: 'not-found',
    });
    for (const [field, edit] of [
      ['preprocessing.size', { size: [24, 25] as [number, number] }],
      ['preprocessing.channels', { channels: 'gray' as const }],
      ['preprocessing.std', { std: [1, 0, 1] }],
      ['preprocessing.mean', { mean: [1] }],
    ] as const)
      await expect(
        engine.call('study.create', { ...args, preprocessing: { ...preprocessing, ...edit } as typeof preprocessing }),
      ).rejects.toMatchObject({ code: 'bad-preprocessing', place: { field } });
  });
});

const python = process.env['UNPOOL_PYTHON'];
const noPython = !python && process.env['UNPOOL_TEST_ALL'] !== '1';
if (noPython) console.warn('skipped: UNPOOL_PYTHON names no Python with pyarrow');

describe.skipIf(noPython)('pyarrow', () => {
  it('opens the tables with the types that the format names', () => {
    const script = `
import json, sys
import pyarrow.ipc as ipc
out = {}
for name in ['images', 'units', 'stats', 'sample']:
    with ipc.open_file(sys.argv[1] + '/' + name + '.arrow') as file:
        table = file.read_all()
    out[name] = {'types': {f.name: str(f.type) for f in table.schema}, 'rows': table.num_rows, 'first': table.slice(0, 2).to_pylist()}
print(json.dumps(out))`;
    const out = JSON.parse(execFileSync(python!, ['-c', script, study], { encoding: 'utf8' })) as Record<
      string,
      { types: Record<string, string>; rows: number; first: Record<string, unknown>[] }
    >;
    expect(out['images']!.types).toEqual({
      index: 'int32',
      file: 'string',
      class: 'string',
      broken: 'string',
      bytes: 'int64',
      dhash: 'uint64',
    });
    expect(out['images']!.rows).toBe(20);
    expect(out['units']!.types).toEqual({
      layer: 'dictionary<values=string, indices=int32, ordered=0>',
      channel: 'int32',
      rank: 'int32',
      image: 'int32',
      y: 'int32',
      x: 'int32',
      activation: 'float',
    });
    expect(out['units']!.rows).toBe((6 + 8 + 5) * 5);
    expect(out['stats']!.types).toMatchObject({
      count: 'int32',
      fired: 'int32',
      mean: 'double',
      histogram_start: 'double',
      histogram_width: 'double',
    });
    expect(out['stats']!.types['histogram_counts']).toMatch(/^list<item: uint32/);
    expect(out['stats']!.types['class_means']).toMatch(/^list<item: double/);
    expect(out['stats']!.rows).toBe(6 + 8 + 5);
    const counts = out['stats']!.first[0]!['histogram_counts'] as number[];
    expect(counts.reduce((a, b) => a + b, 0)).toBe(19);
    expect(out['stats']!.first[0]!['class_means']).toHaveLength(3);
    const { image, ...maxima } = out['sample']!.types;
    expect([image, out['sample']!.rows]).toEqual(['int32', 20]);
    expect(Object.entries(maxima).map(([name, type]) => [name.replace(/:.*/, ''), type])).toEqual(
      [6, 8, 5].flatMap((units) => [
        ['activation', `fixed_size_list<item: float not null>[${units}]`],
        ['place', `fixed_size_list<item: uint16 not null>[${units}]`],
      ]),
    );
  });
});

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, preprocessing, startEngine, type Place, type TestEngine } from './support';

let place: Place;
let engine: TestEngine;
let study: string;
let layer: string;
beforeAll(async () => {
  place = await makePlace(4);
  engine = startEngine(join(place.folder, 'home'));
  study = join(place.folder, 'study');
  const args = { model: place.model, pictures: place.pictures, preprocessing, folder: study, scan: false };
  const { layers } = await engine.call('study.create', args);
  layer = layers.find(({ scanned }) => scanned)!.id;
});
afterAll(async () => {
  await engine.dispose();
  await place.remove();
});

const note = (unit: number, more = {}) => ({ layer, unit, note: '', tags: [] as string[], pinned: false, ...more });

describe('notes', () => {
  it('are kept in the study, each unit by itself, and read by another engine', async () => {
    expect(await engine.call('notes.read', { study })).toEqual([]);
    await engine.call('notes.write', { study, units: [note(1, { note: 'edges' }), note(2, { pinned: true })] });
    await engine.call('notes.write', { study, units: [note(2, { tags: [' round ', 'round', 'red'] })] });
    const again = startEngine(join(place.folder, 'home2'));
    expect(await again.call('notes.read', { study })).toEqual([
      note(1, { note: 'edges' }),
      note(2, { tags: ['round', 'red'] }),
    ]);
    await again.dispose();
    expect(JSON.parse(await readFile(join(study, 'notes.json'), 'utf8'))).toMatchObject({
      format: 'unpool-notes',
      version: 1,
      units: [{ unit: 1, changed: expect.stringMatching(/^\d{4}-.*Z$/) as unknown }, { unit: 2 }],
    });
  });

  it('are forgotten where nothing is left, and none is lost of changes at the same time', async () => {
    await engine.call('notes.write', { study, units: [note(1), note(2)] });
    expect(await engine.call('notes.read', { study })).toEqual([]);
    const each = [0, 1, 2, 3, 4].map((unit) =>
      engine.call('notes.write', { study, units: [note(unit, { note: `n${unit}` })] }),
    );
    await Promise.all(each);
    expect((await engine.call('notes.read', { study })).map(({ unit }) => unit).sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it('come out as CSV with what needs quoting quoted', async () => {
    await engine.call('notes.write', {
      study,
      units: [note(0, { note: 'says "no",\ntwice', tags: ['a', 'b'], pinned: true })],
    });
    const { bytes } = await engine.call('notes.export', { study });
    const text = new TextDecoder().decode(bytes);
    expect(text).toMatch(/^layer,unit,class,pinned,tags,note,changed\r\n/);
    expect(text).toContain(',0,,1,a; b,"says ""no"",\ntwice",20');
    const path = join(place.folder, 'out');
    expect((await engine.call('notes.export', { study, path })).path).toBe(`${path}.csv`);
    expect(await readFile(`${path}.csv`, 'utf8')).toBe(text);
  });

  it('name a unit that is not there, and a file that is damaged or of a later version is left as it is', async () => {
    await expect(engine.call('notes.write', { study, units: [note(999, { pinned: true })] })).rejects.toMatchObject({
      code: 'no-unit',
    });
    const file = join(study, 'notes.json');
    for (const [text, code] of [
      ['{"format":', 'bad-notes'],
      ['{"format":"unpool-notes","version":2,"units":[]}', 'notes-version'],
    ] as const) {
      await writeFile(file, text);
      await expect(engine.call('notes.read', { study })).rejects.toMatchObject({ code });
      await expect(engine.call('notes.write', { study, units: [note(0)] })).rejects.toMatchObject({ code });
      expect(await readFile(file, 'utf8')).toBe(text);
    }
  });
});

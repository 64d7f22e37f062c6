import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CancelledError } from '../../main/core/errors';
import { imagenet, shownName } from '../../main/engine/finder/imagenet';
import { listPictures } from '../../main/engine/pictures/dataset';
import { makePlace, settled, startEngine, type Place, type TestEngine } from './support';

describe('reading a model right', () => {
  let place: Place;
  let home: string;
  let engine: TestEngine;
  beforeEach(async () => {
    place = await makePlace(12, [4]);
    home = await mkdtemp(join(tmpdir(), 'unpool-finder-'));
    engine = startEngine(home);
  });
  afterEach(async () => {
    await engine.dispose();
    await place.remove();
    await rm(home, { recursive: true, force: true });
  });
  const inspect = () => engine.call('model.inspect', { path: place.model });
  const evidence = (signal?: AbortSignal) =>
    engine.call('model.evidence', { path: place.model, pictures: place.pictures }, signal);

  it('says where it found a preprocessing, and proposes the first', async () => {
    const plain = await inspect();
    expect(plain.found.map(({ source }) => source)).toEqual(['habit']);
    expect(plain.labelLists.map(({ label }) => label)).toEqual(['model.labels.txt']);
    expect(plain.known).toBeNull();
    const config = { do_normalize: true, image_mean: [0.1, 0.2, 0.3], image_std: [0.5, 0.5, 0.5], size: 24 };
    await writeFile(join(place.folder, 'preprocessor_config.json'), JSON.stringify(config));
    const told = await inspect();
    expect(told.found.map(({ source }) => source)).toEqual(['beside', 'habit']);
    expect(told.proposed.preset).toBe(told.found[0]!.preset);
    expect(told.presets.find(({ id }) => id === told.proposed.preset)!.preprocessing.mean).toEqual([0.1, 0.2, 0.3]);
  });

  it('leaves a damaged mean file aside and says so', async () => {
    await writeFile(join(place.folder, 'mean.npy'), 'nothing');
    const { notes, found } = await inspect();
    expect(notes.join()).toContain('"mean.npy" beside the model was left aside');
    expect(found.map(({ source }) => source)).toEqual(['habit']);
  });

  it('lists all lists of labels that fit, and the study takes the one chosen', async () => {
    await writeFile(join(place.folder, 'labels.csv'), 'index,name\n0,ant\n1,bee\n2,crab\n3,dove\n4,emu');
    await writeFile(join(place.folder, 'classes.txt'), 'too\nfew');
    const { labelLists, presets } = await inspect();
    expect(labelLists.map(({ id }) => id)).toEqual(['beside:model.labels.txt', 'beside:labels.csv']);
    const make = async (labels: string) => {
      const made = await engine.call('study.create', { model: place.model, pictures: place.pictures, preprocessing: presets[0]!.preprocessing, labels }); // prettier-ignore
      await settled(engine, made.path);
      return made.labels;
    };
    expect(await make('')).toEqual(['ape', 'bat', 'cat', 'dog', 'eel']);
    expect(await make('beside:labels.csv')).toEqual(['ant', 'bee', 'crab', 'dove', 'emu']);
  });

  it('tries presets and lists on the pictures, with progress; a broken one is told', async () => {
    await writeFile(join(place.folder, 'labels.csv'), 'index,name\n0,ant\n1,bee\n2,crab\n3,dove\n4,emu');
    const args = { path: place.model, pictures: place.pictures };
    const items = await engine.items('model.evidence', args);
    expect(items[0]).toEqual({ done: 0, total: 12 });
    expect(items.at(-1)).toEqual({ done: 12, total: 12 });
    const table = await evidence();
    expect(table.rows).toHaveLength(table.presets.length * 2);
    expect(table.matched).toEqual([
      { folder: 'ants', class: 'ant' },
      { folder: 'bees', class: 'bee' },
      { folder: 'crabs', class: 'crab' },
    ]);
    expect(table.rows.filter(({ labels }) => labels === 'beside:labels.csv').every(({ labelled }) => labelled === 11)).toBe(true); // prettier-ignore
    expect(table.rows.filter(({ labels }) => labels !== 'beside:labels.csv').every(({ top1 }) => top1 === null)).toBe(true); // prettier-ignore
    expect(table.note).toContain('1 could not be read');
  });

  it('says that entropy alone is weak evidence', async () => {
    const table = await evidence();
    expect(table.unmatched).toEqual(['ants', 'bees', 'crabs']);
    expect(table.note).toContain('weak evidence');
    const entropies = table.rows.map(({ entropy }) => entropy);
    expect(entropies).toEqual([...entropies].sort((a, b) => a - b));
  });

  it('stops when asked to', async () => {
    const controller = new AbortController();
    const run = evidence(controller.signal);
    controller.abort();
    await expect(run).rejects.toBeInstanceOf(CancelledError);
  });

  it('shows folders that are WordNet ids by their names', async () => {
    expect(imagenet).toHaveLength(1000);
    expect(imagenet.map(({ wnid }) => wnid)).toEqual(imagenet.map(({ wnid }) => wnid).sort());
    expect(shownName('n01440764')).toBe('tench');
    expect(shownName('n02012849')).toBe('crane (n02012849)');
    expect(shownName('n99999999')).toBe('n99999999');
    const folder = join(place.folder, 'wnids');
    for (const name of ['n01440764', 'n03126707', 'other']) {
      await mkdir(join(folder, name), { recursive: true });
      await copyFile(join(place.pictures, 'ants/000.png'), join(folder, name, '0.png'));
    }
    const { classes, classOf, files } = await listPictures(folder);
    expect(files.map((_, i) => classes[classOf[i]!])).toEqual(['tench', 'crane (n03126707)', 'other']);
  });
});

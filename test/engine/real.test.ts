import * as ort from 'onnxruntime-node';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StudyInfo } from '../../preload/contract';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';
import { settled, startEngine, type TestEngine } from './support';

const shared = resolve(process.env['UNPOOL_SHARED'] ?? join(__dirname, '../../../shared'));
const model = join(shared, 'models/squeezenet1.0.onnx');
const pictures = join(shared, 'photos/grocery');
const missing = [model, pictures].filter((path) => !existsSync(path));
const skip = missing.length > 0 && process.env['UNPOOL_TEST_ALL'] !== '1';
if (skip) console.warn(`skipped: ${missing.join(', ')} not there (UNPOOL_SHARED names another place)`);

/** Folders of the photographs and the ImageNet classes that they show. */
const classes: Record<string, string> = {
  granny_smith: 'Granny Smith',
  lemon: 'lemon',
  orange: 'orange',
  banana: 'banana',
  pineapple: 'pineapple',
  pomegranate: 'pomegranate',
  bell_pepper: 'bell pepper',
  zucchini: 'zucchini',
  head_cabbage: 'head cabbage',
};

describe.skipIf(skip)('SqueezeNet over photographs of fruit and vegetables', () => {
  let home: string;
  let engine: TestEngine;
  let info: StudyInfo;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'unpool-real-'));
    engine = startEngine(home, { runtime: createOrtRuntime(ort as unknown as Ort, { threads: 2 }) });
    const inspected = await engine.call('model.inspect', { path: model });
    const preset = inspected.presets.find(({ id }) => id === 'caffe-rgb')!;
    const made = await engine.call('study.create', { model, pictures, preprocessing: preset.preprocessing });
    await settled(engine, made.path);
    info = await engine.call('study.open', { path: made.path });
  }, 300_000);
  afterAll(async () => {
    await engine.dispose();
    await rm(home, { recursive: true, force: true });
  });

  it('scans them all', () => {
    expect(info.scan).toMatchObject({ phase: 'done', done: info.pictures.count, broken: 0 });
    expect(info.labels).toHaveLength(1000);
  });

  it('picks for the units of the classes the pictures of those classes, far above chance', async () => {
    const last = info.layers.findLast(({ scanned }) => scanned)!;
    let [own, all] = [0, 0];
    for (const [folder, label] of Object.entries(classes)) {
      const unit = info.labels!.indexOf(label);
      const detail = await engine.call('unit.detail', { study: info.path, layer: last.id, unit });
      expect(detail.label).toBe(label);
      own += detail.classes.find(({ name }) => name === folder)?.count ?? 0;
      all += detail.top.length;
    }
    expect(own / all).toBeGreaterThan(3 / info.pictures.classes.length);
  });

  it('reconstructs with the activation that the scan found', async () => {
    const layer = info.layers.find(({ name }) => name.includes('fire5')) ?? info.layers[4]!;
    const detail = await engine.call('unit.detail', { study: info.path, layer: layer.id, unit: 17 });
    const items = await engine.items('unit.reconstructions', {
      study: info.path,
      layer: layer.id,
      unit: 17,
      method: { id: 'deconvnet' },
    });
    expect(items.map(({ rank }) => rank).sort((a, b) => a - b)).toEqual(detail.top.map(({ rank }) => rank));
    for (const item of items) {
      const { activation, box } = detail.top[item.rank]!;
      expect(Math.abs(item.activation - activation)).toBeLessThanOrEqual(1e-4 * Math.max(1, activation));
      expect([item.height, item.width]).toEqual([box[2] - box[0], box[3] - box[1]]);
      if (activation > 0) expect(item.data.some((value) => value !== 0)).toBe(true);
    }
  });
});

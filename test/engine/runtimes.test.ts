import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadRuntime } from '../../main/engine/runtimes';
import { makePlace, preprocessing, settled, startEngine } from './support';

it('auto takes ONNX Runtime where it loads, and has nothing to note', async () => {
  const { runtime, note } = await loadRuntime('auto', 1);
  expect(runtime.name).toMatch(/^ONNX Runtime/);
  expect(note).toBeNull();
});

it('TensorFlow.js scans as ONNX Runtime does: the same pictures and places, activations to 1e-4', async () => {
  const place = await makePlace(6);
  const tables = [];
  for (const choice of ['onnxruntime', 'tfjs'] as const) {
    const home = await mkdtemp(join(tmpdir(), 'unpool-runtime-'));
    const { runtime } = await loadRuntime(choice, 1);
    expect(runtime.name).toMatch(choice === 'tfjs' ? /^TensorFlow\.js/ : /^ONNX Runtime/);
    const engine = startEngine(home, { runtime });
    const study = await engine.call('study.create', { model: place.model, pictures: place.pictures, preprocessing });
    await settled(engine, study.path);
    const [layer] = study.layers;
    const details = [];
    for (let unit = 0; unit < layer!.units; unit++)
      details.push(await engine.call('unit.detail', { study: study.path, layer: layer!.id, unit }));
    tables.push(details.map((detail) => detail.top));
    await engine.dispose();
    await rm(home, { recursive: true });
  }
  const [onnx, tfjs] = tables;
  onnx!.forEach((top, unit) =>
    top.forEach((entry, rank) => {
      const other = tfjs![unit]![rank]!;
      expect(Math.abs(other.activation - entry.activation)).toBeLessThan(1e-4 * Math.max(1, entry.activation));
      expect([other.picture, other.y, other.x]).toEqual([entry.picture, entry.y, entry.x]);
    }),
  );
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { referenceRuntime } from '../../main/core/runtime/reference';
import { loadRuntime } from '../../main/engine/runtimes';
import { readSettings } from '../../main/settings';
import { makePlace, preprocessing, settled, startEngine } from './support';

const fails = (): Promise<never> => Promise.reject(new Error('its addon is not there.\nMore words.'));

it('auto takes ONNX Runtime where it loads, and has nothing to note', async () => {
  const { runtime, note } = await loadRuntime('auto', 1);
  expect(runtime.name).toMatch(/^ONNX Runtime/);
  expect(note).toBeNull();
});

it('runs what was chosen', async () => {
  const { runtime, note } = await loadRuntime('tfjs-wasm', 1);
  expect(runtime.name).toMatch(/^TensorFlow\.js [\d.]+ \(WebAssembly\)$/);
  expect(note).toBeNull();
});

it('a choice that does not load is an error with the reason, or gives way to the others with a note', async () => {
  const broken = { choices: ['tfjs-node'], label: 'TensorFlow.js, native', start: fails } as const;
  const good = {
    choices: ['onnxruntime'],
    label: 'ONNX Runtime',
    start: () => Promise.resolve(referenceRuntime),
  } as const;
  const libraries = [good, broken];
  await expect(loadRuntime('tfjs-node', 1, false, null, libraries)).rejects.toMatchObject({
    code: 'no-runtime',
    message: 'Nothing here can run a network. TensorFlow.js, native does not load: its addon is not there.',
  });
  expect(await loadRuntime('tfjs-node', 1, true, null, libraries)).toEqual({
    runtime: referenceRuntime,
    note: 'TensorFlow.js, native does not load: its addon is not there.',
  });
});

it('keeps what is chosen and asks for a new start; not where the command line has chosen', async () => {
  const home = await mkdtemp(join(tmpdir(), 'unpool-choice-'));
  const restart = vi.fn();
  const asked = { choice: 'auto', given: false, note: null } as const;
  const engine = startEngine(home, { restart, runtimeChoice: asked });
  await engine.call('runtime.choose', { choice: 'tfjs-wasm' });
  expect(readSettings(home)).toMatchObject({ runtime: 'tfjs-wasm', theme: 'system' });
  expect(restart).toHaveBeenCalledOnce();
  await engine.dispose();
  const fixed = startEngine(home, { restart, runtimeChoice: { ...asked, given: true } });
  await expect(fixed.call('runtime.choose', { choice: 'auto' })).rejects.toMatchObject({ code: 'runtime-given' });
  expect(readSettings(home).runtime).toBe('tfjs-wasm');
  expect(restart).toHaveBeenCalledOnce();
  await fixed.dispose();
  await rm(home, { recursive: true });
});

it('TensorFlow.js scans as ONNX Runtime does: the same pictures and places, activations to 1e-4', async () => {
  const place = await makePlace(6);
  const tables = [];
  for (const choice of ['onnxruntime', 'tfjs-node', 'tfjs-wasm', 'tfjs-cpu'] as const) {
    const home = await mkdtemp(join(tmpdir(), 'unpool-runtime-'));
    // The native addon is an optional download.
    const loaded = await loadRuntime(choice, 1).catch((error: unknown) => {
      if (choice !== 'tfjs-node' || process.env['UNPOOL_TEST_ALL'] === '1') throw error;
    });
    if (!loaded) continue;
    const { runtime } = loaded;
    expect(runtime.name).toMatch(choice.startsWith('tfjs') ? /^TensorFlow\.js/ : /^ONNX Runtime/);
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
  const [onnx, ...others] = tables;
  expect(others.length).toBeGreaterThanOrEqual(2);
  for (const tfjs of others)
    onnx!.forEach((top, unit) =>
      top.forEach((entry, rank) => {
        const other = tfjs[unit]![rank]!;
        expect(Math.abs(other.activation - entry.activation)).toBeLessThan(1e-4 * Math.max(1, entry.activation));
        expect([other.picture, other.y, other.x]).toEqual([entry.picture, entry.y, entry.x]);
      }),
    );
});

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';
import { compare, sit } from '../../main/engine/providers/exam';
import { Providers } from '../../main/engine/providers/providers';
import { loadRuntime } from '../../main/engine/runtimes';

/** Every trial here is a process of its own; what happens to it is what providers/trial.cjs is told. */
let home: string;
const script = path.join(import.meta.dirname, 'providers/trial.cjs');
const found = (more: Partial<ConstructorParameters<typeof Providers>[0]> = {}) =>
  new Providers({
    home,
    script,
    threads: 1,
    build: { backends: ['cpu', 'webgpu'], version: '1.30.0' },
    version: '0.0.1',
    limit: 20_000,
    ...more,
  });
const never = new AbortController().signal;
const tried = async (mode: string, more = {}) => {
  process.env['UNPOOL_TEST_TRIAL'] = mode;
  const states = await found(more).try(['webgpu'], never, () => undefined);
  return states.find(({ id }) => id === 'webgpu')!;
};

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'unpool-providers-'));
});
afterEach(async () => {
  delete process.env['UNPOOL_TEST_TRIAL'];
  await rm(home, { recursive: true });
});

it('one that gives the processor’s numbers fits', async () => {
  const { difference, ...seen } = await tried('fits');
  expect(seen).toMatchObject({ state: 'fits', reason: null, milliseconds: { provider: 2, processor: 2 } });
  expect(difference).toBeGreaterThan(4e-7);
  expect(difference).toBeLessThan(6e-7);
});

it.each([
  ['fails', 'fails', 'No adapter was found'],
  ['crashes', 'crashes', 'it ended by SIGSEGV'],
  ['differs', 'differs', /^real signal: off by 0\.0050* of the largest value$/],
  ['ties', 'differs', /^whole places: off by 0\.14 /],
  ['nothing', 'differs', /^real signal: off by Infinity /],
])('one that %s is not used, and the reason is told', async (mode, state, reason) => {
  const seen = await tried(mode);
  expect(seen.state).toBe(state);
  expect(seen.reason).toMatch(reason);
});

it('one that hangs is ended', async () => {
  expect(await tried('hangs', { limit: 1500 })).toMatchObject({ state: 'hangs', reason: 'no answer within 2 s' });
});

it('a trial is stopped when asked to, and nothing is kept of it', async () => {
  process.env['UNPOOL_TEST_TRIAL'] = 'hangs';
  const controller = new AbortController();
  const steps: string[] = [];
  const trial = found().try(['webgpu'], controller.signal, ({ label }) => {
    steps.push(label);
    if (label === 'WebGPU') setTimeout(() => controller.abort(), 100);
  });
  await expect(trial).rejects.toThrow('cancelled');
  expect(steps).toEqual(['CPU', 'WebGPU']);
  expect((await found().list())[0]).toMatchObject({ id: 'webgpu', state: 'unknown' });
});

it('those that the build does not have are said to be absent, and none is tried', async () => {
  const none = found({ build: { backends: ['cpu'], version: '1' }, script: '/not/there.cjs' });
  const states = await none.try(['webgpu', 'cuda', 'directml', 'coreml'], never, () => undefined);
  expect(states.map(({ state }) => state)).toEqual(['absent', 'absent', 'absent', 'absent']);
  expect(states[3]!.reason).toMatch(/^not in this build of ONNX Runtime/);
});

it('what was found is kept until the library, the program or a driver changes', async () => {
  await tried('fits');
  const state = async (more = {}) => (await found(more).list())[0]!.state;
  expect(await state()).toBe('fits');
  expect(await state({ version: '0.0.2' })).toBe('unknown');
  expect(await state({ build: { backends: ['webgpu'], version: '1.31.0' } })).toBe('unknown');
  process.env['VK_ICD_FILENAMES'] = home;
  expect(await state()).toBe('unknown');
  delete process.env['VK_ICD_FILENAMES'];
  expect(await state()).toBe('fits');
  await writeFile(
    path.join(home, 'providers.json'),
    (await readFile(path.join(home, 'providers.json'))).subarray(0, 50),
  );
  expect(await state()).toBe('unknown');
});

it('one that may not be used gives way to the processor with a note, on the command line too', async () => {
  process.env['UNPOOL_TEST_TRIAL'] = 'crashes';
  for (const fallBack of [true, false]) {
    const { runtime, note } = await loadRuntime('webgpu', 1, fallBack, found());
    expect(runtime.name).toMatch(/^ONNX Runtime [\d.]+$/);
    expect(note).toBe('WebGPU is not used: it crashed (it ended by SIGSEGV).');
  }
  const { note } = await loadRuntime('cuda', 1, true, found());
  expect(note).toMatch(/^CUDA is not used: it is not in this build of ONNX Runtime/);
});

it('one that fits and with which the engine ended again and again is not used until it is tried again', async () => {
  process.env['UNPOOL_TEST_TRIAL'] = 'fits';
  await tried('fits');
  await found().distrust('webgpu');
  const { runtime, note } = await loadRuntime('webgpu', 1, true, found());
  expect(runtime.name).toMatch(/^ONNX Runtime [\d.]+$/);
  expect(note).toBe('WebGPU is not used: it crashed (the engine ended twice within a minute).');
  await tried('fits');
  expect((await loadRuntime('webgpu', 1, true, found())).note).toBeNull();
});

it('one that fits is used, and named', async () => {
  process.env['UNPOOL_TEST_TRIAL'] = 'fits';
  const { runtime, note } = await loadRuntime('webgpu', 1, true, found());
  expect(runtime.name).toMatch(/^ONNX Runtime [\d.]+ \(WebGPU\)$/);
  expect(note).toBeNull();
});

it('the exam asks for what shows: its signals are not empty, whole numbers come out alike with any threads', async () => {
  const runtime = (threads: number) => createOrtRuntime(ort as unknown as Ort, { threads });
  const one = await sit(runtime(1));
  expect(compare(await sit(runtime(2)), one)).toMatchObject({ difference: null });
  const awake = one.values.filter(({ data }) => data.some((value) => value !== 0));
  expect(awake.length).toBeGreaterThan(0.5 * one.values.length);
  expect(one.values.some(({ name }) => name.startsWith('whole deconvnet of layer conv4'))).toBe(true);
  // Exact in float32, in any order of adding.
  const whole = one.values.filter(({ tolerance }) => tolerance === 0);
  for (const { data } of whole) for (const value of data) expect(Number.isInteger(value * 64 ** 2)).toBe(true);
});

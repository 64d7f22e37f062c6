// @vitest-environment happy-dom
import { flushPromises, mount, type VueWrapper } from '@vue/test-utils';
import { createPinia } from 'pinia';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import App from '../../renderer/App.vue';
import { setHost } from '../../renderer/host/host';
import { fakeHost, type FakeHost, type FakeOptions } from './fake-host';

vi.mock('vue-echarts', () => ({ default: { template: '<i class="chart" />' } }));

let host: FakeHost;
let wrapper: VueWrapper;
const text = (): string => document.body.textContent;
async function open(options: FakeOptions = {}): Promise<void> {
  location.hash = '';
  host = fakeHost(options);
  setHost(host);
  wrapper = mount(App, { attachTo: document.body, global: { plugins: [createPinia()] } });
  await vi.waitFor(() => expect(document.querySelector('footer')?.textContent).toContain('thread'));
  await flushPromises();
}
const radio = (label: string): HTMLInputElement =>
  [...document.querySelectorAll('label')]
    .find((each) => each.querySelector('b')?.textContent === label)!
    .querySelector('input')!;

beforeEach(() => localStorage.clear());
afterEach(() => wrapper.unmount());

it('the runtime is chosen in the settings: the engine starts again, and the footer names the new one', async () => {
  await open();
  expect(document.querySelector('footer')?.textContent).toContain('ONNX Runtime');
  host.emitHost('menu.command', { command: 'settings' });
  await vi.waitFor(() => expect(text()).toContain('What runs networks'));
  expect(radio('Automatic').checked).toBe(true);
  radio('TensorFlow.js').click();
  await vi.waitFor(() => expect(document.querySelector('footer')?.textContent).toContain('TensorFlow.js'));
  expect(host.log.find((call) => call.name === 'runtime.choose')?.args).toEqual({ choice: 'tfjs' });
  [...document.querySelectorAll('button')].find((each) => each.textContent.trim() === 'WebAssembly')!.click();
  await vi.waitFor(() =>
    expect(host.log.filter((call) => call.name === 'runtime.choose').at(-1)?.args).toEqual({ choice: 'tfjs-wasm' }),
  );
  await vi.waitFor(() => expect(text()).toContain('Runs now: TensorFlow.js 4.22.0 (WebAssembly)'));
});

it('says why a choice could not be had, in the footer and in the settings', async () => {
  const note = 'TensorFlow.js, native does not load: its addon is not there.';
  await open({ runtime: { note, choice: 'tfjs-node' } });
  const button = [...document.querySelectorAll<HTMLElement>('footer button')].find((each) => each.title.includes(note));
  button!.click();
  await vi.waitFor(() => expect(document.querySelector('[role="dialog"]')?.textContent).toContain(note));
  expect(radio('TensorFlow.js').checked).toBe(true);
});

it('leaves the choice to the command line where that made it', async () => {
  await open({ runtime: { choice: 'onnxruntime', given: true } });
  host.emitHost('menu.command', { command: 'settings' });
  await vi.waitFor(() => expect(text()).toContain('--runtime'));
  expect(radio('Automatic').disabled).toBe(true);
  expect(radio('ONNX Runtime').checked).toBe(true);
});

it('other processors are tried when asked for; one that fits can be chosen, the others say why not', async () => {
  await open({ delay: 50 });
  host.emitHost('menu.command', { command: 'settings' });
  await vi.waitFor(() => expect(text()).toContain('Not tried yet.'));
  expect(radio('WebGPU').disabled).toBe(true);
  expect(text()).toContain('Does not load: Failed to load shared library.');
  expect(text()).toContain('Not to be had here: not in this build of ONNX Runtime (linux x64).');
  const button = (label: string) =>
    [...document.querySelectorAll('button')].find((each) => each.textContent.trim() === label);
  button('Look again')!.click();
  await vi.waitFor(() => expect(text()).toContain('Trying WebGPU…'));
  expect(button('Cancel')).toBeDefined();
  await vi.waitFor(() => expect(radio('WebGPU').disabled).toBe(false));
  expect(text()).toContain('A small network runs 3.50 times as fast as on the processor.');
  expect(radio('CUDA').disabled).toBe(true);
  radio('WebGPU').click();
  await vi.waitFor(() =>
    expect(host.log.find((call) => call.name === 'runtime.choose')?.args).toEqual({ choice: 'webgpu' }),
  );
});

it('a search for other processors can be stopped', async () => {
  await open({ hanging: ['providers.try'] });
  host.emitHost('menu.command', { command: 'settings' });
  await vi.waitFor(() => expect(text()).toContain('Not tried yet.'));
  const button = (label: string) =>
    [...document.querySelectorAll('button')].find((each) => each.textContent.trim() === label);
  button('Look again')!.click();
  await vi.waitFor(() => expect(button('Cancel')).toBeDefined());
  button('Cancel')!.click();
  await vi.waitFor(() => expect(button('Look again')).toBeDefined());
  expect(text()).toContain('Not tried yet.');
});

// @vitest-environment happy-dom
import { flushPromises, mount, type VueWrapper } from '@vue/test-utils';
import { createPinia } from 'pinia';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import App from '../../renderer/App.vue';
import { setHost } from '../../renderer/host/host';
import { fakeHost, type FakeHost, type FakeOptions } from './fake-host';

// ECharts wants a real canvas.
vi.mock('vue-echarts', () => ({ default: { template: '<i class="chart" />' } }));

const units = '#/units?study=%2Fstudies%2Fgrocery&layer=conv3&unit=175';
let host: FakeHost;
let wrapper: VueWrapper;

async function open(hash: string, options: FakeOptions = {}): Promise<void> {
  location.hash = hash;
  host = fakeHost(options);
  setHost(host);
  wrapper = mount(App, { attachTo: document.body, global: { plugins: [createPinia()] } });
  await until(() => !document.body.textContent.includes('Opening the study'));
  await flushPromises();
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 400 && !condition(); turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(condition()).toBe(true);
}
const text = (): string => document.body.textContent;
const press = (key: string, more: KeyboardEventInit = {}): boolean =>
  document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }));

beforeEach(() => localStorage.clear());
afterEach(() => wrapper.unmount());

describe('the window', () => {
  it('begins at home and offers the demo', async () => {
    await open('', { recent: false });
    await until(() => text().includes('Open the demo'));
    expect(text()).toContain('None yet');
    [...document.querySelectorAll('button')].find((button) => button.textContent.includes('Open the demo'))?.click();
    await until(() => location.hash.includes('study=%2Fdemo%2Fstudy'));
    await until(() => text().includes('Demo: drawn shapes'));
  });

  it('offers no demo where there is none', async () => {
    await open('', { demo: false });
    await until(() => text().includes('Recent studies'));
    expect(text()).not.toContain('Open the demo');
  });

  it('comes back to the unit that the address names', async () => {
    await open(`${units}&method=guided`);
    await until(() => text().includes('Unit 175'));
    await until(() => host.log.some((call) => call.name === 'unit.reconstructions'));
    expect(host.log.find((call) => call.name === 'unit.reconstructions')?.args).toMatchObject({
      layer: 'conv3',
      unit: 175,
      method: { id: 'guided' },
    });
  });

  it('says in words why a study does not open, and what to do', async () => {
    await open(units, {
      failing: {
        'study.open': {
          code: 'study-newer',
          message: 'This study is of version 3.',
          hint: 'Open it with a newer Unpool.',
          place: { file: '/s/study.json' },
        },
      },
    });
    await until(() => text().includes('This study is of version 3.'));
    for (const words of ['Open it with a newer Unpool.', '/s/study.json', 'Try again']) expect(text()).toContain(words);
    expect(document.querySelector('[role="alert"]')).not.toBeNull();
  });

  it('comes back to the open study after another did not open', async () => {
    const options: FakeOptions = {};
    await open(units, options);
    await until(() => text().includes('Unit 175'));
    options.failing = { 'study.open': { code: 'not-found', message: 'There is no folder "/elsewhere".' } };
    location.hash = '#/units?study=%2Felsewhere';
    await until(() => text().includes('There is no folder'));
    press('h');
    await until(() => text().includes('Back to Grocery shelf'));
    [...document.querySelectorAll('button')].find((button) => button.textContent.includes('Back to'))?.click();
    await until(() => text().includes('Deconvnet') && !text().includes('There is no folder'));
  });

  it('moves between layers and methods by keys, and writes it into the address', async () => {
    await open(units);
    await until(() => text().includes('Unit 175'));
    press(']');
    await until(() => location.hash.includes('layer=gate'));
    press('PageUp');
    press('ArrowUp', { altKey: true });
    await until(() => location.hash.includes('layer=fire2%2Fconcat'));
    press('3');
    await until(() => location.hash.includes('method=gradient'));
    await until(() =>
      host.log.some((call) => call.name === 'unit.reconstructions' && JSON.stringify(call.args).includes('gradient')),
    );
  });

  it('moves between units by arrow keys and cancels what the old one was waiting for', async () => {
    await open(units, { hanging: ['unit.reconstructions'] });
    await until(() => host.log.some((call) => call.name === 'unit.reconstructions'));
    const old = host.log.find((call) => call.name === 'unit.reconstructions')!;
    press('ArrowRight');
    await until(() => !location.hash.includes('unit=175'));
    expect(old.aborted()).toBe(true);
  });

  it('finds a unit by what is typed', async () => {
    await open(units);
    await until(() => text().includes('Unit 175'));
    press('/');
    await until(() => document.querySelector('[role="combobox"]') !== null);
    const field = document.querySelector<HTMLInputElement>('[role="combobox"]')!;
    field.value = 'conv1 33';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    await flushPromises();
    field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
    await until(() => location.hash.includes('layer=conv1') && location.hash.includes('unit=33'));
  });

  it('lists keys, and each one once', async () => {
    await open(units);
    await until(() => text().includes('Unit 175'));
    press('?');
    await until(() => text().includes('These keys'));
    const caps = [...document.querySelectorAll('[role="dialog"] dt')].map((term) => term.textContent);
    expect(new Set(caps).size).toBe(caps.length);
  });

  it('shows a layer that cannot be walked with its reason, and asks for no reconstruction there', async () => {
    await open('#/units?study=%2Fstudies%2Fgrocery&layer=gate&unit=16&show=both');
    await until(() => text().includes('No reconstructions here'));
    await until(() => host.log.some((call) => call.name === 'unit.patches'));
    expect(host.log.some((call) => call.name === 'unit.reconstructions')).toBe(false);
  });

  it('shows the scan as it goes, and which pictures are broken', async () => {
    await open(units, { study: { broken: [{ file: 'a/b.jpg', reason: 'cut off' }] } });
    await until(() => text().includes('1,404 pictures scanned'));
    host.emit('scan.progress', {
      study: '/studies/grocery',
      scan: { phase: 'running', done: 955, total: 1404, rate: 61.2, left: 7.3, broken: 1, error: null },
    });
    await until(() => text().includes('955 of 1,404, 61.2 per second, 7\u202fs left'));
    host.emit('scan.progress', {
      study: '/studies/other',
      scan: { phase: 'running', done: 1, total: 2, rate: 1, left: 1, broken: 0, error: null },
    });
    await flushPromises();
    expect(text()).toContain('955 of 1,404');
    [...document.querySelectorAll('button')].find((button) => button.textContent.includes('1 broken picture'))?.click();
    await until(() => text().includes('cut off'));
  });

  it('says that the engine is gone, and asks again when it is back', async () => {
    await open(units);
    await until(() => text().includes('Unit 175'));
    host.emitHost('engine.state', { state: 'restarting', message: 'A library died.' });
    await until(() => text().includes('A library died.'));
    const before = host.log.filter((call) => call.name === 'layer.table').length;
    host.emitHost('engine.state', { state: 'ready', message: '' });
    await until(() => host.log.filter((call) => call.name === 'layer.table').length > before);
    expect(text()).not.toContain('A library died.');
  });
});

describe('what is dropped or handed over', () => {
  const drop = async (...paths: string[]): Promise<void> => {
    await open('#/home', { kind: 'desktop' });
    await until(() => text().includes('Recent studies'));
    host.emitHost('open.paths', { paths });
  };

  it('begins a study with a model and a folder', async () => {
    await drop('/home/ada/squeezenet1.0.onnx', '/home/ada/photos/');
    await until(() => location.hash.startsWith('#/create') && text().includes('1,404 pictures'));
    expect(location.hash).toContain('model=%2Fhome%2Fada%2Fsqueezenet1.0.onnx');
    expect(location.hash).toContain('pictures=%2Fhome%2Fada%2Fphotos');
  });

  it('opens a study', async () => {
    await drop('/home/ada/grocery-study');
    await until(() => location.hash.startsWith('#/units?study=%2Fhome%2Fada%2Fgrocery-study&layer=conv3&unit='));
  });

  it('says what can be opened where this cannot', async () => {
    await drop('/home/ada/holiday.jpg');
    await until(() => text().includes('One picture alone cannot be studied.'));
    expect(text()).toContain('a folder of pictures');
  });
});

describe('a new study', () => {
  const create = '#/create?model=%2Fmodels%2Fsqueezenet1.0.onnx&pictures=%2Fphotos%2Fgrocery';

  it('proposes a preprocessing with its reason, previews it, and makes the study with what was edited', async () => {
    await open(create);
    await until(() => text().includes('Proposed because'));
    await until(() => host.log.some((call) => call.name === 'preprocessing.preview'));
    const scale = document.querySelector<HTMLInputElement>('input[aria-label="Scale"]')!;
    scale.value = '1/255';
    scale.dispatchEvent(new Event('input', { bubbles: true }));
    await until(() => text().includes('Own numbers'));
    document.querySelector('form.create')?.dispatchEvent(new Event('submit', { cancelable: true }));
    await until(() => location.hash.includes('#/units?study='));
    expect(host.log.find((call) => call.name === 'study.create')?.args).toMatchObject({
      model: '/models/squeezenet1.0.onnx',
      preprocessing: { scale: 1 / 255, mean: [123, 117, 104] },
    });
  });

  it('does not make a study from numbers that are wrong, and says which', async () => {
    await open(create);
    await until(() => text().includes('Proposed because'));
    const std = document.querySelector<HTMLInputElement>('input[aria-label="std of R"]')!;
    std.value = '0';
    std.dispatchEvent(new Event('input', { bubbles: true }));
    await until(() => text().includes('A number other than 0 for each of the 3 channels.'));
    expect(std.getAttribute('aria-invalid')).toBe('true');
    document.querySelector('form.create')?.dispatchEvent(new Event('submit', { cancelable: true }));
    await flushPromises();
    expect(host.log.some((call) => call.name === 'study.create')).toBe(false);
  });

  it('shows why a model cannot be read', async () => {
    await open(create, {
      failing: {
        'model.inspect': { code: 'not-onnx', message: 'This is not an ONNX file.', hint: 'Export it again.' },
      },
    });
    await until(() => text().includes('This is not an ONNX file.'));
    expect(text()).toContain('Export it again.');
  });
});

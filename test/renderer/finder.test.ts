// @vitest-environment happy-dom
import { flushPromises, mount, type VueWrapper } from '@vue/test-utils';
import { createPinia } from 'pinia';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import App from '../../renderer/App.vue';
import { setHost } from '../../renderer/host/host';
import { fakeHost, type FakeHost, type FakeOptions } from './fake-host';

// ECharts wants a real canvas.
vi.mock('vue-echarts', () => ({ default: { template: '<i class="chart" />' } }));

let host: FakeHost;
let wrapper: VueWrapper;

async function open(hash: string, options: FakeOptions = {}): Promise<void> {
  location.hash = hash;
  host = fakeHost(options);
  setHost(host);
  wrapper = mount(App, { attachTo: document.body, global: { plugins: [createPinia()] } });
  await flushPromises();
}
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 400 && !condition(); turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(condition()).toBe(true);
}
const text = (): string => document.body.textContent;
const button = (words: string, place: ParentNode = document): HTMLButtonElement | undefined =>
  [...place.querySelectorAll('button')].find((each) => each.textContent.trim() === words);
async function click(words: string): Promise<void> {
  await until(() => button(words) !== undefined && !button(words)!.disabled);
  button(words)!.click();
  await flushPromises();
}
const asked = (name: string) => host.log.filter((call) => call.name === name);

beforeEach(() => localStorage.clear());
afterEach(() => wrapper.unmount());

describe('comparing preprocessings', () => {
  const create = '#/create?model=%2Fmodels%2Fsqueezenet1.0.onnx&pictures=%2Fphotos%2Fgrocery';

  it('lists what was found, with reasons, and takes the one that is clicked', async () => {
    await open(create);
    await until(() => text().includes('Beside the model'));
    expect(text()).toContain('Habit');
    await click('torchvision');
    await until(() => document.querySelector<HTMLInputElement>('input[aria-label="mean of R"]')?.value === '0.485');
  });

  it('shows the table, best first, and the study takes what the user chose', async () => {
    await open(create);
    await click('Compare on the pictures…');
    await until(() => document.querySelectorAll('[role="dialog"] tbody tr').length === 4);
    const rows = [...document.querySelectorAll('[role="dialog"] tbody tr')].map((row) => row.textContent);
    expect(rows[0]).toContain('52\u202f%');
    expect(rows[0]).toContain('in use');
    expect(text()).toContain('Not named in any list: oat_milk.');
    button('Use', document.querySelectorAll('[role="dialog"] tbody tr')[3]!)!.click();
    await until(() => document.querySelector('[role="dialog"]') === null);
    document.querySelector('form.create')?.dispatchEvent(new Event('submit', { cancelable: true }));
    await until(() => location.hash.includes('#/units?study='));
    expect(asked('study.create')[0]!.args).toMatchObject({ labels: 'imagenet1k', preprocessing: { scale: 1 / 255 } });
  });

  it('stops when asked to, and can start again', async () => {
    await open(create, { hanging: ['model.evidence'] });
    await click('Compare on the pictures…');
    await click('Stop');
    expect(asked('model.evidence')[0]!.aborted()).toBe(true);
    expect(text()).toContain('Stopped.');
    await click('Start again');
    await until(() => asked('model.evidence').length === 2);
  });

  it('says why nothing can be compared', async () => {
    const message = 'The network does not answer with classes.';
    await open(create, { failing: { 'model.evidence': { code: 'no-classes', message } } });
    await click('Compare on the pictures…');
    await until(() => text().includes(message));
  });
});

describe('getting a model', () => {
  it('lists networks with size and licence, and fetches nothing by itself', async () => {
    await open('');
    await click('Get a model');
    await until(() => text().includes('ZFNet-512'));
    for (const words of ['349', 'BVLC, unrestricted use', '/home/ada/.config/Unpool/models', 'have not been checked'])
      expect(text()).toContain(words);
    expect(text()).toMatch(/90\S*\s?MB are here already/);
    expect(asked('catalogue.get')).toHaveLength(0);
  });

  it('fetches on a click, from the address that was edited', async () => {
    await open('');
    await click('Get a model');
    await click('Address');
    const input = document.querySelector<HTMLInputElement>('input[aria-label="Address of ZFNet-512"]')!;
    input.value = 'https://mirror.example/zf.onnx';
    input.dispatchEvent(new Event('input', { bubbles: true }));
    await click('Download');
    await until(() => asked('catalogue.get').length === 1);
    expect(asked('catalogue.get')[0]!.args).toEqual({ id: 'zfnet512-12', address: 'https://mirror.example/zf.onnx' });
    await until(() => asked('catalogue.list').length === 2);
  });

  it('goes on when the dialog is closed, and stops when asked to', async () => {
    await open('', { hanging: ['catalogue.get'] });
    await click('Get a model');
    await click('Download');
    await until(() => document.querySelector('[role="progressbar"]') !== null);
    document.querySelector<HTMLButtonElement>('[aria-label="Close"]')!.click();
    await until(() => document.querySelector('[role="dialog"]') === null);
    expect(asked('catalogue.get')[0]!.aborted()).toBe(false);
    await click('Get a model');
    await click('Stop');
    expect(asked('catalogue.get')[0]!.aborted()).toBe(true);
  });

  it('says what went wrong, where the address can be changed', async () => {
    const failing = { code: 'not-there', message: 'models.example answers 404.', hint: 'Try another address.' };
    await open('', { failing: { 'catalogue.get': failing } });
    await click('Get a model');
    await click('Download');
    await until(() => text().includes('answers 404'));
    expect(document.querySelector('input[aria-label="Address of ZFNet-512"]')).not.toBeNull();
  });

  it('makes a study of a network that is here', async () => {
    await open('');
    await click('Get a model');
    await until(() => text().includes('SqueezeNet 1.0'));
    button('New study', document.querySelector('[role="dialog"]')!)!.click();
    await until(() => asked('model.inspect').length === 1);
    expect(asked('model.inspect')[0]!.args).toMatchObject({ path: '/home/ada/.config/Unpool/models/sq.onnx' });
  });
});

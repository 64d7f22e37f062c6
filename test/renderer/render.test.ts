// @vitest-environment happy-dom
import { flushPromises, mount, type VueWrapper } from '@vue/test-utils';
import { createPinia } from 'pinia';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import App from '../../renderer/App.vue';
import { setHost } from '../../renderer/host/host';
import { fakeStudy } from './fake-data';
import { fakeHost, type FakeHost, type FakeOptions } from './fake-host';

vi.mock('vue-echarts', () => ({ default: { template: '<i class="chart" />' } }));

let host: FakeHost;
let wrapper: VueWrapper;
async function open(options: FakeOptions = {}): Promise<void> {
  location.hash = `#/units?study=${encodeURIComponent(fakeStudy.path)}`;
  host = fakeHost(options);
  setHost(host);
  wrapper = mount(App, { attachTo: document.body, global: { plugins: [createPinia()] } });
  await vi.waitFor(() => expect(button('Render the layer')).not.toBeNull());
}
const button = (label: string): HTMLButtonElement | null =>
  document.querySelector(`main button[aria-label="${label}"]`);
const stopper = (): HTMLButtonElement | null => document.querySelector('main button[aria-label$="Stop"]');
const renders = () => host.log.filter(({ name }) => name === 'layer.render');

beforeEach(() => localStorage.clear());
afterEach(() => wrapper.unmount());

it('a layer is made ahead from the bar: it tells how far it is, and says when it is ready', async () => {
  await open({ delay: 2 });
  button('Render the layer')!.click();
  await vi.waitFor(() =>
    expect(stopper()?.getAttribute('aria-label')).toMatch(/: \d+ of [\d,]+ reconstructions, .* left/),
  );
  expect(stopper()!.textContent).toMatch(/%/);
  expect(renders()).toHaveLength(1);
  await vi.waitFor(() => expect(document.body.textContent).toContain('are ready'), 20_000);
  expect(stopper()).toBeNull();
});

it('stops when it is told to, and can be begun again', async () => {
  await open({ delay: 20 });
  button('Render the layer')!.click();
  await vi.waitFor(() => expect(stopper()).not.toBeNull());
  stopper()!.click();
  await flushPromises();
  expect(renders()[0]!.aborted()).toBe(true);
  expect(stopper()).toBeNull();
  button('Render the layer')!.click();
  await flushPromises();
  expect(renders()).toHaveLength(2);
});

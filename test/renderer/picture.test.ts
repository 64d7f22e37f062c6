// @vitest-environment happy-dom
import { mount, type VueWrapper } from '@vue/test-utils';
import { createPinia, setActivePinia } from 'pinia';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import App from '../../renderer/App.vue';
import { setHost } from '../../renderer/host/host';
import { useFilters } from '../../renderer/stores/filters';
import { usePicture } from '../../renderer/stores/picture';
import { useSelection } from '../../renderer/stores/selection';
import { fakeHost, type FakeHost, type FakeOptions } from './fake-host';

// ECharts wants a real canvas.
vi.mock('vue-echarts', () => ({ default: { template: '<i class="chart" />' } }));

const study = 'study=%2Fstudies%2Fgrocery';
let host: FakeHost;
let wrapper: VueWrapper;

async function open(hash: string, options: FakeOptions = {}): Promise<void> {
  location.hash = hash;
  host = fakeHost(options);
  setHost(host);
  const pinia = createPinia();
  setActivePinia(pinia);
  wrapper = mount(App, { attachTo: document.body, global: { plugins: [pinia] } });
}
const until = (condition: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(condition()).toBe(true), { timeout: 8000, interval: 5 });
const asked = (name: string) => host.log.filter((call) => call.name === name);
const press = (key: string, more: KeyboardEventInit = {}, on: Element = document.activeElement ?? document.body) =>
  on.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }));
const stage = (): HTMLElement => document.querySelector('#picture-stage')!;

beforeEach(() => localStorage.clear());
afterEach(() => wrapper.unmount());

it('another layer, chosen while a picture is read, does not stop the reading', async () => {
  await open(`#/picture?${study}&layer=conv3`, { hanging: ['picture.view', 'picture.classes'] });
  await until(() => asked('picture.view').length === 1 && asked('picture.classes').length === 1);
  press(']');
  await until(() => asked('picture.layer').some(({ args }) => (args as { layer: string }).layer === 'gate'));
  expect([...asked('picture.view'), ...asked('picture.classes')].map(({ aborted }) => aborted())).toEqual([
    false,
    false,
  ]);
});

it('a picture that takes long is not shown as the one before', async () => {
  const options: FakeOptions = {};
  await open(`#/picture?${study}&layer=conv3`, options);
  const picture = usePicture();
  await until(() => picture.view !== null && picture.layer !== null && picture.found.size === 4);
  options.hanging = ['picture.view', 'picture.classes', 'picture.layer'];
  press('ArrowRight');
  await until(() => asked('picture.view').length === 2);
  await until(() => picture.view === null && picture.classes === null && picture.layer === null);
  expect([picture.found.size, picture.cam]).toEqual([0, null]);
});

it('a picture is found by a part of its name, by keys', async () => {
  await open(`#/picture?${study}&layer=conv3`);
  const picture = usePicture();
  await until(() => picture.layer !== null);
  press('g');
  const field = (): HTMLInputElement | null => document.querySelector('[role="dialog"] input');
  await until(() => field() !== null && document.querySelectorAll('#picture-found li').length === 60);
  field()!.value = '/17';
  field()!.dispatchEvent(new Event('input'));
  await until(() => document.querySelector('#picture-found li')?.textContent.includes('shelf/17.jpg') ?? false);
  press('ArrowDown', {}, field()!);
  press('Enter', {}, field()!);
  expect([picture.source, picture.finding]).toEqual([170, false]);
  expect(location.hash).toContain('picture=170');
});

it('a region is marked, moved, resized and taken away by keys, and the address holds it', async () => {
  await open(`#/picture?${study}&layer=conv3`);
  const picture = usePicture();
  await until(() => picture.layer !== null);
  press('r');
  expect(document.activeElement).toBe(stage());
  expect(picture.region).toEqual([85, 85, 142, 142]);
  expect(location.hash).toContain('region=85.85.142.142');
  await until(() => document.querySelectorAll('button.unit').length > 0);
  press('ArrowDown');
  expect(picture.region).toEqual([99, 85, 156, 142]);
  press('ArrowLeft', { shiftKey: true });
  expect(picture.region).toEqual([99, 85, 156, 128]);
  expect(picture.source).toBe(0);
  await until(() => (asked('picture.region').at(-1)!.args as { region: number[] }).region.join() === '99,85,156,128');
  press('Escape');
  expect([picture.region, location.hash.includes('region')]).toEqual([null, false]);
});

it('the address brings back the region, the class of Grad-CAM, its overlay and the scale of the maps', async () => {
  await open(`#/picture?${study}&layer=conv3&region=10.20.110.120&cam=3&overlay=1&maps=shared`);
  const picture = usePicture();
  await until(() => asked('picture.region').length === 1 && asked('picture.cam').length > 0);
  expect(asked('picture.region')[0]!.args).toMatchObject({ region: [10, 20, 110, 120] });
  await until(() => picture.cam !== null);
  expect(asked('picture.cam').every(({ args }) => (args as { class: number }).class === 3)).toBe(true);
  expect([picture.camShown, picture.mapScale]).toEqual([true, 'shared']);
  // The same class again: the most likely one, as without a choice.
  picture.setCam(3);
  expect([picture.camClass, location.hash.includes('cam=')]).toEqual([picture.classes!.top[0]!.class, false]);
  picture.setRegion([10, 20, 110, 300]);
  expect(picture.region).toBeNull(); // beyond the input
});

it('arrows step through the maps and, with Shift, through the cells of one', async () => {
  await open(`#/picture?${study}&layer=conv3&cell=5.0.3`);
  const picture = usePicture();
  await until(() => picture.cell !== null);
  press('ArrowUp', { shiftKey: true }); // it is in the first row
  expect(picture.cell).toEqual({ unit: 5, y: 0, x: 3 });
  press('ArrowDown', { shiftKey: true });
  press('ArrowRight', { shiftKey: true });
  expect(picture.cell).toEqual({ unit: 5, y: 1, x: 4 });
  expect(location.hash).toContain('cell=5.1.4');
  const at = picture.order.indexOf(5);
  press('ArrowDown');
  expect(picture.cell!.unit).toBe(picture.order[at + 1]);
  press('ArrowUp');
  expect(picture.cell!.unit).toBe(5);
  // In the grid of the maps as well, where the arrows alone are the grid's.
  const grid = document.querySelector<HTMLElement>('[role="listbox"][aria-label^="Maps of"]')!;
  picture.pick({ unit: 5, y: 2, x: 2 });
  grid.focus();
  press('ArrowLeft', { shiftKey: true });
  expect(picture.cell).toEqual({ unit: 5, y: 2, x: 1 });
});

it('an entry that is looked at closely opens in Picture, at its place', async () => {
  await open(`#/units?${study}&layer=conv3&unit=175`);
  await until(() => document.querySelectorAll('.nine canvas').length === 18);
  press('Enter', {}, document.body);
  await until(() => document.querySelector('[role="dialog"] .open') !== null);
  press('o', {}, document.querySelector('[role="dialog"] .body')!);
  const selection = useSelection();
  expect([selection.route.view, selection.layer!.id, selection.route.unit]).toEqual(['picture', 'conv3', 175]);
  const [rows, columns] = selection.layer!.map;
  const [unit, y, x] = selection.route.more['cell']!.split('.').map(Number) as [number, number, number];
  expect([unit, y < rows, x < columns]).toEqual([175, true, true]);
  await until(() => usePicture().cell?.unit === 175 && document.querySelector('[role="dialog"]') === null);
  expect(usePicture().source).toBe(Number(selection.route.more['picture']));
});

it('order and scale of the filters are in the address; zero filters come last', async () => {
  await open(`#/filters?${study}&bank=conv1&order=twin&weights=own`);
  const filters = useFilters();
  await until(() => filters.own.table !== null);
  expect([filters.sort, filters.scale]).toEqual(['twin', 'own']);
  const cosine = filters.order.map((unit) => filters.own.table!.nearest!.cosine[unit]!);
  expect(cosine).toEqual([...cosine].sort((a, b) => b - a));
  filters.scale = 'shared';
  filters.sort = 'changed'; // there is nothing beside it
  expect([filters.sort, location.hash.includes('weights')]).toEqual(['index', false]);
  filters.own.table = {
    ...filters.own.table!,
    against: Float32Array.from({ length: filters.own.table!.units }, (_, unit) => (unit === 3 ? NaN : 0.5)),
  };
  expect([filters.sort, filters.order.at(-1)]).toEqual(['changed', 3]);
  press('u');
  expect(useSelection().route).toMatchObject({ view: 'units', layer: 'conv1', unit: filters.order[0] });
});

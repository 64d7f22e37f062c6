// @vitest-environment happy-dom
import { flushPromises, mount, type VueWrapper } from '@vue/test-utils';
import { createPinia } from 'pinia';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import App from '../../renderer/App.vue';
import { setHost } from '../../renderer/host/host';
import { readRefs, writeRefs } from '../../renderer/lib/unitRefs';
import { useCompare } from '../../renderer/stores/compare';
import { useNotices } from '../../renderer/stores/notices';
import { useSelection } from '../../renderer/stores/selection';
import { activationOf } from './fake-data';
import { fakeHost, type FakeHost, type FakeOptions } from './fake-host';

// ECharts wants a real canvas.
vi.mock('vue-echarts', () => ({ default: { template: '<i class="chart" />' } }));

const units = '#/units?study=%2Fstudies%2Fgrocery&layer=conv3&unit=175&sort=index';
let host: FakeHost;
let wrapper: VueWrapper;

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 400 && !condition(); turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(condition()).toBe(true);
}
async function open(hash: string, options: FakeOptions = {}): Promise<void> {
  location.hash = hash;
  host = fakeHost(options);
  setHost(host);
  wrapper = mount(App, { attachTo: document.body, global: { plugins: [createPinia()] } });
  await until(() => !hash.includes('study=') || useSelection().table !== null);
  await flushPromises();
}
const press = (key: string, more: KeyboardEventInit = {}): boolean =>
  document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }));
const columns = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('article.column')];
const chosen = (): string =>
  useCompare()
    .units.map(({ layer, unit }) => `${layer}:${unit}`)
    .join();

beforeEach(() => localStorage.clear());
afterEach(() => wrapper?.unmount());

describe('units in an address', () => {
  it('come back, whatever the layer is called', () => {
    const refs = [
      { layer: 'conv3', unit: 0 },
      { layer: 'a:1,b/ä%', unit: 12 },
    ];
    expect(readRefs(writeRefs(refs))).toEqual(refs);
  });

  it('are those that are written well, each once', () => {
    expect(readRefs('a:1,a:1,:2,b,c:-1,%E0:3,d:4')).toEqual([
      { layer: 'a', unit: 1 },
      { layer: 'd', unit: 4 },
    ]);
  });
});

describe('the comparison', () => {
  it('takes units of several layers by the keyboard, and one twice takes it out', async () => {
    await open(units);
    press('c');
    press('ArrowRight');
    press(' ', { ctrlKey: true });
    expect(chosen()).toBe('conv3:175,conv3:176');
    useSelection().setLayer('conv1', 3);
    await flushPromises();
    press('c');
    expect(chosen()).toBe('conv3:175,conv3:176,conv1:3');
    press('c');
    expect(chosen()).toBe('conv3:175,conv3:176');
    expect(new URLSearchParams(location.hash.split('?')[1]).get('compare')).toBe('conv3:175,conv3:176');
    await until(
      () => document.querySelector('[role="group"][aria-label="Comparison"]')?.textContent.includes('2 units') === true,
    );
    useCompare().clear();
    expect(location.hash).not.toContain('compar');
  });

  it('takes a range from the selected unit on, and says where it is cut at six', async () => {
    await open(units);
    useCompare().addRange(172);
    expect(chosen()).toBe('conv3:175,conv3:174,conv3:173,conv3:172');
    expect(useNotices().list).toHaveLength(0);
    useCompare().addRange(190);
    expect(chosen()).toBe('conv3:175,conv3:174,conv3:173,conv3:172,conv3:176,conv3:177');
    expect(useNotices().list.map(({ text }) => text)).toEqual([expect.stringContaining('At most 6 units')]);
    useCompare().toggle('conv3', 200);
    expect(useNotices().list).toHaveLength(1);
    expect(useCompare().has('conv3', 200)).toBe(false);
  });

  it('does not open with one unit, nor with those that are not there', async () => {
    await open(`${units}&compare=conv3:1,nowhere:2,conv3:99999&comparing=each`);
    expect(chosen()).toBe('conv3:1');
    expect(columns()).toHaveLength(0);
    press('C', { shiftKey: true });
    await flushPromises();
    expect(columns()).toHaveLength(0);
  });

  it('shows a column for each with its nine, patches and figures; Escape leaves to the grid, Back returns', async () => {
    await open(`${units}&compare=conv3:175,conv1:3&comparing=each`);
    expect(columns().map((column) => column.getAttribute('aria-label'))).toEqual(['conv3:175', 'conv1:3']);
    await until(() => columns().every((column) => column.querySelectorAll('.nine canvas').length === 18));
    for (const fact of ['Maximum', 'Mean', 'Fires on', 'Best class', 'Selectivity'])
      for (const column of columns()) expect(column.textContent).toContain(fact);
    await until(() => columns().every((column) => !column.querySelector('.facts')!.textContent.includes('…')));
    const asked = host.log.filter(({ name }) => name === 'unit.reconstructions').map(({ args }) => args);
    expect(asked).toEqual([
      expect.objectContaining({ layer: 'conv3', unit: 175 }),
      expect.objectContaining({ layer: 'conv1', unit: 3 }),
    ]);
    press('Escape');
    await until(() => columns().length === 0 && document.activeElement?.id === 'unit-grid');
    expect(chosen()).toBe('conv3:175,conv1:3');
    press('C', { shiftKey: true });
    await until(() => columns().length === 2);
  });

  it('a column is removed; with one left there is nothing to compare', async () => {
    await open(`${units}&compare=conv3:175,conv3:1,conv1:3&comparing=all`);
    const remove = (): void => document.querySelector<HTMLElement>('article button[aria-label^="Remove"]')!.click();
    remove();
    await until(() => columns().length === 2);
    expect(location.hash).toContain('comparing=all');
    remove();
    await until(() => columns().length === 0);
    expect(chosen()).toBe('conv1:3');
    expect(location.hash).not.toContain('comparing');
  });

  it('a name goes to its unit, and a layer of the list leaves', async () => {
    await open(`${units}&compare=conv3:175,conv1:3&comparing=each`);
    columns()[1]!.querySelector<HTMLElement>('.to')!.click();
    await until(() => columns().length === 0 && document.body.textContent.includes('Unit 3'));
    expect([useSelection().layer?.id, useSelection().unit]).toEqual(['conv1', 3]);
    useCompare().open();
    await until(() => columns().length === 2);
    useSelection().setLayer('conv3');
    await until(() => columns().length === 0);
  });

  it('says in each column what failed, and tries again', async () => {
    const options: FakeOptions = {
      failing: { 'unit.detail': { code: 'torn', message: 'The file is torn.', hint: 'Scan again.' } },
    };
    await open(`${units}&compare=conv3:175,conv1:3&comparing=each`, options);
    await until(() => columns().every((column) => column.textContent.includes('The file is torn.')));
    options.failing = {};
    for (const column of columns()) column.querySelector<HTMLElement>('[role="alert"] button')!.click();
    await until(() => columns().every((column) => column.querySelectorAll('.nine canvas').length === 18));
  });

  it('says of a layer that is refused why it has no reconstructions, and shows its patches', async () => {
    await open(`${units}&compare=gate:16,conv3:175&comparing=each`);
    const [gate] = columns() as [HTMLElement];
    await until(() => gate.querySelectorAll('.nine canvas').length === 9);
    expect(gate.textContent).toContain('No reconstructions here: MatMul "gate" cannot be walked back');
    expect(gate.querySelectorAll('.nine')).toHaveLength(1);
    await until(() => host.log.some(({ name }) => name === 'unit.reconstructions'));
    const asked = host.log.filter(({ name }) => name === 'unit.reconstructions').map(({ args }) => args);
    expect(asked).toEqual([expect.objectContaining({ layer: 'conv3' })]);
  });

  it('says of a silent unit that nothing excites it, and asks for no tile of it', async () => {
    const silent = Array.from({ length: 4096 }, (_, unit) => unit).find((unit) => activationOf('conv3', unit) === 0)!;
    await open(`${units}&compare=conv3:${silent},conv3:175&comparing=all`);
    const [mute, loud] = columns() as [HTMLElement, HTMLElement];
    await until(() => loud.querySelectorAll('.nine canvas').length === 18);
    expect(mute.textContent).toContain('This unit is silent');
    expect(mute.querySelector('.nine')).toBeNull();
    const facts = [...mute.querySelectorAll('.fact dd')].map((each) => each.textContent);
    expect(facts).toEqual(['0', '0', '0\u202f%', '–', '–']);
    const asked = host.log.filter(({ name }) => /^unit\.(patches|reconstructions)$/.test(name));
    expect(asked.filter(({ args }) => (args as { unit: number }).unit === silent)).toEqual([]);
  });

  it('takes a near unit by Alt-click on its tile, lets it go so, too, and goes there without Alt', async () => {
    await open(units);
    await until(() => document.querySelectorAll('.strip .add').length > 0);
    const tile = (): HTMLElement => document.querySelector<HTMLElement>('.strip li:has(.add) .tile')!;
    const click = (more: MouseEventInit = {}): boolean =>
      tile().dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, ...more }));
    const near = document.querySelector('.strip li:has(.add) .truncate')!.textContent;
    click({ altKey: true });
    expect([chosen(), useSelection().unit]).toEqual([`conv3:${near}`, 175]);
    click({ altKey: true });
    expect(chosen()).toBe('');
    click();
    await until(() => useSelection().unit === Number(near));
    expect(chosen()).toBe('');
  });

  it('takes a near unit by its button, which the keyboard reaches and which says whether it is chosen', async () => {
    await open(units);
    await until(() => document.querySelectorAll('.strip .add').length > 0);
    const button = document.querySelector<HTMLButtonElement>('.strip .add')!;
    expect([button.tabIndex, button.getAttribute('aria-pressed')]).toEqual([0, 'false']);
    button.click();
    await until(() => button.getAttribute('aria-pressed') === 'true');
    expect(button.getAttribute('aria-label')).toContain(chosen().split(':')[1]);
    button.click();
    await until(() => button.getAttribute('aria-pressed') === 'false');
    expect(chosen()).toBe('');
  });

  it('opens by a link, in the order and on the scale that the link names, and by no more than six', async () => {
    const seven = [175, 3, 9, 1, 4, 8, 2].map((unit) => `conv3:${unit}`);
    await open('#/home', {});
    host.emitHost('open.link', { hash: `${units}&compare=${seven.join()}&comparing=all` });
    await until(() => columns().length === 6);
    expect(columns().map((column) => column.getAttribute('aria-label'))).toEqual(seven.slice(0, 6));
    expect(useCompare().scale).toBe('all');
  });
});

// @vitest-environment happy-dom
import { flushPromises, mount, type VueWrapper } from '@vue/test-utils';
import { createPinia } from 'pinia';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import App from '../../renderer/App.vue';
import { setHost } from '../../renderer/host/host';
import { useFilters } from '../../renderer/stores/filters';
import { usePicture } from '../../renderer/stores/picture';
import { fakeHost, type FakeHost, type FakeOptions } from './fake-host';
import { fakeStudy } from './fake-data';

vi.mock('vue-echarts', () => ({ default: { template: '<i class="chart" />' } }));

const units = '#/units?study=%2Fstudies%2Fgrocery&layer=conv3&unit=175';
let host: FakeHost;
let wrapper: VueWrapper;

async function open(options: FakeOptions = {}, hash = units, change?: (host: FakeHost) => void): Promise<void> {
  location.hash = hash;
  host = fakeHost(options);
  change?.(host);
  setHost(host);
  wrapper = mount(App, { attachTo: document.body, global: { plugins: [createPinia()] } });
  await until(() => text().includes('Unit 175') || text().includes('Unit 3'));
}
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 400 && !condition(); turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(condition()).toBe(true);
}
const text = (): string => document.body.textContent;
const asked = (name: string) => host.log.filter((call) => call.name === name);
const buttons = (words: string) => [...document.querySelectorAll('button')].filter((each) => each.textContent.includes(words)); // prettier-ignore
const nameOf = (each: Element): string => each.getAttribute('aria-label') ?? '';
const labelled = (start: string) => [...document.querySelectorAll<HTMLElement>('[aria-label]')].filter((each) => nameOf(each).startsWith(start)); // prettier-ignore
const press = (key: string, more: KeyboardEventInit = {}): unknown =>
  (document.querySelector('.body') ?? document.body).dispatchEvent(
    new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }),
  );

beforeEach(() => localStorage.clear());
afterEach(() => wrapper.unmount());

describe('the pane of a unit', () => {
  it('shows what it answers to at quantiles, after its strongest', async () => {
    await open();
    await until(() => asked('unit.reconstructions').length === 2);
    const order = host.log.map(({ name }) => name);
    expect(order.indexOf('unit.spread')).toBeGreaterThan(order.indexOf('unit.reconstructions'));
    expect(asked('unit.patches').map(({ args }) => (args as { of?: string }).of ?? 'top')).toEqual(['top', 'spread']);
    await until(() => labelled('Patch at the quantile').length === 8);
    expect(text()).toContain('quantiles of 512 pictures');
  });

  it('asks for nothing that is folded away, and remembers what is', async () => {
    await open();
    await until(() => labelled('Patch at the quantile').length === 8);
    const [toggle] = buttons('Across its activations');
    toggle!.click();
    await flushPromises();
    expect([toggle!.getAttribute('aria-expanded'), labelled('Patch at the quantile').length]).toEqual(['false', 0]);
    wrapper.unmount();
    await open();
    await until(() => asked('unit.classes').length > 0);
    await until(() => asked('unit.similar').length > 0);
    expect(asked('unit.spread')).toEqual([]);
  });

  it('has the classes by their means, twelve at first', async () => {
    const classes = Array.from({ length: 30 }, (_, i) => `class ${i}`);
    await open({ study: { pictures: { ...fakeStudy.pictures, classes } } });
    const rows = () => [...document.querySelectorAll('.track[role="img"]')];
    await until(() => rows().length === 12);
    expect(nameOf(rows()[0]!)).toMatch(/^class \d+: mean \S+; from 0 to .* pictures of the sample\)$/);
    buttons('All 30 classes')[0]!.click();
    await until(() => rows().length === 30);
  });

  it('goes to the nearest units', async () => {
    await open();
    await until(() => labelled('Unit').some((each) => nameOf(each).includes('correlation')));
    const near = labelled('Unit').filter((each) => nameOf(each).includes('correlation of the activations'));
    expect(near).toHaveLength(8);
    const values = near.map((each) => Number(/ (\S+)$/.exec(nameOf(each))![1]));
    expect(values).toEqual([...values].sort((a, b) => b - a));
    near[2]!.click();
    await until(() => location.hash.includes(`unit=${/^Unit (\d+)/.exec(nameOf(near[2]!))![1]}`));
  });

  it('shows all that a study keeps, and says how to have more', async () => {
    await open({ study: { settings: { ...fakeStudy.settings, k: 25 } } });
    await until(() => buttons('All 25').length > 0);
    buttons('All 25')[0]!.click();
    await until(() => document.querySelectorAll('.nine .tile').length === 50);
    await until(() => text().includes('The study keeps the 25 strongest of each unit.'));
    buttons('Study with more')[0]!.click();
    await until(
      () => location.hash.startsWith('#/create') && location.hash.includes('model=%2Fmodels%2Fsqueezenet1.0.onnx'),
    );
  });

  it('says what a study of an earlier program has not, and scans it again', async () => {
    await open({ noSample: true });
    await until(() => text().includes('kept no sample of the pictures'));
    await until(() => text().includes('strongest pictures in common'));
    buttons('Scan again')[0]!.click();
    await until(() => asked('scan.again').length === 1);
  });

  it('has the filter of a unit that reads the picture, and leads to it', async () => {
    await open({}, '#/units?study=%2Fstudies%2Fgrocery&layer=conv1&unit=3');
    await until(() => labelled('Show it among the filters').length === 1);
    labelled('Show it among the filters')[0]!.click();
    await until(() => location.hash.startsWith('#/filters') && location.hash.includes('filter=3'));
  });
});

it('from a picture that was handed over, the arrows go on at the last one of the study', async () => {
  await open();
  location.hash = '#/picture?study=%2Fstudies%2Fgrocery&picture=7';
  await until(() => usePicture().source === 7);
  location.hash = `#/picture?study=%2Fstudies%2Fgrocery&picture=${'ab'.repeat(16)}`;
  await until(() => usePicture().source === 'ab'.repeat(16));
  usePicture().step(1);
  expect(usePicture().source).toBe(8);
});

it('filters of two networks are on one scale where they have one shape, else each network on its own', async () => {
  await open();
  location.hash = '#/filters?study=%2Fstudies%2Fgrocery&layer=conv1';
  await until(() => useFilters().own.table !== null);
  const filters = useFilters();
  const table = filters.own.table!;
  filters.other.table = { ...table, peak: 3 * table.peak };
  expect([filters.peakOf(table), filters.peakOf(filters.other.table)]).toEqual([3 * table.peak, 3 * table.peak]);
  filters.other.table = { ...table, peak: 3 * table.peak, kernel: [table.kernel[0] + 2, table.kernel[1]] };
  expect([filters.peakOf(table), filters.peakOf(filters.other.table)]).toEqual([table.peak, 3 * table.peak]);
});

describe('the close look', () => {
  const inside = (): string => document.querySelector('[role="dialog"]')?.textContent ?? '';

  it('steps through the ranks by arrow keys, reads pixels, and changes what it shows', async () => {
    await open();
    await until(() => document.querySelectorAll('.nine canvas').length === 18);
    press('Enter');
    await until(() => inside().includes('1 of 9'));
    press('ArrowRight');
    await until(() => inside().includes('2 of 9'));
    press('ArrowDown');
    await until(() => inside().includes('3 of 9'));
    press('ArrowLeft');
    await until(() => inside().includes('2 of 9'));
    await until(() => asked('unit.patches').some(({ args }) => (args as { rank?: number }).rank === 1));
    // The first px is the middle one; where the field begins stands among the facts.
    const [, top, left] = /from (\S+), (\d+|−\d+)/.exec(inside())!.map((word) => Number(word.replace('−', '-')));
    const input = (): number[] => /Input\s*(\S+), (\d+|−\d+)/.exec(inside())?.slice(1).map((word) => Number(word.replace('−', '-'))) ?? []; // prettier-ignore
    press('ArrowRight', { shiftKey: true });
    await until(() => input().join() === [top! + 49, left! + 49].join());
    press('ArrowUp', { shiftKey: true });
    await until(() => input().join() === [top! + 48, left! + 49].join());
    press('ArrowRight', { shiftKey: true });
    await until(() => input().join() === [top! + 48, left! + 50].join());
    press('5');
    await until(() => inside().includes('As the network saw it'));
    press('4');
    await until(() => labelled('Share of the reconstruction').length === 1);
  });

  it('shows the entries of the spread as well', async () => {
    await open();
    await until(() => labelled('Patch at the quantile').length === 8);
    labelled('Patch at the quantile')[5]!.click();
    await until(() => inside().includes('6 of 8') && inside().includes('Quantile'));
  });

  it('keeps contrast and scale for each study', async () => {
    await open();
    await until(() => buttons('Each').length > 0);
    buttons('Each')[0]!.click();
    await until(() => localStorage.getItem('unpool.scale@0123456789abcdef') === '"own"');
    // What an earlier test changed may be written meanwhile, too: a slider's rest is waited for.
    const written = () => asked('look.write').map(({ args }) => args as { key: string });
    const key = 'scale@0123456789abcdef';
    await until(() => written().some((args) => args.key === key));
    expect(written().filter((args) => args.key === key)).toEqual([{ key, value: 'own' }]);
    wrapper.unmount();
    const other = { study: { id: 'fedcba9876543210' } };
    await open(other);
    await until(() => buttons('One scale')[0]?.dataset['state'] === 'on');
    wrapper.unmount();
    await open({});
    await until(() => buttons('Each')[0]?.dataset['state'] === 'on');
  });
});

// @vitest-environment happy-dom
import { flushPromises, mount, type VueWrapper } from '@vue/test-utils';
import { createPinia, setActivePinia } from 'pinia';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FigureSpec } from '../../main/core/figures/spec';
import App from '../../renderer/App.vue';
import { setHost } from '../../renderer/host/host';
import { useFigure } from '../../renderer/stores/figure';
import { useLook } from '../../renderer/stores/look';
import { figureOfUnits } from '../../renderer/features/figure/ofUnits';
import { useNotes } from '../../renderer/stores/notes';
import { fakeLayers } from './fake-data';
import { fakeHost, type FakeHost, type FakeOptions } from './fake-host';

// ECharts wants a real canvas.
vi.mock('vue-echarts', () => ({ default: { template: '<i class="chart" />' } }));

let host: FakeHost;
let wrapper: VueWrapper | null = null;

/** The figure view of the fake study. */
async function open(options: FakeOptions = {}): Promise<void> {
  host = fakeHost(options);
  setHost(host);
  const pinia = createPinia();
  setActivePinia(pinia);
  location.hash = '#/figure?study=%2Fstudies%2Fgrocery&layer=conv3&unit=175';
  wrapper = mount(App, { global: { plugins: [pinia] }, attachTo: document.body });
  await settle();
}
async function settle(): Promise<void> {
  for (let i = 0; i < 4; i++) {
    await flushPromises();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
const until = async (what: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(what()).toBe(true), { timeout: 8000 });
const press = (key: string, more: KeyboardEventInit = {}): void =>
  void document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }));
const rows = (): string[] => wrapper!.findAll('.row .what').map((row) => row.attributes('aria-label')!);
const saved = (): FigureSpec[] =>
  host.log.flatMap(({ name, args }) => (name === 'figure.save' ? [(args as { spec: FigureSpec }).spec] : []));
async function type(text: string): Promise<void> {
  await wrapper!.find('form.add input').setValue(text);
  await wrapper!.find('form.add').trigger('submit');
  await settle();
}

beforeEach(() => localStorage.clear());
afterEach(() => {
  wrapper?.unmount();
  wrapper = null;
  document.body.replaceChildren();
});

describe('a figure of units from elsewhere', () => {
  const figures = (): unknown => useFigure().spec.rows.map(({ layer, units }) => [layer, units]);

  it('is a new one, in the order of the network, and is shown', async () => {
    await open();
    await type('conv3:1');
    await until(() => saved().length > 0);
    const [first, second] = fakeLayers.filter(({ scanned }) => scanned);
    await figureOfUnits([
      { layer: second!.id, unit: 5 },
      { layer: first!.id, unit: 7 },
      { layer: second!.id, unit: 2 },
      { layer: 'gone', unit: 0 },
    ]);
    expect(figures()).toEqual([
      [first!.id, [7]],
      [second!.id, [5]],
      [second!.id, [2]],
    ]);
    expect(useFigure().spec).toMatchObject({ page: 'double', language: 'en' });
    expect(location.hash).toMatch(/^#\/figure/);
    await until(() => saved().at(-1)!.rows.length === 3);
    await until(() => useFigure().list?.length === 2);
  });

  it('takes the pinned ones, or says that there are none', async () => {
    await open();
    press('S', { shiftKey: true });
    await until(() => wrapper!.text().includes('No unit is pinned'));
    expect(figures()).toEqual([]);
    await until(() => useNotes().owner !== null);
    const [layer] = fakeLayers.filter(({ scanned }) => scanned);
    useNotes().togglePin(layer!.id, 3);
    await settle();
    await wrapper!
      .findAll('button')
      .find((button) => button.text() === '1 pinned unit')!
      .trigger('click');
    await until(() => rows().length === 1);
    expect(figures()).toEqual([[layer!.id, [3]]]);
  });
});

describe('composing a figure', () => {
  it('begins empty and says how to begin', async () => {
    await open();
    expect(wrapper!.text()).toContain('Compose a figure');
    expect(rows()).toEqual([]);
  });

  it('adds what is typed, draws the page, and keeps it with the study', async () => {
    await open();
    await type('conv3:175, 3 fc:*4');
    expect(rows()).toEqual(['(a) conv3, unit 175', '(b) conv3, unit 3', '(c) fc, 4 strongest units']);
    await until(() => wrapper!.find('img.paper').exists());
    await until(() => saved().length > 0);
    expect(
      saved()
        .at(-1)!
        .rows.map(({ units }) => units),
    ).toEqual([[175], [3], { first: 4, by: 'activation' }]);
    const drawn = host.log.filter(({ name }) => name === 'figure.preview').at(-1)!.args as { spec: FigureSpec };
    expect(drawn.spec).toEqual(saved().at(-1));
    await until(() => useFigure().id === 'figure-1'); // the answer to saving
  });

  it('says what it does not understand', async () => {
    await open();
    await type('conv9:1');
    expect(wrapper!.find('form.add [role=alert]').text()).toMatch(/There is no layer “conv9”\. There are: .*conv3/);
    await type('conv3:9999');
    expect(wrapper!.find('form.add [role=alert]').text()).toMatch(/“9999” is not among the 4,096 units of conv3/);
    expect(saved()).toEqual([]);
  });

  it('rows are moved and removed by keys, and all of it is undone and done again', async () => {
    await open();
    await type('conv3:1,2,3');
    press('ArrowUp');
    press('ArrowUp');
    press('ArrowDown', { altKey: true });
    await settle();
    expect(rows().map((row) => row.at(-1))).toEqual(['2', '1', '3']);
    press('Delete');
    await settle();
    expect(rows().map((row) => row.at(-1))).toEqual(['2', '3']);
    press('z', { ctrlKey: true });
    press('z', { ctrlKey: true });
    await settle();
    expect(rows().map((row) => row.at(-1))).toEqual(['1', '2', '3']);
    press('y', { ctrlKey: true });
    await settle();
    expect(rows().map((row) => row.at(-1))).toEqual(['2', '1', '3']);
  });

  it('what is edited goes to its own figure, though another is opened before it is written', async () => {
    await open();
    const figure = useFigure();
    await type('conv3:1');
    figure.create();
    figure.edit({ name: 'second' });
    figure.flush();
    figure.open('figure-1');
    await until(() => saved().length === 2);
    const calls = host.log
      .filter(({ name }) => name === 'figure.save')
      .map(({ args }) => args as { id: string; spec: FigureSpec });
    expect(calls.map(({ id, spec }) => [id, spec.name, spec.rows.length])).toEqual([
      ['', '', 1],
      ['', 'second', 0],
    ]);
  });

  it('a figure that is deleted can be brought back', async () => {
    await open();
    const figure = useFigure();
    await type('conv3:1');
    await until(() => figure.id !== '');
    const { id } = figure;
    await figure.remove();
    expect([figure.id, figure.spec.rows.length]).toEqual(['', 0]);
    figure.bringBack();
    expect([figure.id, figure.spec.rows.length]).toEqual([id, 1]);
    await until(() => saved().length === 2);
  });

  it('Undo in the message brings it back, too, though another was deleted since', async () => {
    await open();
    const figure = useFigure();
    for (const unit of [1, 2]) {
      figure.create();
      await type(`conv3:${unit}`);
      await until(() => figure.id === `figure-${unit}`);
    }
    await figure.remove();
    await figure.remove();
    await settle();
    const undo = [...document.querySelectorAll('button')].filter((button) => button.textContent.trim() === 'Undo');
    expect(undo).toHaveLength(2);
    undo[0]!.click();
    await settle();
    expect([figure.id, figure.spec.rows[0]!.units]).toEqual(['figure-2', [2]]);
  });

  it('an empty field leaves size and gaps to the page; what is no such number is marked and not taken', async () => {
    await open();
    const figure = useFigure();
    await type('conv3:1');
    const field = (label: string) => wrapper!.find<HTMLInputElement>(`.options input[aria-label="${label}"]`);
    const size = field('Type size, pt');
    expect([size.element.value, size.attributes('placeholder')]).toEqual(['', '7']);
    await size.setValue('9');
    expect([figure.spec.font.size, size.attributes('aria-invalid')]).toEqual([9, 'false']);
    await size.setValue('900');
    expect([figure.spec.font.size, size.attributes('aria-invalid')]).toEqual([9, 'true']);
    await size.setValue('');
    expect([figure.spec.font, size.attributes('aria-invalid')]).toEqual([{ family: 'sans' }, 'false']);
    await field('Margin').setValue('3,5');
    expect(figure.spec.gaps).toEqual({ margin: 3.5 });
    await field('Margin').setValue('');
    expect(figure.spec.gaps).toEqual({});
  });

  it('says why the page cannot be drawn', async () => {
    await open({
      failing: {
        'figure.preview': { code: 'pictures-missing', message: 'The folder is not there.', hint: 'Put it back.' },
      },
    });
    await type('conv3:1');
    await until(() => wrapper!.find('.stage [role=alert]').exists());
    expect(wrapper!.find('.stage [role=alert]').text()).toContain('Put it back.');
  });

  it('a key in Units adds the unit on the screen, once', async () => {
    await open();
    location.hash = '#/units?study=%2Fstudies%2Fgrocery&layer=conv3&unit=175';
    dispatchEvent(new Event('hashchange'));
    await until(() => document.body.textContent.includes('Unit 175'));
    press('f');
    await until(() => document.body.textContent.includes('conv3:175 added to'));
    press('f');
    await until(() => document.body.textContent.includes('conv3:175 is in the figure already.'));
    expect(useFigure().spec.rows.map(({ units }) => units)).toEqual([[175]]);
  });

  it('a figure is saved as a file and copied', async () => {
    await open();
    await type('conv3:1');
    press('s', { ctrlKey: true });
    await settle();
    expect(host.log.filter(({ name }) => name === 'figure.make').map(({ args }) => args)).toMatchObject([
      { kind: 'pdf', dpi: 300 },
    ]);
    expect(document.body.textContent).toMatch(/Saved as .*\.pdf/);
    press('c');
    await settle();
    expect(document.body.textContent).toContain('Copied.');
    // The kind of file that was chosen last is there the next time.
    const look = useLook();
    [look.exportKind, look.exportDpi] = ['png', 600];
    await settle();
    expect(['exportKind', 'exportDpi'].map((key) => localStorage.getItem(`unpool.${key}`))).toEqual(['"png"', '600']);
  });
});

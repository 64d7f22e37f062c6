// @vitest-environment happy-dom
import { flushPromises, mount, type VueWrapper } from '@vue/test-utils';
import { createPinia } from 'pinia';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MenuModel } from '../../preload/contract';
import App from '../../renderer/App.vue';
import { setHost } from '../../renderer/host/host';
import { language } from '../../renderer/i18n';
import { appCommands } from '../../renderer/features/shell/commands';
import { acceleratorOf, type Shortcut } from '../../renderer/lib/keys';
import { search } from '../../renderer/lib/palette';
import { useCompare } from '../../renderer/stores/compare';
import { views } from '../../renderer/views';
import { fakeHost, type FakeHost, type FakeOptions } from './fake-host';
import { fakeLayers, fakeStudy } from './fake-data';

vi.mock('vue-echarts', () => ({ default: { template: '<i class="chart" />' } }));

const units = '#/units?study=%2Fstudies%2Fgrocery&layer=conv3&unit=175';
let host: FakeHost;
let wrapper: VueWrapper | null = null;
let menu: MenuModel | null = null;
let trashed: string[] = [];

async function open(hash: string, options: FakeOptions = {}): Promise<void> {
  location.hash = hash;
  host = fakeHost(options);
  host.setMenu = async (model) => void (menu = model);
  host.trash = async (path) => void trashed.push(path);
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
const called = (name: string) => host.log.filter((call) => call.name === name);

async function ask(typed: string): Promise<void> {
  press('k', { ctrlKey: true });
  await until(() => document.querySelector('[role="combobox"]') !== null);
  const field = document.querySelector<HTMLInputElement>('[role="combobox"]')!;
  field.value = typed;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  await flushPromises();
  field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
  await until(() => document.querySelector('[role="combobox"]') === null);
}

beforeEach(() => {
  localStorage.clear();
  menu = null;
  trashed = [];
});
afterEach(() => {
  wrapper?.unmount();
  wrapper = null;
  language.value = 'en';
});

describe('the palette', () => {
  const commands = [
    { id: 'theme', keys: ['t'], label: 'Light or dark', group: 'Window', run: () => undefined },
    { keys: ['ArrowLeft'], label: 'Unit to the left', group: 'Units', run: () => undefined },
    { id: 'conv', keys: [], label: 'Convert the model', group: 'File', run: () => undefined },
  ];
  const places = { layers: fakeLayers, labels: fakeStudy.labels, current: 'conv3' };
  const said = (typed: string): string[] =>
    search(typed, { commands, places }).map((entry) =>
      entry.kind === 'place' ? entry.place.title : entry.kind === 'command' ? entry.command.label : entry.hash,
    );

  it('holds layers, units, classes and the commands that have a name', () => {
    expect(said('conv').slice(0, 3)).toEqual(['conv1', 'conv3', 'Convert the model']);
    expect(said('conv3 175')[0]).toBe('conv3 175');
    expect(said('hammer')[0]).toBe('fc 2');
    expect(said('dark')).toEqual(['Light or dark']);
    expect(said('left')).toEqual([]);
    expect(said('')).toEqual(['Light or dark', 'Convert the model']);
    expect(said('> conv')).toEqual(['Convert the model']);
  });

  it('follows a link that is pasted, and takes no other', () => {
    expect(said('unpool://units?study=%2Fs&unit=3')).toEqual(['#/units?study=%2Fs&unit=3']);
    expect(said('http://127.0.0.1:4321/#/units?study=%2Fs')).toEqual(['#/units?study=%2Fs']);
    expect(said('https://example.org/#/units?study=%2Fs')).toEqual([]);
    expect(said('unpool://create?model=%2Fm')).toEqual([]);
  });

  it('does a command', async () => {
    await open(units);
    await until(() => text().includes('Unit 175'));
    await ask('settings');
    await until(() => text().includes('As the system (English)'));
  });
});

describe('the way of the window', () => {
  it('goes back to what was looked at, not through every key press', async () => {
    await open(units);
    await until(() => text().includes('Unit 175'));
    const length = history.length;
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 5000);
    press(']');
    await until(() => location.hash.includes('layer=gate'));
    const after = history.length;
    expect(after).toBe(length + 1);
    press('ArrowRight');
    press('ArrowRight');
    await flushPromises();
    expect(history.length).toBe(after);
    vi.restoreAllMocks();
  });

  it('finds the study of a link by its id where it lies elsewhere', async () => {
    await open('#/units?study=%2Felsewhere&id=0123456789abcdef');
    await until(() => called('study.find').length > 0 && called('study.open').length > 0);
    expect(called('study.find')[0]?.args).toEqual({ path: '/elsewhere', id: '0123456789abcdef' });
    await until(() => location.hash.includes('id=0123456789abcdef'));
    // Open, and its unit written down: what this window still wrote would move the next one.
    await until(() => text().includes('Demo: drawn shapes') && location.hash.includes('unit='));
  });

  it('follows a link that the system hands over', async () => {
    await open('#/home');
    await until(() => text().includes('Recent studies'));
    host.emitHost('open.link', { hash: units });
    await until(() => text().includes('Unit 175'));
  });

  it('copies a link to what is on the screen', async () => {
    await open(units);
    await until(() => text().includes('Unit 175') && location.hash.includes('id='));
    const written: string[] = [];
    vi.stubGlobal('navigator', {
      ...navigator,
      clipboard: { writeText: async (link: string) => void written.push(link) },
    });
    press('C', { ctrlKey: true, shiftKey: true });
    await until(() => written.length === 1);
    vi.unstubAllGlobals();
    expect(written[0]).toMatch(/^unpool:\/\/units\?study=%2Fstudies%2Fgrocery&layer=conv3&unit=175&id=/);
    await until(() => text().includes('The link is copied'));
  });
});

describe('the keys', () => {
  const taken = (shortcuts: readonly Shortcut[]): string[] =>
    shortcuts.filter(({ listed }) => !listed).flatMap(({ keys }) => keys.map((key) => key.toLowerCase()));

  it.each(views.map(({ id }) => id))('of %s and of the window do each one thing', async (id) => {
    await open(units);
    const keys = taken([...views.find((view) => view.id === id)!.shortcuts(), ...appCommands()]);
    expect(keys.filter((key, place) => keys.indexOf(key) !== place)).toEqual([]);
    useCompare().add([
      { layer: 'conv3', unit: 1 },
      { layer: 'conv3', unit: 2 },
    ]);
    useCompare().open();
    const compared = taken([...views.find((view) => view.id === id)!.shortcuts(), ...appCommands()]);
    expect(compared.filter((key, place) => compared.indexOf(key) !== place)).toEqual([]);
  });

  it('of the graph are in the sheet while the graph is shown, and are its own', async () => {
    await open(units);
    const sheet = async (): Promise<string[]> => {
      press('?');
      await until(() => document.querySelector('[role="dialog"] .row') !== null);
      const groups = [...document.querySelectorAll('[role="dialog"] h3')].map((each) => each.textContent);
      const close = document.querySelector<HTMLElement>('[role="dialog"] button[aria-label="Close"]')!;
      close.click();
      await until(() => document.querySelector('[role="dialog"]') === null);
      return groups;
    };
    expect(await sheet()).not.toContain('Graph, with the focus');
    press('l');
    await until(() => document.querySelector('.network') !== null);
    expect(await sheet()).toContain('Graph, with the focus');
    // Outside of the graph an arrow goes to another unit.
    press('ArrowRight');
    await until(() => !location.hash.includes('unit=175'));
  });
});

describe('the rules of the way back', () => {
  it('are asked for in the palette, for the model of the study and by the method on the screen', async () => {
    await open(`${units}&method=guided`);
    await ask('rules');
    await until(() => called('model.audit').length > 0);
    expect(called('model.audit').at(-1)?.args).toMatchObject({
      path: '/models/squeezenet1.0.onnx',
      method: { id: 'guided' },
    });
    await until(() => text().includes('The way back through squeezenet1.0.onnx'));
  });
});

describe('files that have moved', () => {
  const gone = {
    model: { ...fakeStudy.model, missing: true },
    pictures: { ...fakeStudy.pictures, missing: true },
  };
  const banner = (): HTMLElement | null => document.querySelector<HTMLElement>('.banner');
  const button = (name: string): HTMLElement =>
    [...banner()!.querySelectorAll('button')].find((each) => each.textContent.trim() === name)!;

  it('are asked for in a banner; another file is said to be another, and the right one is gone on with', async () => {
    const options: FakeOptions = { study: gone };
    await open(units, options);
    await until(() => banner()?.textContent.includes('/models/squeezenet1.0.onnx') === true);
    expect(banner()!.textContent).toContain('/photos/grocery');
    host.pickModel = async () => '/models/other.onnx';
    host.pickFolder = async () => '/photos2';
    options.failing = { 'study.relocate': { code: 'other-model', message: 'It is not the model.' } };
    button('Find the model').click();
    await until(() => document.querySelector('.notices')?.textContent.includes('It is not the model.') === true);
    options.failing = {};
    const asked = called('layer.table').length;
    button('Find the pictures').click();
    await until(() => called('study.relocate').length === 2);
    expect(called('study.relocate').map(({ args }) => args)).toEqual([
      { study: '/studies/grocery', model: '/models/other.onnx' },
      { study: '/studies/grocery', pictures: '/photos2' },
    ]);
    // What failed without the files is asked for again, and the failure is not said any longer.
    await until(() => called('layer.table').length > asked);
    expect(document.querySelector('.notices')!.textContent).not.toContain('It is not the model.');
    await until(() => document.querySelectorAll('[role="gridcell"], .tile').length > 0);
  });

  it('are not asked for where none is missing, nor at home', async () => {
    await open(units);
    expect(banner()).toBeNull();
    wrapper!.unmount();
    await open('#/home', { study: gone });
    expect(banner()).toBeNull();
  });

  it('a study: its row asks where it is now', async () => {
    await open('#/home');
    await until(() => document.querySelector('.row.missing') !== null);
    host.pickFolder = async () => '/studies/moved';
    document.querySelector<HTMLElement>('.row.missing')!.click();
    await until(() => location.hash.includes('study=%2Fstudies%2Fmoved'));
  });
});

describe('the native menu', () => {
  it('is made of the window’s commands, with a line for each view, and speaks its language', async () => {
    await open(units);
    await until(() => (menu?.items ?? []).some(({ id }) => id === 'view.units'));
    for (const { id } of views)
      expect(menu!.items).toContainEqual(expect.objectContaining({ id: `view.${id}`, menu: 'go' }));
    expect(menu!.items).toContainEqual({ id: 'new', menu: 'file', label: 'New study', accelerator: 'CmdOrCtrl+N' });
    language.value = 'ru';
    await until(() => menu!.titles.file === 'Файл');
    expect(menu!.items.find(({ id }) => id === 'new')?.label).toBe('Новое исследование');
  });

  it('takes no bare letters from fields', () => {
    expect(acceleratorOf(['/'])).toBeNull();
    expect(acceleratorOf(['h', 'Mod+Shift+h'])).toBe('CmdOrCtrl+Shift+H');
    expect(acceleratorOf(['Alt+ArrowLeft', 'Mod+['])).toBe('Alt+Left');
  });
});

describe('studies', () => {
  const item = (name: string): HTMLElement =>
    [...document.querySelectorAll<HTMLElement>('.item')].find((each) => each.textContent.includes(name))!;
  async function choose(study: string, action: string): Promise<void> {
    await open('#/home');
    await until(() => text().includes(study));
    item(study).dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true }));
    const entry = (): HTMLElement | undefined =>
      [...document.querySelectorAll<HTMLElement>('[role="menuitem"]')].find(
        (each) => each.textContent.trim() === action,
      );
    await until(() => entry() !== undefined);
    entry()!.click();
    await flushPromises();
  }

  it('show a strip of what excites them', async () => {
    await open('#/home');
    await until(() => item('Grocery shelf')?.querySelectorAll('.strip canvas').length === 8);
    expect(item('VGG on street signs').querySelector('.strip')).toBeNull();
  });

  it('are renamed', async () => {
    await choose('Grocery shelf', 'Rename');
    await until(() => document.querySelector('[role="dialog"] input') !== null);
    const field = document.querySelector<HTMLInputElement>('[role="dialog"] input')!;
    await until(() => field.value === 'Grocery shelf');
    field.value = 'Shelf two';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    await flushPromises();
    document.querySelector('[role="dialog"] form')!.dispatchEvent(new Event('submit', { cancelable: true }));
    await until(() => called('study.rename').length === 1);
    expect(called('study.rename')[0]?.args).toEqual({ study: '/studies/grocery', name: 'Shelf two' });
  });

  it('are deleted, and come back by Undo', async () => {
    await choose('Grocery shelf', 'Delete');
    await until(() => text().includes('was moved to the trash'));
    [...document.querySelectorAll('button')].find((button) => button.textContent.trim() === 'Undo')!.click();
    await until(() => called('study.restore').length === 1);
    expect(called('study.restore')[0]?.args).toEqual({
      trash: '/home/ada/trash/1/studies/grocery',
      study: '/studies/grocery',
    });
    expect(trashed).toEqual([]);
  });

  it('go on to the system’s trash where Undo was not asked for', async () => {
    await choose('Grocery shelf', 'Delete');
    await until(() => text().includes('was moved to the trash'));
    document.querySelector<HTMLElement>('.notice [aria-label="Close"]')!.click();
    await until(() => trashed.length === 1);
    expect(trashed).toEqual(['/home/ada/trash/1/studies/grocery']);
  });

  it('are made again with another preprocessing, from what they have', async () => {
    await choose('Grocery shelf', 'Duplicate with another preprocessing');
    await until(() => location.hash.startsWith('#/create') && text().includes('Own numbers'));
    expect(called('model.inspect').at(-1)?.args).toMatchObject({ path: fakeStudy.model.path });
    expect(called('pictures.inspect').at(-1)?.args).toEqual({ path: fakeStudy.pictures.path });
  });
});

it('the language is chosen in the settings, at once', async () => {
  await open('#/home');
  await until(() => text().includes('Recent studies'));
  localStorage.setItem('unpool.language', '"ru"');
  wrapper!.unmount();
  await open('#/home');
  await until(() => text().includes('Недавние исследования'));
  expect(document.documentElement.lang).toBe('ru');
});

describe('a study that grows', () => {
  async function pictures(): Promise<void> {
    const chip = (): HTMLElement | undefined =>
      [...document.querySelectorAll<HTMLElement>('.chip')].find((each) => each.textContent.includes('pictures'));
    await until(() => chip() !== undefined);
    chip()!.click();
  }

  it.each([
    [0, 'Nothing new: the folder holds the pictures that were scanned.'],
    [1, '1 picture was added to the folder; only that one is scanned.'],
    [12, '12 pictures were added to the folder; only these are scanned.'],
  ])('%i added pictures: looks from the list of pictures and says what it found', async (added, said) => {
    await open(units, { added });
    await pictures();
    await until(() => document.querySelector('.grow') !== null);
    document.querySelector<HTMLElement>('.grow')!.click();
    await until(() => text().includes(said));
    expect(called('scan.grow').map(({ args }) => args)).toEqual([{ study: '/studies/grocery' }]);
  });

  it('is offered in the palette, and not while a scan runs, nor for the demo', async () => {
    await open(units, { added: 3 });
    await ask('scan added');
    await until(() => called('scan.grow').length === 1);
    for (const study of [{ demo: true }, { scan: { ...fakeStudy.scan, phase: 'running' as const } }]) {
      wrapper!.unmount();
      document.body.innerHTML = '';
      await open(units, { study });
      await pictures();
      await until(() => document.querySelector('.panel .rows') !== null);
      expect(document.querySelector('.grow')).toBe(null);
    }
  });
});

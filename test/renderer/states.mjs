// Every view and panel of the window in its states, on the fake host: what docs/screens shows.

const study = 'study=%2Fstudies%2Fgrocery';
const units = `#/units?${study}&layer=conv3&unit=175`;
const create = '#/create?model=%2Fmodels%2Fsqueezenet1.0.onnx&pictures=%2Fphotos%2Fgrocery';
const scan = { phase: 'running', done: 955, total: 1404, rate: 61.2, left: 7.3, broken: 3, error: null };
const broken = [
  { file: 'banana/banana_0044.jpg', reason: 'The file ends too early: the JPEG data are cut off.' },
  { file: 'lemon/notes.png', reason: 'This is a text file, not a PNG.' },
  { file: 'orange/huge.tif', reason: 'More pixels than 268 million: it was not decoded.' },
];
const error = {
  code: 'op-unknown',
  message: 'The network has a node that cannot be walked back: GridSample "warp".',
  hint: 'Choose a layer before it, or the gradient method.',
  place: { file: '/models/warped.onnx', node: 'warp' },
};
const newer = {
  code: 'study-newer',
  message: 'This study is of version 3; this program reads up to 1.',
  hint: 'Open it with a newer Unpool.',
  place: { file: '/studies/grocery/study.json' },
};
const gone = {
  code: 'file-enoent',
  message: 'Cannot read "/models/squeezenet1.0.onnx": it is not there.',
  hint: 'It may have been moved or deleted.',
  place: { file: '/models/squeezenet1.0.onnx' },
};
const none = { phase: 'none', done: 0, total: 1404, rate: 0, left: null, broken: 0, error: null };
const missing = {
  model: { path: '/models/squeezenet1.0.onnx', name: 'squeezenet1.0.onnx', sha256: 'a3f1'.repeat(16), missing: true },
};
const press = (key) => (page) => page.keyboard.press(key);
const click = (text) => (page) => page.getByText(text).first().click();

/** The page is drawn. */
async function settled(page) {
  await page.waitForTimeout(2500);
}
/** Six units of two layers in two columns. */
async function compose(page) {
  // The page of rows is the same in both languages.
  await page.locator('form.add input').fill('conv4:65,17,100 conv3:10,33,71');
  await page.locator('form.add input').press('Enter');
  await page.locator('.options .pick').nth(3).waitFor();
  await page.locator('img.paper').waitFor();
  await page.getByText(/^(Set it in two columns|Сверстать в две колонки)$/).click();
  await settled(page);
}

/**
 * name: where; how the host behaves; what to do then. `demo`: a view of the real engine's, on the demo. `large`: in the large window, too. `russian`: in that language.
 * @type {Record<string, { hash?: string, demo?: string, place?: string, options?: object, act?: (page: import('playwright-core').Page) => Promise<unknown>, large?: boolean, russian?: boolean }>}
 */
export const states = {
  units: { hash: units, large: true },
  'units-both': { hash: `${units}&show=both`, large: true },
  'units-reconstructions': { hash: `#/units?${study}&layer=conv1&show=reconstruction` },
  'units-classes': { hash: `#/units?${study}&layer=fc` },
  'units-refused': { hash: `#/units?${study}&layer=gate` },
  'units-silent': { hash: `#/units?${study}&layer=fire2%2Fexpand&unit=23&sort=index` },
  'units-empty': { hash: units, options: { study: { scan: none } } },
  'units-loading': { hash: units, options: { hanging: ['grid.tiles', 'unit.patches', 'unit.reconstructions'] } },
  'units-failed': { hash: units, options: { failing: { 'grid.tiles': error, 'unit.reconstructions': error } } },
  'units-scanning': { hash: units, options: { study: { scan, broken } } },
  'units-russian': { hash: units, russian: true },
  'units-broken': { hash: units, options: { study: { scan, broken } }, act: click('3 broken pictures') },
  'units-missing': { hash: units, options: { study: missing }, act: click('squeezenet1.0.onnx') },
  compare: {
    hash: units,
    large: true,
    act: async (page) => {
      for (const key of ['c', 'ArrowRight', 'c', 'ArrowRight', 'c', 'Shift+C']) await page.keyboard.press(key);
      await settled(page);
    },
  },
  'unit-picture': { hash: units, act: press('Enter'), large: true },
  'unit-picture-russian': { hash: units, act: press('Enter'), russian: true },
  'unit-overlay': {
    hash: units,
    act: async (page) => {
      for (const key of ['Enter', '4', '+', '+', '+', '+', 'Shift+ArrowRight']) await page.keyboard.press(key);
      await page.getByRole('dialog').getByText('Mean', { exact: true }).click();
    },
  },
  'unit-whole': { hash: units, act: (page) => press('Enter')(page).then(() => press('5')(page)) },
  'unit-many': {
    hash: units,
    options: { study: { settings: { k: 25, onePerPicture: true, before: false, batch: null } } },
    act: click('All 25'),
  },
  'unit-more': {
    hash: units,
    act: (page) => page.evaluate(() => document.querySelector('section[aria-label="Unit"]').scrollTo(0, 9999)),
  },
  'unit-earlier': { hash: units, options: { noSample: true } },
  'unit-filter': { hash: `#/units?${study}&layer=conv1&unit=3` },
  'unit-rules': { hash: units, act: click('4 nodes') },
  network: { hash: units, act: press('l'), large: true },
  'network-huge': {
    hash: `#/units?${study}&layer=mixed_4.join`,
    options: { huge: true },
    act: async (page) => {
      await page.keyboard.press('l');
      await page.getByRole('button', { name: 'Open all blocks' }).click();
    },
  },
  'network-loading': { hash: units, options: { hanging: ['model.graph'] }, act: press('l') },
  'network-failed': { hash: units, options: { failing: { 'model.graph': error } }, act: press('l') },
  'network-russian': { hash: units, act: press('l'), russian: true },
  notes: {
    hash: units,
    act: async (page) => {
      for (const [unit, words] of [
        [175, 'Round and yellow, at any size.'],
        [60, 'Stripes.'],
        [12, ''],
      ]) {
        await page.evaluate((to) => (location.hash = to), `#/units?${study}&layer=conv3&unit=${unit}`);
        await page.waitForTimeout(300);
        await page.keyboard.press('s');
        if (words) await page.locator('#unit-note').fill(words);
        if (words) await page.locator('#unit-tag').fill('shape');
        if (words) await page.locator('#unit-tag').press('Enter');
        await page.locator('body').click({ position: { x: 4, y: 400 } });
      }
      await page.getByRole('button', { name: /noted$/ }).click();
    },
  },
  'figure-empty': { hash: `#/figure?${study}` },
  figure: { demo: 'figure', large: true, act: compose },
  'figure-export': {
    demo: 'figure',
    act: async (page) => {
      await compose(page);
      await page.getByRole('button', { name: 'Export' }).click();
    },
  },
  'figure-russian': { demo: 'figure', russian: true, act: compose },
  'figure-failed': {
    hash: `#/figure?${study}`,
    options: { failing: { 'figure.preview': gone } },
    act: async (page) => {
      await page.locator('form.add input').fill('conv3:10,33,71');
      await page.locator('form.add input').press('Enter');
      await page.getByRole('alert').waitFor();
    },
  },
  picture: { demo: 'picture', large: true, act: settled },
  'picture-russian': { demo: 'picture', russian: true, act: settled },
  'picture-overlay': { demo: 'picture', place: '&layer=conv3&overlay=1&maps=shared', act: settled },
  'picture-loading': {
    hash: `#/picture?${study}`,
    options: { hanging: ['picture.view', 'picture.classes', 'picture.layer'] },
  },
  'picture-region': {
    demo: 'picture',
    act: async (page) => {
      await settled(page);
      await page.locator('.stage').press('ArrowRight');
      await page.locator('button.unit').first().waitFor();
      await page.waitForTimeout(1500);
    },
  },
  'picture-failed': {
    hash: `#/picture?${study}`,
    options: { failing: { 'picture.view': error, 'picture.layer': error } },
  },
  'picture-camera': {
    demo: 'picture',
    act: async (page) => {
      await page.getByRole('button', { name: /camera/ }).click();
      await page.locator('video.seen').waitFor();
    },
  },
  'picture-no-camera': {
    demo: 'picture',
    act: async (page) => {
      await page.evaluate(() => {
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'));
      });
      await page.getByRole('button', { name: /camera/ }).click();
      await page.getByRole('alert').waitFor();
    },
  },
  filters: { demo: 'filters', large: true, act: settled },
  'filters-russian': { demo: 'filters', russian: true, act: settled },
  'filters-deep': { demo: 'filters', place: '&bank=conv3', act: settled },
  'filters-beside': {
    demo: 'filters',
    act: async (page) => {
      await settled(page);
      await page.getByRole('button', { name: /^Compare with/ }).click();
      await page.getByRole('menuitemradio', { name: 'epoch-01.onnx' }).click();
      await page.getByText(/^cosine .* with that of/).waitFor();
      await settled(page);
    },
  },
  'filters-loading': { hash: `#/filters?${study}`, options: { hanging: ['filters.layer'] } },
  'filters-failed': { hash: `#/filters?${study}`, options: { failing: { 'filters.layer': gone } } },
  home: { hash: '#/home', large: true },
  'home-empty': { hash: '#/home', options: { recent: false } },
  'home-failed': { hash: '#/home', options: { failing: { 'app.info': error } } },
  'home-menu': { hash: '#/home', act: (page) => page.getByText('Grocery shelf').click({ button: 'right' }) },
  'home-russian': { hash: '#/home', russian: true },
  'study-failed': { hash: units, options: { failing: { 'study.open': newer } } },
  'study-loading': { hash: units, options: { hanging: ['study.open'] } },
  create: { hash: create, large: true },
  'create-empty': { hash: '#/create' },
  'create-failed': { hash: '#/create?model=%2Fmodels%2Fwarped.onnx', options: { failing: { 'model.inspect': error } } },
  'create-russian': { hash: create, russian: true },
  'create-evidence': { hash: create, act: click('Compare on the pictures') },
  'create-evidence-loading': {
    hash: create,
    options: { hanging: ['model.evidence'] },
    act: click('Compare on the pictures'),
  },
  files: { hash: '#/create', act: click('Choose…') },
  catalogue: { hash: '#/home', act: click('Get a model') },
  palette: {
    hash: units,
    act: async (page) => {
      await page.keyboard.press('Control+k');
      await page.keyboard.type('fire 17');
    },
  },
  commands: { hash: units, act: press('Control+k') },
  keys: { hash: units, act: press('?') },
  settings: { hash: units, act: press('Control+,') },
  'engine-restarting': {
    hash: units,
    act: (page) =>
      page.evaluate(() =>
        globalThis.fake.emitHost('engine.state', { state: 'restarting', message: 'It stopped. Nothing was lost.' }),
      ),
  },
};

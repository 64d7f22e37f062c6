// Pictures of the window on the fake host, for looking at: node test/renderer/shots.mjs OUT_DIR [name …]
// Build it first: npx vite build -c test/renderer/dev/vite.config.ts
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { chromium } from 'playwright-core';

const [out = '/tmp/shots', ...only] = process.argv.slice(2);
const root = join(import.meta.dirname, '../../dist/renderer-fake');
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.woff2': 'font/woff2' };

const server = createServer(async (request, response) => {
  const path = new URL(request.url, 'http://x').pathname;
  const file = join(root, path === '/' ? 'index.html' : path);
  try {
    response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' });
    response.end(await readFile(file));
  } catch {
    response.end();
  }
}).listen(0);
const port = server.address().port;

const units = '#/units?study=%2Fstudies%2Fgrocery&layer=conv3&unit=175';
const scanning = {
  scan: { phase: 'running', done: 955, total: 1404, rate: 61.2, left: 7.3, broken: 3, error: null },
  broken: [
    { file: 'banana/banana_0044.jpg', reason: 'The file ends too early: the JPEG data are cut off.' },
    { file: 'lemon/notes.png', reason: 'This is a text file, not a PNG.' },
    { file: 'orange/huge.tif', reason: 'More pixels than 268 million: it was not decoded.' },
  ],
};
const engineError = {
  code: 'op-unknown',
  message: 'The network has a node that cannot be walked back: GridSample "warp".',
  hint: 'Choose a layer before it, or the gradient method.',
  place: { file: '/models/warped.onnx', node: 'warp' },
};

/** name: [hash, width, height, dark, options, what to do] */
const shots = {
  'units-light': [units, 1440, 900, false, {}],
  'units-dark': [units, 1440, 900, true, {}],
  'units-small': [units, 1280, 800, false, {}],
  'units-large': [`${units}&show=both`, 2560, 1440, true, {}],
  'units-both': [`${units}&show=both`, 1440, 900, false, {}],
  'units-recon': ['#/units?study=%2Fstudies%2Fgrocery&layer=conv1&show=reconstruction', 1440, 900, false, {}],
  'units-dense': ['#/units?study=%2Fstudies%2Fgrocery&layer=fc', 1440, 900, false, {}],
  'units-refused': ['#/units?study=%2Fstudies%2Fgrocery&layer=gate', 1440, 900, false, {}],
  'units-silent': ['#/units?study=%2Fstudies%2Fgrocery&layer=fire2%2Fexpand&unit=23&sort=index', 1440, 900, false, {}],
  'units-loading': [units, 1440, 900, false, { hanging: ['grid.tiles', 'unit.patches', 'unit.reconstructions'] }],
  'units-error': [
    units,
    1440,
    900,
    false,
    { failing: { 'grid.tiles': engineError, 'unit.reconstructions': engineError } },
  ],
  'units-none': [
    units,
    1440,
    900,
    false,
    { study: { scan: { phase: 'none', done: 0, total: 1404, rate: 0, left: null, broken: 0, error: null } } },
  ],
  scanning: [units, 1440, 900, false, { study: scanning }],
  broken: [units, 1440, 900, false, { study: scanning }, (page) => page.getByText('3 broken pictures').click()],
  find: [
    units,
    1440,
    900,
    false,
    {},
    async (page) => {
      await page.keyboard.press('/');
      await page.keyboard.type('fire 17');
    },
  ],
  help: [units, 1440, 900, true, {}, (page) => page.keyboard.press('?')],
  picture: [units, 1440, 900, false, {}, (page) => page.keyboard.press('Enter')],
  network: [
    units,
    1440,
    900,
    true,
    {},
    async (page) => {
      await page.keyboard.press('Enter');
      await page.getByText('As the network saw it').click();
    },
  ],
  rules: [units, 1440, 900, false, {}, (page) => page.getByText('4 nodes').click()],
  chip: [units, 1440, 900, false, {}, (page) => page.getByText('squeezenet1.0.onnx').first().click()],
  palette: [units, 1440, 900, false, {}, (page) => page.keyboard.press('Control+k')],
  settings: [units, 1280, 800, true, {}, (page) => page.keyboard.press('Control+,')],
  home: ['#/home', 1440, 900, false, {}],
  'home-menu': ['#/home', 1440, 900, false, {}, (page) => page.getByText('Grocery shelf').click({ button: 'right' })],
  'units-russian': [
    units,
    1440,
    900,
    false,
    {},
    async (page) => {
      await page.evaluate(() => localStorage.setItem('unpool.language', '"ru"'));
      await page.reload();
      await page.waitForTimeout(1500);
    },
  ],
  'create-russian': [
    '#/create?model=%2Fmodels%2Fsqueezenet1.0.onnx&pictures=%2Fphotos%2Fgrocery',
    1280,
    800,
    true,
    {},
    async (page) => {
      await page.evaluate(() => localStorage.setItem('unpool.language', '"ru"'));
      await page.reload();
      await page.waitForTimeout(1500);
    },
  ],
  'home-dark': ['#/home', 1280, 800, true, { recent: false }],
  'home-error': ['#/home', 1280, 800, false, { failing: { 'app.info': engineError } }],
  'study-error': [
    units,
    1280,
    800,
    false,
    {
      failing: {
        'study.open': {
          code: 'study-newer',
          message: 'This study is of version 3; this program reads up to 1.',
          hint: 'Open it with a newer Unpool.',
          place: { file: '/studies/grocery/study.json' },
        },
      },
    },
  ],
  create: ['#/create?model=%2Fmodels%2Fsqueezenet1.0.onnx&pictures=%2Fphotos%2Fgrocery', 1440, 900, false, {}],
  'create-dark': ['#/create?model=%2Fmodels%2Fsqueezenet1.0.onnx&pictures=%2Fphotos%2Fgrocery', 1280, 800, true, {}],
  'create-empty': ['#/create', 1440, 900, false, {}],
  'create-error': [
    '#/create?model=%2Fmodels%2Fwarped.onnx',
    1440,
    900,
    false,
    { failing: { 'model.inspect': engineError } },
  ],
  catalogue: ['#/home', 1440, 900, false, {}, (page) => page.getByText('Get a model').click()],
  'catalogue-dark': [
    '#/home',
    1280,
    800,
    true,
    { failing: { 'catalogue.get': engineError } },
    async (page) => {
      await page.getByText('Get a model').click();
      await page.getByText('Go on').click();
    },
  ],
  'catalogue-fetching': [
    '#/home',
    1280,
    800,
    false,
    { hanging: ['catalogue.get'] },
    async (page) => {
      await page.getByText('Get a model').click();
      await page.getByText('Go on').click();
    },
  ],
  evidence: [
    '#/create?model=%2Fmodels%2Fsqueezenet1.0.onnx&pictures=%2Fphotos%2Fgrocery',
    1440,
    900,
    false,
    {},
    (page) => page.getByText('Compare on the pictures').click(),
  ],
  'evidence-dark': [
    '#/create?model=%2Fmodels%2Fsqueezenet1.0.onnx&pictures=%2Fphotos%2Fgrocery',
    1280,
    800,
    true,
    { hanging: ['model.evidence'] },
    (page) => page.getByText('Compare on the pictures').click(),
  ],
  files: ['#/create', 1440, 900, false, {}, (page) => page.getByText('Choose…').first().click()],
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
for (const [name, [hash, width, height, dark, options, act]] of Object.entries(shots)) {
  if (only.length && !only.includes(name)) continue;
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light' });
  page.on(
    'console',
    (message) => ['error', 'warning'].includes(message.type()) && console.log(`${name}: ${message.text()}`),
  );
  page.on('pageerror', (error) => console.log(`${name}: ${error}`));
  await page.goto(`http://localhost:${port}/?options=${encodeURIComponent(JSON.stringify(options))}${hash}`);
  await page.waitForTimeout(1600);
  await act?.(page);
  await page.waitForTimeout(500);
  await page.screenshot({ path: join(out, `${name}.png`) });
  await page.close();
}
await browser.close();
server.close();

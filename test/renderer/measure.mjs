// How quick the window is. On the fake host:   node test/renderer/measure.mjs
// and on the real one, as it scans these:       node test/renderer/measure.mjs MODEL PICTURES
// Build first: npx vite build -c test/renderer/dev/vite.config.ts (npm run measure does); for the real one npm run build, too.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { chromium } from 'playwright-core';
import { serveFolder } from './served.mjs';
import { memoryOf, perFrame, say, sayFrames, sayTasks, traced } from './trace.mjs';

const [model, pictures] = process.argv.slice(2);
const small = { width: 1440, height: 900 };
const large = { width: 2560, height: 1440 };
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--enable-precise-memory-info', '--js-flags=--expose-gc'],
});
const { address, close } = await serveFolder('dist/renderer-fake');
const firstPaint = async (page) => {
  const paint = () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime;
  await page.waitForFunction(paint);
  return page.evaluate(paint);
};

/** A page on the fake host, whose pictures cost the page nothing. */
async function fake(options = {}, place = 'layer=conv3&unit=175', viewport = small) {
  const page = await browser.newPage({ viewport });
  page.setDefaultTimeout(120_000);
  const said = encodeURIComponent(JSON.stringify({ delay: 0, cheap: true, ...options }));
  await page.goto(`${address}/?options=${said}#/units?study=%2Fstudies%2Fgrocery&${place}`);
  await page.waitForFunction(() => document.querySelectorAll('.nine canvas').length === 18);
  await page.waitForTimeout(1500);
  return page;
}

/** Down through all units. */
async function scroll(page, what, steps = 400) {
  const step = `(share) => {
    const scroller = document.querySelector('#unit-grid');
    scroller.scrollTop = (scroller.scrollHeight - scroller.clientHeight) * share;
  }`;
  sayFrames(what, await traced(browser, page, () => perFrame(page, steps, step)));
}

/** Magnified and made small again by the wheel with Ctrl. */
async function pinch(page, what) {
  const step = `(share) => {
    const grid = document.querySelector('#unit-grid');
    const { x, y, width, height } = grid.getBoundingClientRect();
    const at = { clientX: x + width / 3, clientY: y + height / 2, ctrlKey: true, bubbles: true, cancelable: true };
    grid.dispatchEvent(new WheelEvent('wheel', { ...at, deltaY: share < 0.5 ? -3 : 3 }));
  }`;
  sayFrames(what, await traced(browser, page, () => perFrame(page, 120, step)));
}

async function network(what, viewport) {
  const page = await fake({ huge: true }, 'layer=mixed_4.join', viewport);
  await page.keyboard.press('l');
  await page.getByRole('button', { name: 'Open all blocks' }).click();
  await page.waitForTimeout(1500);
  const drag = `(share) => {
    const canvas = document.querySelector('.network .canvas');
    const { x, y, width, height } = canvas.getBoundingClientRect();
    const at = { clientX: x + width / 2, clientY: y + height - 9 - (share * 6000) % (height - 20), bubbles: true };
    const tell = (type) => canvas.dispatchEvent(new PointerEvent(type, { ...at, pointerId: 1, isPrimary: true }));
    if (share === 0 || at.clientY > y + height - 60) (tell('pointerup'), tell('pointerdown'));
    tell('pointermove');
  }`;
  // A pointer that is made up cannot be captured.
  await page.evaluate(() => (Element.prototype.setPointerCapture = () => {}));
  const nodes = await page.evaluate(() => document.querySelector('.network .count').textContent);
  sayFrames(`${what}: ${nodes}: moved`, await traced(browser, page, () => perFrame(page, 200, drag)));
  const zoom = `(share) => {
    const canvas = document.querySelector('.network .canvas');
    const { x, y, width, height } = canvas.getBoundingClientRect();
    const at = { clientX: x + width / 2, clientY: y + height / 2, bubbles: true, cancelable: true };
    canvas.dispatchEvent(new WheelEvent('wheel', { ...at, deltaY: share < 0.5 ? 30 : -30 }));
  }`;
  sayFrames('  magnified and made small', await traced(browser, page, () => perFrame(page, 160, zoom)));
  await page.close();
}

/** Through a thousand units by the arrow keys. */
async function visit(page, what) {
  for (let visited = 0; visited <= 1000; visited++) {
    if (visited % 250 === 0) say(`${what}, after ${visited} units`, await memoryOf(browser, page));
    await page.keyboard.press(visited % 500 < 250 ? 'ArrowRight' : 'ArrowDown');
    await page.waitForTimeout(visited % 5 === 0 ? 60 : 5);
  }
}

async function onFake() {
  let page = await fake();
  say('first contentful paint', `${(await firstPaint(page)).toFixed(0)} ms`);
  await scroll(page, 'scrolling 4,096 units');
  await page.close();
  page = await fake({}, 'layer=conv3&unit=175&show=both', large);
  await scroll(page, 'in a large window, patch and reconstruction');
  await page.locator('#unit-grid').focus();
  for (let step = 0; step < 8; step++) await page.keyboard.press('-');
  await page.waitForTimeout(3000);
  await scroll(page, 'in a large window, at the smallest size', 120);
  await page.close();
  page = await fake();
  await pinch(page, 'magnifying the tiles');
  await page.close();
  await network('the network', small);
  page = await fake();
  await visit(page, 'memory');
  await page.close();
  const scan = { phase: 'running', done: 1, total: 1404, rate: 60, left: 20, broken: 0, error: null };
  page = await fake({ study: { scan } });
  const scanning = await traced(browser, page, () =>
    page.evaluate(async (scan) => {
      for (let done = 0; done < 100; done++) {
        globalThis.fake.emit('scan.progress', { study: '/studies/grocery', scan: { ...scan, done: done * 14 } });
        if (done % 10 === 0) globalThis.fake.emit('study.changed', { study: '/studies/grocery' });
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }, scan),
  );
  sayTasks('while a scan runs (10 s)', scanning);
  await page.close();
}

async function onReal() {
  const root = join(import.meta.dirname, '../..');
  const work = mkdtempSync(join(tmpdir(), 'unpool-measure-'));
  mkdirSync(join(work, 'model'));
  // A study is made beside its model, which may lie where nothing can be written.
  const copy = join(work, 'model', basename(model));
  cpSync(model, copy);
  const engine = spawn(process.execPath, ['main/unpool.cjs', 'serve'], {
    cwd: root,
    env: { ...process.env, UNPOOL_HOME: join(work, 'home') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const place = await new Promise((resolve) => {
    let text = '';
    engine.stdout.on('data', (data) => {
      text += data;
      const found = /http:\S+/.exec(text);
      if (found) resolve(found[0]);
    });
  });
  const page = await browser.newPage({ viewport: small });
  page.setDefaultTimeout(120_000);
  await page.goto(place);
  say('first contentful paint, on the real host', `${(await firstPaint(page)).toFixed(0)} ms`);
  const hash = `#/create?model=${encodeURIComponent(copy)}&pictures=${encodeURIComponent(resolve(pictures))}`;
  await page.evaluate((to) => (location.hash = to), hash);
  await page.locator('button[type=submit]:enabled').waitFor();
  const scan = await traced(browser, page, async () => {
    await page.locator('button[type=submit]').click();
    await page.getByText(/pictures? scanned/).waitFor();
  });
  sayTasks('while a scan runs, on the real host', scan);
  await page.locator('.nine canvas').nth(17).waitFor();
  await page.locator('#unit-grid').focus();
  await scroll(page, 'scrolling, on the real host', 200);
  await visit(page, 'memory, on the real host');
  await page.close();
  engine.kill('SIGINT');
  await new Promise((ended) => engine.once('exit', ended));
  rmSync(work, { recursive: true, force: true });
}

if (model && pictures) await onReal();
else await onFake();
await browser.close();
close();

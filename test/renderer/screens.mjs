// Pictures of every view and state, in both themes: node test/renderer/screens.mjs [FOLDER [name …]]
// npm run screens builds the window on the fake host first, and writes docs/screens.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import { serveFolder } from './served.mjs';
import { states } from './states.mjs';

const [folder = join(import.meta.dirname, '../../docs/screens'), ...only] = process.argv.slice(2);
const sizes = { small: { width: 1280, height: 800 }, large: { width: 2560, height: 1440 } };
const { address, close } = await serveFolder('dist/renderer-fake');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
});

if (only.length === 0) rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
/** The real engine on a copy of the demo: composing a figure writes into the study. */
const work = mkdtempSync(join(tmpdir(), 'unpool-screens-'));
const root = join(import.meta.dirname, '../..');
let engine = null;
async function real() {
  if (engine) return engine;
  const demo = join(work, 'demo-study');
  cpSync(join(root, 'assets/demo-study'), demo, { recursive: true });
  const child = spawn(process.execPath, ['main/unpool.cjs', 'serve', demo], {
    cwd: root,
    env: { ...process.env, UNPOOL_HOME: join(work, 'home') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const place = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (data) => {
      text += data;
      const found = /http:\S+/.exec(text);
      if (found) resolve(found[0]);
    });
    child.on('exit', () => reject(new Error(`serve ended: ${text}`)));
  });
  engine = { child, demo, place };
  return engine;
}

let bytes = 0;
let complaints = 0;

/** One picture; in a window of its own. */
async function shoot(name, size, colorScheme, state) {
  const context = await browser.newContext({
    viewport: sizes[size],
    colorScheme,
    reducedMotion: 'reduce',
    locale: state.russian ? 'ru-RU' : 'en-GB',
  });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    const complain = (words) => {
      complaints++;
      console.error(`${name}: ${words}`);
    };
    page.on('console', (message) => message.type() === 'error' && complain(message.text()));
    page.on('pageerror', complain);
    await reach(page, state, size);
    const file = join(folder, `${name}-${colorScheme}${size === 'large' ? '-large' : ''}.webp`);
    const picture = await sharp(await page.screenshot())
      .webp({ quality: 72, effort: 4 })
      .toBuffer();
    writeFileSync(file, picture);
    bytes += picture.length;
  } finally {
    await context.close();
  }
}

async function reach(page, { hash, demo, place = '', options = {}, act }, size) {
  if (demo) {
    const served = await real();
    // A figure of its own for each picture.
    rmSync(join(served.demo, 'figures'), { recursive: true, force: true });
    await page.goto(served.place);
    // It opens on the units of its study; only then is it there to be sent elsewhere.
    await page.waitForFunction(() => location.hash.startsWith('#/units'));
    await page.evaluate((to) => (location.hash = to), `#/${demo}?study=${encodeURIComponent(served.demo)}${place}`);
  } else await page.goto(`${address}/?options=${encodeURIComponent(JSON.stringify(options))}${hash}`);
  await page.waitForTimeout(size === 'large' ? 3000 : 1600);
  await act?.(page);
  await page.waitForTimeout(500);
}

for (const [name, state] of Object.entries(states)) {
  if (only.length && !only.includes(name)) continue;
  for (const theme of ['light', 'dark'])
    for (const size of state.large ? ['small', 'large'] : ['small'])
      // One that is not reached is told; the others are made.
      await shoot(name, size, theme, state).catch((error) => {
        complaints++;
        console.error(`${name}, ${theme}, ${size}: ${error.message}`);
      });
}
for (const name of only) if (!(name in states)) console.error(`There is no state "${name}".`);
console.log(`${folder}: ${(bytes / 1e6).toFixed(1)} MB`);
await browser.close();
close();
engine?.child.kill('SIGINT');
rmSync(work, { recursive: true, force: true });
if (complaints > 0) process.exitCode = 1;

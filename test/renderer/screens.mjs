// Pictures of every view and state, in both themes: node test/renderer/screens.mjs [FOLDER [name …]]
// npm run screens builds the window on the fake host first, and writes docs/screens.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
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
  args: ['--no-sandbox'],
});

if (only.length === 0) rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
let bytes = 0;
let complaints = 0;

async function shoot(name, size, colorScheme, { hash, options = {}, act, russian }) {
  const context = await browser.newContext({
    viewport: sizes[size],
    colorScheme,
    reducedMotion: 'reduce',
    locale: russian ? 'ru-RU' : 'en-GB',
  });
  const page = await context.newPage();
  const complain = (words) => {
    complaints++;
    console.error(`${name}: ${words}`);
  };
  page.on('console', (message) => message.type() === 'error' && complain(message.text()));
  page.on('pageerror', complain);
  await page.goto(`${address}/?options=${encodeURIComponent(JSON.stringify(options))}${hash}`);
  await page.waitForTimeout(size === 'large' ? 3000 : 1600);
  await act?.(page);
  await page.waitForTimeout(500);
  const file = join(folder, `${name}-${colorScheme}${size === 'large' ? '-large' : ''}.webp`);
  const picture = await sharp(await page.screenshot())
    .webp({ quality: 72, effort: 4 })
    .toBuffer();
  writeFileSync(file, picture);
  bytes += picture.length;
  await context.close();
}

for (const [name, state] of Object.entries(states)) {
  if (only.length && !only.includes(name)) continue;
  for (const theme of ['light', 'dark']) {
    await shoot(name, 'small', theme, state);
    if (state.large) await shoot(name, 'large', theme, state);
  }
}
console.log(`${folder}: ${(bytes / 1e6).toFixed(1)} MB`);
await browser.close();
close();
if (complaints > 0) process.exitCode = 1;

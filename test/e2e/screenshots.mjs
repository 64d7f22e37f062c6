// Pictures of the window for looking at and for the README: node test/e2e/screenshots.mjs STUDY FOLDER [LAYER UNIT]
import { spawn, execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';

const [study, folder, layer, unit] = process.argv.slice(2);
const root = path.resolve(import.meta.dirname, '../..');
const executablePath = process.env.CHROMIUM ?? execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();

const server = spawn(process.execPath, ['main/unpool.cjs', 'serve', study], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
});
const address = await new Promise((resolve, reject) => {
  let text = '';
  server.stdout.on('data', (data) => {
    text += data;
    const found = /http:\S+/.exec(text);
    if (found) resolve(found[0]);
  });
  server.on('exit', () => reject(new Error(`serve ended: ${text}`)));
});

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  for (const colorScheme of ['light', 'dark'])
    for (const [width, height] of [
      [1280, 800],
      [1440, 900],
      [2560, 1440],
    ]) {
      const context = await browser.newContext({ viewport: { width, height }, colorScheme, deviceScaleFactor: 1 });
      const page = await context.newPage();
      page.on('console', (message) => message.type() === 'error' && console.error(message.text()));
      page.on('pageerror', (error) => console.error(error));
      await page.goto(address);
      await page.waitForTimeout(1500);
      if (layer) {
        await page.keyboard.press('/');
        await page.keyboard.type(`${layer} ${unit}`);
        await page.waitForTimeout(300);
        await page.keyboard.press('Enter');
      }
      await page.waitForTimeout(6000);
      await page.screenshot({ path: path.join(folder, `units-${colorScheme}-${width}x${height}.png`) });
      await context.close();
    }
} finally {
  await browser.close();
  server.kill('SIGINT');
}

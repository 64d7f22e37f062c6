import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium as playwright, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { recordIn } from '../../main/engine/figures/read';
import { chromium, complaintsOf, demo, pickUnit, root, serve, temporary, type Served } from './support';

describe.skipIf(chromium.skip)(`figures in Chromium${chromium.skip ? ` (skipped: ${chromium.skip})` : ''}`, () => {
  let served: Served;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];
  const home = temporary();

  beforeAll(async () => {
    served = await serve(home, demo);
    browser = await playwright.launch({ executablePath: chromium.file, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    await served?.stop();
  });
  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    page = await context.newPage();
    complaints = complaintsOf(page);
  });
  afterEach(async () => {
    await context.close();
    expect(complaints).toEqual([]);
  });

  const unpool = (...args: string[]): string =>
    execFileSync(process.execPath, ['main/unpool.cjs', ...args], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, UNPOOL_HOME: home },
    });
  const rows = (): Promise<(string | null)[]> =>
    page.locator('.row .what').evaluateAll((all) => all.map((each) => each.getAttribute('aria-label')));
  /** The page is drawn, from a picture that the browser could read. */
  const drawn = (panels: number): Promise<unknown> =>
    page.waitForFunction(
      (count) => {
        const image = document.querySelector<HTMLImageElement>('img.paper');
        return image?.complete && image.naturalWidth > 0 && image.alt.includes(String(count));
      },
      panels,
      { timeout: 30_000 },
    );

  it('units are added by a key, put in order, exported, and the file is verified', async () => {
    await page.goto(served.address);
    await pickUnit(page, 'conv4', 65);
    await page.keyboard.press('f');
    await pickUnit(page, 'conv3', 10);
    await page.keyboard.press('f');
    await page.getByRole('navigation').getByRole('button', { name: 'Figure' }).click();
    await drawn(2);
    await page.getByRole('button', { name: '(a) conv4, unit 65', exact: true }).click();
    await page.keyboard.press('Alt+ArrowDown');
    await drawn(2);
    expect(await rows()).toEqual(['(a) conv3, unit 10', '(b) conv4, unit 65']);

    await page.getByRole('button', { name: 'Export' }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('dialog').getByRole('button', { name: 'Save…' }).click(),
    ]);
    const file = await download.path();
    const { panels } = recordIn(readFileSync(file));
    expect(panels.map(({ name, unit }) => [name, unit])).toEqual([
      ['conv3', 10],
      ['conv4', 65],
    ]);
    expect(unpool('verify', file, '--study', demo)).toMatch(/is the same: 2 units, 18 tiles/);
  });

  it('a row is dragged by the mouse before another, and Undo puts it back', async () => {
    await page.goto(served.address);
    await page.getByRole('navigation').getByRole('button', { name: 'Figure' }).click();
    await drawn(2);
    const before = ['(a) conv3, unit 10', '(b) conv4, unit 65'];
    expect(await rows()).toEqual(before);
    const row = (place: number) => page.locator('.row .what').nth(place);
    await row(1).dragTo(row(0), { targetPosition: { x: 40, y: 2 } });
    await expect.poll(rows).toEqual(['(a) conv4, unit 65', '(b) conv3, unit 10']);
    await page.keyboard.press('Control+z');
    await expect.poll(rows).toEqual(before);
  });

  it('the figure is there again after the page is loaded anew', async () => {
    await page.goto(served.address);
    await page.getByRole('navigation').getByRole('button', { name: 'Figure' }).click();
    await drawn(2);
    expect(await rows()).toHaveLength(2);
  });

  it('an atlas is a page by itself: it shows its units without a network, by mouse and by keys', async () => {
    const file = path.join(home, 'conv2.html');
    unpool('atlas', demo, '--layer', 'conv2', '-o', file);
    await context.setOffline(true);
    await page.goto(pathToFileURL(file).href);
    await page.waitForFunction(() => {
      const image = document.querySelector<HTMLImageElement>('.unit img');
      return image?.complete && image.naturalWidth > 0;
    });
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    const second = await page.locator('.unit b').nth(1).textContent();
    expect(await page.locator('dialog h2').textContent()).toBe(second);
    expect(await page.locator('dialog li').count()).toBe(9);
    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    await page.keyboard.type('7');
    expect(await page.locator('.unit b').allTextContents()).toEqual(['unit 7']);
  });
});

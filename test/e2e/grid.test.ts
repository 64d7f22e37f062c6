import { chromium as playwright, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chromium, complaintsOf, demo, serve, temporary, type Served } from './support';

describe.skipIf(chromium.skip)(`the grid${chromium.skip ? ` (skipped: ${chromium.skip})` : ''}`, () => {
  let served: Served;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];

  async function open(): Promise<Page> {
    context = await browser.newContext({ viewport: { width: 1280, height: 800 }, hasTouch: true });
    page = await context.newPage();
    complaints = complaintsOf(page);
    await page.goto(served.address);
    await page.getByRole('heading', { name: /Unit \d+/ }).waitFor();
    await page.evaluate(
      (study) => (location.hash = `#/units?study=${study}&layer=conv4&unit=65&sort=index`),
      encodeURIComponent(demo),
    );
    await page.getByRole('heading', { name: /Unit 65\b/ }).waitFor();
    await page.locator('#unit-65').waitFor();
    return page;
  }

  beforeAll(async () => {
    browser = await playwright.launch({ executablePath: chromium.file, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
  });
  // A home of its own for each: the size of the tiles is kept there.
  beforeEach(async () => {
    served = await serve(temporary(), demo);
    await open();
  });
  afterEach(async () => {
    await context.close();
    await served.stop();
    expect(complaints).toEqual([]);
  });

  const slider = () => page.getByRole('slider', { name: 'Size of the tiles' });
  const columns = (): Promise<number> => page.locator('.tile-row').first().locator('.tile').count();
  const wide = async (): Promise<number> => (await page.locator('#unit-65').boundingBox())!.width;
  const middleOf = async (unit: number): Promise<{ x: number; y: number }> => {
    const { x, y, width, height } = (await page.locator(`#unit-${unit} .picture`).boundingBox())!;
    return { x: x + width / 2, y: y + height / 2 };
  };
  it('grows by the slider, with the keyboard; the size is the study’s, and another window opens with it', async () => {
    const before = await columns();
    await slider().focus();
    for (let i = 0; i < 12; i++) await page.keyboard.press('ArrowRight');
    await expect.poll(columns).toBeLessThan(before);
    const now = await slider().getAttribute('aria-valuenow');
    const seen = await columns();
    const said = await slider().getAttribute('aria-valuetext');
    expect(said).toMatch(/^\d+ px and more$/);
    // The engine is told where the slider came to rest; a new context has no storage of its own.
    await page.waitForTimeout(900);
    await page.reload();
    await expect.poll(() => slider().getAttribute('aria-valuenow')).toBe(now);
    await expect.poll(columns).toBe(seen);
    await context.close();
    await open();
    await expect.poll(() => slider().getAttribute('aria-valuetext')).toBe(said);
    await expect.poll(columns).toBe(seen);
    await page.keyboard.press('End');
    await slider().focus();
    await page.keyboard.press('Home');
    await expect.poll(columns).toBeGreaterThan(before);
  });

  it('has a larger size and a smaller one at every press of + and -, and the selected unit stays where it is', async () => {
    await page.locator('#unit-grid').focus();
    for (const key of ['+', '+', '-', '-']) {
      const [before, { y }] = [await wide(), await middleOf(65)];
      await page.keyboard.press(key);
      if (key === '+') await expect.poll(wide).toBeGreaterThan(before);
      else await expect.poll(wide).toBeLessThan(before);
      expect(Math.abs((await middleOf(65)).y - y)).toBeLessThan(14);
    }
  });

  it('stays where it is while the arrows step to units that are on the screen', async () => {
    await page.locator('#unit-grid').focus();
    const top = (): Promise<number> => page.locator('#unit-grid').evaluate((grid) => grid.scrollTop);
    const before = await top();
    expect(before).toBeGreaterThan(100);
    const sameRow = (await middleOf(66)).y === (await middleOf(65)).y;
    await page.keyboard.press(sameRow ? 'ArrowRight' : 'ArrowLeft');
    await page.getByRole('heading', { name: sameRow ? /Unit 66\b/ : /Unit 64\b/ }).waitFor();
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    expect(await top()).toBe(before);
  });

  it('follows the wheel with Ctrl continuously, about the pointer, and comes to rest filling the width', async () => {
    // On a slow machine a pinch would end between two turns: here its pause is over when the test says so.
    await page.evaluate(() => {
      const timer = window.setTimeout.bind(window);
      const held: (() => void)[] = [];
      const hold = (work: () => void, ms?: number): number => (ms === 180 ? held.push(work) : timer(work, ms));
      Object.assign(window, { setTimeout: hold, endPinch: () => held.at(-1)?.() });
    });
    const middle = await middleOf(65);
    const sizes = await page.evaluate(async ({ x, y }) => {
      const grid = document.querySelector('#unit-grid')!;
      const wide = (): number => document.querySelector('#unit-65')!.getBoundingClientRect().width;
      const all = [wide()];
      for (let turn = 0; turn < 9; turn++) {
        const at = { clientX: x, clientY: y, ctrlKey: true, bubbles: true, cancelable: true };
        grid.dispatchEvent(new WheelEvent('wheel', { ...at, deltaY: -4 }));
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        all.push(wide());
      }
      return all;
    }, middle);
    const scale = (): Promise<string | null> => page.locator('.tile-rows').getAttribute('style');
    expect(await scale()).toContain('scale');
    // Each turn by the same share, exp(0.04), whichever number of columns stands behind it.
    for (let i = 1; i < sizes.length; i++) expect(sizes[i]! / sizes[i - 1]!).toBeCloseTo(Math.exp(0.04), 2);
    expect(Math.abs((await middleOf(65)).y - middle.y)).toBeLessThan(3);
    await page.evaluate(() => (window as unknown as { endPinch: () => void }).endPinch());
    await expect.poll(scale).not.toContain('scale');
    expect(Math.abs((await middleOf(65)).y - middle.y)).toBeLessThan(3);
    const row = (await page.locator('.tile-rows').boundingBox())!;
    const right = await page
      .locator('.tile')
      .evaluateAll((all) => Math.max(...all.map((tile) => tile.getBoundingClientRect().right)));
    expect(row.x + row.width - right).toBeLessThan(await columns());
  });

  it('keeps what it has drawn while larger tiles are on their way', async () => {
    const drawn = (): Promise<number> =>
      page.evaluate(() => {
        const tile = document.querySelector('#unit-65')!;
        const canvas = tile.parentElement!.querySelector('canvas')!;
        const [box, all] = [tile.getBoundingClientRect(), canvas.getBoundingClientRect()];
        const x = (box.x + box.width / 2 - all.x) * (canvas.width / all.width);
        return canvas.getContext('2d')!.getImageData(Math.round(x), Math.round(canvas.height / 2), 1, 1).data[3]!;
      });
    await expect.poll(drawn).toBe(255);
    await page.evaluate(() => document.querySelector<HTMLElement>('#unit-grid')!.focus());
    for (let step = 0; step < 6; step++) {
      await page.keyboard.press('+');
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      expect(await drawn()).toBe(255);
    }
  });

  it('makes the rows of the screen only, and hands them on while it scrolls', async () => {
    await page.locator('#unit-grid').focus();
    for (let step = 0; step < 3; step++) await page.keyboard.press('+');
    await page.locator('#unit-65').waitFor();
    const seen = await page.evaluate(async () => {
      const grid = document.querySelector('#unit-grid')!;
      const canvases = new Set<Element>();
      const units = new Set<string>();
      let most = 0;
      for (let top = 0; top <= grid.scrollHeight; top += 90) {
        grid.scrollTop = top;
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        const rows = [...grid.querySelectorAll('.tile-row')];
        most = Math.max(most, rows.length);
        for (const row of rows) canvases.add(row.querySelector('canvas')!);
        for (const tile of grid.querySelectorAll('.tile')) units.add(tile.id);
      }
      const row = grid.querySelector('.tile-row')!.getBoundingClientRect().height;
      return { units: units.size, canvases: canvases.size, most, onScreen: Math.ceil(grid.clientHeight / row) };
    });
    expect(seen.units).toBe(128);
    expect(seen.most).toBeLessThanOrEqual(seen.onScreen + 7);
    expect(seen.canvases).toBeLessThanOrEqual(seen.onScreen + 9);
    expect(seen.canvases).toBeLessThan(128 / (await columns()));
  });
});

import { chromium as playwright, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chromium, complaintsOf, demo, pickUnit, serve, temporary, type Served } from './support';

/** One unit and its entries, closely, on the demo. */
describe.skipIf(chromium.skip)(`a unit in Chromium${chromium.skip ? ` (skipped: ${chromium.skip})` : ''}`, () => {
  let served: Served;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    served = await serve(temporary(), demo);
    browser = await playwright.launch({ executablePath: chromium.file, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    await served?.stop();
  });
  async function open(): Promise<Page> {
    const opened = await context.newPage();
    complaintsOf(opened, complaints);
    await opened.goto(served.address);
    await opened.getByRole('heading', { name: /Unit \d+/ }).waitFor();
    return opened;
  }
  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
    complaints = [];
    page = await open();
  });
  afterEach(async () => {
    await context.close();
    expect(complaints).toEqual([]);
  });

  const drawn = (): Promise<unknown> => page.waitForFunction(() => document.querySelectorAll('.nine canvas').length === 18); // prettier-ignore
  const dialog = () => page.getByRole('dialog');

  it('shows its spread, its classes and its nearest units, and goes to one of them', async () => {
    await pickUnit(page, 'conv4', 65);
    const spread = page.getByRole('button', { name: /^Patch at the quantile/ });
    await expect.poll(() => spread.locator('canvas').count(), { timeout: 30_000 }).toBe(8);
    await page.getByText('quantiles of 512 pictures').waitFor();
    await expect.poll(() => page.locator('.track[role="img"]').count()).toBe(12);
    await page.getByRole('button', { name: 'All 52 classes' }).click();
    await expect.poll(() => page.locator('.track[role="img"]').count()).toBe(52);
    const near = page.getByRole('button', { name: /correlation of the activations/ });
    await expect.poll(() => near.locator('canvas').count()).toBe(8);
    const name = /^Unit (\d+)/.exec((await near.first().getAttribute('aria-label'))!)![1];
    await near.first().click();
    await page.getByRole('heading', { name: new RegExp(`Unit ${name}\\b`) }).waitFor();
  });

  it('looked at closely: the keyboard steps, zooms to pixels, reads values, and Escape leads back', async () => {
    await pickUnit(page, 'conv4', 65);
    await drawn();
    const tile = page.locator('.nine .tile').first();
    await tile.focus();
    await page.keyboard.press('Enter');
    await dialog().getByText('1 of 9').waitFor();
    await page.keyboard.press('ArrowRight');
    await dialog().getByText('2 of 9').waitFor();
    await page.keyboard.press('ArrowLeft');
    await dialog().getByText('1 of 9').waitFor();
    await expect.poll(() => dialog().locator('.place canvas').count()).toBe(2);
    await page.keyboard.press('Shift+ArrowRight');
    // The middle px of the reconstruction as it is drawn, beside the values that are read out: larger values are lighter.
    const said = await dialog().locator('p[aria-live]').textContent();
    const signs = [...said!.matchAll(/[RGB] ([+−])/g)].map(([, sign]) => sign);
    const pixel = await dialog().locator('.place canvas').first().evaluate((element) => {
      const canvas = element as HTMLCanvasElement;
      const at = [canvas.width >> 1, canvas.height >> 1] as const;
      return [...canvas.getContext('2d')!.getImageData(at[0], at[1], 1, 1).data];
    }); // prettier-ignore
    expect(signs).toHaveLength(3);
    signs.forEach((sign, c) => expect(Math.sign(pixel[c]! - 128) * (sign === '+' ? 1 : -1), said!).not.toBe(-1));
    const width = () => dialog().locator('.sheet').first().evaluate((each) => each.getBoundingClientRect().width); // prettier-ignore
    const before = await width();
    for (let i = 0; i < 4; i++) await page.keyboard.press('+');
    await expect.poll(width).toBeGreaterThan(1.9 * before);
    const squares = dialog().locator('.place canvas').first();
    expect(await squares.evaluate((canvas) => getComputedStyle(canvas).imageRendering)).toBe('pixelated');
    await page.keyboard.press('0');
    await expect.poll(width).toBeCloseTo(before, 3);
    await page.keyboard.press('4');
    await dialog().getByRole('slider', { name: /overlay/ }).press('Home'); // prettier-ignore
    await expect.poll(() => dialog().locator('.layer').nth(1).evaluate((each) => getComputedStyle(each).opacity)).toBe('0'); // prettier-ignore
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    expect(await tile.evaluate((each) => each === document.activeElement)).toBe(true);
    await page.evaluate(() => localStorage.clear());
  });

  it('folded sections and the scale are remembered', async () => {
    await drawn();
    await page.getByRole('button', { name: 'By class' }).click();
    await page.getByText('Each', { exact: true }).click();
    await page.waitForTimeout(600);
    await page.reload();
    await drawn();
    expect(await page.getByRole('button', { name: 'By class' }).getAttribute('aria-expanded')).toBe('false');
    expect(await page.getByText('Each', { exact: true }).getAttribute('data-state')).toBe('on');
    await page.getByRole('button', { name: 'By class' }).click();
    await page.getByText('One scale', { exact: true }).click();
    await page.waitForTimeout(600);
  });

  it('is noted, tagged and pinned by the keyboard; a second window shows it, and finds it by its tag', async () => {
    await pickUnit(page, 'conv3', 10);
    const other = await open();
    await page.bringToFront();
    await page.keyboard.press('s');
    await expect
      .poll(() => page.getByRole('button', { name: 'Pin the unit' }).getAttribute('aria-pressed'))
      .toBe('true');
    await page.keyboard.press('g');
    await page.keyboard.type('eyes');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    await page.keyboard.press('n');
    await page.keyboard.type('Looks for eyes.');
    await page.keyboard.press('Escape');
    await other.getByRole('button', { name: '1 noted' }).waitFor();
    await other.bringToFront();
    await other.keyboard.press('/');
    await other.getByRole('combobox').fill('#eyes');
    await other.getByRole('option', { name: /10/ }).first().waitFor();
    await other.keyboard.press('Enter');
    await other.getByRole('heading', { name: /Unit 10\b/ }).waitFor();
    expect(await other.getByRole('textbox', { name: 'Note on the unit' }).inputValue()).toBe('Looks for eyes.');
    await other.getByRole('button', { name: 'Remove the tag eyes' }).click();
    await expect.poll(() => page.getByRole('button', { name: 'Remove the tag eyes' }).count()).toBe(0);
    expect(await page.getByRole('textbox', { name: 'Note on the unit' }).inputValue()).toBe('Looks for eyes.');
    await other.keyboard.press('Control+z');
    await page.getByRole('button', { name: 'Remove the tag eyes' }).waitFor();
  });
});

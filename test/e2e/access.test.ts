import AxeBuilder from '@axe-core/playwright';
import { chromium as playwright, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { views } from './views';
import { chromium, demo, serve, temporary, type Served } from './support';

/** Everything on every view can be seen, heard and reached: axe finds nothing, in both themes; the keyboard goes everywhere. */
describe.skipIf(chromium.skip)(`accessible${chromium.skip ? ` (skipped: ${chromium.skip})` : ''}`, () => {
  let served: Served;
  let browser: Browser;
  beforeAll(async () => {
    served = await serve(temporary(), demo);
    browser = await playwright.launch({ executablePath: chromium.file, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    await served?.stop();
  });

  async function open(colorScheme: 'light' | 'dark'): Promise<Page> {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      colorScheme,
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    await page.goto(served.address);
    await page.getByRole('heading', { name: /Unit \d+/ }).waitFor();
    return page;
  }

  describe.each(['light', 'dark'] as const)('%s', (theme) => {
    it.each(Object.entries(views(demo)))('axe finds nothing: %s', async (_name, show) => {
      const page = await open(theme);
      await show(page);
      await page.waitForTimeout(400);
      const { violations } = await new AxeBuilder({ page }).analyze();
      const said = violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary ?? ''}`),
      );
      await page.context().close();
      expect(said).toEqual([]);
    });
  });

  it('the keyboard reaches every control of the window, and the focus can be seen', async () => {
    const page = await open('light');
    await page.locator('body').click({ position: { x: 880, y: 20 } });
    const reached = new Set<string>();
    const unseen = new Set<string>();
    for (let step = 0; step < 200; step++) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate(() => {
        const element = document.activeElement as HTMLElement;
        const seen = (each: Element | null): boolean => {
          if (!each) return false;
          const style = getComputedStyle(each);
          return (
            (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) ||
            style.boxShadow !== 'none' ||
            each.matches('.handle, .slider-thumb, .field')
          );
        };
        const name = element.getAttribute('aria-label') ?? element.textContent?.trim() ?? '';
        return {
          name,
          role: element.getAttribute('role') ?? element.tagName,
          seen: seen(element) || seen(element.querySelector('[aria-selected="true"]')),
        };
      });
      if (at.role === 'BODY') continue;
      reached.add(at.name);
      if (!at.seen) unseen.add(`${at.role} ${at.name}`);
    }
    await page.context().close();
    for (const name of ['Home', 'Settings', 'Keys', 'Save figure', 'Order: Strongest first'])
      expect([...reached], name).toContain(name);
    // Whichever of the two an earlier view left.
    expect([...reached].some((name) => /^Width of the (layers|graph)$/.test(name))).toBe(true);
    expect([...reached].some((name) => name.startsWith('Units of'))).toBe(true);
    expect([...unseen]).toEqual([]);
  });
});

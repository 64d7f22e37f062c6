import { chromium as playwright, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromium, demo, serve, temporary, type Served } from './support';

const fake = '--use-fake-device-for-media-stream';
const allowed = '--use-fake-ui-for-media-stream';

describe.skipIf(chromium.skip)(`the camera in Chromium${chromium.skip ? ` (skipped: ${chromium.skip})` : ''}`, () => {
  let served: Served;
  beforeAll(async () => {
    served = await serve(temporary(), demo);
  });
  afterAll(() => served?.stop());

  /** The picture view, in a browser that was started with these. */
  async function within(args: string[], work: (page: Page) => Promise<void>): Promise<void> {
    const browser: Browser = await playwright.launch({
      executablePath: chromium.file,
      args: ['--no-sandbox', ...args],
    });
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
      await page.addInitScript(() => {
        const streams: MediaStream[] = [];
        Object.assign(globalThis, { streams });
        const devices = navigator.mediaDevices;
        const original = devices.getUserMedia.bind(devices);
        devices.getUserMedia = async (wanted) => {
          const stream = await original(wanted);
          streams.push(stream);
          return stream;
        };
      });
      await page.goto(served.address);
      await page.getByRole('heading', { name: /Unit \d+/ }).waitFor();
      await page.evaluate((to) => (location.hash = to), `#/picture?study=${encodeURIComponent(demo)}`);
      await page.getByRole('button', { name: 'Take a picture with the camera' }).waitFor();
      await work(page);
    } finally {
      await browser.close();
    }
  }
  /** Of every camera that was turned on: whether it still is, and that none heard anything. */
  const live = (page: Page): Promise<string[]> =>
    page.evaluate(() =>
      (globalThis as never as { streams: MediaStream[] }).streams.flatMap((stream) =>
        stream.getTracks().map((track) => `${track.kind} ${track.readyState}`),
      ),
    );

  it('is off until asked, shows what it sees, takes one picture and is off again', () =>
    within([fake, allowed], async (page) => {
      expect(await live(page)).toEqual([]);
      await page.getByRole('button', { name: 'Take a picture with the camera' }).click();
      const take = page.getByRole('button', { name: 'Take the picture' });
      await expect.poll(() => take.isEnabled(), { timeout: 20_000 }).toBe(true);
      expect(await page.locator('video').evaluate((video: HTMLVideoElement) => video.videoWidth)).toBeGreaterThan(0);
      expect(await live(page)).toEqual(['video live']);
      await take.click();
      await page.getByRole('heading', { name: 'camera.png' }).waitFor();
      await expect.poll(() => page.url()).toMatch(/picture=[0-9a-f]{32}/);
      expect(await live(page)).toEqual(['video ended']);
    }));

  it('closed without a picture, it is off as well', () =>
    within([fake, allowed], async (page) => {
      await page.getByRole('button', { name: 'Take a picture with the camera' }).click();
      await page.locator('video.seen').waitFor({ timeout: 20_000 });
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await expect.poll(() => live(page)).toEqual(['video ended']);
    }));

  it.each([
    ['refused', [fake, '--deny-permission-prompts'], 'The camera was refused.'],
    ['not there', [allowed], 'No camera was found.'],
  ])('says in words that it is %s', (_, args, words) =>
    within(args, async (page) => {
      await page.getByRole('button', { name: 'Take a picture with the camera' }).click();
      await page.getByRole('alert').getByText(words).waitFor({ timeout: 20_000 });
      expect(await live(page)).toEqual([]);
    }),
  );
});

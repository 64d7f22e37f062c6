import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { chromium as playwright, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chromium, demo, expectGolden, root, serve, temporary, type Served } from './support';

describe.skipIf(chromium.skip)(`in Chromium${chromium.skip ? ` (skipped: ${chromium.skip})` : ''}`, () => {
  let served: Served;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];
  let requests: string[];

  beforeAll(async () => {
    served = await serve(temporary(), demo);
    browser = await playwright.launch({ executablePath: chromium.file, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    await served?.stop();
  });
  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    page = await context.newPage();
    complaints = [];
    requests = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(served.address);
  });
  afterEach(async () => {
    await context.close();
    expect(complaints).toEqual([]);
    const { host } = new URL(served.address);
    for (const url of requests.filter((each) => !each.startsWith('data:') && !each.startsWith('blob:')))
      expect(new URL(url).host).toBe(host);
  });

  it.each(['conv4-65', 'conv3-10', 'conv2-5'])(
    'the demo opens, a unit is picked, nine tiles appear and are those of PyTorch: %s',
    (name) => expectGolden(page, name),
  );

  it('the address carries the place: loaded again, the same unit is there', async () => {
    await expectGolden(page, 'conv3-10');
    await page.reload();
    await page.getByRole('heading', { name: /Unit 10\b/ }).waitFor();
  });

  it('the figure that is saved is the one that the command line writes', async () => {
    await expectGolden(page, 'conv2-5');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save figure' }).click(),
    ]);
    const written = execFileSync(
      process.execPath,
      ['main/unpool.cjs', 'figure', demo, '--layer', 'conv2', '--unit', '5', '-o', '-'],
      { cwd: root, env: { ...process.env, UNPOOL_HOME: temporary() } },
    );
    expect(written.length).toBeGreaterThan(10_000);
    expect(readFileSync(await download.path()).equals(written)).toBe(true);
  });

  it('an engine that is killed is started again, and the window goes on', async () => {
    await expectGolden(page, 'conv2-5');
    const { pid } = served.child;
    const [engine] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    process.kill(Number(engine), 'SIGKILL');
    await expectGolden(page, 'conv4-65');
  });

  it('a folder with a broken picture in it is scanned, and the picture is named with its reason', async () => {
    const work = temporary();
    mkdirSync(path.join(work, 'pictures'));
    for (const folder of ['heart', 'fruit'])
      cpSync(path.join(demo, 'pictures', folder), path.join(work, 'pictures', folder), { recursive: true });
    writeFileSync(
      path.join(work, 'pictures/fruit/torn.jpg'),
      readFileSync(path.join(demo, 'model.onnx')).subarray(0, 900),
    );
    copyFileSync(path.join(demo, 'model.onnx'), path.join(work, 'emoji.onnx'));
    const hash = `#/create?model=${encodeURIComponent(path.join(work, 'emoji.onnx'))}&pictures=${encodeURIComponent(path.join(work, 'pictures'))}`;
    await page.getByRole('heading', { name: /Unit \d+/ }).waitFor();
    await page.evaluate((to) => (location.hash = to), hash);
    const start = page.locator('button[type=submit]');
    await expect.poll(() => start.isEnabled(), { timeout: 20_000 }).toBe(true);
    await start.click();
    const broken = page.getByRole('button', { name: /1 .*(not readable|broken|could not be read|unread)/i });
    await broken.waitFor({ timeout: 60_000 });
    await broken.click();
    await page.getByRole('dialog').getByText('fruit/torn.jpg').waitFor();
    await page
      .getByRole('dialog')
      .getByText(/no picture/)
      .waitFor();
  });

  it('a scan can be cancelled, and says how far it came', async () => {
    const work = temporary();
    mkdirSync(path.join(work, 'many'));
    const heart = path.join(demo, 'pictures/heart');
    const source = readFileSync(path.join(heart, readdirSync(heart)[0]!));
    for (let i = 0; i < 4000; i++) writeFileSync(path.join(work, 'many', `${i}.webp`), source);
    const hash = `#/create?model=${encodeURIComponent(path.join(demo, 'model.onnx'))}&pictures=${encodeURIComponent(path.join(work, 'many'))}`;
    await page.getByRole('heading', { name: /Unit \d+/ }).waitFor();
    await page.evaluate((to) => (location.hash = to), hash);
    const start = page.locator('button[type=submit]');
    await expect.poll(() => start.isEnabled(), { timeout: 20_000 }).toBe(true);
    await start.click();
    const footer = page.locator('footer');
    await footer.getByText(/[1-9][\d,]* of 4,000/).waitFor();
    await footer.getByRole('button', { name: 'Cancel' }).click();
    await footer.getByText(/ of 4,000, cancelled/).waitFor({ timeout: 10_000 });
    await footer.getByRole('button', { name: 'Resume' }).waitFor();
    expect(await footer.getByRole('button', { name: 'Cancel' }).count()).toBe(0);
  });

  it('without the token nothing is served', async () => {
    const { origin } = new URL(served.address);
    const stranger = await browser.newContext();
    const response = await stranger.request.get(origin);
    expect(response.status()).toBe(401);
    await stranger.close();
  });
});

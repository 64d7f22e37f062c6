import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { chromium as playwright, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chromium, complaintsOf, demo, expectGolden, root, serve, temporary, type Served } from './support';

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
    requests = [];
    complaints = complaintsOf(page);
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

  it('what was typed into a new study outlives the engine', async () => {
    const hash = `#/create?model=${encodeURIComponent(path.join(demo, 'model.onnx'))}&pictures=${encodeURIComponent(path.join(demo, 'pictures'))}`;
    await page.getByRole('heading', { name: /Unit \d+/ }).waitFor();
    await page.evaluate((to) => (location.hash = to), hash);
    const scale = page.getByRole('textbox', { name: 'Scale' });
    await scale.waitFor();
    await scale.fill('1/64');
    await page.getByRole('textbox', { name: 'Name' }).fill('Half done');
    const { pid } = served.child;
    const [engine] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    process.kill(Number(engine), 'SIGKILL');
    await page.getByText('The engine is starting again.').waitFor();
    await page.getByText('The engine is starting again.').waitFor({ state: 'detached', timeout: 30_000 });
    expect(await scale.inputValue()).toBe('1/64');
    expect(await page.getByRole('textbox', { name: 'Name' }).inputValue()).toBe('Half done');
    await expect.poll(() => page.locator('button[type=submit]').isEnabled(), { timeout: 20_000 }).toBe(true);
  });

  it('Back and Forward go where one was, and a pasted address leads to the same place', async () => {
    await expectGolden(page, 'conv3-10');
    const address = page.url();
    await page.waitForTimeout(1300);
    await page.keyboard.press('h');
    await page.getByText('Recent studies').waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: /Unit 10\b/ }).waitFor();
    await page.goForward();
    await page.getByText('Recent studies').waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox').fill(address);
    await page.getByRole('option', { name: 'Follow this link' }).click();
    await page.getByRole('heading', { name: /Unit 10\b/ }).waitFor();
  });

  it('the network as a graph: a layer is chosen in it, its way back lights up, and the window remembers it', async () => {
    await expectGolden(page, 'conv2-5');
    await page.keyboard.press('l');
    const node = (name: RegExp) => page.locator('.network .node').filter({ hasText: name });
    await node(/^conv2/)
      .and(page.locator('.current'))
      .waitFor();
    await expect.poll(() => page.locator('.network .node.way').count()).toBe(4);
    await node(/^conv3/).click();
    await page.getByRole('heading', { level: 2, name: /Unit \d+/ }).waitFor();
    await expect.poll(() => page.locator('.network .node.way').count()).toBe(6);
    await expect.poll(() => page.locator('.network .curves .lit').count()).toBe(5);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await node(/^conv2/)
      .and(page.locator('.current'))
      .waitFor();
    await page.reload();
    await node(/^conv2/).waitFor();
    await page.keyboard.press('l');
    await page.locator('.layers').waitFor();
    await page.waitForTimeout(600);
  });

  it('a link finds the study by its content where its path is another', async () => {
    await page.getByRole('heading', { name: /Unit \d+/ }).waitFor();
    await expect.poll(() => page.url()).toContain('id=');
    const id = /id=([0-9a-f]{16})/.exec(page.url())![1];
    await page.evaluate(
      (to) => (location.hash = to),
      `#/units?study=%2Felsewhere%2Fstudy&id=${id}&layer=conv3&unit=10`,
    );
    await page.getByRole('heading', { name: /Unit 10\b/ }).waitFor();
    await expect.poll(() => page.url()).toContain(encodeURIComponent(demo));
  });

  it('the whole window speaks Russian', async () => {
    await page.getByRole('heading', { name: /Unit \d+/ }).waitFor();
    await page.keyboard.press('Control+,');
    await page.getByRole('button', { name: /^Language/ }).click();
    await page.getByRole('menuitemradio', { name: 'Русский' }).click();
    await page.getByRole('dialog', { name: 'Настройки' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { name: /Канал \d+/ }).waitFor();
    // Other pages of this machine remember it, too; and back, for those that follow.
    await page.keyboard.press('Control+,');
    await page.getByRole('button', { name: /^Язык/ }).click();
    await page.getByRole('menuitemradio', { name: 'English', exact: true }).click();
    await page.getByRole('dialog', { name: 'Settings' }).waitFor();
    await page.waitForTimeout(600);
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

  it('one picture: a click on a cell of a map reconstructs the unit there, and a region names units', async () => {
    await page.getByRole('heading', { name: /Unit \d+/ }).waitFor();
    await page.getByRole('button', { name: 'Picture', exact: true }).click();
    const maps = page.getByRole('listbox', { name: /^Maps of / });
    const map = maps.getByRole('option').first().locator('.map');
    await map.locator('canvas').waitFor();
    const pane = page.getByRole('complementary', { name: 'The unit at this place' });
    const drawn = pane.locator('figure canvas');
    await expect.poll(() => drawn.count(), { timeout: 20_000 }).toBe(7); // patch, four ways, Grad-CAM over the picture
    const before = await pane.locator('.facts').first().textContent();
    const box = (await map.boundingBox())!;
    await page.mouse.click(box.x + box.width * 0.1, box.y + box.height * 0.1);
    await expect.poll(() => pane.locator('.facts').first().textContent(), { timeout: 20_000 }).not.toBe(before);
    await expect.poll(() => drawn.count(), { timeout: 20_000 }).toBe(7);
    const stage = (await page.getByRole('group', { name: /as the network takes it/ }).boundingBox())!;
    await page.mouse.move(stage.x + 20, stage.y + 20);
    await page.mouse.down();
    await page.mouse.move(stage.x + stage.width / 2, stage.y + stage.height / 2, { steps: 4 });
    await page.mouse.up();
    const region = page.locator('.region').filter({ hasText: 'Units that answer' });
    await expect.poll(() => region.locator('button.unit').count(), { timeout: 20_000 }).toBeGreaterThan(8);
    // One of them is shown where it answers in the region, which may not be its strongest place.
    await region.locator('button.unit').first().click();
    await expect.poll(() => page.url(), { timeout: 20_000 }).toMatch(/cell=\d+\.\d+\.\d+/);
    await expect.poll(() => drawn.count(), { timeout: 20_000 }).toBe(7);
    const file = page.getByRole('region', { name: 'Picture', exact: true }).getByRole('heading').first();
    const name = await file.textContent();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Next picture' }).click();
    await expect.poll(() => file.textContent(), { timeout: 20_000 }).not.toBe(name);
    const chosen = path.join(demo, 'pictures/heart', readdirSync(path.join(demo, 'pictures/heart'))[0]!);
    await page.locator('input[type=file]').setInputFiles(chosen);
    await page.getByText('not in the study').waitFor();
    await expect.poll(() => file.textContent(), { timeout: 20_000 }).toBe(path.basename(chosen));
    await expect.poll(() => drawn.count(), { timeout: 20_000 }).toBe(7);
  });

  it('filters: those of the first layer, and those of a checkpoint beside them', async () => {
    await page.getByRole('heading', { name: /Unit \d+/ }).waitFor();
    await page.getByRole('button', { name: 'Filters', exact: true }).click();
    const grids = page.getByRole('listbox', { name: /^Filters of / });
    await expect.poll(() => grids.first().locator('canvas').count(), { timeout: 20_000 }).toBeGreaterThan(8);
    await page.getByRole('button', { name: /^Compare with/ }).click();
    await page.getByRole('menuitemradio', { name: 'epoch-01.onnx' }).click();
    await expect.poll(() => grids.count(), { timeout: 20_000 }).toBe(2);
    await expect.poll(() => grids.last().locator('canvas').count(), { timeout: 20_000 }).toBeGreaterThan(8);
    await page.getByText(/^cosine .* with that of epoch-01.onnx$/).waitFor();
  });

  it('units are chosen with Ctrl and stand side by side, and the address keeps them', async () => {
    const grid = page.getByRole('listbox', { name: /^Units of / });
    for (const place of [0, 2])
      await grid
        .getByRole('option')
        .nth(place)
        .click({ modifiers: ['Control'] });
    await page.getByRole('group', { name: 'Comparison' }).getByText('2 units').waitFor();
    await page.getByRole('button', { name: 'Compare', exact: true }).click();
    const columns = page.getByRole('article');
    const drawn = (column: number): Promise<number[]> =>
      columns
        .nth(column)
        .locator('.nine canvas')
        .evaluateAll((all) =>
          (all as HTMLCanvasElement[]).map((canvas) => {
            const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
            return new Set(data).size;
          }),
        );
    for (const column of [0, 1]) {
      // Nine reconstructions and nine patches, none of one colour.
      await expect.poll(async () => (await drawn(column)).length, { timeout: 30_000 }).toBe(18);
      await expect.poll(async () => Math.min(...(await drawn(column))), { timeout: 30_000 }).toBeGreaterThan(4);
    }
    await page.reload();
    await expect.poll(() => columns.count(), { timeout: 20_000 }).toBe(2);
    await page.keyboard.press('Escape');
    await grid.waitFor();
    expect(await grid.evaluate((element) => element === document.activeElement)).toBe(true);
    await page.goBack();
    await expect.poll(() => columns.count(), { timeout: 20_000 }).toBe(2);
  });

  it('without the token nothing is served', async () => {
    const { origin } = new URL(served.address);
    const stranger = await browser.newContext();
    const response = await stranger.request.get(origin);
    expect(response.status()).toBe(401);
    await stranger.close();
  });
});

import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demo, electron, expectGolden, root, temporary } from './support';

/** The window on the demo study. */
function startElectron(home: string): Promise<ElectronApplication> {
  const { ELECTRON_RUN_AS_NODE: _node, ...env } = process.env as Record<string, string>;
  return _electron.launch({
    executablePath: electron.file,
    args: [
      '--no-sandbox',
      '--use-fake-device-for-media-stream',
      root,
      `--initial=${JSON.stringify({ kind: 'study', path: demo })}`,
    ],
    env: { ...env, UNPOOL_HOME: home },
  });
}

describe.skipIf(electron.skip)(`in Electron${electron.skip ? ` (skipped: ${electron.skip})` : ''}`, () => {
  let app: ElectronApplication;
  let page: Page;
  const home = temporary();

  beforeAll(async () => {
    app = await startElectron(home);
    page = await app.firstWindow();
    await page.getByRole('heading', { name: /Unit \d+/ }).waitFor({ timeout: 30_000 });
  });
  afterAll(async () => {
    await app?.close();
  });

  it('the demo opens, a unit is picked, nine tiles appear and are those of PyTorch', () =>
    expectGolden(page, 'conv4-65'));

  it('an engine that is killed is started again, and the window goes on', async () => {
    const pid = await app.evaluate(
      ({ app: program }) => program.getAppMetrics().find(({ name }) => name === 'Unpool engine')?.pid,
    );
    process.kill(pid!, 'SIGKILL');
    await expectGolden(page, 'conv2-5');
  });

  it('the native menu is the window’s, and does what it says', async () => {
    const labels = () =>
      app.evaluate(({ Menu }) =>
        (Menu.getApplicationMenu()?.items ?? []).flatMap((menu) =>
          (menu.submenu?.items ?? []).map(({ label }) => label),
        ),
      );
    await expect.poll(labels).toEqual(expect.arrayContaining(['New study', 'Units', 'Back', 'Copy link to this view']));
    await app.evaluate(({ Menu }) => {
      for (const menu of Menu.getApplicationMenu()!.items)
        for (const item of menu.submenu?.items ?? []) if (item.label === 'Settings') item.click();
    });
    await page.getByRole('dialog', { name: 'Settings' }).waitFor();
    await page.keyboard.press('Escape');
  });

  it('a link given to a second start opens in the window that is there; one that is none does nothing', async () => {
    await expectGolden(page, 'conv2-5');
    const link = `unpool://units?study=${encodeURIComponent(demo)}&layer=conv3&unit=10`;
    const follow = (argument: string) =>
      app.evaluate(
        ({ app: program }, given) => void program.emit('second-instance', {}, ['electron', given], ''),
        argument,
      );
    await follow('unpool://create?model=%2Fetc%2Fpasswd');
    await follow('unpool://units?study=%5C%5Cserver%5Cshare');
    await page.waitForTimeout(300);
    await page.getByRole('heading', { name: /Unit 5\b/ }).waitFor();
    await follow(link);
    await page.getByRole('heading', { name: /Unit 10\b/ }).waitFor();
  });

  it('a second start of the program gives its link to the first and ends; so does a link that the system opens', async () => {
    await expectGolden(page, 'conv2-5');
    const { ELECTRON_RUN_AS_NODE: _node, ...env } = process.env;
    const link = (unit: number) => `unpool://units?study=${encodeURIComponent(demo)}&layer=conv3&unit=${unit}`;
    execFileSync(electron.file, ['--no-sandbox', root, link(21)], {
      env: { ...env, UNPOOL_HOME: home },
      stdio: 'ignore',
      timeout: 60_000,
    });
    await page.getByRole('heading', { name: /Unit 21\b/ }).waitFor();
    // As on macOS.
    await app.evaluate(({ app: program }, url) => {
      program.emit('open-url', { preventDefault: () => undefined }, url);
    }, link(22));
    await page.getByRole('heading', { name: /Unit 22\b/ }).waitFor();
    expect(app.windows()).toHaveLength(1);
  });

  it('a link opens a window where none is left, and is gone to there', async () => {
    const other = await startElectron(temporary());
    try {
      await other.firstWindow();
      // As on macOS, where the program stays.
      await other.evaluate(({ app: program, BrowserWindow }) => {
        program.removeAllListeners('window-all-closed');
        program.on('window-all-closed', () => undefined);
        for (const window of BrowserWindow.getAllWindows()) window.destroy();
      });
      const next = other.waitForEvent('window');
      await other.evaluate(
        ({ app: program }, url) => void program.emit('open-url', { preventDefault: () => undefined }, url),
        `unpool://units?study=${encodeURIComponent(demo)}&layer=conv3&unit=23`,
      );
      await (await next).getByRole('heading', { name: /Unit 23\b/ }).waitFor({ timeout: 30_000 });
    } finally {
      await other.close();
    }
  });

  it('a composed figure is copied to the clipboard as a picture', async () => {
    await page.keyboard.press('f');
    await page.getByRole('navigation').getByRole('button', { name: 'Figure' }).click();
    await page.locator('img.paper').waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: 'Copy as a picture' }).click();
    await page.getByText('Copied.').waitFor({ timeout: 30_000 });
    // A single column at 300 dpi.
    const width = await app.evaluate(async ({ clipboard, nativeImage }) => {
      const older = clipboard as { readImage?(): { getSize(): { width: number } } };
      if (older.readImage) return older.readImage().getSize().width;
      const [item] = await clipboard.read();
      const png = Buffer.from(await (await item!.getType('image/png')).arrayBuffer());
      return nativeImage.createFromBuffer(png).getSize().width;
    });
    expect(width).toBe(Math.round((89 / 25.4) * 300));
    await page.getByRole('navigation').getByRole('button', { name: 'Units' }).click();
  });

  it('given a command, the program is the command line', () => {
    const { ELECTRON_RUN_AS_NODE: _node, ...env } = process.env;
    const out = execFileSync(electron.file, ['--no-sandbox', root, 'layers', path.join(demo, 'model.onnx'), '--json'], {
      encoding: 'utf8',
      env: { ...env, UNPOOL_HOME: temporary() },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(JSON.parse(out)).toMatchObject({ input: { channels: 3, size: [64, 64] } });
  });

  it('the window’s process has no Node and a narrow bridge', async () => {
    const seen = await page.evaluate(() => ({
      types: [
        typeof (globalThis as never as { require: unknown }).require,
        typeof (globalThis as never as { process: unknown }).process,
      ],
      bridge: Object.keys((globalThis as never as { unpool: object }).unpool).sort(),
      origin: location.origin,
    }));
    expect(seen).toEqual({
      types: ['undefined', 'undefined'],
      bridge: ['on', 'pathOf', 'platform', 'shell'],
      origin: 'app://unpool',
    });
    const preferences = await app.evaluate(({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]!.webContents as unknown as {
        getLastWebPreferences(): Record<string, unknown>;
      };
      const { sandbox, contextIsolation, nodeIntegration, webviewTag } = contents.getLastWebPreferences();
      return { sandbox, contextIsolation, nodeIntegration, webviewTag };
    });
    expect(preferences).toMatchObject({ sandbox: true, contextIsolation: true, nodeIntegration: false });
  });

  it('its pages may use the camera and nothing else', async () => {
    const asked = await page.evaluate(async () => {
      const media = (wanted: MediaStreamConstraints) =>
        navigator.mediaDevices.getUserMedia(wanted).then(
          (stream) => {
            for (const track of stream.getTracks()) track.stop();
            return 'given';
          },
          (error: unknown) => (error as DOMException).name,
        );
      return [
        await media({ video: true }),
        await media({ audio: true }),
        await media({ video: true, audio: true }),
        (await navigator.permissions.query({ name: 'geolocation' })).state,
      ];
    });
    expect(asked).toEqual(['given', 'NotAllowedError', 'NotAllowedError', 'denied']);
  });

  it('unknown calls and bad arguments are refused', async () => {
    const shell = (name: string, args: unknown) =>
      page.evaluate(
        ([call, given]) =>
          (globalThis as never as { unpool: { shell(name: unknown, args: unknown): Promise<unknown> } }).unpool.shell(
            call,
            given,
          ),
        [name, args] as const,
      );
    expect(await shell('shell.run', {})).toMatchObject({ error: { code: 'unknown-call' } });
    expect(await shell('constructor', {})).toMatchObject({ error: { code: 'unknown-call' } });
    expect(await shell('shell.setTheme', { theme: 'pink' })).toMatchObject({
      error: { code: 'bad-arguments', place: { field: 'theme' } },
    });
  });

  it('no page is opened, none is left, nothing is fetched', async () => {
    const before = page.url();
    const outcome = await page.evaluate(async () => {
      const opened = window.open('https://example.org');
      location.href = 'https://example.org';
      const fetched = await fetch('https://example.org').then(
        () => 'fetched',
        () => 'refused',
      );
      return { opened: opened === null, fetched };
    });
    await page.waitForTimeout(300);
    expect(outcome).toEqual({ opened: true, fetched: 'refused' });
    expect(page.url()).toBe(before);
    expect(app.windows()).toHaveLength(1);
  });
});

describe.skipIf(electron.skip)(
  `other runtimes in Electron${electron.skip ? ` (skipped: ${electron.skip})` : ''}`,
  () => {
    it('WebAssembly is chosen in the settings: the engine starts again on it, draws the same tiles, and it is remembered', async () => {
      const home = temporary();
      const app = await startElectron(home);
      try {
        const page = await app.firstWindow();
        await page.getByRole('heading', { name: /Unit \d+/ }).waitFor({ timeout: 30_000 });
        const runs = page.locator('footer').getByRole('button', { name: /thread/ });
        expect(await runs.textContent()).toContain('ONNX Runtime');
        await runs.click();
        const settings = page.getByRole('dialog', { name: 'Settings' });
        await settings.getByRole('radio', { name: /^TensorFlow\.js/ }).check({ force: true });
        await settings.getByText(/Runs now: TensorFlow\.js/).waitFor({ timeout: 30_000 });
        await settings.locator('.segment', { hasText: 'WebAssembly' }).click();
        await settings.getByText(/Runs now: TensorFlow\.js [\d.]+ \(WebAssembly\)/).waitFor({ timeout: 30_000 });
        await page.keyboard.press('Escape');
        await expectGolden(page, 'conv2-5');
      } finally {
        await app.close();
      }
      const again = await startElectron(home);
      try {
        const page = await again.firstWindow();
        await page
          .locator('footer')
          .getByText(/\(WebAssembly\)/)
          .waitFor({ timeout: 30_000 });
      } finally {
        await again.close();
      }
    });

    it('other processors are tried in processes of their own; those that are not to be had say why', async () => {
      const app = await startElectron(temporary());
      try {
        const page = await app.firstWindow();
        await page
          .locator('footer')
          .getByRole('button', { name: /thread/ })
          .click();
        const settings = page.getByRole('dialog', { name: 'Settings' });
        await settings.getByRole('button', { name: 'Look for them' }).click();
        await settings.getByRole('button', { name: 'Look again' }).waitFor({ timeout: 120_000 });
        const words = (await settings.getByRole('group', { name: /another processor/ }).textContent()) ?? '';
        expect(words).toMatch(/Core ML\s*(Not to be had here: not in this build|Its numbers)/);
        expect(words).not.toContain('Not tried yet.');
        // The trial itself ran: what came of it is its library's answer, not a process that never started.
        expect(words).not.toMatch(/it ended with status/);
      } finally {
        await app.close();
      }
    });
  },
);

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { _electron, chromium as playwright } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { recordIn } from '../../main/engine/figures/read';
import { Clicks, newcomersFolder, walk } from './newcomer';
import { chromium, complaintsOf, electron, root, serve, temporary } from './support';

/** What a figure's file says of itself: six units, in the width of two columns. */
function expectSix(file: string): void {
  const { spec, panels, kind } = recordIn(readFileSync(file));
  expect([kind, spec.page, panels.length]).toEqual(['pdf', 'double', 6]);
  expect(panels.every(({ tiles, refused }) => tiles.length === 9 && refused === null)).toBe(true);
}

describe.skipIf(chromium.skip)(`a newcomer in Chromium${chromium.skip ? ` (skipped: ${chromium.skip})` : ''}`, () => {
  it('comes from a model file and a folder to a figure by pressing what is to be seen', async () => {
    const folder = temporary();
    newcomersFolder(folder);
    const before = process.env['HOME'];
    // Where the window's own dialog begins.
    process.env['HOME'] = folder;
    const served = await serve(path.join(folder, '.unpool'));
    process.env['HOME'] = before;
    const browser = await playwright.launch({ executablePath: chromium.file, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, acceptDownloads: true });
      const complaints = complaintsOf(page);
      await page.goto(served.address);
      const clicks = new Clicks();
      const dialog = page.getByRole('dialog');
      const save = await walk(page, clicks, async (what) => {
        if (what === 'model') {
          await clicks.on(dialog.getByRole('option', { name: 'models' }));
          await clicks.on(dialog.getByRole('option', { name: /^emoji\.onnx/ }));
          await clicks.on(dialog.getByRole('button', { name: 'Choose the model' }));
        } else {
          await clicks.on(dialog.getByRole('button', { name: /^Up to / }));
          await clicks.on(dialog.getByRole('option', { name: 'photos' }));
          await clicks.on(dialog.getByRole('button', { name: 'Choose “photos”' }));
        }
      });
      const [download] = await Promise.all([page.waitForEvent('download', { timeout: 60_000 }), save()]);
      expectSix(await download.path());
      expect(clicks.count).toBe(14);
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
      await served.stop();
    }
  });
});

describe.skipIf(electron.skip)(`a newcomer in Electron${electron.skip ? ` (skipped: ${electron.skip})` : ''}`, () => {
  it('does the same in the app, with the system’s dialogs', async () => {
    const folder = temporary();
    const { model, pictures } = newcomersFolder(folder);
    const file = path.join(folder, 'figure.pdf');
    const { ELECTRON_RUN_AS_NODE: _node, ...env } = process.env as Record<string, string>;
    const app = await _electron.launch({
      executablePath: electron.file,
      args: ['--no-sandbox', root, `--initial=${JSON.stringify({ kind: 'home' })}`],
      env: { ...env, UNPOOL_HOME: path.join(folder, '.unpool') },
    });
    try {
      const page = await app.firstWindow();
      // The system's dialogs are not the window's: they are answered as their user would.
      await app.evaluate(
        ({ dialog }, [network, photos, figure]) => {
          const answers = [network!, photos!];
          dialog.showOpenDialog = (async () => ({ canceled: false, filePaths: [answers.shift()!] })) as never;
          dialog.showSaveDialog = (async () => ({ canceled: false, filePath: figure! })) as never;
        },
        [model, pictures, file],
      );
      const clicks = new Clicks();
      const save = await walk(page, clicks, async () => undefined);
      await save();
      await expect.poll(() => existsSync(file), { timeout: 60_000 }).toBe(true);
      await page.getByText(/^Saved/).waitFor({ timeout: 60_000 });
      expectSix(file);
      expect(clicks.count).toBe(8);
    } finally {
      await app.close();
    }
  });
});

import { cpSync, copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { demo } from './support';

/** A folder as a newcomer has it: a network in one folder, pictures in another, some subfolders of which are classes. */
export function newcomersFolder(folder: string): { model: string; pictures: string } {
  const model = path.join(folder, 'models/emoji.onnx');
  const pictures = path.join(folder, 'photos');
  mkdirSync(path.dirname(model), { recursive: true });
  copyFileSync(path.join(demo, 'model.onnx'), model);
  copyFileSync(path.join(demo, 'labels.txt'), path.join(folder, 'models/emoji.labels.txt'));
  for (const name of ['heart', 'fruit', 'clock'])
    cpSync(path.join(demo, 'pictures', name), path.join(pictures, name), { recursive: true });
  return { model, pictures };
}

/** Presses what can be seen, and counts. */
export class Clicks {
  count = 0;
  async on(what: Locator): Promise<void> {
    this.count++;
    await what.click({ timeout: 20_000 });
  }
}

/**
 * From the first screen to a figure of six units in two columns, by the mouse alone. `choose`: answers the question for the
 * model, then for the pictures. Returns how the figure is asked for as a file.
 */
export async function walk(page: Page, clicks: Clicks, choose: (what: 'model' | 'pictures') => Promise<void>) {
  await clicks.on(page.getByRole('button', { name: 'New study' }));
  // Of the two that choose, the one to be pressed next is filled.
  const next = page.locator('.path .button.primary');
  await clicks.on(next);
  await choose('model');
  await page.getByText('Preprocessing', { exact: true }).waitFor({ timeout: 30_000 });
  await clicks.on(next);
  await choose('pictures');
  const make = page.getByRole('button', { name: 'Make the study and scan' });
  await expect.poll(() => make.isEnabled(), { timeout: 30_000 }).toBe(true);
  await clicks.on(make);
  await page.getByText(/pictures scanned/).waitFor({ timeout: 120_000 });
  await clicks.on(page.getByRole('navigation').getByRole('button', { name: 'Figure' }));
  await clicks.on(page.getByRole('button', { name: /^Six strongest units of / }));
  const paper = page.getByRole('img', { name: /^The figure: 6 panels/ });
  await paper.waitFor({ timeout: 60_000 });
  await page.getByText(/^183 × [\d.]+ mm, 6 panels/).waitFor();
  await clicks.on(page.getByRole('button', { name: 'Export' }));
  const save = page.getByRole('button', { name: 'Save…' });
  await save.waitFor();
  return () => clicks.on(save);
}

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

export const root = path.resolve(import.meta.dirname, '../..');
export const demo = path.join(root, 'assets/demo-study');
/** What a page says is wrong, from now on: what its console and its scripts throw. */
export function complaintsOf(page: Page, said: string[] = []): string[] {
  page.on('console', (message) => message.type() === 'error' && said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  return said;
}

/** In the gate nothing may be skipped. */
const everything = process.env['UNPOOL_TEST_ALL'] === '1';

function which(name: string): string | null {
  try {
    return execFileSync('which', [name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim() || null;
  } catch {
    return null;
  }
}

/** A need of a test: what there is, or why the test is skipped (in the gate: why it fails). */
export interface Need {
  file: string;
  skip: string | null;
}

function need(file: string | null | undefined, missing: string): Need {
  if (!file && everything) throw new Error(missing);
  return { file: file ?? '', skip: file ? null : missing };
}

export const chromium = need(process.env['CHROMIUM'] ?? which('chromium'), 'Chromium is not installed');
const electronFolder = process.env['ELECTRON_OVERRIDE_DIST_PATH'];
const electronFile = electronFolder ? path.join(electronFolder, 'electron') : null;
export const electron = need(
  electronFile && existsSync(electronFile) && process.env['DISPLAY'] ? electronFile : null,
  'ELECTRON_OVERRIDE_DIST_PATH names no Electron, or there is no display',
);

export const temporary = (): string => mkdtempSync(path.join(tmpdir(), 'unpool-e2e-'));

export interface Served {
  address: string;
  child: ChildProcess;
  stop(): Promise<void>;
}

/** `unpool serve` on any free port, with a home of its own. */
export async function serve(home: string, ...paths: string[]): Promise<Served> {
  const child = spawn(process.execPath, ['main/unpool.cjs', 'serve', ...paths], {
    cwd: root,
    env: { ...process.env, UNPOOL_HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const address = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (data: Buffer) => {
      text += data.toString();
      const found = /http:\S+/.exec(text);
      if (found) resolve(found[0]);
    });
    child.on('exit', () => reject(new Error(`serve ended: ${text}`)));
  });
  return {
    address,
    child,
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGINT');
      }),
  };
}

interface GoldenUnit {
  layer: string;
  unit: number;
  size: number;
  tiles: { file: string; activation: number }[];
}

/** What PyTorch says that the window shows of a unit of the demo (test/golden/demo.py). */
export function goldenUnit(name: string): GoldenUnit & { looks: Uint8Array } {
  const file = path.join(root, 'test/golden/demo', name);
  return {
    ...(JSON.parse(readFileSync(`${file}.json`, 'utf8')) as GoldenUnit),
    looks: new Uint8Array(readFileSync(`${file}.bin`)),
  };
}

export async function pickUnit(page: Page, layer: string, unit: number): Promise<void> {
  await page.getByRole('heading', { name: /Unit \d+/ }).waitFor();
  await page.keyboard.press('/');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.type(`${layer} ${unit}`);
  await page.waitForTimeout(200);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: new RegExp(`Unit ${unit}\\b`) }).waitFor();
}

/** The nine canvases of one kind as RGB planes, once all are drawn. */
async function readTiles(
  page: Page,
  kind: 'Reconstruction' | 'Patch',
): Promise<{ width: number; height: number; planes: number[] }[]> {
  const tiles = page.locator(`.block:has(h3:text-is("${kind}")) canvas`);
  await expect.poll(() => tiles.count(), { timeout: 30_000 }).toBe(9);
  await page.waitForFunction(
    (title) => {
      const block = [...document.querySelectorAll('.block')].find(
        (each) => each.querySelector('h3')?.textContent?.trim() === title,
      );
      const canvases = [...(block?.querySelectorAll('canvas') ?? [])];
      return (
        canvases.length === 9 &&
        canvases.every(
          (canvas) => canvas.width > 1 && canvas.getContext('2d')!.getImageData(0, 0, 1, 1).data[3] === 255,
        )
      );
    },
    kind,
    { timeout: 30_000 },
  );
  return tiles.evaluateAll((all) =>
    (all as HTMLCanvasElement[]).map((canvas) => {
      const { width, height } = canvas;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, width, height);
      const planes: number[] = [];
      for (let c = 0; c < 3; c++) for (let i = 0; i < width * height; i++) planes.push(data[4 * i + c]!);
      return { width, height, planes };
    }),
  );
}

/** The window's nine reconstructions are those of PyTorch, to one grey level (contrast at its default, one scale). */
export async function expectGolden(page: Page, name: string): Promise<void> {
  const golden = goldenUnit(name);
  await pickUnit(page, golden.layer, golden.unit);
  const tiles = await readTiles(page, 'Reconstruction');
  const length = 3 * golden.size ** 2;
  tiles.forEach((tile, rank) => {
    expect([tile.width, tile.height]).toEqual([golden.size, golden.size]);
    let worst = 0;
    tile.planes.forEach((value, i) => (worst = Math.max(worst, Math.abs(value - golden.looks[rank * length + i]!))));
    expect(worst, `${name}, rank ${rank}`).toBeLessThanOrEqual(1);
  });
  expect(new Set(tiles.flatMap((tile) => tile.planes)).size).toBeGreaterThan(100);
  await readTiles(page, 'Patch');
  const files = golden.tiles.map((tile) => tile.file.split('/').at(-1)!);
  for (const file of files) await page.getByText(file, { exact: true }).first().waitFor();
}

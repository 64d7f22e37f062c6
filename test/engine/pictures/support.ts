import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Rgb } from '../../../main/core/preprocess/resample';
import { random } from '../../core/support';

/** A folder for pictures; removed by `remove`. */
export async function makeFolder(): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'unpool-pictures-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Colours that tell each corner, with a little noise. */
export function scene(width: number, height: number, seed = 1): Rgb {
  const next = random(seed);
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const values = [(x / width) * 200, (y / height) * 200, 200 - ((x + y) / (width + height)) * 200];
      for (const value of values) rgb[i++] = Math.round(value + next() * 50);
    }
  return { width, height, rgb };
}

export const raw = ({ width, height }: Rgb) => ({ raw: { width, height, channels: 3 as const } });

export const shared = process.env['UNPOOL_SHARED'] ?? join(__dirname, '../../../../shared');
export const everything = process.env['UNPOOL_TEST_ALL'] === '1';

/** The most that two pictures differ by. */
export function apart(a: Uint8Array, b: Uint8Array): number {
  let most = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}

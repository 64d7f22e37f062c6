import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { failures } from '../endurance/failures';
import { killTest } from '../endurance/kill';
import { memoryTest } from '../endurance/memory';
import { makeLargeStudy, openLarge } from '../endurance/million';
import { root, tinyModel } from '../endurance/support';

/** Small runs of what "npm run kill-test", "failure-test", "memory-test" and "million-test" do at full size. */
beforeAll(() => {
  execFileSync(process.execPath, ['main/build.cjs'], { cwd: root, stdio: 'inherit' });
}, 120_000);

describe('a scan', () => {
  it('that is killed goes on to the same bytes, and does at most one batch again', async () => {
    const result = await killTest({ kills: 3, pictures: 300 });
    expect(result.different).toEqual([]);
    expect(result.again).toBeLessThanOrEqual(1);
    expect(result.batches).toBe(75);
  }, 240_000);

  it('that meets a full disk, a read-only folder, a drive that stalls or a picture that disappears says so and loses nothing', async () => {
    const results = await failures();
    const said = (what: RegExp): string => {
      const failure = results.find((each) => what.test(each.what))!;
      return failure.skipped ?? failure.said;
    };
    expect(said(/device that is full/)).toMatch(/the disk is full/);
    expect(said(/disk that fills/)).toMatch(/the disk is full|can be mounted/);
    expect(said(/read-only/)).toMatch(/read-only|can be mounted/);
    expect(said(/stalls/)).toMatch(/^Waiting for crabs\/302.png; paused/);
    expect(said(/disappears/)).toBe('done: The file is not there any more.');
    for (const { what, different } of results) expect(different, what).toEqual([]);
  }, 240_000);

  it('holds as much memory at its end as at its beginning', async () => {
    const { early, late } = await memoryTest({ model: tinyModel(), size: 24, pictures: 12_000, first: 1000 });
    // The full run allows 5 % from 1,000 to 100,000; so few pictures show what grows by more than 2 KB each.
    expect(late - early).toBeLessThan(24e6);
  }, 240_000);
});

describe('a large study', () => {
  it('is opened without its pictures being read, and its files grow by units', async () => {
    const out = mkdtempSync(path.join(tmpdir(), 'unpool-large-'));
    try {
      const results = [];
      for (const pictures of [1000, 80_000]) {
        await makeLargeStudy(path.join(out, String(pictures)), pictures, 400);
        results.push(await openLarge(path.join(out, String(pictures)), path.join(out, 'home')));
      }
      const [small, large] = results.map(({ files }) => files);
      expect(large!['units.arrow']).toBe(small!['units.arrow']);
      expect(Math.abs(large!['stats.arrow']! / small!['stats.arrow']! - 1)).toBeLessThan(0.1);
      expect(Math.abs(large!['study.json']! / small!['study.json']! - 1)).toBeLessThan(0.01);
      expect(large!['images.arrow']!).toBeGreaterThan(40 * small!['images.arrow']!);
    } finally {
      rmSync(out, { recursive: true, force: true });
    }
  }, 240_000);
});

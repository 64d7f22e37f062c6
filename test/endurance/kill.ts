import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makePlace } from '../engine/place';
import { random } from '../core/support';
import { different, killGroup, lines, option, root, sleep, unpool } from './support';

export interface KillResult {
  /** Those that found the scan running. */
  kills: number;
  batches: number;
  /** Most batches that one run did again. */
  again: number;
  different: string[];
}

/**
 * Scans, kills the whole program with SIGKILL at a random moment (while it starts, between or within batches, while it writes),
 * and goes on, as often as asked; then lets it finish and compares with a scan that was left alone.
 */
export async function killTest(
  { kills, pictures, seed = 1 }: { kills: number; pictures: number; seed?: number },
  tell: (text: string) => void = () => undefined,
): Promise<KillResult> {
  const next = random(seed);
  const place = await makePlace(pictures, [3, 17]);
  const out = mkdtempSync(path.join(tmpdir(), 'unpool-kill-'));
  const trace = path.join(out, 'trace.txt');
  mkdirSync(path.join(out, 'home'));
  const scan = (study: string, log: string) =>
    unpool(['scan', place.model, place.pictures, '--batch', '4', '-o', path.join(out, study)], path.join(out, 'home'), {
      UNPOOL_TRACE: log,
      NODE_OPTIONS: `--require ${path.join(root, 'test/endurance/trace.cjs')}`,
      UNPOOL_THREADS: '1',
    });
  try {
    const whole = scan('whole', path.join(out, 'whole.txt'));
    if ((await whole.ended) !== 0) throw new Error(whole.said());
    const batches = lines(path.join(out, 'whole.txt')).length;
    const seen = new Set<string>();
    let again = 0;
    let late = 0;
    let before = 0;
    const look = (): void => {
      const all = lines(trace);
      again = Math.max(again, all.slice(before).filter((line) => seen.has(line)).length);
      all.forEach((line) => seen.add(line));
      before = all.length;
    };
    for (let kill = 1; kill <= kills; kill++) {
      const program = scan('killed', trace);
      const over = program.ended.then(() => true);
      const start = lines(trace).length;
      // So many batches on (fewer as fewer are left), then a moment later; one in five while the program starts.
      const share = (batches - seen.size) / (kills - kill + 2);
      const wanted = next() < 0.2 ? 0 : 1 + Math.floor(next() * 1.2 * share);
      if (wanted === 0) await Promise.race([over, sleep(next() * 1500)]);
      for (let done = false; !done && lines(trace).length < start + wanted;)
        done = await Promise.race([over, sleep(2).then(() => false)]);
      await sleep(next() * 10);
      if (await Promise.race([over, sleep(0).then(() => false)])) late++;
      killGroup(program);
      await program.ended;
      look();
      tell(`kill ${kill}: ${seen.size} of ${batches} batches`);
    }
    const last = scan('killed', trace);
    const code = await last.ended;
    if (code !== 0) throw new Error(last.said());
    look();
    if (seen.size !== batches) throw new Error(`${seen.size} batches were run where there are ${batches}`);
    return {
      kills: kills - late,
      batches,
      again,
      different: different(path.join(out, 'whole'), path.join(out, 'killed')),
    };
  } finally {
    rmSync(out, { recursive: true, force: true });
    await place.remove();
  }
}

export async function main(args: readonly string[]): Promise<number> {
  const kills = option(args, 'kills', 50);
  const seed = option(args, 'seed', 1);
  const result = await killTest({ kills, pictures: option(args, 'pictures', 3000), seed }, (text) => console.log(text));
  console.log(
    `${result.kills} kills in ${result.batches} batches (seed ${seed}): at most ${result.again} done again by one run; ${
      result.different.length ? `DIFFERENT: ${result.different.join(', ')}` : 'the same bytes in all tables'
    }.`,
  );
  return result.different.length > 0 || result.again > 1 ? 1 : 0;
}

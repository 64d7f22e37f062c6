import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makePlace, preprocessing } from '../engine/place';
import type { ScanState } from '../../preload/contract';
import { builtEngine, different, sleep } from './support';

/** What went wrong, what the program said of it, and which tables differ in the end from those of a quiet scan. */
export interface Failure {
  what: string;
  said: string;
  different: string[];
  /** Null, or why this machine cannot make it happen. */
  skipped: string | null;
}

/** A small file system in memory, as far as this user may mount one. */
function mounted(folder: string, megabytes: number): (() => void) | null {
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder], { stdio: 'ignore' });
    return () => execFileSync('umount', ['-l', folder], { stdio: 'ignore' });
  } catch {
    return null;
  }
}

/**
 * A scan that meets a full disk, a folder that becomes read-only, a drive that stalls, a picture that disappears; then goes on.
 * What needs a file system of its own is left out, with the reason, where none can be mounted.
 */
export async function failures(tell: (text: string) => void = () => undefined): Promise<Failure[]> {
  const count = 400;
  const place = await makePlace(count, [3]);
  const out = mkdtempSync(path.join(tmpdir(), 'unpool-failures-'));
  const engine = builtEngine(path.join(out, 'home'));
  const { client } = engine;
  const results: Failure[] = [];
  const add = (failure: Failure): void => {
    results.push(failure);
    const { what, said, different, skipped } = failure;
    tell(
      `${what}: ${skipped ? `SKIPPED, ${skipped}` : `"${said}" ${different.length ? `DIFFERENT: ${different.join(', ')}` : 'Then the same bytes.'}`}`,
    );
  };
  const states = new Map<string, ScanState>();
  client.on('scan.progress', ({ study, scan }) => states.set(study, scan));
  const until = async (study: string, wanted: (state: ScanState) => boolean): Promise<ScanState> => {
    for (;;) {
      const state = states.get(study);
      if (state && wanted(state)) return state;
      await sleep(10);
    }
  };
  const ended = (study: string) => until(study, ({ phase }) => phase !== 'running' && phase !== 'none');
  const create = (folder: string, pictures = place.pictures, scan = true) =>
    client.call('study.create', {
      model: place.model,
      pictures,
      preprocessing,
      settings: { k: 5, batch: 4 },
      folder,
      scan,
    });
  const goOn = async (study: string): Promise<ScanState> => {
    states.delete(study);
    await client.call('scan.start', { study });
    const state = await ended(study);
    if (state.phase !== 'done') throw new Error(`${state.phase}: ${JSON.stringify(state.error)}`);
    return state;
  };
  try {
    const whole = path.join(out, 'whole');
    await create(whole);
    await ended(whole);

    // The journal leads to a device that is always full: the first batch cannot be noted.
    const full = path.join(out, 'full');
    await create(full, place.pictures, false);
    symlinkSync('/dev/full', path.join(full, 'scan.log'));
    await client.call('scan.start', { study: full });
    const first = await ended(full);
    rmSync(path.join(full, 'scan.log'), { force: true });
    await goOn(full);
    add({ what: 'a device that is full', said: first.error?.message ?? first.phase, different: different(whole, full), skipped: null }); // prettier-ignore

    for (const [what, size, spoil, mend] of [
      [
        'a disk that fills up',
        2,
        (folder: string) => {
          const file = openSync(path.join(folder, 'ballast'), 'w');
          try {
            for (;;) writeSync(file, Buffer.alloc(4096));
          } catch {
            closeSync(file); // it is full
          }
        },
        (folder: string) => rmSync(path.join(folder, 'ballast')),
      ],
      [
        'a folder that becomes read-only',
        8,
        // A file that is open for writing keeps a file system writable, so a bind mount over the folder is made read-only.
        (folder: string) => {
          execFileSync('mount', ['--bind', path.join(folder, 'study'), path.join(folder, 'study')]);
          execFileSync('mount', ['-o', 'remount,ro,bind', path.join(folder, 'study')]);
        },
        (folder: string) => execFileSync('umount', ['-l', path.join(folder, 'study')]),
      ],
    ] as const) {
      const disk = path.join(out, what.replaceAll(' ', '-'));
      const unmount = mounted(disk, size);
      if (!unmount) {
        add({ what, said: '', different: [], skipped: 'no file system can be mounted here' });
        continue;
      }
      try {
        const study = path.join(disk, 'study');
        await create(study);
        await until(study, ({ done }) => done >= 8);
        spoil(disk);
        const failed = await ended(study);
        mend(disk);
        if (failed.phase === 'failed') await goOn(study);
        add({ what, said: failed.error?.message ?? failed.phase, different: different(whole, study), skipped: null });
      } finally {
        unmount();
      }
    }

    // A picture that nobody answers for: a pipe in its place. The scan waits, says so, can be stopped, and goes on.
    const stalls = path.join(out, 'stalls');
    const pictures = path.join(out, 'pictures');
    execFileSync('cp', ['-r', place.pictures, pictures]);
    const slow = path.join(pictures, 'crabs', '302.png');
    await create(stalls, pictures, false);
    const bytes = readFileSync(slow);
    await client.call('scan.start', { study: stalls });
    rmSync(slow);
    execFileSync('mkfifo', [slow]);
    const waiting = await until(stalls, (state) => state.waiting !== undefined || state.phase !== 'running');
    await client.call('scan.pause', { study: stalls });
    const paused = await ended(stalls);
    const writer = openSync(slow, 'r+'); // whoever waited for the pipe is let go
    writeSync(writer, bytes);
    closeSync(writer);
    rmSync(slow);
    copyFileSync(path.join(place.pictures, 'crabs', '302.png'), slow);
    await goOn(stalls);
    add({
      what: 'a drive that stalls',
      said: waiting.waiting ? `Waiting for ${waiting.waiting}; ${paused.phase} at ${paused.done}.` : waiting.phase,
      different: different(whole, stalls),
      skipped: null,
    });

    // A picture that disappears: it is broken, with the reason; all others are there.
    const gone = path.join(out, 'gone');
    await create(gone, pictures, false);
    await client.call('scan.start', { study: gone });
    rmSync(path.join(pictures, 'crabs', '395.png'));
    const state = await ended(gone);
    const info = await client.call('study.open', { path: gone });
    const reason = info.broken.find(({ file }) => file === 'crabs/395.png')?.reason ?? 'nothing';
    add({ what: 'a picture that disappears', said: `${state.phase}: ${reason}`, different: state.broken === 2 ? [] : ['the count of broken pictures'], skipped: null }); // prettier-ignore
    return results;
  } finally {
    await engine.stop();
    rmSync(out, { recursive: true, force: true });
    await place.remove();
  }
}

export async function main(): Promise<number> {
  const results = await failures((text) => console.log(text));
  return results.some((each) => each.different.length > 0 || (!each.skipped && /^(done|running)/.test(each.said) && !/picture that/.test(each.what))) ? 1 : 0; // prettier-ignore
}

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordIn } from '../../main/engine/figures/read';
import { makePlace, type Place } from '../engine/support';

const root = path.resolve(import.meta.dirname, '../..');
let place: Place;

interface Ended {
  code: number | null;
  out: string;
  err: string;
  bytes: Buffer;
}

/** Runs the built command. `onError` sees what it says while it runs. */
function unpool(args: string[], onError?: (said: string, pid: number) => void, env: object = {}): Promise<Ended> {
  const child = spawn(process.execPath, ['main/unpool.cjs', ...args], {
    cwd: root,
    env: { ...process.env, UNPOOL_HOME: path.join(place.folder, 'home'), DISPLAY: '', WAYLAND_DISPLAY: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out: Buffer[] = [];
  let err = '';
  child.stdout.on('data', (data: Buffer) => out.push(data));
  child.stderr.setEncoding('utf8').on('data', (data: string) => {
    err += data;
    onError?.(err, child.pid!);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const bytes = Buffer.concat(out);
      resolve({ code, out: bytes.toString(), err, bytes });
    });
  });
}

/** Does something once, when the scan has run for a moment. */
function whenRunning(act: (pid: number) => void): (said: string, pid: number) => void {
  let done = false;
  return (said, pid) => {
    if (done || !/\b[1-9]\d* of \d+ pictures/.test(said)) return;
    done = true;
    setTimeout(act, 150, pid);
  };
}

beforeAll(async () => {
  execFileSync(process.execPath, ['main/build.cjs'], { cwd: root, stdio: 'inherit' });
  place = await makePlace(7, [4]);
}, 120_000);
afterAll(() => place?.remove());

/** The same pictures many times over: a scan that lasts. */
function manyPictures(count: number): string {
  const folder = path.join(place.folder, `many-${count}`);
  if (existsSync(folder)) return folder;
  mkdirSync(folder);
  const sources = ['ants', 'bees', 'crabs'].flatMap((name) =>
    readdirSync(path.join(place.pictures, name)).map((file) => path.join(place.pictures, name, file)),
  );
  for (let i = 0; i < count; i++)
    linkSync(sources[i % sources.length]!, path.join(folder, `${String(i).padStart(5, '0')}.png`));
  return folder;
}

/** The tables of a study, and those of the same scan in one go (made by the first that asks). */
async function expectAsInOneGo(study: string): Promise<void> {
  const whole = path.join(place.folder, 'whole');
  if (!existsSync(path.join(whole, 'units.arrow'))) expect((await unpool(longScan(whole))).code).toBe(0);
  for (const table of ['units.arrow', 'stats.arrow', 'sample.arrow'])
    expect(readFileSync(path.join(study, table)).equals(readFileSync(path.join(whole, table))), table).toBe(true);
}

const longScan = (out: string): string[] => ['scan', place.model, manyPictures(3000), '--batch', '4', '-o', out];

/** From somewhere in the middle: a scan that began again would give the same tables. */
const goesOn = /Going on with .* at picture [1-9]\d* of 3000/;

/** A scan stopped by Ctrl-C on its way, so that there is something to go on with. */
async function stoppedScan(study: string): Promise<void> {
  const { code, out, err } = await unpool(
    longScan(study),
    whenRunning((pid) => void process.kill(pid, 'SIGINT')),
  );
  expect([code, out]).toEqual([130, '']);
  expect(err).toMatch(/Stopped at picture [1-9]\d* of 3000\. Run the same command to go on\./);
}

describe('unpool layers', () => {
  it('prints a table, or all of it as JSON, and nothing else there', async () => {
    const { code, out } = await unpool(['layers', place.model]);
    expect(code).toBe(0);
    expect(out.split('\n').slice(0, 3).join('\n')).toMatch(/input 3 × 24 × 24\n *layer +kind +units.*\nfirst +conv +6/);
    const json = JSON.parse((await unpool(['layers', place.model, '--json'])).out) as {
      layers: { units: number; scanned: boolean }[];
    };
    expect(json.layers.filter(({ scanned }) => scanned).map(({ units }) => units)).toEqual([6, 8, 5]);
  });

  it('a reader that stops early is no error', async () => {
    const child = spawn(process.execPath, ['main/unpool.cjs', 'layers', place.model, '--json'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let err = '';
    child.stderr.on('data', (data: Buffer) => (err += data.toString()));
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    expect(err).toBe('');
  });
});

describe('unpool scan and figure', () => {
  it('scans, names what is not readable, and draws the same figure into a file and a pipe', async () => {
    const study = path.join(place.folder, 'study');
    const scan = await unpool(['scan', place.model, place.pictures, '-o', study, '-k', '4']);
    expect(scan).toMatchObject({ code: 0, out: `${study}: 7 pictures, 3 layers, 19 units.\n` });
    expect(scan.err).toMatch(/Preprocessing: /);
    expect(scan.err).toMatch(/Not readable: bees\/004\.png: /);

    const again = await unpool(['scan', place.model, place.pictures, '-o', study, '-k', '4', '--json']);
    expect(again.code).toBe(0);
    expect(again.err).toMatch(/is scanned already/);
    expect(JSON.parse(again.out)).toMatchObject({ settings: { k: 4 }, scan: { phase: 'done', broken: 1 } });

    // A shard does not look for pictures that came later, and says so.
    const shard = await unpool(['scan', place.model, place.pictures, '-o', study, '-k', '4', '--shard', '1/2']);
    expect(shard).toMatchObject({ code: 0, out: '', err: expect.stringMatching(/added since .* without shards/) });

    const file = path.join(place.folder, 'unit.png');
    const figure = ['figure', study, '--layer', 'second', '--unit', '3', '--method', 'guided'];
    expect(await unpool([...figure, '-o', file])).toMatchObject({ code: 0, out: '' });
    const piped = await unpool([...figure, '-o', '-']);
    expect(piped.err).toBe('');
    expect(recordIn(readFileSync(file)).panels).toMatchObject([{ name: 'second', unit: 3 }]);
    expect(piped.bytes.equals(readFileSync(file))).toBe(true);
    const other = await unpool([...figure.slice(0, -1), 'deconvnet', '-o', '-']);
    expect(other.bytes.equals(piped.bytes)).toBe(false);
  });

  it('a figure is made from a spec and from another file of it, and verified', async () => {
    const study = path.join(place.folder, 'study');
    const at = (name: string): string => path.join(place.folder, name);
    const rows = [
      { layer: 'second', units: [3] },
      { layer: 'first', units: { first: 2 } },
    ];
    const text = JSON.stringify({ format: 'unpool-figure', version: 1, page: 'double', rows });
    writeFileSync(at('spec.json'), text);
    expect((await unpool(['figure', '--study', study, '--spec', at('spec.json'), '-o', at('f.pdf')])).code).toBe(0);
    expect((await unpool(['figure', study, '--spec', at('f.pdf'), '-o', at('f.svg')])).code).toBe(0);
    for (const file of ['f.pdf', 'f.svg']) {
      const { code, out } = await unpool(['verify', at(file), '--study', study]);
      expect([code, out]).toEqual([0, `${at(file)} is the same: 3 units, 12 tiles, made again from ${study}.\n`]);
    }
    const svg = readFileSync(at('f.svg'), 'utf8').replace('>Patch<', '>Match<');
    writeFileSync(at('g.svg'), svg);
    const { code, out } = await unpool(['verify', at('g.svg'), '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ study, same: false, differences: [{ what: 'file' }] });

    writeFileSync(at('spec.json'), text.replace('double', 'triple'));
    const wrong = await unpool(['figure', study, '--spec', at('spec.json'), '-o', at('g.pdf')]);
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringMatching(/The figure's "page" is wrong/)]);
    const other = await unpool(['verify', place.model]);
    expect([other.code, other.err]).toEqual([1, expect.stringMatching(/carries no figure of Unpool/)]);
  });

  it('does not go on with a study that was made with something else', async () => {
    const study = path.join(place.folder, 'study');
    const other = await makePlace(1);
    try {
      const refusals = [
        [place.model, place.pictures, '-k', '5'],
        [place.model, place.pictures, '-k', '4', '--several'],
        [place.model, place.pictures, '-k', '4', '--before'],
        [place.model, other.pictures, '-k', '4'],
      ];
      for (const args of refusals) {
        const { code, err } = await unpool(['scan', ...args, '-o', study]);
        expect([code, err]).toEqual([1, expect.stringMatching(/was made with .*\. Choose another folder/)]);
      }
    } finally {
      await other.remove();
    }
  });

  it('Ctrl-C stops cleanly, the same command goes on, and the study is that of one go', async () => {
    const study = path.join(place.folder, 'stopped');
    await stoppedScan(study);
    const second = await unpool(longScan(study));
    expect(second.err).toMatch(goesOn);
    expect(second.code).toBe(0);
    await expectAsInOneGo(study);
  });

  it.skipIf(process.platform !== 'linux')(
    'an engine that is killed is told in words, the scan goes on, and the study is that of one go',
    async () => {
      const study = path.join(place.folder, 'killed');
      await stoppedScan(study);
      const killed = await unpool(
        longScan(study),
        whenRunning((pid) => {
          const [engine] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
          process.kill(Number(engine), 'SIGKILL');
        }),
      );
      expect(killed.code).toBe(1);
      expect(killed.err).toMatch(/unpool: The engine stopped\. Run the same command again; a scan goes on\.\n$/);
      const last = await unpool(longScan(study));
      expect(last.err).toMatch(goesOn);
      expect(last.code).toBe(0);
      await expectAsInOneGo(study);
    },
  );

  it('the command itself killed: its engine goes too, and the study is that of one go', async () => {
    const study = path.join(place.folder, 'abandoned');
    await stoppedScan(study);
    const killed = await unpool(
      longScan(study),
      whenRunning((pid) => void process.kill(pid, 'SIGKILL')),
    );
    // What it says ends only when the engine, which inherited it, has ended as well.
    expect(killed).toMatchObject({ code: null, out: '' });
    const last = await unpool(longScan(study));
    expect(last.err).toMatch(goesOn);
    expect(last.code).toBe(0);
    await expectAsInOneGo(study);
  });
});

describe('what goes wrong is told in words', () => {
  it.each([
    [['layers', 'none.onnx'], 1, /unpool: .*none\.onnx/],
    [['layers', 'package.json'], 1, /unpool: /],
    [['figure', 'test'], 2, /--layer and --unit, or a figure with --spec/],
    [['figure', 'test', '-l', 'x', '-u', '1'], 1, /unpool: .*study/i],
    [['scan', 'a.onnx', 'b'], 2, /required option '-o, --out/],
    [['scan', 'a.onnx', 'b', '-o', 'c', '-k', '0'], 2, /At least 1/],
    [['scan', 'a.onnx', 'b', '-o', '/tmp/none', '--size', 'big'], 2, /whole number/],
    [['layers', 'a.onnx', '--size', '1x2x3'], 2, /224 or 48x320/],
    [['serve', '--port', '70000'], 2, /at most 65535/],
    [['serve', 'nowhere'], 1, /nowhere is neither a study/],
    [['figure', 'x', '-l', 'a', '-u', '0', '-m', 'magic'], 2, /deconvnet, guided, gradient/],
    [['frobnicate'], 1, /frobnicate is neither/],
  ])('%j', async (args, code, words) => {
    const ended = await unpool(args);
    expect([ended.code, ended.out]).toEqual([code, '']);
    expect(ended.err).toMatch(words);
    expect(ended.err).not.toMatch(/\n\s+at |node:internal/);
  });

  it('layers and units that are not there are named, with those that are', async () => {
    const study = path.join(place.folder, 'study');
    expect((await unpool(['figure', study, '-l', 'third', '-u', '0'])).err).toMatch(/no layer "third".*first, second/);
    expect((await unpool(['figure', study, '-l', 'second', '-u', '8'])).err).toMatch(/8 units/);
    const missing = await unpool(['figure', study, '-l', 'second', '-u', '0', '-o', path.join(study, 'no/where.png')]);
    expect(missing.err).toMatch(/cannot be written: its folder does not exist/);
  });

  it('the help shows how', async () => {
    for (const args of [['--help'], ['scan', '--help']]) {
      const { code, out } = await unpool(args);
      expect([code, out]).toEqual([0, expect.stringMatching(/Examples:\n +unpool/)]);
    }
  });
});

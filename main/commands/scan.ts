import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { InvalidArgumentError } from 'commander';
import type { ModelInfo, ScanState, StudyInfo } from '../../preload/contract';
import { RpcError, type Client } from '../../preload/rpc';
import { absolute, interrupted, interruptible, print, say, Told, withEngine, unlessStopped } from './shared';

export interface ScanOptions {
  out: string;
  preset?: string;
  size?: [number, number];
  k: number;
  several?: boolean;
  before?: boolean;
  batch?: number;
  name?: string;
  json?: boolean;
  shard?: { index: number; of: number };
}

/** "3/8": the third of eight. */
export function shardOf(text: string): { index: number; of: number } {
  const [, index, of] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (!of || Number(index) < 1 || Number(index) > Number(of))
    throw new InvalidArgumentError('A shard is needed, as 3/8: the third of eight.');
  return { index: Number(index), of: Number(of) };
}

export async function scan(model: string, pictures: string, options: ScanOptions): Promise<number> {
  return withEngine(async (client) => {
    if (options.shard) return scanShard(client, model, pictures, options, options.shard);
    const folder = absolute(options.out);
    let finish: (state: ScanState) => void = () => undefined;
    const ended = new Promise<ScanState>((resolve) => (finish = resolve));
    const show = progress(options.json ?? false);
    client.on('scan.progress', (event) => {
      if (event.study !== folder) return;
      show(event.scan);
      if (event.scan.phase !== 'running' && event.scan.phase !== 'none') finish(event.scan);
    });
    let stopping = 0;
    const stop = (): void => {
      // npm passes on a Ctrl-C that the terminal has sent here already: only a later one is a second one.
      if (stopping && Date.now() - stopping > 1000) process.exit(interrupted);
      if (stopping) return;
      stopping = Date.now();
      say('\nStopping. Ctrl-C again stops at once.');
      void client.call('scan.pause', { study: folder }).catch(() => process.exit(interrupted));
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);

    const known = await knownStudy(client, model, pictures, options);
    if (!known) await makeStudy(client, model, pictures, options, true);
    else if (known.scan.phase === 'done') {
      const { added } = await client.call('scan.grow', { study: folder });
      if (added === 0) {
        say(`${folder} is scanned already.`);
        return report(known, options.json ?? false);
      }
      say(`${added} pictures were added to the folder: only these are scanned.`);
    } else {
      say(`Going on with ${folder} at picture ${known.scan.done} of ${known.scan.total}.`);
      await client.call('scan.start', { study: folder });
    }
    const state = await ended;
    show(null);
    if (state.phase === 'failed') throw new RpcError(state.error ?? { code: 'failed', message: 'The scan failed.' });
    if (state.phase !== 'done') {
      say(`Stopped at picture ${state.done} of ${state.total}. Run the same command to go on.`);
      return interrupted;
    }
    return report(await client.call('study.open', { path: folder }), options.json ?? false);
  });
}

/** What is said where a scan in shards finds that all is done: shards do not look for pictures that came later. */
export const scannedInShards = ({ path: folder }: StudyInfo): string =>
  `${folder} is scanned already. Pictures that were added since are scanned by the same command without shards, on one machine.`;

async function scanShard(
  client: Client,
  model: string,
  pictures: string,
  options: ScanOptions,
  { index, of }: { index: number; of: number },
): Promise<number> {
  const study = await studyFor(client, model, pictures, options);
  if (study.scan.phase === 'done') {
    say(scannedInShards(study));
    return 0;
  }
  const signal = interruptible();
  const show = progress(options.json ?? false);
  const state = await unlessStopped(
    signal,
    client.call('scan.shard', { study: study.path, index, of }, { signal, onItem: show }),
  );
  show(null);
  if (state?.phase !== 'done') {
    say('Stopped. The same command goes on.');
    return interrupted;
  }
  if (options.json) print(JSON.stringify(state));
  else
    print(
      `Shard ${index} of ${of}: ${state.done} pictures. "unpool merge ${options.out} --out ${options.out}" joins all.`,
    );
  return 0;
}

const tries = 60;

/** The study of a divided scan, made where it is not there. Of several machines that begin at once, one makes it. */
export async function studyFor(
  client: Client,
  model: string,
  pictures: string,
  options: ScanOptions,
): Promise<StudyInfo> {
  for (let attempt = 1; ; attempt++) {
    const known = await knownStudy(client, model, pictures, options);
    if (known) return known;
    try {
      return await makeStudy(client, model, pictures, options, false);
    } catch (error) {
      const others = error instanceof RpcError && error.info.code === 'folder-in-use';
      if (!others || attempt === tries || !existsSync(path.join(absolute(options.out), 'images.arrow'))) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000)); // another machine is making it
    }
  }
}

/** The study that is there, checked to be of the scan that is asked for; null where there is none. Throws Told. */
async function knownStudy(
  client: Client,
  model: string,
  pictures: string,
  options: ScanOptions,
): Promise<StudyInfo | null> {
  const folder = absolute(options.out);
  if (!existsSync(path.join(folder, 'study.json'))) return null;
  const study = await client.call('study.open', { path: folder });
  const other = difference(study, await inspect(client, model, options), absolute(pictures), options);
  if (other) throw new Told(`${folder} was made with ${other}. Choose another folder for this scan with -o.`);
  return study;
}

const inspect = (client: Client, model: string, { size }: ScanOptions): Promise<ModelInfo> =>
  client.call('model.inspect', { path: absolute(model), ...(size && { size }) });

async function makeStudy(
  client: Client,
  model: string,
  pictures: string,
  options: ScanOptions,
  start: boolean,
): Promise<StudyInfo> {
  const folder = absolute(options.out);
  const info = await inspect(client, model, options);
  const id = options.preset ?? info.proposed.preset;
  const preset = info.presets.find((each) => each.id === id);
  if (!preset)
    throw new Told(
      `There is no preset "${id}" for this model. There are: ${info.presets.map((each) => each.id).join(', ')}.`,
    );
  say(`Preprocessing: ${preset.label} (${preset.note})${options.preset ? '' : ` ${info.proposed.reason}`}`);
  return client.call('study.create', {
    model: absolute(model),
    pictures: absolute(pictures),
    preprocessing: preset.preprocessing,
    settings: {
      k: options.k,
      onePerPicture: !options.several,
      before: options.before ?? false,
      batch: options.batch ?? null,
    },
    name: options.name ?? path.basename(folder),
    folder,
    scan: start,
  });
}

const real = (file: string): string => (existsSync(file) ? realpathSync(file) : file);

/** What a study was made with that is not what is asked for now, in words; null: it is the same scan. */
function difference(study: StudyInfo, model: ModelInfo, pictures: string, options: ScanOptions): string | null {
  const { settings, preprocessing } = study;
  if (study.model.sha256 !== model.sha256) return `another network (${study.model.name})`;
  if (!study.pictures.missing && real(study.pictures.path) !== real(pictures))
    return `other pictures (${study.pictures.path})`;
  if (settings.k !== options.k) return `--k ${settings.k}`;
  if (settings.onePerPicture !== !options.several) return settings.onePerPicture ? 'no --several' : '--several';
  if (settings.before !== (options.before ?? false)) return settings.before ? '--before' : 'no --before';
  if (options.size && !isDeepStrictEqual(preprocessing.size, options.size))
    return `--size ${preprocessing.size.join('x')}`;
  const preset = model.presets.find(({ id }) => id === options.preset);
  if (preset && !isDeepStrictEqual(preset.preprocessing, preprocessing)) return 'another preprocessing';
  return null;
}

export function seconds(left: number | null): string {
  if (left === null) return '';
  const total = Math.round(left);
  const [h, m, s] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  return h ? `, ${h} h ${m} min left` : m ? `, ${m} min ${s} s left` : `, ${s} s left`;
}

/** Progress on a terminal: one line that is written over; elsewhere a line now and then. Null: done, end the line. */
function progress(quiet: boolean): (state: ScanState | null) => void {
  const terminal = process.stderr.isTTY;
  let last = 0;
  let written = false;
  let begun = false;
  let waiting = '';
  return (state) => {
    if (state && (state.waiting ?? '') !== waiting) {
      waiting = state.waiting ?? '';
      if (waiting)
        say(`${terminal ? '\n' : ''}Waiting for ${waiting}: its drive does not answer. Ctrl-C stops; nothing is lost.`);
    }
    if (quiet) return;
    if (!state) {
      if (terminal && written) say('');
      return;
    }
    const now = Date.now();
    const first = !begun && state.done > 0;
    if (!terminal && !first && now - last < 5000 && state.phase === 'running') return;
    begun ||= state.done > 0;
    last = now;
    written = true;
    const rate = state.rate ? `, ${state.rate.toFixed(state.rate < 10 ? 1 : 0)} per second` : '';
    const broken = state.broken ? `, ${state.broken} not readable` : '';
    const line = `${state.done} of ${state.total} pictures${rate}${seconds(state.left)}${broken}`;
    if (!terminal) return say(line);
    const bar = '█'.repeat(Math.round((20 * state.done) / Math.max(1, state.total))).padEnd(20, '░');
    process.stderr.write(`\r\x1b[2K${bar} ${line}`);
  };
}

export function report(study: StudyInfo, json: boolean): number {
  if (json) print(JSON.stringify(study, null, 2));
  else {
    for (const { file, reason } of study.broken) say(`Not readable: ${file}: ${reason}`);
    const scanned = study.layers.filter((layer) => layer.scanned);
    print(
      `${study.path}: ${study.scan.done} pictures, ${scanned.length} layers, ${scanned.reduce((total, layer) => total + layer.units, 0)} units.`,
    );
  }
  return 0;
}

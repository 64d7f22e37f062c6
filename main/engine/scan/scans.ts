import type { EventName, Events, ScanPhase, ScanState } from '../../../preload/contract';
import { UnpoolError } from '../../core/errors';
import { createScanner, type Scanner } from '../../core/program/scanner';
import type { Runtime } from '../../core/runtime/runtime';
import { errorInfo } from '../jobs/errors';
import type { ComputeQueue } from '../jobs/queue';
import type { Decoders } from '../pictures/decoders';
import { removeTemporaries } from '../study/files';
import { scannedLayers } from '../study/manifest';
import { scanFiles, type Study } from '../study/study';
import { readProgress, removeProgress } from './checkpoint';
import { checkPictures, scanRange } from './range';
import { makeShardFolder, rangeOfShard, shardFiles, shardFolder } from './shards';
import type { Studies } from './studies';
import { emptyTables } from './tables';
import { join } from 'node:path';

type Emit = <K extends EventName>(event: K, value: Events[K]) => void;
type Stop = Extract<ScanPhase, 'paused' | 'cancelled'>;

interface Job {
  study: Study;
  controller: AbortController;
  stop: Stop;
  ended: Promise<void>;
}

export interface ScansOptions {
  runtime: Runtime;
  queue: ComputeQueue;
  decoders: Decoders;
  emit: Emit;
  /** ms between a running scan's checkpoints. */
  checkpointEvery?: number;
}

/** The scans that run, of open studies. */
export class Scans {
  private readonly options: ScansOptions;
  private readonly studies: Studies;
  /** By folder, as the open studies: whoever asks for a study that is scanned gets the one that the scan fills. */
  private readonly jobs = new Map<string, Job>();
  private readonly starting = new Map<string, Promise<void>>();
  private readonly shards = new Set<{ controller: AbortController; ended: Promise<unknown> }>();

  constructor(options: ScansOptions, studies: Studies) {
    this.options = options;
    this.studies = studies;
  }

  runs(folder: string): boolean {
    return this.jobs.has(folder) || this.starting.has(folder);
  }

  /** Starts the study's scan, or goes on with it. Throws UnpoolError where it cannot be started. */
  async start(study: Study): Promise<void> {
    const job = this.jobs.get(study.path);
    if (job && study.manifest.scan.phase === 'running' && !job.controller.signal.aborted) return;
    await job?.ended;
    if (study.manifest.scan.phase === 'done') return;
    let starting = this.starting.get(study.path);
    if (!starting) {
      this.studies.keep(study);
      starting = this.begin(study).finally(() => this.starting.delete(study.path));
      this.starting.set(study.path, starting);
    }
    await starting;
  }

  /** Scans all pictures of a study anew. Throws UnpoolError, with the study as it was, where that cannot be done. */
  async again(study: Study): Promise<void> {
    const scanner = await this.scannerOf(study);
    await this.options.queue.run('interactive', () => scanner.dispose());
    const { dataset } = await this.studies.picturesOf(study);
    await checkPictures(study, dataset, { from: 0, to: study.images.count });
    await removeProgress(scanFiles(study.path, study.manifest));
    study.startAnew();
    await study.writeManifest('none');
    await this.start(study);
  }

  private async begin(study: Study): Promise<void> {
    const scanner = await this.scannerOf(study);
    const { dataset } = await this.studies.picturesOf(study);
    await checkPictures(study, dataset, { from: 0, to: study.images.count });
    await removeTemporaries(study.path);
    const { k } = study.manifest.settings;
    const classes = study.manifest.pictures.classes.length;
    const { count } = study.images;
    study.tables ??= emptyTables(scannedLayers(study.manifest), k, classes, { from: 0, to: count }, count);
    const job: Job = { study, controller: new AbortController(), stop: 'paused', ended: Promise.resolve() };
    this.jobs.set(study.path, job);
    this.setPhase(study, 'running');
    job.ended = this.run(study, job, scanner)
      .catch((error: unknown) => console.error(`scan of ${study.path}: ${String(error)}`)) // letting go of the scanner failed
      .finally(() => this.jobs.delete(study.path));
  }

  /** Throws UnpoolError where the study cannot be written or its model is another. */
  private async scannerOf(study: Study): Promise<Scanner> {
    if (!study.writable)
      throw new UnpoolError('read-only', `The study "${study.path}" cannot be written, so that it cannot be scanned.`, {
        hint: 'Copy it to a place where you may write.',
        place: { file: study.path },
      });
    const model = await this.studies.model(study);
    const { k, onePerPicture, before } = study.manifest.settings;
    return this.options.queue.run('interactive', () =>
      createScanner(this.options.runtime, model.network, { before, perPicture: onePerPicture ? 1 : k }),
    );
  }

  private async run(study: Study, job: Job, scanner: Scanner): Promise<void> {
    const { manifest } = study;
    const { queue, emit } = this.options;
    const tables = study.tables!;
    try {
      const { dataset } = await this.studies.picturesOf(study);
      await study.writeManifest('running');
      const complete = await scanRange({
        ...this.common(),
        study,
        list: dataset,
        files: scanFiles(study.path, manifest),
        tables,
        scanner,
        signal: job.controller.signal,
        progress: ({ done, ...pace }) => {
          manifest.scan.done = done;
          study.pace = pace;
          emit('scan.progress', { study: study.path, scan: study.scan });
        },
        changed: () => emit('study.changed', { study: study.path }),
      });
      manifest.scan.done = tables.next;
      // The checkpoint is there; tables before the phase: whenever the program dies, what is there can be gone on with. The
      // phase is told when all of it is written.
      await study.writeTables();
      const phase = complete ? 'done' : job.stop;
      await study.writeManifest(phase);
      this.setPhase(study, phase);
    } catch (error) {
      manifest.scan.done = tables.next;
      manifest.scan.error = errorInfo(error);
      await study.writeManifest('failed').catch(() => undefined); // the reason may be a full disk; the state says it
      this.setPhase(study, 'failed');
    } finally {
      emit('study.changed', { study: study.path });
      await queue.run('interactive', () => scanner.dispose());
    }
  }

  private common() {
    const { queue, decoders, checkpointEvery } = this.options;
    return { queue, decoders, ...(checkpointEvery !== undefined && { checkpointEvery }) };
  }

  /**
   * Scans one shard, or goes on with it; resolves when it is done, or stopped by `signal`. Nothing of the study but the shard's
   * own files is written: many machines may scan shards of one folder. Throws UnpoolError.
   */
  async shard(
    study: Study,
    index: number,
    of: number,
    signal: AbortSignal,
    progress: (state: ScanState) => void,
  ): Promise<ScanState> {
    if (index > of) throw new UnpoolError('bad-shard', `There is no shard ${index} of ${of}.`);
    const { manifest } = study;
    const range = rangeOfShard(manifest, index, of);
    const files = shardFiles(study.path, index, of);
    const total = range.to - range.from;
    const { k } = manifest.settings;
    await makeShardFolder(study.path);
    await removeTemporaries(join(study.path, shardFolder), `${index}-of-${of}.`);
    const tables =
      (await readProgress(files, manifest, range, (picture) => study.classOf(picture))) ??
      emptyTables(scannedLayers(manifest), k, manifest.pictures.classes.length, range, manifest.pictures.count);
    const state = (phase: ScanPhase, pace: Pick<ScanState, 'rate' | 'left' | 'waiting'>): ScanState => {
      const state = { phase, done: tables.next - range.from, total, broken: tables.broken.size, error: null, ...pace };
      progress(state);
      return state;
    };
    const still = { rate: 0, left: null };
    const { dataset } = await this.studies.picturesOf(study);
    await checkPictures(study, dataset, { from: tables.next, to: range.to }, signal);
    const scanner = await this.scannerOf(study);
    const controller = new AbortController();
    const stop = (): void => controller.abort();
    signal.addEventListener('abort', stop);
    state('running', still);
    const run = scanRange({
      ...this.common(),
      study,
      list: dataset,
      files,
      tables,
      scanner,
      signal: controller.signal,
      progress: ({ done: _done, ...pace }) => state('running', pace),
      changed: () => undefined,
    });
    const entry = { controller, ended: run.catch(() => undefined) };
    this.shards.add(entry);
    try {
      return state((await run) ? 'done' : 'paused', still);
    } finally {
      this.shards.delete(entry);
      signal.removeEventListener('abort', stop);
      await this.options.queue.run('interactive', () => scanner.dispose());
    }
  }

  private setPhase(study: Study, phase: ScanPhase): void {
    study.manifest.scan.phase = phase;
    study.pace = { rate: 0, left: null };
    if (phase !== 'failed') study.manifest.scan.error = null;
    this.options.emit('scan.progress', { study: study.path, scan: study.scan });
  }

  /** Stops the scan after the batch that runs; resolves when everything is written. */
  async stop(study: Study, phase: Stop): Promise<void> {
    await this.starting.get(study.path)?.catch(() => undefined); // its own caller has been told
    const job = this.jobs.get(study.path);
    if (job) {
      job.stop = phase;
      job.controller.abort();
      await job.ended;
    } else if (phase === 'cancelled' && study.manifest.scan.phase !== 'done' && study.writable) {
      await study.writeManifest('cancelled');
      this.setPhase(study, 'cancelled');
    }
  }

  /** Pauses all scans. */
  async close(): Promise<void> {
    await Promise.all([...this.starting.values()].map((each) => each.catch(() => undefined)));
    for (const { controller } of this.shards) controller.abort();
    await Promise.all([...this.shards].map(({ ended }) => ended));
    await Promise.all([...this.jobs.values()].map(({ study }) => this.stop(study, 'paused')));
  }
}

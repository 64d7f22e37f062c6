import { mkdir, readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { EventName, Events, ScanPhase } from '../../../preload/contract';
import { UnpoolError } from '../../core/errors';
import { createScanner } from '../../core/program/scanner';
import type { Runtime } from '../../core/runtime/runtime';
import { errorInfo } from '../jobs/errors';
import type { ComputeQueue } from '../jobs/queue';
import { LruCache } from '../cache/lru';
import { listPictures, type Dataset } from '../pictures/dataset';
import { createLoader, type Loader } from '../pictures/loader';
import { createPatches, type Patches } from '../pictures/patches';
import { fileError, removeTemporaries } from '../study/files';
import { manifestName, scannedLayers, type Manifest } from '../study/manifest';
import type { Model, ModelStore } from '../study/models';
import { absolute, kindOf } from '../study/paths';
import { Study } from '../study/study';
import type { ImageRow } from '../study/tables';
import { deleteCheckpoint, scanIdentity, writeCheckpoint } from './checkpoint';
import { runScan, type LoadedBatch } from './job';
import { emptyTables } from './tables';

type Emit = <K extends EventName>(event: K, value: Events[K]) => void;
type Stop = Extract<ScanPhase, 'paused' | 'cancelled'>;

/** A study's pictures where they are now. */
export interface Pictures {
  dataset: Dataset;
  loader: Loader;
  patches: Patches;
}

interface Job {
  study: Study;
  controller: AbortController;
  stop: Stop;
  ended: Promise<void>;
}

export interface StudiesOptions {
  demo: string | null;
  runtime: Runtime;
  queue: ComputeQueue;
  models: ModelStore;
  emit: Emit;
  /** ms between a running scan's checkpoints. */
  checkpointEvery?: number;
}

/** The open studies by folder, and their scans. */
export class Studies {
  private readonly options: StudiesOptions;
  private readonly open = new Map<string, Promise<Study>>();
  /** By folder, as the open studies: whoever asks for a study that is scanned gets the one that the scan fills. */
  private readonly jobs = new Map<string, Job>();
  private readonly starting = new Map<string, Promise<void>>();
  private readonly pictures = new LruCache<Pictures>(4);

  constructor(options: StudiesOptions) {
    this.options = options;
  }

  /** The study of a folder, opened where it is not yet. Throws UnpoolError. */
  get(path: string): Promise<Study> {
    const folder = absolute(path);
    let study = this.open.get(folder);
    if (!study) {
      study = Study.open(folder, this.options.demo !== null && folder === resolve(this.options.demo));
      this.open.set(folder, study);
      study.catch(() => this.open.delete(folder)); // the caller sees it
    }
    return study;
  }

  /** As `get`, but reads the folder again where no scan runs in it: another program may have changed it. */
  async reopen(path: string): Promise<Study> {
    const folder = absolute(path);
    const study = await this.open.get(folder)?.catch(() => null);
    if (study && (this.jobs.has(folder) || this.starting.has(folder))) return study;
    this.open.delete(folder);
    return this.get(folder);
  }

  /** Makes a study in a folder that is not there, empty, or holds the model or the pictures. Throws UnpoolError. */
  async create(folder: string, manifest: Manifest, images: readonly ImageRow[]): Promise<Study> {
    const found = await kindOf(folder);
    const inside = [manifest.model, manifest.pictures].some(
      ({ relative }) => relative && !/^\.\.(\/|$)/.test(relative),
    );
    const names = found === 'folder' ? await readdir(folder) : [];
    if (found === 'file' || names.includes(manifestName) || (names.length > 0 && !inside))
      throw new UnpoolError('folder-in-use', `"${folder}" is ${found === 'file' ? 'a file' : 'not empty'}.`, {
        hint: 'Choose a new or an empty folder for the study.',
        place: { file: folder },
      });
    try {
      await mkdir(folder, { recursive: true });
    } catch (error) {
      throw fileError(error, 'write', folder);
    }
    await Study.create(folder, manifest, images);
    this.open.delete(folder);
    return this.get(folder);
  }

  /** The study's model, checked to be the one that it was made with. Throws UnpoolError. */
  async model(study: Study): Promise<Model> {
    const { input, model: expected } = study.manifest;
    const model = await this.options.models.load(await study.modelPath(), input.freeSize ? input.size : undefined);
    if (model.sha256 !== expected.sha256)
      throw new UnpoolError(
        'model-changed',
        `"${model.path}" is not the model that the study was made with any more.`,
        {
          hint: 'Put the old file back, or make a new study of the new one.',
          place: { file: model.path },
        },
      );
    return model;
  }

  /** The study's pictures, as its images.arrow names them. Throws UnpoolError where their folder is gone. */
  async picturesOf(study: Study): Promise<Pictures> {
    const root = await study.picturesPath();
    const { created, preprocessing, pictures: known } = study.manifest;
    const key = JSON.stringify([study.path, created, root]);
    let pictures = this.pictures.get(key);
    if (!pictures) {
      const dataset: Dataset = {
        root,
        files: study.images.map(({ file }) => file),
        classes: known.classes,
        classOf: Int32Array.from(study.images, (image) => known.classes.indexOf(image.class ?? '')),
        identity: known.identity,
      };
      pictures = {
        dataset,
        loader: createLoader(dataset, preprocessing),
        patches: createPatches(dataset, preprocessing),
      };
      this.pictures.set(key, pictures, 1);
    }
    return pictures;
  }

  /** Starts the study's scan, or goes on with it. Throws UnpoolError where it cannot be started. */
  async start(study: Study): Promise<void> {
    const job = this.jobs.get(study.path);
    if (job && study.manifest.scan.phase === 'running' && !job.controller.signal.aborted) return;
    await job?.ended;
    if (study.manifest.scan.phase === 'done') return;
    let starting = this.starting.get(study.path);
    if (!starting) {
      this.open.set(study.path, Promise.resolve(study));
      starting = this.begin(study).finally(() => this.starting.delete(study.path));
      this.starting.set(study.path, starting);
    }
    await starting;
  }

  private async begin(study: Study): Promise<void> {
    if (!study.writable)
      throw new UnpoolError('read-only', `The study "${study.path}" cannot be written, so that it cannot be scanned.`, {
        hint: 'Copy it to a place where you may write.',
        place: { file: study.path },
      });
    const { manifest } = study;
    const model = await this.model(study);
    const { dataset } = await this.picturesOf(study);
    const listing = await listPictures(dataset.root);
    if (listing.identity !== manifest.pictures.identity)
      throw new UnpoolError(
        'pictures-changed',
        `The pictures in "${dataset.root}" are not those that the study was made with (${manifest.pictures.count} then, ${listing.files.length} now, or other sizes).`,
        { hint: 'Bring the folder back to what it was, or make a new study of it.', place: { file: dataset.root } },
      );
    await removeTemporaries(study.path);
    const { k, onePerPicture, before } = manifest.settings;
    const perPicture = onePerPicture ? 1 : k;
    const scanner = await this.options.queue.run('interactive', () =>
      createScanner(this.options.runtime, model.network, { before, perPicture }),
    );
    study.tables ??= emptyTables(scannedLayers(manifest), k, manifest.pictures.classes.length);
    const job: Job = { study, controller: new AbortController(), stop: 'paused', ended: Promise.resolve() };
    this.jobs.set(study.path, job);
    this.setPhase(study, 'running');
    job.ended = this.run(study, job, dataset, scanner, perPicture)
      .catch((error: unknown) => console.error(`scan of ${study.path}: ${String(error)}`)) // letting go of the scanner failed
      .finally(() => this.jobs.delete(study.path));
  }

  private async run(
    study: Study,
    job: Job,
    dataset: Dataset,
    scanner: Awaited<ReturnType<typeof createScanner>>,
    perPicture: number,
  ): Promise<void> {
    const { manifest } = study;
    const { queue, emit } = this.options;
    const identity = scanIdentity(manifest);
    const loader = createLoader(dataset, manifest.preprocessing);
    const tables = study.tables!;
    try {
      await study.writeManifest('running');
      const complete = await runScan({
        scanner,
        tables,
        total: manifest.scan.total,
        batch: manifest.settings.batch,
        perPicture,
        signal: job.controller.signal,
        ...(this.options.checkpointEvery !== undefined && { checkpointEvery: this.options.checkpointEvery }),
        classOf: (picture) => dataset.classOf[picture]!,
        load: (from, to) => loadBatch(dataset, loader, from, to),
        compute: (task) => queue.run('scan', task),
        checkpoint: () => writeCheckpoint(study.path, identity, tables),
        progress: ({ done, rate, left }) => {
          manifest.scan.done = done;
          study.pace = { rate, left };
          emit('scan.progress', { study: study.path, scan: study.scan });
        },
        changed: () => emit('study.changed', { study: study.path }),
      });
      manifest.scan.done = tables.next;
      // Tables before the phase, the checkpoint last: whenever the program dies, what is there can be gone on with. The
      // phase is told when all of it is written.
      if (!complete) await writeCheckpoint(study.path, identity, tables);
      await study.writeTables();
      const phase = complete ? 'done' : job.stop;
      await study.writeManifest(phase);
      if (complete) await deleteCheckpoint(study.path);
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
    await Promise.all([...this.jobs.values()].map(({ study }) => this.stop(study, 'paused')));
  }
}

/** Decodes a batch; pictures that cannot be read leave a hole. Throws where the whole folder is gone. */
async function loadBatch(dataset: Dataset, loader: Loader, from: number, to: number): Promise<LoadedBatch> {
  const loaded = await loader.load(from, to);
  const good = loaded.flatMap((each, i) => ('data' in each ? [{ data: each.data, picture: from + i }] : []));
  const broken = loaded.flatMap((each, i): [number, string][] => ('broken' in each ? [[from + i, each.broken]] : []));
  if (broken.length > 0 && (await kindOf(dataset.root)) !== 'folder')
    throw new UnpoolError('pictures-missing', `The folder of pictures "${dataset.root}" is not there any more.`, {
      hint: 'Put it back, then go on with the scan.',
      place: { file: dataset.root },
    });
  const length = good[0]?.data.length ?? 0;
  const data = new Float32Array(good.length * length);
  good.forEach((each, i) => data.set(each.data, i * length));
  return { data, pictures: good.map(({ picture }) => picture), broken };
}

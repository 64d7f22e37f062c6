import { constants } from 'node:fs';
import { access, mkdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ScanPhase, ScanState, StudyInfo } from '../../../preload/contract';
import { UnpoolError } from '../../core/errors';
import { fieldBox, type Layer } from '../../core/program/network';
import { emptySample, type LayerSample } from '../../core/reduce/sample';
import { readProgress, type ScanFiles } from '../scan/checkpoint';
import { emptyTables, type ScanTables } from '../scan/tables';
import { fileError, writeWhole } from './files';
import { Images, writeImages, type ImageRow } from './images';
import { layersOf, readManifest, scannedLayers, studyId, writeManifest, type Manifest } from './manifest';
import { kindOf, locate } from './paths';
import { readSample, writeSample } from './sample';
import { readStatistics, readUnits, viewOf, writeStatistics, writeUnits, type LayerView } from './tables';

const names = {
  images: 'images.arrow',
  units: 'units.arrow',
  statistics: 'stats.arrow',
  sample: 'sample.arrow',
} as const;

/** Where the progress of a study's scan lies. Each growth has files of its own: study.json says which count. */
export function scanFiles(folder: string, { pictures }: Manifest): ScanFiles {
  const name = join(folder, pictures.parts ? `scan-${pictures.parts.length}` : 'scan');
  return { checkpoint: `${name}.bin`, journal: `${name}.log` };
}

/** A study that is open: its manifest, and its tables from files, from a checkpoint or from the scan that runs. */
export class Study {
  readonly path: string;
  readonly demo: boolean;
  readonly writable: boolean;
  readonly images: Images;
  manifest: Manifest;
  /** Speed of the running scan, and the file that it waits for; zero and unknown otherwise. */
  pace: Pick<ScanState, 'rate' | 'left' | 'waiting'> = { rate: 0, left: null };
  /** What a scan gathered, where it is in memory. */
  tables: ScanTables | null;
  private views: LayerView[] | null = null;
  private samples: Promise<LayerSample[] | null> | null = null;
  private readonly classIndex: Map<string, number>;

  private constructor(fields: {
    path: string;
    demo: boolean;
    writable: boolean;
    images: Images;
    manifest: Manifest;
    tables: ScanTables | null;
  }) {
    this.path = fields.path;
    this.demo = fields.demo;
    this.writable = fields.writable;
    this.images = fields.images;
    this.manifest = fields.manifest;
    this.tables = fields.tables;
    this.classIndex = new Map(fields.manifest.pictures.classes.map((name, index) => [name, index]));
  }

  /** Opens a folder; of a scan that was killed, what its checkpoint holds. Throws UnpoolError. */
  static async open(path: string, demo: boolean): Promise<Study> {
    const manifest = await readManifest(path);
    const file = join(path, names.images);
    const images = new Images(await read(file), file, manifest.pictures.count);
    const study = new Study({ path, demo, writable: await mayWrite(path), images, manifest, tables: null });
    if (manifest.scan.phase === 'done') return study;
    const range = { from: 0, to: images.count };
    study.tables = await readProgress(scanFiles(path, manifest), manifest, range, (picture) => study.classOf(picture));
    if (manifest.scan.phase === 'running') manifest.scan.phase = 'paused'; // killed: nobody runs it now
    manifest.scan.done = study.tables?.next ?? 0;
    return study;
  }

  /** Writes a new study's folder (which is there and empty). */
  static async create(path: string, manifest: Manifest, images: readonly ImageRow[]): Promise<void> {
    await writeWhole(join(path, names.images), writeImages(images));
    await writeManifest(path, manifest);
  }

  /** Makes a study of the same pictures in another folder. */
  static async copy(from: string, to: string, manifest: Manifest): Promise<void> {
    try {
      await mkdir(to, { recursive: true });
    } catch (error) {
      throw fileError(error, 'write', to);
    }
    await writeWhole(join(to, names.images), await read(join(from, names.images)));
    await writeManifest(to, manifest);
  }

  /** Class of a picture as an index, -1 for none. */
  classOf(picture: number): number {
    const name = this.images.class(picture);
    return name === null ? -1 : (this.classIndex.get(name) ?? -1);
  }

  /** The layer by its id. Throws UnpoolError. */
  layer(id: string): Layer {
    const layer = layersOf(this.manifest).find((each) => each.id === id);
    if (!layer) throw new UnpoolError('no-layer', `The study has no layer "${id}".`, { place: { field: 'layer' } });
    return layer;
  }

  /** The layer's results so far. Throws UnpoolError where the layer is not scanned. */
  async view(layer: Layer): Promise<LayerView> {
    const index = this.indexOf(layer);
    if (this.tables) return viewOf(this.tables.results[index]!);
    this.views ??= await this.readViews(scannedLayers(this.manifest));
    return this.views[index]!;
  }

  /** What the layer's units made of the sampled pictures; null where the study is of a program that kept no sample. Throws UnpoolError. */
  async sample(layer: Layer): Promise<LayerSample | null> {
    const index = this.indexOf(layer);
    if (this.tables) return this.tables.results[index]!.sample;
    if (this.manifest.scan.phase !== 'done') return emptySample(Int32Array.of(), layer.units, 1);
    this.samples ??= this.readSamples();
    const samples = await this.samples.catch((error: unknown) => {
      this.samples = null;
      throw error;
    });
    return samples && samples[index]!;
  }

  private async readSamples(): Promise<LayerSample[] | null> {
    const file = join(this.path, names.sample);
    if ((await kindOf(file)) !== 'file') return null;
    return readSample(await read(file), file, scannedLayers(this.manifest), this.manifest.pictures.count);
  }

  private indexOf(layer: Layer): number {
    const index = scannedLayers(this.manifest).findIndex(({ id }) => id === layer.id);
    if (index >= 0) return index;
    throw new UnpoolError('not-scanned', `The layer "${layer.name}" is not scanned (pools are listed only).`, {
      place: { field: 'layer' },
    });
  }

  /** Lets go of what was found, so that the next scan starts with the first picture. */
  startAnew(): void {
    this.tables = this.views = this.samples = null;
    Object.assign(this.manifest.scan, { phase: 'none', done: 0, error: null });
  }

  private async readViews(layers: readonly Layer[]): Promise<LayerView[]> {
    const { settings, scan, pictures } = this.manifest;
    if (scan.phase !== 'done') return emptyTables(layers, settings.k, 0, { from: 0, to: 0 }, 0).results.map(viewOf);
    const [units, statistics] = [join(this.path, names.units), join(this.path, names.statistics)];
    const tops = readUnits(await read(units), units, layers, settings.k, pictures.count);
    return readStatistics(await read(statistics), statistics, layers, tops);
  }

  /** [y0, x0, y1, x1) in px of the input of what the unit at this place (row * width + column) sees. */
  box(layer: Layer, place: number): [number, number, number, number] {
    const width = layer.map[1];
    return fieldBox(this.manifest, layer, Math.floor(place / width), place % width);
  }

  /** Where the model file is. Throws UnpoolError where it is gone. */
  async modelPath(): Promise<string> {
    const path = await locate(this.path, this.manifest.model, 'file');
    if (!path) throw gone('model', 'The model', this.manifest.model.path);
    return path;
  }

  async picturesPath(): Promise<string> {
    const path = await locate(this.path, this.manifest.pictures, 'folder');
    if (!path) throw gone('pictures', 'The folder of pictures', this.manifest.pictures.path);
    return path;
  }

  private get brokenRows(): readonly number[] {
    return this.tables ? [...this.tables.broken.keys()].sort((a, b) => a - b) : this.images.brokenRows();
  }

  get broken(): { file: string; reason: string }[] {
    return this.brokenRows.map((row) => ({
      file: this.images.file(row),
      reason: this.tables?.broken.get(row) ?? this.images.broken(row) ?? '',
    }));
  }

  get scan(): ScanState {
    const { phase, done, total, error } = this.manifest.scan;
    const broken = this.tables?.broken.size ?? this.brokenRows.length;
    return { phase, done, total, error, broken, ...this.pace };
  }

  async info(): Promise<StudyInfo> {
    const { manifest } = this;
    const { model, pictures } = manifest;
    const [modelPath, picturesPath] = await Promise.all([
      locate(this.path, model, 'file'),
      locate(this.path, pictures, 'folder'),
    ]);
    return {
      path: this.path,
      id: studyId(manifest),
      name: manifest.name,
      demo: this.demo,
      created: manifest.created,
      model: { path: modelPath ?? model.path, name: model.name, sha256: model.sha256, missing: modelPath === null },
      pictures: {
        path: picturesPath ?? pictures.path,
        count: pictures.count,
        classes: pictures.classes,
        missing: picturesPath === null,
      },
      preprocessing: manifest.preprocessing,
      settings: manifest.settings,
      inputChannels: manifest.input.channels,
      layers: layersOf(manifest).map(layerInfo),
      scan: this.scan,
      broken: this.broken,
      labels: manifest.labels,
      notes: manifest.notes,
    };
  }

  /** Writes study.json with the scan in this phase. */
  async writeManifest(phase: ScanPhase): Promise<void> {
    const { scan } = this.manifest;
    const error = phase === 'failed' ? scan.error : null;
    await writeManifest(this.path, { ...this.manifest, scan: { ...scan, phase, error } });
  }

  /** Writes a longer list of pictures; study.json says when it counts. */
  async writeGrown(images: readonly ImageRow[], tables: ScanTables): Promise<void> {
    const hashes = { from: tables.from, next: tables.next, halves: tables.hashes };
    await writeWhole(join(this.path, names.images), this.images.withMore(images, tables.broken, hashes));
  }

  /** A picture's difference hash, where it is known. */
  hash(picture: number): [number, number] | null {
    if (!this.tables) return this.images.hash(picture);
    const { from, next, hashes, broken } = this.tables;
    if (picture < from || picture >= next || broken.has(picture)) return null;
    return [hashes[2 * (picture - from)]!, hashes[2 * (picture - from) + 1]!];
  }

  /** Writes the tables as they are in memory. */
  async writeTables(): Promise<void> {
    const { tables } = this;
    if (!tables) return;
    const layers = scannedLayers(this.manifest);
    const hashes = { from: tables.from, next: tables.next, halves: tables.hashes };
    await writeWhole(join(this.path, names.images), this.images.withFound(tables.broken, hashes));
    await writeWhole(join(this.path, names.units), writeUnits(layers, tables.results));
    await writeWhole(join(this.path, names.statistics), writeStatistics(layers, tables.results));
    const sample = writeSample(layers, tables.results);
    if (sample) await writeWhole(join(this.path, names.sample), sample);
    else await rm(join(this.path, names.sample), { force: true });
  }
}

export const layerInfo = ({ after: _after, before: _before, field, ...layer }: Layer) => ({
  ...layer,
  field: field && field.size,
});

async function read(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw fileError(error, 'read', file);
  }
}

async function mayWrite(path: string): Promise<boolean> {
  try {
    await access(path, constants.W_OK);
    return true;
  } catch {
    return false; // any reason: a study that cannot be written is shown all the same
  }
}

function gone(code: string, what: string, path: string): UnpoolError {
  return new UnpoolError(`${code}-missing`, `${what} "${path}" is not there any more.`, {
    hint: `Put "${basename(path)}" back, or beside the study as it was before; numbers and ranks can be seen without it.`,
    place: { file: path },
  });
}

export const isStudy = async (path: string): Promise<boolean> => (await kindOf(join(path, 'study.json'))) === 'file';

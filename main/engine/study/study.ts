import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ScanPhase, ScanState, StudyInfo } from '../../../preload/contract';
import { UnpoolError } from '../../core/errors';
import { fieldBox, type Layer } from '../../core/program/network';
import { readCheckpoint } from '../scan/checkpoint';
import { emptyTables, type ScanTables } from '../scan/tables';
import { fileError, writeWhole } from './files';
import { layersOf, readManifest, scannedLayers, writeManifest, type Manifest } from './manifest';
import { kindOf, locate } from './paths';
import {
  readImages,
  readStatistics,
  readUnits,
  viewOf,
  writeImages,
  writeStatistics,
  writeUnits,
  type ImageRow,
  type LayerView,
} from './tables';

const names = { images: 'images.arrow', units: 'units.arrow', statistics: 'stats.arrow' } as const;

/** A study that is open: its manifest, and its tables from files, from a checkpoint or from the scan that runs. */
export class Study {
  readonly path: string;
  readonly demo: boolean;
  readonly writable: boolean;
  readonly images: readonly ImageRow[];
  manifest: Manifest;
  /** Speed of the running scan; zero and unknown otherwise. */
  pace: Pick<ScanState, 'rate' | 'left'> = { rate: 0, left: null };
  /** What a scan gathered, where it is in memory. */
  tables: ScanTables | null;
  private views: LayerView[] | null = null;

  private constructor(fields: {
    path: string;
    demo: boolean;
    writable: boolean;
    images: ImageRow[];
    manifest: Manifest;
    tables: ScanTables | null;
  }) {
    this.path = fields.path;
    this.demo = fields.demo;
    this.writable = fields.writable;
    this.images = fields.images;
    this.manifest = fields.manifest;
    this.tables = fields.tables;
  }

  /** Opens a folder; of a scan that was killed, what its checkpoint holds. Throws UnpoolError. */
  static async open(path: string, demo: boolean): Promise<Study> {
    const manifest = await readManifest(path);
    const file = join(path, names.images);
    const images = readImages(await read(file), file);
    if (images.length !== manifest.pictures.count)
      throw new UnpoolError(
        'bad-study',
        `"${file}" names ${images.length} pictures, study.json ${manifest.pictures.count}.`,
        {
          place: { file },
        },
      );
    const unfinished = manifest.scan.phase !== 'done';
    const tables = unfinished ? await readCheckpoint(path, manifest) : null;
    if (manifest.scan.phase === 'running') manifest.scan.phase = 'paused'; // killed: nobody runs it now
    if (unfinished) manifest.scan.done = tables?.next ?? 0;
    return new Study({ path, demo, writable: await mayWrite(path), images, manifest, tables });
  }

  /** Writes a new study's folder (which is there and empty). */
  static async create(path: string, manifest: Manifest, images: readonly ImageRow[]): Promise<void> {
    await writeWhole(join(path, names.images), writeImages(images));
    await writeManifest(path, manifest);
  }

  /** The layer by its id. Throws UnpoolError. */
  layer(id: string): Layer {
    const layer = layersOf(this.manifest).find((each) => each.id === id);
    if (!layer) throw new UnpoolError('no-layer', `The study has no layer "${id}".`, { place: { field: 'layer' } });
    return layer;
  }

  /** The layer's results so far. Throws UnpoolError where the layer is not scanned. */
  async view(layer: Layer): Promise<LayerView> {
    const layers = scannedLayers(this.manifest);
    const index = layers.findIndex(({ id }) => id === layer.id);
    if (index < 0)
      throw new UnpoolError('not-scanned', `The layer "${layer.name}" is not scanned (pools are listed only).`, {
        place: { field: 'layer' },
      });
    if (this.tables) return viewOf(this.tables.results[index]!);
    this.views ??= await this.readViews(layers);
    return this.views[index]!;
  }

  private async readViews(layers: readonly Layer[]): Promise<LayerView[]> {
    const { settings, scan, pictures } = this.manifest;
    if (scan.phase !== 'done') return emptyTables(layers, settings.k, 0).results.map(viewOf);
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

  get broken(): { file: string; reason: string }[] {
    return this.images.flatMap((image, index) => {
      const reason = this.tables ? this.tables.broken.get(index) : image.broken;
      return reason === undefined || reason === null ? [] : [{ file: image.file, reason }];
    });
  }

  get scan(): ScanState {
    const { phase, done, total, error } = this.manifest.scan;
    const broken = this.tables ? this.tables.broken.size : this.images.filter((image) => image.broken !== null).length;
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

  /** Writes the tables as they are in memory. */
  async writeTables(): Promise<void> {
    const { tables } = this;
    if (!tables) return;
    const layers = scannedLayers(this.manifest);
    const images = this.images.map((image, index) => ({ ...image, broken: tables.broken.get(index) ?? null }));
    await writeWhole(join(this.path, names.images), writeImages(images));
    await writeWhole(join(this.path, names.units), writeUnits(layers, tables.results));
    await writeWhole(join(this.path, names.statistics), writeStatistics(layers, tables.results));
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

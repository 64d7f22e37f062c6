import { mkdir, readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UnpoolError } from '../../core/errors';
import { LruCache } from '../cache/lru';
import type { PictureList } from '../pictures/dataset';
import { createLoader, type Loader } from '../pictures/loader';
import { createPatches, type Patches } from '../pictures/patches';
import { fileError } from '../study/files';
import type { ImageRow } from '../study/images';
import { manifestName, type Manifest } from '../study/manifest';
import type { Model, ModelStore } from '../study/models';
import { absolute, kindOf } from '../study/paths';
import { Study } from '../study/study';

/** A study's pictures where they are now. */
export interface Pictures {
  dataset: PictureList;
  loader: Loader;
  patches: Patches;
}

export interface StudiesOptions {
  demo: string | null;
  models: ModelStore;
  /** Whether a scan of this study's folder runs. */
  runs(folder: string): boolean;
}

/** The open studies by folder. */
export class Studies {
  private readonly options: StudiesOptions;
  private readonly open = new Map<string, Promise<Study>>();
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
    if (study && this.options.runs(folder)) return study;
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
    const key = JSON.stringify([study.path, created, known.identity, root]);
    let pictures = this.pictures.get(key);
    if (!pictures) {
      const dataset: PictureList = {
        root,
        count: study.images.count,
        file: (picture) => study.images.file(picture),
        className: (picture) => study.images.class(picture),
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

  /** Makes what is asked for from now on this one, which a scan fills. */
  keep(study: Study): void {
    this.open.set(study.path, Promise.resolve(study));
  }

  /** The folder is read again when it is asked for next. */
  forget(study: Study): void {
    this.open.delete(study.path);
  }
}

import { basename, extname, join } from 'node:path';
import { UnpoolError } from '../../core/errors';
import { channelCount, meanPixels } from '../../core/preprocess/preprocess';
import type { Network } from '../../core/program/network';
import type { Preprocessing } from '../../../preload/contract';
import { listPictures } from '../pictures/dataset';
import { chosenLabels, labelListsOf } from './labels';
import { batchSize } from '../scan/batch';
import { growStudy } from '../scan/grow';
import { formatVersion, type Manifest } from '../study/manifest';
import { absolute, existing, kindOf, placeOf } from '../study/paths';
import type { Study } from '../study/study';
import type { Context, Group } from './context';

/** Making, opening and scanning studies. */
export function studyHandlers({
  options,
  models,
  studies,
  scans,
  recent,
}: Context): Group<
  'study.create' | 'study.open' | 'scan.start' | 'scan.grow' | 'scan.again' | 'scan.pause' | 'scan.cancel'
> {
  /** The demo is offered by itself, and a list that cannot be written must not keep a study from opening. */
  async function remember(study: Study): Promise<void> {
    if (study.demo) return;
    const { name, model, pictures } = study.manifest;
    const opened = new Date().toISOString();
    await recent
      .add({ path: study.path, name, model: model.name, pictures: pictures.count, opened })
      .catch((error: unknown) => console.error(`recent.json: ${String(error)}`));
  }

  return {
    async 'study.create'(args) {
      const modelPath = await existing(args.model, 'file');
      const picturesPath = await existing(args.pictures, 'folder');
      const model = await models.load(modelPath, args.preprocessing.size);
      checkPreprocessing(args.preprocessing, model.network);
      const listing = await listPictures(picturesPath);
      const name = args.name || `${basename(model.name, extname(model.name))}, ${basename(picturesPath)}`;
      const folder = args.folder ? absolute(args.folder) : await freeFolder(join(options.home, 'studies'), name);
      const { network } = model;
      const manifest: Manifest = {
        format: 'unpool-study',
        version: formatVersion,
        app: options.version,
        name,
        created: new Date().toISOString(),
        model: { ...placeOf(folder, modelPath), name: model.name, bytes: model.bytes, sha256: model.sha256 },
        pictures: {
          ...placeOf(folder, picturesPath),
          count: listing.files.length,
          identity: listing.identity,
          classes: listing.classes,
        },
        input: network.input,
        preprocessing: args.preprocessing,
        settings: { ...args.settings, batch: args.settings.batch ?? batchSize(network) },
        layers: network.layers,
        labels: chosenLabels(await labelListsOf(model), args.labels),
        outputLayer: network.outputLayer,
        notes: network.notes,
        scan: { phase: 'none', done: 0, total: listing.files.length, error: null },
      };
      const study = await studies.create(
        folder,
        manifest,
        listing.files.map((file, i) => ({ file, class: listing.className(i), bytes: listing.bytes[i]! })),
      );
      await remember(study);
      if (args.scan) await scans.start(study);
      return study.info();
    },
    async 'study.open'({ path }) {
      const study = await studies.reopen(await existing(path, 'folder'));
      await remember(study);
      return study.info();
    },
    async 'scan.start'({ study }) {
      await scans.start(await studies.get(study));
      return null;
    },
    async 'scan.grow'({ study: path }) {
      const study = await studies.reopen(path);
      const added = await growStudy(study, await study.picturesPath());
      if (added > 0) {
        studies.forget(study);
        await scans.start(await studies.get(path));
      }
      return { added };
    },
    async 'scan.again'({ study: path }) {
      const study = await studies.get(path);
      await scans.stop(study, 'paused');
      await scans.again(study);
      return null;
    },
    async 'scan.pause'({ study }) {
      await scans.stop(await studies.get(study), 'paused');
      return null;
    },
    async 'scan.cancel'({ study }) {
      await scans.stop(await studies.get(study), 'cancelled');
      return null;
    },
  };
}

function checkPreprocessing(preprocessing: Preprocessing, { input }: Network): void {
  const bad = (field: string, what: string) =>
    new UnpoolError('bad-preprocessing', `The preprocessing does not fit the model: ${what}.`, {
      hint: 'Choose a preset for this model, or change the field.',
      place: { field: `preprocessing.${field}` },
    });
  const [height, width] = preprocessing.size;
  if (height !== input.size[0] || width !== input.size[1])
    throw bad('size', `its size is ${height} x ${width}, the model's input is ${input.size.join(' x ')}`);
  const channels = channelCount(preprocessing);
  if (channels !== input.channels)
    throw bad('channels', `it makes ${channels} channels, the model's input has ${input.channels}`);
  for (const field of ['mean', 'std'] as const)
    if (preprocessing[field].length !== channels || preprocessing[field].some((value) => !Number.isFinite(value)))
      throw bad(field, `"${field}" must hold ${channels} numbers`);
  if (preprocessing.meanImage && !meanPixels(preprocessing))
    throw bad('meanImage', `the mean of each pixel (${preprocessing.meanImage.file}) is not of the input's size`);
  if (preprocessing.std.includes(0)) throw bad('std', 'a deviation is 0');
}

/** A folder that is not there yet, named after the study. */
async function freeFolder(place: string, name: string): Promise<string> {
  const plain =
    name
      .replace(/[^\p{L}\p{N}._ -]+/gu, '-')
      .replace(/^[. -]+|[. -]+$/g, '')
      .slice(0, 80) || 'study';
  for (let i = 1; ; i++) {
    const folder = join(place, i === 1 ? plain : `${plain} ${i}`);
    if (!(await kindOf(folder))) return folder;
  }
}

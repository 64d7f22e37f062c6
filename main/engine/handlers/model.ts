import { isDeepStrictEqual } from 'node:util';
import { auditNetwork } from '../../core/program/audit';
import { outlineOf } from '../../core/program/outline';
import { asSeen } from '../../core/preprocess/preprocess';
import { catalogueEntry } from '../catalogue/catalogue';
import { findEvidence, sourcesOf } from '../finder/finder';
import { listPictures } from '../pictures/dataset';
import { createLoader } from '../pictures/loader';
import { createPatches } from '../pictures/patches';
import { existing } from '../study/paths';
import { layerInfo } from '../study/study';
import { labelListsOf, withoutEntries } from './labels';
import type { Context, Group } from './context';

const previewSize = 512;

/** Looking at a model and at pictures before a study is made of them. */
export function modelHandlers({
  models,
  studies,
  queue,
  runtime,
}: Context): Group<
  'model.inspect' | 'model.evidence' | 'model.audit' | 'model.graph' | 'pictures.inspect' | 'preprocessing.preview'
> {
  return {
    async 'model.inspect'({ path, size }) {
      let model = await models.load(await existing(path, 'file'), size);
      let sources = await sourcesOf(model);
      const wanted = sources.size;
      if (!size && model.network.input.freeSize && wanted && !isDeepStrictEqual(wanted, model.network.input.size)) {
        // The size is free, and the first source names one.
        model = await models.load(model.path, wanted);
        sources = await sourcesOf(model);
      }
      const { network } = model;
      const { presets, found } = sources;
      const [proposed] = found;
      const lists = await labelListsOf(model);
      const known = catalogueEntry(model.sha256);
      return {
        path: model.path,
        name: model.name,
        bytes: model.bytes,
        sha256: model.sha256,
        input: network.input,
        batchOne: network.batchOne,
        layers: network.layers.map(layerInfo),
        notes: [...network.notes, ...sources.notes, ...channelNote(network.input.channels)],
        presets,
        proposed: { preset: proposed!.preset, reason: proposed!.reason },
        found,
        labels: lists[0] ? { file: lists[0].file ?? lists[0].label, count: lists[0].count } : null,
        labelLists: lists.map(withoutEntries),
        known: known ? { name: known.name, note: known.note, licence: known.licence } : null,
      };
    },
    async 'model.evidence'({ path, pictures, size, sample }, { signal, item }) {
      const model = await models.load(await existing(path, 'file'), size);
      const dataset = await listPictures(await existing(pictures, 'folder'), { signal });
      return findEvidence({ model, dataset, sample, runtime, queue, signal, progress: item });
    },
    async 'model.audit'({ path, size, method }) {
      return auditNetwork((await models.load(await existing(path, 'file'), size)).network, method);
    },
    async 'model.graph'({ study, method }) {
      return outlineOf((await studies.model(await studies.get(study))).network, method);
    },
    async 'pictures.inspect'({ path }, { signal }) {
      const { root, files, classes, classOf } = await listPictures(await existing(path, 'folder'), { signal });
      const counts = new Int32Array(classes.length);
      for (const index of classOf) if (index >= 0) counts[index]! += 1;
      return {
        path: root,
        count: files.length,
        classes: classes.map((name, i) => ({ name, count: counts[i]! })),
        sample: files.slice(0, 5),
      };
    },
    async 'preprocessing.preview'({ pictures, picture, preprocessing }, { signal }) {
      const dataset = await listPictures(await existing(pictures, 'folder'), { signal });
      const index = picture % dataset.files.length;
      const view = await createPatches(dataset, preprocessing).view(index, 'original', previewSize);
      return { ...view, network: asSeen(await createLoader(dataset, preprocessing).one(index), preprocessing) };
    },
  };
}

const channelNote = (channels: number): string[] =>
  [1, 3, 4].includes(channels)
    ? []
    : [
        `The input has ${channels} channels; pictures are fed as 1 (grey), 3 (colour) or 4: no study can be made of it.`,
      ];

import { auditNetwork } from '../../core/program/audit';
import { proposePreset, presetsFor } from '../../core/preprocess/presets';
import { asSeen } from '../../core/preprocess/preprocess';
import { listPictures } from '../pictures/dataset';
import { createLoader } from '../pictures/loader';
import { createPatches } from '../pictures/patches';
import { existing } from '../study/paths';
import { layerInfo } from '../study/study';
import { labelsOf } from './labels';
import type { Context, Group } from './context';

const previewSize = 512;

/** Looking at a model and at pictures before a study is made of them. */
export function modelHandlers({
  models,
}: Context): Group<'model.inspect' | 'model.audit' | 'pictures.inspect' | 'preprocessing.preview'> {
  return {
    async 'model.inspect'({ path, size }) {
      const model = await models.load(await existing(path, 'file'), size);
      const { network } = model;
      const { channels } = network.input;
      const labels = await labelsOf(model.path, network);
      return {
        path: model.path,
        name: model.name,
        bytes: model.bytes,
        sha256: model.sha256,
        input: network.input,
        batchOne: network.batchOne,
        layers: network.layers.map(layerInfo),
        notes: network.notes,
        presets: presetsFor(channels, network.input.size),
        proposed: proposePreset({ name: model.name, producer: network.graph.producer, channels }),
        labels: labels && { file: labels.file, count: labels.names.length },
      };
    },
    async 'model.audit'({ path, size, method }) {
      return auditNetwork((await models.load(await existing(path, 'file'), size)).network, method);
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

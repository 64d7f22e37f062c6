import { UnpoolError } from '../../errors';
import type { Graph } from '../../graph/graph';
import type { Format } from '../format';
import { decodeText } from '../onnx/text';
import { parseModel, tfjsKind } from '../tfjs/probe';
import { readWeights } from '../tfjs/weights';
import { isZip, unzip, zipNames } from '../zip';
import { buildGraph } from './build';
import { isOperation, readConfig, type ModelConfig } from './config';
import { isHdf5, withHdf5 } from './h5';
import { groupedWeights, namedWeights, numberedWeights, type Filed } from './weights';

/** JSON as Python writes it: with NaN and infinities, which no layer needs. */
function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text.replace(/(?<=[[:,]\s*)(NaN|-?Infinity)(?=\s*[,\]}])/g, 'null'));
  } catch (error) {
    throw new UnpoolError('bad-model', `The configuration in ${what} is not whole.`, {
      hint: 'The file may be cut off: save or fetch it again.',
      place: { field: what },
      cause: error,
    });
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Keras 1 to 3, one HDF5 file: the configuration in an attribute, the weights in groups. */
export const kerasH5: Format = {
  id: 'keras-h5',
  label: 'Keras (HDF5)',
  extensions: ['h5', 'hdf5'],
  probe: isHdf5,
  read: (bytes) =>
    withHdf5(bytes, (file): Graph => {
      const config = file.text('/', 'model_config');
      if (config === null)
        throw new UnpoolError('foreign-model', 'This HDF5 file holds no Keras network (at most its weights).', {
          hint: 'Open the .keras archive that it was taken from, or save the whole model: model.save("model.h5"), not model.save_weights(...).',
          place: { field: 'model_config' },
        });
      const model = readConfig(parse(config, 'model_config'));
      return buildGraph(model, groupedWeights(file), file.text('/', 'keras_version') ?? '');
    }),
};

const filed = (model: ModelConfig): Filed[] =>
  model.layers
    .filter((layer) => !isOperation(layer))
    .map((layer) => ({ ...layer, ...(layer.model ? { layers: filed(layer.model) } : {}) }));

const latin = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

const parts = ['config.json', 'metadata.json', 'model.weights.h5'];

/** Keras 3: an archive of the configuration and the weights. */
export const kerasZip: Format = {
  id: 'keras',
  label: 'Keras',
  extensions: ['keras'],
  probe: (bytes) => {
    const names = zipNames(bytes);
    // Cut off, an archive has lost the list of its names at the end; the first of them still stands at its beginning.
    if (names.length === 0) return isZip(bytes) && /^.{30}(metadata|config)\.json/s.test(latin(bytes.subarray(0, 48)));
    return names.includes('config.json') && names.includes('model.weights.h5');
  },
  read: (bytes) => {
    const archive = unzip(bytes, (name) => parts.includes(name));
    const [config, metadata, weights] = parts.map((name) => archive.get(name));
    if (!config || !weights) throw new UnpoolError('bad-model', 'The archive lacks config.json or model.weights.h5.');
    const model = readConfig(parse(decodeText(config), 'config.json'), 'config.json');
    const about = metadata ? parse(decodeText(metadata), 'metadata.json') : null;
    const version = (isObject(about) && textOf(about['keras_version'])) || '3';
    return withHdf5(weights, (file) => buildGraph(model, numberedWeights(file, filed(model)), version));
  },
};

/** TensorFlow.js layers models: a Keras configuration, its weights in files beside it. */
export const tfjsLayers: Format = {
  id: 'tfjs-layers',
  label: 'TensorFlow.js layers',
  extensions: ['json'],
  probe: (bytes) => tfjsKind(bytes) === 'layers',
  read: (bytes, { external }) => {
    const { modelTopology: topology, weightsManifest } = parseModel(bytes);
    const own = isObject(topology) ? topology : {};
    const model = readConfig(own['model_config'] ?? own, 'modelTopology');
    return buildGraph(model, namedWeights(readWeights(weightsManifest, external)), textOf(own['keras_version']));
  },
};

import type { Format } from '../format';
import { tfjsKind } from '../tfjs/probe';
import { readGraphModel } from './read';

/** A TensorFlow graph as TensorFlow.js stores it: `model.json` and its shards. */
export const tensorflowGraph: Format = {
  id: 'tfjs-graph',
  label: 'TensorFlow.js graph model',
  extensions: ['json'],
  probe: (bytes) => tfjsKind(bytes) === 'graph',
  read: (bytes, { external }) => readGraphModel(bytes, external),
};

import { isOperation, type LayerConfig } from '../config';
import type { Translate } from '../call';
import { activationLayers } from './activation';
import { convLayers } from './conv';
import { mergeLayers } from './merge';
import { normaliseLayers } from './normalise';
import { operation, tensorFlowOperation } from './operations';
import { poolLayers } from './pool';
import { shapeLayers } from './shape';

/** Every layer that is translated, by Keras's name for its class. Adding one: its function, in the file of its kind. */
const layers: Record<string, Translate> = {
  ...activationLayers,
  ...convLayers,
  ...mergeLayers,
  ...normaliseLayers,
  ...poolLayers,
  ...shapeLayers,
  TFOpLambda: tensorFlowOperation,
};

export function translationOf(layer: LayerConfig): Translate | undefined {
  const operated = isOperation(layer) ? operation(layer.className) : undefined;
  if (operated) return operated;
  return Object.hasOwn(layers, layer.className) ? layers[layer.className] : undefined;
}

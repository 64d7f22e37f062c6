import type { Tensor } from '../../graph/tensor';
import type { Hdf5 } from './h5';

/** Finds the weights of layers. */
export interface Weights {
  /**
   * The weights of a layer in Keras's order (trainable ones first), or none. `path` holds the names of the models that it
   * lies in, if it is nested, and its own.
   */
  of(path: readonly string[]): Tensor[];
}

const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** Of weight names such as "outer/conv1/kernel:0" those of a layer, in their order. */
function namesOf(names: readonly string[], path: readonly string[]): string[] {
  const own = escape(path.at(-1)!);
  const outer = path.slice(0, -1).map(escape).join('/');
  const patterns = [
    ...(outer ? [`^${outer}/${own}/[^/]+$`, `(^|/)${outer}/${own}/[^/]+$`] : []),
    // From the beginning first: the weights of "bn" are not those of "conv1/bn".
    `^${own}/[^/]+$`,
    `(^|/)${own}/[^/]+$`,
    // Made again in the same session: TensorFlow numbers the scope, Keras keeps the layer's name.
    `(^|/)${own}_\\d+/[^/]+$`,
    // Keras 1: "conv1_W", "conv1_b", "bn1_running_mean".
    `^${own}_(W|b|gamma|beta|running_mean|running_std|alphas)(:0)?$`,
  ];
  for (const pattern of patterns) {
    const expression = new RegExp(pattern);
    const found = names.filter((name) => expression.test(name));
    if (found.length > 0) return found;
  }
  return [];
}

/** Weights by full name, as TensorFlow.js keeps them. */
export const namedWeights = (weights: ReadonlyMap<string, Tensor>): Weights => {
  const names = [...weights.keys()];
  return { of: (path) => namesOf(names, path).map((name) => weights.get(name)!) };
};

/** Keras 1 and 2 (.h5): a group per layer of the outermost model, its attribute `weight_names` listing the datasets. */
export function groupedWeights(file: Hdf5): Weights {
  const root = file.children('/').includes('model_weights') ? '/model_weights' : '';
  const listed = (group: string): string[] => {
    const whole = file.texts(group, 'weight_names');
    if (whole) return whole;
    const names: string[] = [];
    // Lists too long for one attribute are cut into weight_names0, weight_names1, ...
    for (let part = 0; ; part++) {
      const more = file.texts(group, `weight_names${part}`);
      if (!more) return names;
      names.push(...more);
    }
  };
  return {
    of: (path) => {
      const group = `${root}/${path[0]}`;
      const names = listed(group);
      return (path.length > 1 ? namesOf(names, path) : names).map((name) => file.tensor(`${group}/${name}`));
    },
  };
}

/** A layer as Keras 3 files it: under its class, numbered within its model. */
export interface Filed {
  name: string;
  className: string;
  layers?: readonly Filed[];
}

/** Keras 3 (model.weights.h5): `layers/conv2d_1/vars/0`, by class and number; newer files also say the layer's name. */
export function numberedWeights(file: Hdf5, model: readonly Filed[]): Weights {
  const places = new Map<string, string>();
  const key = (path: readonly string[]): string => JSON.stringify(path);
  const visit = (layers: readonly Filed[], folder: string, path: readonly string[]): void => {
    const found = new Map<string, string>();
    for (const child of file.children(folder)) {
      const name = file.text(`${folder}/${child}/vars`, 'name');
      if (name !== null) found.set(name, child);
    }
    const used = new Map<string, number>();
    for (const layer of layers) {
      const plain = snakeCase(layer.className);
      const count = used.get(plain) ?? 0;
      used.set(plain, count + 1);
      const place = `${folder}/${found.get(layer.name) ?? (count ? `${plain}_${count}` : plain)}`;
      const own = [...path, layer.name];
      places.set(key(own), place);
      if (layer.layers) visit(layer.layers, `${place}/layers`, own);
    }
  };
  visit(
    model,
    file.children('/').includes('_layer_checkpoint_dependencies') ? '/_layer_checkpoint_dependencies' : '/layers',
    [],
  );
  return {
    of: (path) => {
      const place = places.get(key(path));
      if (place === undefined) return [];
      return file
        .children(`${place}/vars`)
        .sort((a, b) => Number(a) - Number(b))
        .map((name) => file.tensor(`${place}/vars/${name}`));
    },
  };
}

/** As Keras does: Conv2D is conv2d, PReLU is p_re_lu. Source: keras/src/utils/naming.py. */
const snakeCase = (className: string): string =>
  className
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

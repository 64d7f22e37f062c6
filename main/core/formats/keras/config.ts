import * as v from 'valibot';
import { UnpoolError } from '../../errors';

/** A place among a layer's outputs: layer, call of that layer, output of that call. */
export type Source = readonly [layer: string, call: number, output: number];

/** An argument of a call: a tensor, a list of arguments, or a plain value. */
export type Argument = { source: Source } | { list: Argument[] } | { value: unknown };

export interface Call {
  args: Argument[];
  kwargs: Record<string, Argument>;
}

export interface LayerConfig {
  name: string;
  className: string;
  /** Keras 3's module, such as "keras.src.ops.numpy"; empty elsewhere. */
  module: string;
  config: Record<string, unknown>;
  /** How often the layer is called, and on what. */
  calls: Call[];
  /** Of a nested model. */
  model?: ModelConfig;
}

/** Whether this is a bare operation of Keras 3, not a layer: told by its module or, in .h5 files, by having no settings. */
export const isOperation = (layer: LayerConfig): boolean =>
  /^keras\.(src\.)?ops/.test(layer.module) ||
  (layer.module === '' && layer.className !== 'InputLayer' && !layer.model && !('trainable' in layer.config));

export interface ModelConfig {
  name: string;
  layers: LayerConfig[];
  inputs: Source[];
  outputs: Source[];
}

const entry = v.object({
  class_name: v.string(),
  name: v.optional(v.nullable(v.string())),
  module: v.optional(v.nullable(v.string())),
  config: v.union([v.record(v.string(), v.unknown()), v.array(v.unknown())]),
  inbound_nodes: v.optional(v.nullable(v.array(v.unknown()))),
  build_config: v.optional(v.nullable(v.record(v.string(), v.unknown()))),
});

const deepest = 16;
const mostLayers = 50_000;
const models = new Set(['Sequential', 'Functional', 'Model']);

const bad = (what: string, field: string): UnpoolError =>
  new UnpoolError('bad-model', `The Keras configuration ${what}.`, { place: { field } });

/** Reads a model's configuration as Keras 1, 2 and 3 write it. Throws UnpoolError naming layer and field. */
export function readConfig(json: unknown, field = 'model_config', depth = 0): ModelConfig {
  const { class_name: className, config } = check(json, field);
  if (depth > deepest) throw bad(`nests models more than ${deepest} deep`, field);
  if (!models.has(className))
    throw new UnpoolError(
      'foreign-model',
      `The model is of the class "${className}", which is code and not in the file.`,
      {
        hint: 'Rebuild it as a functional or sequential Keras model, or export it to ONNX.',
        place: { field },
      },
    );
  const list = Array.isArray(config) ? config : config['layers'];
  if (!Array.isArray(list)) throw bad('has no list of layers', `${field}.config.layers`);
  if (list.length > mostLayers) throw bad(`lists ${list.length} layers`, `${field}.config.layers`);
  const own = Array.isArray(config) ? {} : config;
  const name = typeof own['name'] === 'string' ? own['name'] : 'model';
  const layers = list.map((each, index) => readLayer(each, `${field}.config.layers.${index}`, depth));
  const names = new Set<string>();
  for (const layer of layers) {
    if (names.has(layer.name)) throw bad(`has two layers called "${layer.name}"`, `${field}.config.layers`);
    names.add(layer.name);
  }
  if (className === 'Sequential') return sequential(name, layers, own, field);
  const ends = (key: string): Source[] => sourcesIn(argument(own[key]));
  const [inputs, outputs] = [ends('input_layers'), ends('output_layers')];
  if (inputs.length === 0 || outputs.length === 0) throw bad('names no inputs or no outputs', `${field}.config`);
  return { name, layers, inputs, outputs };
}

function check(json: unknown, field: string): v.InferOutput<typeof entry> {
  const checked = v.safeParse(entry, json);
  if (checked.success) return checked.output;
  const [issue] = checked.issues;
  throw bad(`is not as Keras writes it: ${issue.message}`, [field, v.getDotPath(issue)].filter(Boolean).join('.'));
}

function readLayer(json: unknown, field: string, depth: number): LayerConfig {
  const {
    class_name: className,
    config: given,
    name,
    module,
    inbound_nodes: nodes,
    build_config: built,
  } = check(json, field);
  const config = Array.isArray(given) ? {} : given;
  const own = name ?? config['name'];
  if (typeof own !== 'string') throw bad('has a layer without a name', field);
  return {
    name: own,
    className,
    module: module ?? '',
    config: built?.['input_shape'] ? { ...config, build_input_shape: built['input_shape'] } : config,
    calls: (nodes ?? []).map(readCall),
    ...(models.has(className) && { model: readConfig(json, field, depth + 1) }),
  };
}

/** A chain: each layer is called on the one before. Its input is a layer, or said by the first layer. */
function sequential(name: string, given: LayerConfig[], own: Record<string, unknown>, field: string): ModelConfig {
  const layers = [...given];
  const [head] = layers;
  if (!head) throw bad('has no layers', `${field}.config.layers`);
  if (head.className !== 'InputLayer') {
    const first = head.model?.layers[0] ?? head;
    const shape =
      own['batch_input_shape'] ??
      own['build_input_shape'] ??
      first.config['batch_input_shape'] ??
      first.config['batch_shape'] ??
      first.config['build_input_shape'];
    let input = 'input';
    while (layers.some((layer) => layer.name === input)) input += '_';
    layers.unshift({ name: input, className: 'InputLayer', module: '', config: { batch_shape: shape }, calls: [] });
  }
  const chain = layers.map((layer, index) => ({
    ...layer,
    calls: index === 0 ? [] : [{ args: [{ source: [layers[index - 1]!.name, 0, 0] as const }], kwargs: {} }],
  }));
  return { name, layers: chain, inputs: [[chain[0]!.name, 0, 0]], outputs: [[chain.at(-1)!.name, 0, 0]] };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Keras 3 writes { args, kwargs }; before, a call is a list of [layer, call, output, kwargs], or one such entry. */
function readCall(node: unknown): Call {
  if (isObject(node)) {
    const args = Array.isArray(node['args']) ? node['args'].map(argument) : [];
    return { args, kwargs: kwargsOf(node['kwargs']) };
  }
  if (!Array.isArray(node)) return { args: [], kwargs: {} };
  const entries = isSource(node) ? [node] : node;
  // Keras 2 writes a scalar first argument as ["_CONSTANT_VALUE", -1, value, kwargs].
  const args = entries.map((each: unknown): Argument =>
    Array.isArray(each) && each[0] === '_CONSTANT_VALUE' ? { value: each[2] } : argument(each),
  );
  const last: unknown = Array.isArray(entries[0]) ? entries[0][3] : undefined;
  return { args: args.length > 1 ? [{ list: args }] : args, kwargs: kwargsOf(last) };
}

const kwargsOf = (value: unknown): Record<string, Argument> =>
  isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, argument(each)])) : {};

const isSource = (value: unknown): value is unknown[] =>
  Array.isArray(value) &&
  value.length >= 3 &&
  value.length <= 4 &&
  typeof value[0] === 'string' &&
  Number.isInteger(value[1]) &&
  (Number.isInteger(value[2]) || value[0] === '_CONSTANT_VALUE');

function argument(value: unknown, depth = 0): Argument {
  if (depth > deepest) return { value: null };
  if (isSource(value)) return { source: [value[0] as string, value[1] as number, value[2] as number] };
  if (isObject(value) && value['class_name'] === '__keras_tensor__') {
    const history = isObject(value['config']) ? value['config']['keras_history'] : null;
    if (isSource(history)) return argument(history);
  }
  if (Array.isArray(value)) {
    const list = value.map((each) => argument(each, depth + 1));
    if (list.some((each) => sourcesIn(each).length > 0)) return { list };
  }
  if (isObject(value) && value['class_name'] === '__tuple__' && Array.isArray(value['items']))
    return { value: value['items'] };
  if (isObject(value) && !('class_name' in value)) {
    const list = Object.values(value).map((each) => argument(each, depth + 1));
    if (list.some((each) => sourcesIn(each).length > 0)) return { list };
  }
  return { value };
}

/** All tensors in an argument, in order. */
export function sourcesIn(value: Argument): Source[] {
  if ('source' in value) return [value.source];
  return 'list' in value ? value.list.flatMap(sourcesIn) : [];
}

import { UnpoolError } from '../../errors';
import { Builder } from '../../graph/builder';
import { Cut, distinct, leftOut } from '../../graph/cut';
import { emptyGraph, type Graph, type ValueInfo } from '../../graph/graph';
import { given, LayerCall, type Given, type Value } from './call';
import { sourcesIn, type Argument, type Call, type LayerConfig, type ModelConfig, type Source } from './config';
import { translationOf } from './layers/index';
import type { Weights } from './weights';

/**
 * Translates a Keras model into ONNX's vocabulary (opset 17). Values keep Keras's layout: inputs are [N, height, width,
 * channels] where the layers say channels_last, with Transposes around what wants the channels first. The value that a layer
 * makes has the layer's name. Throws UnpoolError naming the layer and field that cannot be translated.
 */
export function buildGraph(model: ModelConfig, weights: Weights, kerasVersion: string): Graph {
  const major = Number.parseInt(kerasVersion, 10);
  const builder = new Builder(emptyGraph('Keras', model.name));
  const maker = new Maker(builder, weights, Number.isNaN(major) ? 2 : major);
  const inputs = model.inputs.map(([name]) => maker.input(model, name));
  const outputs = maker.model(model, inputs, []).filter((value) => value !== null);
  const ends = [...outputs, ...maker.ends()].map(({ name, shape }): ValueInfo => ({
    name,
    type: 'float32',
    shape: ['N', ...shape.slice(1)],
  }));
  const [unsupported] = maker.errors;
  if (unsupported && ends.length === 0) throw unsupported;
  const notes = leftOut(maker.errors);
  return { ...builder.build(distinct(ends)), producer: `Keras ${kerasVersion}`.trim(), ...(notes.length && { notes }) };
}

const callOf = ([layer, call]: Source): string => JSON.stringify([layer, call]);
const keyOf = ([layer, call, output]: Source): string => JSON.stringify([layer, call, output]);

class Maker {
  private readonly builder: Builder;
  private readonly weights: Weights;
  private readonly version: number;
  private readonly nodeNames = new Set<string>();
  private calls = 0;
  /** Why layers are left out, and what they and those behind them are called on. */
  readonly errors: UnpoolError[] = [];
  private readonly read: Value[] = [];

  constructor(builder: Builder, weights: Weights, version: number) {
    this.builder = builder;
    this.weights = weights;
    this.version = version;
  }

  /** An input of the outermost model. */
  input(model: ModelConfig, name: string): Value {
    const layer = model.layers.find((each) => each.name === name);
    const said = layer?.config['batch_shape'] ?? layer?.config['batch_input_shape'];
    const shape: unknown = Array.isArray(said) && Array.isArray(said[0]) && said.length === 1 ? said[0] : said;
    const fits = (dim: unknown): dim is number | null =>
      dim === null || (Number.isSafeInteger(dim) && Number(dim) > 0 && Number(dim) < 2 ** 24);
    if (!Array.isArray(shape) || shape.length < 2 || !shape.every(fits))
      throw new UnpoolError('bad-model', `The input "${name}" does not say its shape.`, {
        hint: 'Save the model after it was built: model.build(...), or with an Input layer.',
        place: { node: name, field: 'batch_shape' },
      });
    const dims = [null, ...shape.slice(1)];
    this.builder.input({ name, type: 'float32', shape: ['N', ...dims.slice(1)] });
    return { name, shape: dims };
  }

  /** Where the part that is left out begins: values that layers made. */
  ends(): Value[] {
    const made = new Set(this.builder.nodes.flatMap((node) => node.outputs));
    return this.read.filter(({ name }) => made.has(name));
  }

  /**
   * Calls a model on values; the values that it returns, null where a layer on the way is of a kind that is not translated:
   * it is left out, with all behind. `path`: the names of the models that it lies in.
   */
  model(model: ModelConfig, inputs: readonly Value[], path: readonly string[]): (Value | null)[] {
    if (inputs.length !== model.inputs.length)
      throw new UnpoolError('bad-model', `The model "${model.name}" is called on ${inputs.length} values.`, {
        place: { node: model.name },
      });
    const made = new Map<string, Value>();
    model.inputs.forEach((source, i) => made.set(keyOf(source), inputs[i]!));
    const layers = new Map(model.layers.map((layer) => [layer.name, layer]));
    const firstCalls = firstCallOf(model);
    const cut = new Cut(callOf);
    for (const [layer, index] of ordered(model, layers, firstCalls)) {
      const place = index + (firstCalls.get(layer.name) ?? 0);
      const own = [callOf([layer.name, place, 0])];
      const sources = sourcesOf(layer.calls[index]!);
      if (cut.behind(own, sources)) continue;
      try {
        const outputs = this.call(layer, layer.calls[index]!, index, [...path, layer.name], (source) => {
          const value = made.get(keyOf(source));
          if (!value) throw missing(source);
          return value;
        });
        outputs.forEach((value, output) => value && made.set(keyOf([layer.name, place, output]), value));
        if (outputs.includes(null)) cut.at(own, sources, null);
      } catch (error) {
        if (!(error instanceof UnpoolError && error.code === 'unsupported-layer')) throw error;
        cut.at(own, sources, error);
      }
    }
    this.errors.push(...cut.errors);
    this.read.push(...cut.ends.flatMap((source) => made.get(keyOf(source)) ?? []));
    return model.outputs.map((source) => {
      if (cut.has(source)) return null;
      const value = made.get(keyOf(source));
      if (!value) throw missing(source);
      return value;
    });
  }

  private call(
    layer: LayerConfig,
    { args, kwargs }: Call,
    index: number,
    path: readonly string[],
    find: (source: Source) => Value,
  ): (Value | null)[] {
    const name = path.join('/');
    if (++this.calls > 200_000)
      throw new UnpoolError('bad-model', 'The model calls its layers more than 200000 times.', {
        place: { node: name },
      });
    const named = Object.entries(kwargs).map(([key, argument]): [string, Given] => [key, given(argument, find)]);
    const call = new LayerCall(
      {
        name: index === 0 ? name : `${name}_call${index + 1}`,
        layer,
        args: args.map((argument) => given(argument, find)),
        kwargs: Object.fromEntries(named),
        builder: this.builder,
        version: this.version,
      },
      () => this.weights.of(path),
      this.nodeNames,
    );
    if (layer.model) return this.model(layer.model, call.inputs, path);
    const translate = translationOf(layer);
    if (!translate) throw unknown(call);
    const before = this.builder.nodes.length;
    const values = [translate(call)].flat();
    return values.map((value, output) => this.renamed(value, output === 0 ? call.name : '', before));
  }

  /** A value that this layer made gets the layer's name. */
  private renamed(value: Value, wanted: string, before: number): Value {
    const at = this.builder.nodes.findIndex((node, i) => i >= before && node.outputs[0] === value.name);
    if (at < 0 || !wanted) return value;
    const name = this.builder.fresh(wanted);
    this.builder.nodes[at] = { ...this.builder.nodes[at]!, outputs: [name] };
    return { ...value, name };
  }
}

function unknown(call: LayerCall): UnpoolError {
  if (call.layer.className === 'Lambda')
    return call.fail(
      'is code in the file, which Unpool never runs',
      'Replace the Lambda by layers, or export to ONNX.',
    );
  return call.fail('is of a kind that Unpool does not translate', 'Export the model to ONNX: there such a layer runs.');
}

const missing = ([layer, call, output]: Source): UnpoolError =>
  new UnpoolError('bad-model', `Output ${output} of call ${call} of the layer "${layer}" is used, but never made.`, {
    hint: 'The file is damaged, or the layers feed themselves.',
    place: { node: layer },
  });

const sourcesOf = ({ args, kwargs }: Call): Source[] =>
  [...args, ...Object.values<Argument>(kwargs)].flatMap(sourcesIn);

/** Keras 2 counts the calls of a nested model from 1 (its own making was call 0), Keras 3 from 0: the least used says which. */
function firstCallOf(model: ModelConfig): Map<string, number> {
  const nested = new Set(model.layers.filter((layer) => layer.model).map((layer) => layer.name));
  const first = new Map<string, number>();
  for (const [layer, call] of [...model.layers.flatMap((each) => each.calls.flatMap(sourcesOf)), ...model.outputs])
    if (nested.has(layer)) first.set(layer, Math.min(first.get(layer) ?? call, call));
  return first;
}

/** The calls in an order in which each comes after those that it reads; the file lists layers, which may be called often. */
function ordered(
  model: ModelConfig,
  layers: ReadonlyMap<string, LayerConfig>,
  firstCalls: ReadonlyMap<string, number>,
): [LayerConfig, number][] {
  const all = model.layers.flatMap((layer) => layer.calls.map((_, index): [LayerConfig, number] => [layer, index]));
  const idOf = (name: string, call: number): string => JSON.stringify([name, call]);
  const waits = new Map<string, [LayerConfig, number][]>();
  const open = new Map<[LayerConfig, number], number>();
  const ready: [LayerConfig, number][] = [];
  for (const each of all) {
    const [layer, index] = each;
    const needs = sourcesOf(layer.calls[index]!)
      .filter(([name]) => (layers.get(name)?.calls.length ?? 0) > 0)
      .map(([name, call]) => idOf(name, call - (firstCalls.get(name) ?? 0)));
    const distinct = [...new Set(needs)];
    open.set(each, distinct.length);
    if (distinct.length === 0) ready.push(each);
    for (const need of distinct) waits.set(need, [...(waits.get(need) ?? []), each]);
  }
  for (const [layer, index] of ready)
    for (const waiting of waits.get(idOf(layer.name, index)) ?? []) {
      const left = open.get(waiting)! - 1;
      open.set(waiting, left);
      if (left === 0) ready.push(waiting);
    }
  return ready;
}

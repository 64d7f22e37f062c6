import { UnpoolError } from '../../errors';
import { attributes, type Builder } from '../../graph/builder';
import { float32, sizeOf, toFloat32, type Tensor } from '../../graph/tensor';
import type { Argument, LayerConfig } from './config';

/** Sizes with the batch first; null: free. */
export type Shape = readonly (number | null)[];

/** A value of the graph, in Keras's own layout. */
export interface Value {
  name: string;
  shape: Shape;
}

/** An argument with its tensors found. */
export type Given = Value | { list: Given[] } | { value: unknown };

export const isValue = (given: Given | undefined): given is Value => given !== undefined && 'name' in given;

/** One call of a layer on its inputs: what it is configured with, and where its nodes go. */
export class LayerCall {
  readonly name: string;
  readonly layer: LayerConfig;
  readonly args: readonly Given[];
  readonly kwargs: Readonly<Record<string, Given>>;
  readonly builder: Builder;
  /** Keras's major version, which says what some activations are. */
  readonly version: number;
  private readonly load: () => Tensor[];
  private readonly nodeNames: Set<string>;

  constructor(
    from: Pick<LayerCall, 'name' | 'layer' | 'args' | 'kwargs' | 'builder' | 'version'>,
    load: () => Tensor[],
    nodeNames: Set<string>,
  ) {
    this.name = from.name;
    this.layer = from.layer;
    this.args = from.args;
    this.kwargs = from.kwargs;
    this.builder = from.builder;
    this.version = from.version;
    this.load = load;
    this.nodeNames = nodeNames;
  }

  /** The tensors that the layer is called on. */
  get inputs(): Value[] {
    const flat = (given: Given): Value[] =>
      isValue(given) ? [given] : 'list' in given ? given.list.flatMap((each) => flat(each)) : [];
    return this.args.flatMap(flat);
  }

  /** The one tensor that the layer is called on. */
  get input(): Value {
    const [input] = this.inputs;
    if (!input) throw this.fail('is called on nothing');
    return input;
  }

  fail(what: string, hint = 'Export the model to ONNX, or build it without this.', field = ''): UnpoolError {
    return new UnpoolError('unsupported-layer', `The layer "${this.name}" (${this.layer.className}) ${what}.`, {
      hint,
      place: { node: this.name, ...(field && { field }) },
    });
  }

  /** What is wrong with the file, not with what this program can do. */
  private damaged(what: string, hint: string, field = ''): UnpoolError {
    const { message, place } = this.fail(what, hint, field);
    return new UnpoolError('bad-model', message, { hint, place });
  }

  private wrong(field: string, wanted: string): UnpoolError {
    const value = JSON.stringify(this.layer.config[field]) ?? 'nothing';
    return this.damaged(
      `has ${field} = ${value.slice(0, 80)}, where ${wanted} is needed`,
      'Save the model again.',
      field,
    );
  }

  number(field: string, fallback?: number): number {
    const value = this.layer.config[field] ?? fallback;
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.wrong(field, 'a number');
    return value;
  }

  /** A number, or null where nothing is said. */
  optional(field: string): number | null {
    return this.layer.config[field] == null ? null : this.number(field);
  }

  flag(field: string, fallback: boolean): boolean {
    const value = this.layer.config[field] ?? fallback;
    if (typeof value !== 'boolean') throw this.wrong(field, 'true or false');
    return value;
  }

  text(field: string, fallback: string): string {
    const value = this.layer.config[field] ?? fallback;
    if (typeof value !== 'string') throw this.wrong(field, 'a word');
    return value;
  }

  /** Whole numbers, one per axis: a list of `count`, or one for all. */
  sizes(field: string, count: number, fallback?: number, least = 1): number[] {
    const value = this.layer.config[field] ?? fallback;
    const list: unknown[] = Array.isArray(value) ? value : new Array<unknown>(count).fill(value);
    const whole = list.filter((each): each is number => Number.isSafeInteger(each) && Number(each) >= least);
    if (list.length !== count || whole.length !== count || whole.some((each) => each > 2 ** 24))
      throw this.wrong(field, `${count} whole number${count > 1 ? 's' : ''}`);
    return whole;
  }

  get channelsFirst(): boolean {
    return this.text('data_format', 'channels_last') === 'channels_first';
  }

  /** An axis of a value, counted from the front. */
  axis(value: number, rank: number): number {
    const axis = value < 0 ? value + rank : value;
    if (!Number.isInteger(axis) || axis < 0 || axis >= rank) throw this.fail(`works on axis ${value} of ${rank}`);
    return axis;
  }

  /** The layer's weights as float32, held against the shapes that they must have (null: any size). */
  weights(shapes: readonly Shape[]): Tensor[] {
    const found = this.load();
    if (found.length < shapes.length)
      throw this.damaged(
        `has ${found.length} of its ${shapes.length} weights in the file`,
        'Save the whole model, not its architecture alone.',
      );
    return shapes.map((shape, index) => {
      const { dims, type } = found[index]!;
      if (type === 'string' || dims.length !== shape.length || shape.some((dim, i) => dim !== null && dim !== dims[i]))
        throw this.damaged(
          `has a weight of [${dims.join(', ')}], where [${shape.map((dim) => dim ?? '?').join(', ')}] is needed`,
          'The weights are of another model, or the file is damaged.',
        );
      return float32(dims, toFloat32(found[index]!));
    });
  }

  /** Adds a node that is named for the layer; returns the name of its output. */
  emit(opType: string, inputs: readonly string[], plain: Parameters<typeof attributes>[0] = {}, part = ''): string {
    const base = [this.name, part, opType].filter(Boolean).join('/');
    let name = base;
    for (let count = 1; this.nodeNames.has(name); count++) name = `${base}_${count}`;
    this.nodeNames.add(name);
    const output = this.builder.fresh(name);
    this.builder.addNode({ name, opType, inputs, outputs: [output], attributes: attributes(plain) });
    return output;
  }

  /** The node's output under the input's shape. */
  keep(opType: string, plain: Parameters<typeof attributes>[0] = {}, more: readonly string[] = []): Value {
    return { name: this.emit(opType, [this.input.name, ...more], plain), shape: this.input.shape };
  }

  constant(tensor: Tensor, part: string): string {
    return this.builder.constant(tensor, `${this.name}.${part}`);
  }

  scalar(value: number): string {
    return this.builder.constant(float32([], [value]), `${this.name}:${value}`);
  }

  vector(values: readonly number[], part: string): string {
    return this.constant(float32([values.length], values), part);
  }

  ints(values: readonly number[]): string {
    return this.builder.ints(values);
  }

  transpose(value: Value, perm: readonly number[]): Value {
    if (perm.every((axis, i) => axis === i)) return value;
    return {
      name: this.emit('Transpose', [value.name], { perm }),
      shape: perm.map((axis) => value.shape[axis] ?? null),
    };
  }

  /** Runs a step that wants channels first, whatever the layer's own layout. */
  channelsFirstly(value: Value, first: boolean, step: (value: Value) => Value): Value {
    const rank = value.shape.length;
    if (first || rank < 3) return step(value);
    const spatial = Array.from({ length: rank - 2 }, (_, i) => i + 1);
    const made = step(this.transpose(value, [0, rank - 1, ...spatial]));
    if (made.shape.length !== rank) return made;
    return this.transpose(made, [0, ...spatial.map((axis) => axis + 1), 1]);
  }

  /** The number of elements along some axes, or null where one is free. */
  known(shape: Shape): number | null {
    return shape.every((dim) => dim !== null) ? sizeOf(shape as number[]) : null;
  }
}

export type Translate = (call: LayerCall) => Value | Value[];

/** Finds the tensors of an argument. */
export function given(argument: Argument, find: (source: readonly [string, number, number]) => Value): Given {
  if ('source' in argument) return find(argument.source);
  if ('list' in argument) return { list: argument.list.map((each) => given(each, find)) };
  return argument;
}

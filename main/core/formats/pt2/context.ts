import { UnpoolError } from '../../errors';
import { attributes, type Builder } from '../../graph/builder';
import { float32, type DataType } from '../../graph/tensor';
import type { Argument, AtenNode, TensorMeta } from './schema';
import { scalarTypes } from './weights';

type Plain = Parameters<Builder['add']>[2];

/** One ATen operation with its arguments by name, and the graph that becomes. Integers of shapes are vectors of one int64. */
export class Call {
  readonly builder: Builder;
  readonly node: AtenNode;
  /** The operation without name space and overload: "conv2d". */
  readonly op: string;
  /** What the module that called it is called in the model, for names of layers. */
  readonly label: string;
  private readonly values: ReadonlyMap<string, string>;
  private readonly metas: Readonly<Record<string, TensorMeta>>;
  private readonly args: ReadonlyMap<string, Argument>;

  constructor(
    node: AtenNode,
    builder: Builder,
    values: ReadonlyMap<string, string>,
    metas: Readonly<Record<string, TensorMeta>>,
  ) {
    this.node = node;
    this.builder = builder;
    this.values = values;
    this.metas = metas;
    this.args = new Map(node.inputs.map(({ name, arg }) => [name, arg]));
    this.op = opOf(node.target);
    this.label = labelOf(node);
  }

  fail(what: string, hint?: string): UnpoolError {
    return new UnpoolError('bad-node', `${this.node.target} "${this.label}" ${what}.`, {
      place: { node: this.label },
      ...(hint && { hint }),
    });
  }

  private arg(name: string): Argument | undefined {
    const arg = this.args.get(name);
    return arg && 'as_none' in arg ? undefined : arg;
  }

  has = (name: string): boolean => this.arg(name) !== undefined;
  int = (name: string, fallback: number): number => this.arg(name)?.as_int ?? fallback;
  bool = (name: string, fallback: boolean): boolean => this.arg(name)?.as_bool ?? fallback;
  text = (name: string): string | undefined => this.arg(name)?.as_string;
  number(name: string, fallback: number): number {
    const arg = this.arg(name);
    return arg?.as_float ?? arg?.as_int ?? fallback;
  }
  floats = (name: string): readonly number[] | undefined => this.arg(name)?.as_floats;

  /** A list of integers, an integer alone as a list of one; undefined where it is left out, or one of them is computed. */
  fixed(name: string): number[] | undefined {
    const arg = this.arg(name);
    if (arg?.as_int !== undefined) return [arg.as_int];
    const list = arg?.as_sym_ints?.map((each) => ('as_int' in each ? each.as_int : null));
    if (list) return list.every((each) => each !== null) ? list : undefined;
    return arg?.as_ints && [...arg.as_ints];
  }

  /** The same where nothing may be computed. */
  ints(name: string): number[] | undefined {
    const fixed = this.fixed(name);
    if (!fixed && this.has(name)) throw this.fail(`computes its ${name}`, 'Export the model for one size of picture.');
    return fixed;
  }

  private value(name: string): string {
    const value = this.values.get(name);
    if (value === undefined) throw this.missing(name);
    return value;
  }

  missing(name: string): UnpoolError {
    return new UnpoolError('bad-model', `${this.node.target} "${this.label}" reads "${name}", which is not there.`, {
      place: { node: this.label },
    });
  }

  /** The tensors that it reads. */
  inputNames(): string[] {
    return this.node.inputs.flatMap(({ arg }) => [
      ...(arg.as_tensor ? [arg.as_tensor.name] : []),
      ...(arg.as_optional_tensor && 'as_tensor' in arg.as_optional_tensor
        ? [arg.as_optional_tensor.as_tensor.name]
        : []),
      ...(arg.as_tensors ?? []).map(({ name }) => name),
    ]);
  }

  private nameOf(name: string): string | undefined {
    const arg = this.arg(name);
    const optional = arg?.as_optional_tensor;
    return arg?.as_tensor?.name ?? (optional && 'as_tensor' in optional ? optional.as_tensor.name : undefined);
  }

  optional(name: string): string | undefined {
    const given = this.nameOf(name);
    return given === undefined ? undefined : this.value(given);
  }

  tensor(name: string): string {
    const value = this.optional(name);
    if (value === undefined) throw this.fail(`has no tensor "${name}"`);
    return value;
  }

  tensors(name: string): string[] {
    return (this.arg(name)?.as_tensors ?? []).map((each) => this.value(each.name));
  }

  /** A tensor, or a number as a constant. */
  operand(name: string): string {
    const value = this.optional(name);
    if (value !== undefined) return value;
    const arg = this.arg(name);
    if (arg?.as_sym_int) return this.builder.add('Cast', [this.vector(name)], { to: 1 });
    const number = arg?.as_float ?? arg?.as_int;
    if (number === undefined) throw this.fail(`has no "${name}"`);
    return this.constant([], [number]);
  }

  /** Integers, some of them computed (the free batch), as one int64 vector. */
  vector(name: string): string {
    const arg = this.arg(name);
    const list = arg?.as_sym_ints ?? (arg?.as_sym_int ? [arg.as_sym_int] : undefined);
    if (!list || list.every((each) => 'as_int' in each)) return this.builder.ints(this.ints(name) ?? []);
    const parts = list.map((each) => {
      if ('as_int' in each) return this.builder.ints([each.as_int]);
      if ('as_name' in each) return this.value(each.as_name);
      throw this.fail(`has an expression for "${name}"`);
    });
    return parts.length === 1 ? parts[0]! : this.builder.add('Concat', parts, { axis: 0 });
  }

  /** The sizes of a tensor that the exporter noted, null where free. */
  shape(name: string): (number | null)[] {
    const given = this.nameOf(name);
    return sizesOf(given === undefined ? undefined : this.metas[given]);
  }

  type(name: string): DataType | undefined {
    return scalarTypes[this.metas[this.nameOf(name) ?? '']?.dtype ?? 0];
  }

  outputNames(): string[] {
    return this.node.outputs.flatMap((out) => {
      if (out.as_tensor) return [out.as_tensor.name];
      if (out.as_tensors) return out.as_tensors.map((each) => each.name);
      return out.as_sym_int && 'as_name' in out.as_sym_int ? [out.as_sym_int.as_name] : [];
    });
  }

  outputShape = (index = 0): (number | null)[] => sizesOf(this.metas[this.outputNames()[index] ?? '']);
  outputType = (): DataType | undefined => scalarTypes[this.metas[this.outputNames()[0] ?? '']?.dtype ?? 0];

  /** A size that must be known. */
  known(size: number | null | undefined, what: string): number {
    if (size === null || size === undefined)
      throw this.fail(`leaves ${what} free`, 'Export the model for one size of picture.');
    return size;
  }

  constant(dims: readonly number[], data: readonly number[]): string {
    return this.builder.constant(float32(dims, data), `${this.label}:constant`);
  }

  /** A node on the way to the result. */
  add(opType: string, inputs: readonly string[], plain: Plain = {}): string {
    return this.builder.add(opType, inputs, plain, `${this.label}:${opType}`);
  }

  /** The node that this operation becomes. */
  emit(opType: string, inputs: readonly string[], plain: Plain = {}): string {
    const name = this.builder.fresh(this.label);
    this.builder.addNode({ opType, inputs, attributes: attributes(plain), outputs: [name], name });
    return name;
  }
}

const sizesOf = (meta: TensorMeta | undefined): (number | null)[] =>
  (meta?.sizes ?? []).map((size) => ('as_int' in size ? size.as_int : null));

const opOf = (target: string): string => {
  const short = target.replace(/^torch\.ops\.aten\./, '');
  return target === short ? target : short.split('.')[0]!;
};

/** "layer1.0.conv1" for a module of PyTorch's own, "layer1.0/add_1" for what a model's own code does. */
function labelOf(node: AtenNode): string {
  const [first] = node.outputs;
  const name = first?.as_tensor?.name ?? first?.as_tensors?.[0]?.name ?? opOf(node.target);
  const [, path, type] = node.metadata['nn_module_stack']?.split(';').at(-1)?.split(',') ?? [];
  if (!path) return name;
  return type?.startsWith('torch.nn.modules.') ? path : `${path}/${name}`;
}

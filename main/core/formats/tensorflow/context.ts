import type { Builder } from '../../graph/builder';
import { float32, int64, toFloat32, toNumbers, transposeTensor, type Tensor } from '../../graph/tensor';
import { failAt, stringOf, type TfNode } from './node';

type Plain = Parameters<Builder['add']>[2];

export const lastToFirst = [0, 3, 1, 2];
export const firstToLast = [0, 2, 3, 1];

/** What a translation of one node sees: its inputs as values of the graph that becomes, and where to append. */
export class Context {
  /** Values of constants, as numbers that shapes and axes are read from. */
  readonly builder: Builder;
  private readonly consts: ReadonlyMap<string, Tensor>;

  constructor(builder: Builder, consts: ReadonlyMap<string, Tensor>) {
    this.builder = builder;
    this.consts = consts;
  }

  add(opType: string, inputs: readonly string[], plain: Plain = {}, hint = opType): string {
    return this.builder.add(opType, inputs, plain, hint);
  }

  /** Appends the node that a TensorFlow node becomes, named as it is; its first output carries that name. */
  emit(node: TfNode, opType: string, inputs: readonly string[], plain: Plain = {}): string {
    return this.add(opType, inputs, plain, node.name);
  }

  tensor(name: string): Tensor | undefined {
    return this.consts.get(name) ?? this.builder.initializers.get(name);
  }

  /** The numbers of an input that must be constant: axes, sizes, paddings. */
  numbers(node: TfNode, inputs: readonly string[], index: number, what: string): number[] {
    const tensor = this.tensor(inputs[index] ?? '');
    if (!tensor || tensor.type === 'string')
      throw failAt(
        node,
        `computes its ${what}`,
        `Only a constant ${what} is read. Freeze the model for one input size.`,
      );
    return Array.from(toNumbers(tensor));
  }

  transpose(value: string, perm: readonly number[]): string {
    return this.add('Transpose', [value], { perm });
  }

  /** A constant with its axes in another order; a Transpose where it is computed. */
  reorder(value: string, perm: readonly number[], dims: (moved: readonly number[]) => readonly number[]): string {
    const tensor = this.tensor(value);
    if (!tensor) {
      const moved = this.transpose(value, perm);
      return this.add('Reshape', [moved, this.builder.ints(dims([0, 0, 0, 0]))]);
    }
    const moved = transposeTensor(float32(tensor.dims, toFloat32(tensor)), perm);
    return this.builder.constant({ ...moved, dims: dims(moved.dims) }, `${value}:oihw`);
  }

  /** Runs `make` on the maps with channels first, whichever layout the node is written for. */
  channelsFirst(node: TfNode, value: string, make: (value: string) => string): string {
    if (isFirst(node)) return make(value);
    const moved = this.transpose(value, lastToFirst);
    const result = make(moved);
    return this.add('Transpose', [result], { perm: firstToLast }, node.name);
  }
}

/** Whether a node has channels first. */
export function isFirst(node: TfNode): boolean {
  const format = stringOf(node, 'data_format', 'NHWC');
  if (format !== 'NHWC' && format !== 'NCHW') throw failAt(node, `has the data format "${format}"`);
  return format === 'NCHW';
}

/** Height and width out of four numbers, one per axis. */
export const spatial = <T>(node: TfNode, four: readonly T[]): [T, T] =>
  isFirst(node) ? [four[2]!, four[3]!] : [four[1]!, four[2]!];

/** Integers of any width become int64, which is what ONNX wants for shapes and axes. */
export function widen(tensor: Tensor): Tensor {
  return tensor.type === 'int32' ? int64(tensor.dims, Array.from(toNumbers(tensor))) : tensor;
}

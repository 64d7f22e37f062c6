import { sizeOf, toFloat32, toNumbers, type DataType, type Tensor } from '../../graph/tensor';
import { broadcastDims, fromTensor, kindOf, type Nd } from '../../ops/nd';
import type { Tf, TfTensor } from './library';

/**
 * How the axes of a value lie in memory: as ONNX counts them, or with the channel axis moved to the end (NHWC), which is
 * what TensorFlow's convolutions and pools want. Each value is turned only when an op needs the other way.
 */
export type Layout = 'plain' | 'last';

/** Values up to this size that do not depend on the picture (shapes, axes, slopes) are computed outside of TensorFlow.js. */
export const smallest = 1024;

/** Where each physical axis comes from: [0, 2, 3, 1] for NHWC. */
const lastOrder = (rank: number): number[] => [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];

export const physicalDims = (dims: readonly number[], layout: Layout): readonly number[] =>
  layout === 'last' && dims.length > 2 ? lastOrder(dims.length).map((axis) => dims[axis]!) : dims;

export const logicalDims = (shape: readonly number[], layout: Layout): readonly number[] =>
  layout === 'last' && shape.length > 2 ? [shape[0]!, shape.at(-1)!, ...shape.slice(1, -1)] : shape;

/** The physical axis of a logical one. */
export const physicalAxis = (axis: number, rank: number, layout: Layout): number =>
  layout === 'last' && rank > 2 ? lastOrder(rank).indexOf(axis) : axis;

/** Transposes, or only reshapes where nothing but axes of length 1 would move. */
export function permute(tf: Tf, x: TfTensor, perm: readonly number[]): TfTensor {
  const long = perm.filter((axis) => x.shape[axis] !== 1);
  if (long.every((axis, i) => i === 0 || axis > long[i - 1]!))
    return tf.reshape(
      x,
      perm.map((axis) => x.shape[axis]!),
    );
  return tf.transpose(x, perm);
}

/** A value of the graph: on the host, in TensorFlow.js in one layout or both, or all of it. */
export class Value {
  readonly dims: readonly number[];
  readonly kind: Nd['type'];
  private readonly tf: Tf;
  private readonly forms = new Map<string, TfTensor>();
  private raw: Tensor | null = null;
  private array: Nd | null = null;

  private constructor(tf: Tf, dims: readonly number[], kind: Nd['type']) {
    this.tf = tf;
    this.dims = dims;
    this.kind = kind;
  }

  static ofTensor(tf: Tf, raw: Tensor): Value {
    const value = new Value(tf, raw.dims, kindOf(raw.type));
    value.raw = raw;
    return value;
  }

  static ofArray(tf: Tf, array: Nd): Value {
    const value = new Value(tf, array.dims, array.type);
    value.array = array;
    return value;
  }

  /** Takes over what an op has computed. */
  static ofResult(tf: Tf, result: TfTensor, layout: Layout): Value {
    const kind = result.dtype === 'bool' ? 'bool' : result.dtype === 'int32' ? 'int' : 'float';
    const value = new Value(tf, logicalDims(result.shape, layout), kind);
    value.forms.set(layout === 'last' && result.shape.length > 2 ? 'last' : 'plain', tf.keep(result));
    return value;
  }

  /** Of a value that the graph holds: its element type. */
  get element(): DataType | undefined {
    return this.raw?.type ?? this.array?.element;
  }

  get rank(): number {
    return this.dims.length;
  }

  /** The layout that it is in already; of both, channels last. */
  get layout(): Layout {
    return this.forms.has('last') ? 'last' : 'plain';
  }

  /** The values as numbers, where they are on the host and few. */
  get host(): Nd | null {
    if (!this.array && this.raw && sizeOf(this.dims) <= smallest) this.array = fromTensor(this.raw);
    return this.array;
  }

  /** The tensor as the graph holds it; read back from TensorFlow.js where the graph does not. */
  get tensor(): Tensor {
    return (
      this.raw ?? {
        type: this.kind === 'float' ? 'float32' : this.kind === 'int' ? 'int32' : 'bool',
        dims: this.dims,
        data: this.in('plain').dataSync(),
      }
    );
  }

  in(layout: Layout): TfTensor {
    const { rank } = this;
    const wanted = layout === 'last' && rank > 2 ? 'last' : 'plain';
    return this.form(wanted, () => {
      if (wanted === 'last') return permute(this.tf, this.in('plain'), lastOrder(rank));
      const last = this.forms.get('last');
      if (!last) return this.upload();
      const order = lastOrder(rank);
      return permute(
        this.tf,
        last,
        order.map((_, axis) => order.indexOf(axis)),
      );
    });
  }

  /** As an operand that broadcasts in this layout to a value of this rank. */
  operand(rank: number, layout: Layout): TfTensor {
    if (sizeOf(this.dims) === 1 || layout === 'plain' || this.rank === rank) return this.in(layout);
    return this.form(`${layout}:${rank}`, () => {
      const dims = [...new Array<number>(rank - this.rank).fill(1), ...this.dims];
      return permute(this.tf, this.tf.reshape(this.in('plain'), dims), lastOrder(rank));
    });
  }

  /** A form that is made once and kept as long as the value: filters as a convolution wants them. */
  form(key: string, make: () => TfTensor): TfTensor {
    let form = this.forms.get(key);
    if (!form) this.forms.set(key, (form = this.tf.keep(make())));
    return form;
  }

  dispose(): void {
    for (const form of this.forms.values()) form.dispose();
    this.forms.clear();
  }

  private upload(): TfTensor {
    const { kind, dims, tf } = this;
    const raw = this.raw;
    if (kind === 'float') return tf.tensor(raw ? toFloat32(raw) : Float32Array.from(this.array!.data), dims, 'float32');
    const numbers = raw ? toNumbers(raw) : this.array!.data;
    if (kind === 'bool') return tf.tensor(Uint8Array.from(numbers), dims, 'bool');
    // int64 is int32 here; ONNX's sentinels stay as large as they can be.
    const limit = 2 ** 31 - 1;
    return tf.tensor(
      Int32Array.from(numbers, (value) => Math.max(-limit, Math.min(limit, value))),
      dims,
      'int32',
    );
  }
}

/** Operands brought to one layout, ready for an op that broadcasts. */
export function aligned(values: readonly Value[]): { tensors: TfTensor[]; layout: Layout } {
  const rank = Math.max(...values.map((value) => value.rank));
  const layout = values.some((value) => value.rank === rank && value.layout === 'last') ? 'last' : 'plain';
  return { tensors: values.map((value) => value.operand(rank, layout)), layout };
}

export const broadcastOf = (values: readonly Value[]): number[] => broadcastDims(...values.map((value) => value.dims));

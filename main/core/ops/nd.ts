import { sizeOf, stridedCopy, toNumbers, type DataType, type Tensor } from '../graph/tensor';

/** A float64 array of any rank, row-major: what the reference computes with. Integers and booleans are held as numbers. */
export interface Nd {
  dims: readonly number[];
  data: Float64Array;
  type: 'float' | 'int' | 'bool';
  /** Of a constant: the element type of the tensor that it was read from. */
  element?: DataType;
}

export function nd(dims: readonly number[], data?: Float64Array, type: Nd['type'] = 'float'): Nd {
  const size = sizeOf(dims);
  if (data && data.length !== size) throw new RangeError(`${data.length} values for [${dims.join(', ')}]`);
  return { dims, data: data ?? new Float64Array(size), type };
}

export function kindOf(type: DataType): Nd['type'] {
  if (type === 'bool') return 'bool';
  return type.startsWith('float') || type === 'bfloat16' ? 'float' : 'int';
}

export function fromTensor(tensor: Tensor): Nd {
  return { dims: tensor.dims, data: toNumbers(tensor), type: kindOf(tensor.type), element: tensor.type };
}

/** As a tensor of the default element type of its kind: float32, int64 or bool. */
export function toTensor(array: Nd, integers: 'int32' | 'int64' = 'int64'): Tensor {
  const { dims, data, type } = array;
  if (type === 'float') return { type: 'float32', dims, data: Float32Array.from(data) };
  if (type === 'bool') return { type: 'bool', dims, data: Uint8Array.from(data) };
  if (integers === 'int32') return { type: 'int32', dims, data: Int32Array.from(data) };
  return {
    type: 'int64',
    dims,
    data: BigInt64Array.from(data, (value) => BigInt(Math.max(-(2 ** 62), Math.min(2 ** 62, value)))),
  };
}

export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  let step = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= dims[axis]!;
  }
  return strides;
}

/** The shape that two or more shapes broadcast to (numpy's rule, as ONNX's). */
export function broadcastDims(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes)
    shape.forEach((dim, i) => {
      const axis = rank - shape.length + i;
      if (dim !== 1 && out[axis] !== 1 && out[axis] !== dim)
        throw new RangeError(`[${shapes.map((s) => s.join(', ')).join('] and [')}] do not broadcast`);
      if (dim !== 1) out[axis] = dim;
    });
  return out;
}

/** Calls visit(out, ...in) with flat indices for each element of the broadcast shape. */
export function mapBroadcast(inputs: readonly Nd[], type: Nd['type'], f: (...values: number[]) => number): Nd {
  const dims = broadcastDims(...inputs.map((input) => input.dims));
  const out = nd(dims, undefined, type);
  const steps = inputs.map((input) => {
    const own = stridesOf(input.dims);
    const lead = dims.length - input.dims.length;
    return dims.map((_, axis) => (axis < lead || input.dims[axis - lead] === 1 ? 0 : own[axis - lead]!));
  });
  const at = new Array<number>(dims.length).fill(0);
  const offsets = inputs.map(() => 0);
  const values = inputs.map(() => 0);
  for (let i = 0; i < out.data.length; i++) {
    for (let k = 0; k < inputs.length; k++) values[k] = inputs[k]!.data[offsets[k]!]!;
    out.data[i] = f(...values);
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      at[axis] = at[axis]! + 1;
      for (let k = 0; k < inputs.length; k++) offsets[k] = offsets[k]! + steps[k]![axis]!;
      if (at[axis]! < dims[axis]!) break;
      for (let k = 0; k < inputs.length; k++) offsets[k] = offsets[k]! - steps[k]![axis]! * dims[axis]!;
      at[axis] = 0;
    }
  }
  return out;
}

export function map(input: Nd, f: (value: number) => number, type: Nd['type'] = input.type): Nd {
  return nd(input.dims, input.data.map(f), type);
}

export const reshape = (input: Nd, dims: readonly number[]): Nd => nd(dims, input.data, input.type);

export function normalAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

export function transpose(input: Nd, perm: readonly number[]): Nd {
  const strides = stridesOf(input.dims);
  const dims = perm.map((axis) => input.dims[axis]!);
  const steps = perm.map((axis) => strides[axis]!);
  return nd(dims, stridedCopy(input.data, dims, steps), input.type);
}

/** Slice with steps: starts within the axis, counts and steps per axis (steps may be negative). */
export function slice(input: Nd, starts: readonly number[], counts: readonly number[], steps: readonly number[]): Nd {
  const strides = stridesOf(input.dims);
  const out = nd(counts, undefined, input.type);
  const outStrides = stridesOf(counts);
  for (let i = 0; i < out.data.length; i++) {
    let offset = 0;
    let rest = i;
    for (let axis = 0; axis < counts.length; axis++) {
      const at = Math.floor(rest / outStrides[axis]!);
      rest -= at * outStrides[axis]!;
      offset += (starts[axis]! + at * steps[axis]!) * strides[axis]!;
    }
    out.data[i] = input.data[offset]!;
  }
  return out;
}

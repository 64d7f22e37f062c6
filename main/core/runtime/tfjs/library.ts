/** The part of @tensorflow/tfjs-core that is used. */
export interface TfTensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  dataSync(): Float32Array | Int32Array | Uint8Array;
  dispose(): void;
}
type Unary = (x: TfTensor) => TfTensor;
type Binary = (a: TfTensor, b: TfTensor) => TfTensor;
type Reduction = (x: TfTensor, axes: readonly number[], keepDims: boolean) => TfTensor;
export type Padding = readonly (readonly [number, number])[];

interface FusedConv {
  x: TfTensor;
  filter: TfTensor;
  strides: readonly [number, number];
  dilations: readonly [number, number];
  pad: 'valid' | Padding;
  bias?: TfTensor;
}

export type UnaryName =
  | 'relu'
  | 'abs'
  | 'neg'
  | 'exp'
  | 'log'
  | 'sign'
  | 'sqrt'
  | 'reciprocal'
  | 'sigmoid'
  | 'tanh'
  | 'softplus'
  | 'erf'
  | 'floor'
  | 'ceil'
  | 'round'
  | 'logicalNot';
export type BinaryName =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'pow'
  | 'maximum'
  | 'minimum'
  | 'greater'
  | 'greaterEqual'
  | 'less'
  | 'lessEqual'
  | 'equal'
  | 'notEqual'
  | 'logicalAnd'
  | 'logicalOr';
export type ReductionName = 'max' | 'min' | 'sum' | 'mean' | 'prod';

export type Tf = Record<UnaryName, Unary> &
  Record<BinaryName, Binary> &
  Record<ReductionName, Reduction> & {
    readonly version_core: string;
    setBackend(name: string): Promise<boolean>;
    tidy<T>(work: () => T): T;
    keep<T extends TfTensor>(tensor: T): T;
    memory(): { numTensors: number };
    tensor(data: Float32Array | Int32Array | Uint8Array, shape: readonly number[], dtype: string): TfTensor;
    scalar(value: number, dtype?: string): TfTensor;
    fill(shape: readonly number[], value: number, dtype: string): TfTensor;
    clone(x: TfTensor): TfTensor;
    cast(x: TfTensor, dtype: string): TfTensor;
    reshape(x: TfTensor, shape: readonly number[]): TfTensor;
    transpose(x: TfTensor, perm: readonly number[]): TfTensor;
    broadcastTo(x: TfTensor, shape: readonly number[]): TfTensor;
    concat(tensors: readonly TfTensor[], axis: number): TfTensor;
    slice(x: TfTensor, begin: readonly number[], size: readonly number[]): TfTensor;
    stridedSlice(x: TfTensor, begin: readonly number[], end: readonly number[], strides: readonly number[]): TfTensor;
    reverse(x: TfTensor, axes: readonly number[]): TfTensor;
    pad(x: TfTensor, padding: Padding, value?: number): TfTensor;
    gather(x: TfTensor, indices: TfTensor, axis: number): TfTensor;
    where(condition: TfTensor, a: TfTensor, b: TfTensor): TfTensor;
    argMax(x: TfTensor, axis: number): TfTensor;
    softmax(x: TfTensor, axis: number): TfTensor;
    matMul(a: TfTensor, b: TfTensor, transposeA: boolean, transposeB: boolean): TfTensor;
    maxPool(x: TfTensor, size: readonly [number, number], strides: readonly [number, number], pad: 'valid'): TfTensor;
    avgPool(x: TfTensor, size: readonly [number, number], strides: readonly [number, number], pad: 'valid'): TfTensor;
    fused: { conv2d(options: FusedConv): TfTensor; depthwiseConv2d(options: FusedConv): TfTensor };
  };

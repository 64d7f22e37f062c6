import type { Node } from '../graph/graph';
import * as arithmetic from './arithmetic';
import { conv } from './conv';
import { convTranspose } from './convTranspose';
import { gemm, matMul } from './dense';
import { depthToSpace, spaceToDepth } from './depth';
import { einsum } from './einsum';
import * as normalise from './normalise';
import type { Op } from './op';
import { averagePool, globalAveragePool, globalMaxPool, maxPool } from './pool';
import { clip, leakyRelu, max, min, prelu, relu, thresholdedRelu } from './rectifiers';
import { gather } from './gather';
import { concat, split } from './join';
import { globalLpPool, lpPool } from './lp';
import { pad } from './pad';
import { dequantizeLinear, quantizeLinear } from './quantise';
import { range } from './range';
import * as reduce from './reduce';
import { expand, tile } from './repeat';
import { resize } from './resize';
import * as scatter from './scatter';
import * as shape from './shape';
import { slice } from './slice';
import * as smooth from './smooth';

/** Every op that this program knows, by ONNX name. Adding one: its file, and its line here. */
const ops = {
  Abs: smooth.abs,
  Add: arithmetic.add,
  And: arithmetic.and,
  ArgMax: reduce.argMax,
  AveragePool: averagePool,
  BatchNormalization: normalise.batchNormalization,
  Cast: shape.cast,
  Ceil: arithmetic.ceil,
  Celu: smooth.celu,
  ChannelNormalization: normalise.channelNormalization,
  Clip: clip,
  CastLike: shape.castLike,
  Concat: concat,
  ConstantOfShape: shape.constantOfShape,
  Conv: conv,
  ConvTranspose: convTranspose,
  DequantizeLinear: dequantizeLinear,
  DepthToSpace: depthToSpace,
  Div: arithmetic.div,
  Dropout: shape.identity,
  Elu: smooth.elu,
  Equal: arithmetic.equal,
  Erf: smooth.erf,
  Einsum: einsum,
  Exp: smooth.exp,
  Expand: expand,
  Flatten: shape.flatten,
  Floor: arithmetic.floor,
  Gather: gather,
  GatherElements: scatter.gatherElements,
  Gelu: smooth.gelu,
  GatherND: scatter.gatherND,
  Gemm: gemm,
  GlobalAveragePool: globalAveragePool,
  GlobalLpPool: globalLpPool,
  GlobalMaxPool: globalMaxPool,
  Greater: arithmetic.greater,
  GreaterOrEqual: arithmetic.greaterOrEqual,
  GroupNormalization: normalise.groupNormalization,
  HardSigmoid: smooth.hardSigmoid,
  HardSwish: smooth.hardSwish,
  Identity: shape.identity,
  InstanceNormalization: normalise.instanceNormalization,
  LRN: normalise.lrn,
  LayerNormalization: normalise.layerNormalization,
  LeakyRelu: leakyRelu,
  Less: arithmetic.less,
  LessOrEqual: arithmetic.lessOrEqual,
  Log: smooth.log,
  LpNormalization: normalise.lpNormalization,
  LpPool: lpPool,
  MatMul: matMul,
  Max: max,
  MaxPool: maxPool,
  MaxUnpool: reduce.maxUnpool,
  MeanVarianceNormalization: normalise.meanVarianceNormalization,
  Min: min,
  Mish: smooth.mish,
  Mul: arithmetic.mul,
  Neg: arithmetic.neg,
  Not: arithmetic.not,
  Or: arithmetic.or,
  PRelu: prelu,
  Pad: pad,
  Pow: arithmetic.pow,
  QuantizeLinear: quantizeLinear,
  RMSNormalization: normalise.rmsNormalization,
  Range: range,
  Reciprocal: smooth.reciprocal,
  ReduceL1: reduce.reduceL1,
  ReduceL2: reduce.reduceL2,
  ReduceMax: reduce.reduceMax,
  ReduceMean: reduce.reduceMean,
  ReduceMin: reduce.reduceMin,
  ReduceProd: reduce.reduceProd,
  ReduceSum: reduce.reduceSum,
  ReduceSumSquare: reduce.reduceSumSquare,
  Relu: relu,
  Reshape: shape.reshape,
  Resize: resize,
  ScatterElements: scatter.scatterElements,
  Round: arithmetic.round,
  Selu: smooth.selu,
  ScatterND: scatter.scatterND,
  Shape: shape.shapeOf,
  Shrink: smooth.shrink,
  Sigmoid: smooth.sigmoid,
  Sign: arithmetic.sign,
  Size: shape.size,
  Slice: slice,
  Softmax: arithmetic.softmax,
  Softplus: smooth.softplus,
  Softsign: smooth.softsign,
  Sqrt: smooth.sqrt,
  Squeeze: shape.squeeze,
  SpaceToDepth: spaceToDepth,
  Split: split,
  Sub: arithmetic.sub,
  Sum: arithmetic.sum,
  Swish: smooth.swish,
  Tanh: smooth.tanh,
  ThresholdedRelu: thresholdedRelu,
  Tile: tile,
  TopK: reduce.topK,
  Transpose: shape.transpose,
  Unsqueeze: shape.unsqueeze,
  Where: arithmetic.where,
} satisfies Record<string, Op>;

export const opNames = Object.keys(ops);

/** The op of a node, or undefined where the program does not know it (it runs forward in ONNX Runtime all the same). */
export function opOf(node: Node): Op | undefined {
  if (!['', 'ai.onnx', 'unpool'].includes(node.domain)) return undefined;
  return Object.hasOwn(ops, node.opType) ? ops[node.opType as keyof typeof ops] : undefined;
}

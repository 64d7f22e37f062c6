import type { Node } from '../graph/graph';
import * as arithmetic from './arithmetic';
import { conv } from './conv';
import { convTranspose } from './convTranspose';
import { gemm, matMul } from './dense';
import { batchNormalization, lrn } from './normalise';
import type { Op } from './op';
import { averagePool, globalAveragePool, globalMaxPool, maxPool } from './pool';
import { clip, leakyRelu, relu } from './rectifiers';
import { gather } from './gather';
import { concat, split } from './join';
import { globalLpPool, lpPool } from './lp';
import { pad } from './pad';
import * as reduce from './reduce';
import { expand, tile } from './repeat';
import * as scatter from './scatter';
import * as shape from './shape';
import { slice } from './slice';

/** Every op that this program knows, by ONNX name. Adding one: its file, and its line here. */
const ops = {
  Add: arithmetic.add,
  And: arithmetic.and,
  ArgMax: reduce.argMax,
  AveragePool: averagePool,
  BatchNormalization: batchNormalization,
  Cast: shape.cast,
  Clip: clip,
  CastLike: shape.castLike,
  Concat: concat,
  ConstantOfShape: shape.constantOfShape,
  Conv: conv,
  ConvTranspose: convTranspose,
  Div: arithmetic.div,
  Dropout: shape.identity,
  Exp: arithmetic.exp,
  Expand: expand,
  Flatten: shape.flatten,
  Gather: gather,
  GatherElements: scatter.gatherElements,
  GatherND: scatter.gatherND,
  Gemm: gemm,
  GlobalAveragePool: globalAveragePool,
  GlobalLpPool: globalLpPool,
  GlobalMaxPool: globalMaxPool,
  Greater: arithmetic.greater,
  Identity: shape.identity,
  LRN: lrn,
  LeakyRelu: leakyRelu,
  Less: arithmetic.less,
  LpPool: lpPool,
  MatMul: matMul,
  MaxPool: maxPool,
  MaxUnpool: reduce.maxUnpool,
  Mul: arithmetic.mul,
  Neg: arithmetic.neg,
  Pad: pad,
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
  ScatterElements: scatter.scatterElements,
  ScatterND: scatter.scatterND,
  Shape: shape.shapeOf,
  Sigmoid: arithmetic.sigmoid,
  Sign: arithmetic.sign,
  Size: shape.size,
  Slice: slice,
  Softmax: arithmetic.softmax,
  Squeeze: shape.squeeze,
  Split: split,
  Sub: arithmetic.sub,
  Sum: arithmetic.sum,
  Tanh: arithmetic.tanh,
  Tile: tile,
  TopK: reduce.topK,
  Transpose: shape.transpose,
  Unsqueeze: shape.unsqueeze,
  Where: arithmetic.where,
} satisfies Record<string, Op>;

/** The op of a node, or undefined where the program does not know it (it runs forward in ONNX Runtime all the same). */
export function opOf(node: Node): Op | undefined {
  if (node.domain !== '' && node.domain !== 'ai.onnx') return undefined;
  return Object.hasOwn(ops, node.opType) ? ops[node.opType as keyof typeof ops] : undefined;
}

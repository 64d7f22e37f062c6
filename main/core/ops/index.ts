import type { Node } from '../graph/graph';
import * as arithmetic from './arithmetic';
import { conv, convTranspose } from './conv';
import { gemm, matMul } from './dense';
import { batchNormalization, lrn } from './normalise';
import type { Op } from './op';
import { averagePool, globalAveragePool, globalMaxPool, maxPool } from './pool';
import { clip, leakyRelu, relu } from './rectifiers';
import * as reduce from './reduce';
import * as shape from './shape';

/** Every op that this program knows, by ONNX name. Adding one: its file, and its line here. */
const ops = {
  Add: arithmetic.add,
  And: arithmetic.and,
  ArgMax: reduce.argMax,
  AveragePool: averagePool,
  BatchNormalization: batchNormalization,
  Cast: shape.cast,
  Clip: clip,
  Concat: shape.concat,
  ConstantOfShape: shape.constantOfShape,
  Conv: conv,
  ConvTranspose: convTranspose,
  Div: arithmetic.div,
  Dropout: shape.identity,
  Exp: arithmetic.exp,
  Expand: shape.expand,
  Flatten: shape.flatten,
  Gather: shape.gather,
  GatherElements: reduce.gatherElements,
  Gemm: gemm,
  GlobalAveragePool: globalAveragePool,
  GlobalMaxPool: globalMaxPool,
  Greater: arithmetic.greater,
  Identity: shape.identity,
  LRN: lrn,
  LeakyRelu: leakyRelu,
  Less: arithmetic.less,
  MatMul: matMul,
  MaxPool: maxPool,
  MaxUnpool: reduce.maxUnpool,
  Mul: arithmetic.mul,
  Neg: arithmetic.neg,
  Pad: shape.pad,
  ReduceMax: reduce.reduceMax,
  ReduceMean: reduce.reduceMean,
  ReduceSum: reduce.reduceSum,
  Relu: relu,
  Reshape: shape.reshape,
  ScatterElements: reduce.scatterElements,
  Shape: shape.shapeOf,
  Sigmoid: arithmetic.sigmoid,
  Sign: arithmetic.sign,
  Slice: shape.slice,
  Softmax: arithmetic.softmax,
  Squeeze: shape.squeeze,
  Sub: arithmetic.sub,
  Sum: arithmetic.sum,
  Tanh: arithmetic.tanh,
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

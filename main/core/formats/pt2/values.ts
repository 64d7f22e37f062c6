import type { Call } from './context';
import type { Translate } from './windows';

const unary =
  (opType: string, plain: (call: Call) => Parameters<Call['emit']>[2] = () => ({})): Translate =>
  (call) =>
    call.emit(opType, [call.tensor('self')], plain(call));

const binary =
  (opType: string, swapped = false): Translate =>
  (call) => {
    const other = call.operand('other');
    const alpha = call.number('alpha', 1);
    const scaled = alpha === 1 ? other : call.add('Mul', [other, call.constant([], [alpha])]);
    if (call.text('rounding_mode')) throw call.fail('divides with rounding');
    const inputs = [call.operand('self'), scaled];
    return call.emit(opType, swapped ? inputs.reverse() : inputs);
  };

function clamp(call: Call, low: string, high: string): string {
  const bound = (name: string) => (call.has(name) ? call.constant([], [call.number(name, 0)]) : '');
  return call.emit('Clip', [call.tensor('self'), bound(low), bound(high)]);
}

function hardtanh(call: Call): string {
  const bounds = [call.number('min_val', -1), call.number('max_val', 1)].map((bound) => call.constant([], [bound]));
  return call.emit('Clip', [call.tensor('self'), ...bounds]);
}

function prelu(call: Call): string {
  const count = call.known(call.shape('weight')[0], 'its slopes');
  const rank = call.shape('self').length;
  const dims = call.op === 'prelu' && count > 1 ? [count, ...Array<number>(rank - 2).fill(1)] : null;
  const slope = call.tensor('weight');
  return call.emit('PRelu', [
    call.tensor('self'),
    dims ? call.add('Reshape', [slope, call.builder.ints(dims)]) : slope,
  ]);
}

function softplus(call: Call): string {
  if (call.number('beta', 1) !== 1) throw call.fail('has a beta other than 1');
  return call.emit('Softplus', [call.tensor('self')]);
}

const softmax =
  (opType: string): Translate =>
  (call) =>
    call.emit(opType, [call.tensor('self')], { axis: call.int('dim', -1) });

const reduce =
  (opType: string): Translate =>
  (call) => {
    const dims = call.ints('dim') ?? [];
    const axes = dims.length ? dims : call.shape('self').map((_, axis) => axis);
    const keepdims = Number(call.bool('keepdim', false));
    if (opType === 'ReduceSum') return call.emit(opType, [call.tensor('self'), call.builder.ints(axes)], { keepdims });
    return call.emit(opType, [call.tensor('self')], { axes, keepdims });
  };

const alpha = (name: string, fallback: number) => (call: Call) => ({ alpha: { float: call.number(name, fallback) } });

function elu(call: Call): string {
  if (call.number('scale', 1) !== 1 || call.number('input_scale', 1) !== 1) throw call.fail('has scales of its own');
  return call.emit('Elu', [call.tensor('self')], alpha('alpha', 1)(call));
}

function silu(call: Call): string {
  const x = call.tensor('self');
  return call.emit('Mul', [x, call.add('Sigmoid', [x])]);
}

function power(call: Call): string {
  return call.emit('Pow', [call.operand('self'), call.operand('exponent')]);
}

const tanhOrNone = (call: Call) => ({ approximate: call.text('approximate') ?? 'none' });

/** Activations, arithmetic and reductions. */
export const valueOps: Readonly<Record<string, Translate>> = {
  relu: unary('Relu'),
  relu6: (call) => call.emit('Clip', [call.tensor('self'), call.constant([], [0]), call.constant([], [6])]),
  hardtanh,
  clamp: (call) => clamp(call, 'min', 'max'),
  clamp_min: (call) => clamp(call, 'min', 'none'),
  clamp_max: (call) => clamp(call, 'none', 'max'),
  leaky_relu: unary('LeakyRelu', alpha('negative_slope', 0.01)),
  prelu,
  _prelu_kernel: prelu,
  elu,
  selu: unary('Selu'),
  celu: unary('Celu', alpha('alpha', 1)),
  silu,
  gelu: unary('Gelu', tanhOrNone),
  mish: unary('Mish'),
  hardswish: unary('HardSwish'),
  hardsigmoid: unary('HardSigmoid', () => ({ alpha: { float: 1 / 6 }, beta: { float: 0.5 } })),
  sigmoid: unary('Sigmoid'),
  tanh: unary('Tanh'),
  softplus,
  erf: unary('Erf'),
  exp: unary('Exp'),
  log: unary('Log'),
  sqrt: unary('Sqrt'),
  abs: unary('Abs'),
  neg: unary('Neg'),
  reciprocal: unary('Reciprocal'),
  rsqrt: (call) => call.emit('Reciprocal', [call.add('Sqrt', [call.tensor('self')])]),
  log1p: (call) => call.emit('Log', [call.add('Add', [call.tensor('self'), call.constant([], [1])])]),
  pow: power,
  gt: binary('Greater'),
  lt: binary('Less'),
  ge: binary('GreaterOrEqual'),
  le: binary('LessOrEqual'),
  where: (call) => call.emit('Where', [call.tensor('condition'), call.operand('self'), call.operand('other')]),
  add: binary('Add'),
  sub: binary('Sub'),
  rsub: binary('Sub', true),
  mul: binary('Mul'),
  div: binary('Div'),
  maximum: binary('Max'),
  minimum: binary('Min'),
  softmax: softmax('Softmax'),
  _softmax: softmax('Softmax'),
  log_softmax: softmax('LogSoftmax'),
  _log_softmax: softmax('LogSoftmax'),
  mean: reduce('ReduceMean'),
  sum: reduce('ReduceSum'),
  amax: reduce('ReduceMax'),
  amin: reduce('ReduceMin'),
};

import { float32, toFloat32 } from '../../../graph/tensor';
import type { LayerCall, Translate, Value } from '../call';

type Step = (call: LayerCall, x: string, rank: number) => string;

const one =
  (opType: string, plain: Record<string, number | { float: number }> = {}): Step =>
  (call, x) =>
    call.emit(opType, [x], plain);
const clip = (call: LayerCall, x: string, low: number, high: number): string =>
  call.emit('Clip', [x, call.scalar(low), call.scalar(high)]);
const timesSigmoid: Step = (call, x) => call.emit('Mul', [x, call.emit('Sigmoid', [x])]);

/** x * Phi(x), by the error function, or (TensorFlow's "approximate") by tanh. Source: D. Hendrycks, K. Gimpel (1606.08415). */
export const gelu = (call: LayerCall, x: string, approximate: boolean): string => {
  if (!approximate) {
    const erf = call.emit('Erf', [call.emit('Div', [x, call.scalar(Math.SQRT2)])]);
    return call.emit('Mul', [call.emit('Mul', [x, call.emit('Add', [erf, call.scalar(1)])]), call.scalar(0.5)]);
  }
  const cube = call.emit('Mul', [call.emit('Mul', [x, x]), x]);
  const sum = call.emit('Add', [x, call.emit('Mul', [cube, call.scalar(0.044715)])]);
  const tanh = call.emit('Tanh', [call.emit('Mul', [sum, call.scalar(Math.sqrt(2 / Math.PI))])]);
  return call.emit('Mul', [call.emit('Mul', [x, call.emit('Add', [tanh, call.scalar(1)])]), call.scalar(0.5)]);
};

/** Keras's activations by name. Source: keras/src/activations/activations.py. */
const activations: Record<string, Step> = {
  linear: (_call, x) => x,
  relu: one('Relu'),
  relu6: (call, x) => clip(call, x, 0, 6),
  sigmoid: one('Sigmoid'),
  // Until Keras 2 clip(0.2 x + 0.5, 0, 1); since Keras 3 relu6(x + 3) / 6.
  hard_sigmoid: (call, x) => call.emit('HardSigmoid', [x], { alpha: { float: call.version >= 3 ? 1 / 6 : 0.2 } }),
  hard_silu: one('HardSwish'),
  hard_swish: one('HardSwish'),
  hard_tanh: (call, x) => clip(call, x, -1, 1),
  tanh: one('Tanh'),
  softmax: (call, x, rank) => call.emit('Softmax', [x], { axis: rank - 1 }),
  log_softmax: (call, x, rank) => call.emit('LogSoftmax', [x], { axis: rank - 1 }),
  softplus: one('Softplus'),
  softsign: one('Softsign'),
  elu: one('Elu'),
  selu: one('Selu'),
  celu: one('Celu'),
  silu: timesSigmoid,
  swish: timesSigmoid,
  mish: (call, x) => call.emit('Mul', [x, call.emit('Tanh', [call.emit('Softplus', [x])])]),
  gelu: (call, x) => gelu(call, x, false),
  leaky_relu: one('LeakyRelu', { alpha: { float: 0.2 } }),
  exponential: one('Exp'),
};

export const isActivation = (name: string): boolean => Object.hasOwn(activations, name);

/** An activation as configured: a name, or an object that names itself. */
export function activate(call: LayerCall, value: Value, configured: unknown): Value {
  const plain =
    typeof configured === 'object' && configured !== null && 'config' in configured ? configured.config : configured;
  if (plain == null) return value;
  if (typeof plain !== 'string' || !isActivation(plain)) {
    const named = typeof plain === 'string' ? `"${plain}"` : 'of its own';
    throw call.fail(`has an activation ${named}, which is not one of Keras's`, undefined, 'activation');
  }
  return { name: activations[plain]!(call, value.name, value.shape.length), shape: value.shape };
}

const slope = (call: LayerCall, ...fields: string[]): number =>
  call.number(fields.find((field) => call.layer.config[field] != null) ?? fields[0]!, 0.3);

/** f(x) = max for x >= max, x for threshold <= x < max, slope (x - threshold) below. */
function limitedRelu(call: LayerCall): Value {
  const { shape, name } = call.input;
  const max = call.optional('max_value');
  const below = call.number('negative_slope', 0);
  const threshold = call.number('threshold', 0);
  if (below !== 0 && threshold !== 0) throw call.fail('has both a slope and a threshold', undefined, 'threshold');
  if (max !== null && below === 0 && threshold === 0) return { name: clip(call, name, 0, max), shape };
  const made =
    below !== 0
      ? call.emit('LeakyRelu', [name], { alpha: { float: below } })
      : threshold !== 0
        ? call.emit('ThresholdedRelu', [name], { alpha: { float: threshold } })
        : call.emit('Relu', [name]);
  return { name: max === null ? made : call.emit('Clip', [made, '', call.scalar(max)]), shape };
}

export const activationLayers: Record<string, Translate> = {
  Activation: (call) => activate(call, call.input, call.layer.config['activation']),
  ReLU: limitedRelu,
  LeakyReLU: (call) => call.keep('LeakyRelu', { alpha: { float: slope(call, 'negative_slope', 'alpha') } }),
  ThresholdedReLU: (call) => call.keep('ThresholdedRelu', { alpha: { float: call.number('theta', 1) } }),
  ELU: (call) => call.keep('Elu', { alpha: { float: call.number('alpha', 1) } }),
  Softmax: (call) => {
    const axis = call.layer.config['axis'];
    const rank = call.input.shape.length;
    const single: unknown = Array.isArray(axis) && axis.length === 1 ? axis[0] : (axis ?? -1);
    if (typeof single !== 'number') throw call.fail('works on several axes', undefined, 'axis');
    return call.keep('Softmax', { axis: call.axis(single, rank) });
  },
  PReLU: (call) => {
    const shared = Array.isArray(call.layer.config['shared_axes'])
      ? (call.layer.config['shared_axes'] as unknown[])
      : [];
    const shape = call.input.shape.slice(1).map((dim, i) => (shared.includes(i + 1) ? 1 : dim));
    const [alpha] = call.weights([shape]);
    return call.keep('PRelu', {}, [call.constant(float32(alpha!.dims, toFloat32(alpha!)), 'alpha')]);
  },
};

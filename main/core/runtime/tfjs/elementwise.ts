import { floatAttribute, intAttribute, type Node } from '../../graph/graph';
import type { Nd } from '../../ops/nd';
import type { BinaryName, Tf, TfTensor, UnaryName } from './library';
import { result, type Kernel } from './kernel';
import { aligned, Value } from './value';

export const unary =
  (name: UnaryName): Kernel =>
  (_node, [x], env) =>
    result(env, env.tf[name](x!.in(x!.layout)), x!.layout);

/** A function of one value that is written by others. */
export const composed =
  (f: (x: TfTensor, tf: Tf, node: Node) => TfTensor): Kernel =>
  (node, [x], env) =>
    result(env, f(x!.in(x!.layout), env.tf, node), x!.layout);

/** With numpy's broadcasting, over any number of inputs. */
export const binary =
  (name: BinaryName): Kernel =>
  (_node, inputs, env) => {
    const { tensors, layout } = aligned(inputs as Value[]);
    return result(env, tensors.length === 1 ? env.tf.clone(tensors[0]!) : tensors.reduce(env.tf[name]), layout);
  };

export const where: Kernel = (_node, inputs, env) => {
  const { tensors, layout } = aligned(inputs as Value[]);
  const [condition, a, b] = tensors as [TfTensor, TfTensor, TfTensor];
  return result(env, env.tf.where(condition, a, b), layout);
};

export const clip: Kernel = (_node, [x, low, high], env) => {
  let out = x!.in(x!.layout);
  if (low) out = env.tf.maximum(out, low.in('plain'));
  if (high) out = env.tf.minimum(out, high.in('plain'));
  return result(env, low || high ? out : env.tf.clone(out), x!.layout);
};

const number = (tf: Tf, value: number): TfTensor => tf.scalar(value, 'float32');

export const leakyRelu = composed((x, tf, node) =>
  tf.where(tf.less(x, number(tf, 0)), tf.mul(x, number(tf, floatAttribute(node, 'alpha', 0.01))), x),
);

export const prelu: Kernel = (_node, inputs, env) => {
  const { tf } = env;
  const { tensors, layout } = aligned(inputs as Value[]);
  const [x, slope] = tensors as [TfTensor, TfTensor];
  return result(env, tf.where(tf.less(x, number(tf, 0)), tf.mul(x, slope), x), layout);
};

/** alpha * (exp(x / width) - 1) below zero, gain * x above; the exponent is held at or below zero, where it is used. */
const exponential = (x: TfTensor, tf: Tf, alpha: number, width: number, gain: number): TfTensor => {
  const below = tf.sub(tf.exp(tf.div(tf.minimum(x, number(tf, 0)), number(tf, width))), number(tf, 1));
  return tf.add(tf.mul(below, number(tf, alpha)), tf.mul(tf.relu(x), number(tf, gain)));
};
export const elu = composed((x, tf, node) => exponential(x, tf, floatAttribute(node, 'alpha', 1), 1, 1));
export const celu = composed((x, tf, node) => {
  const alpha = floatAttribute(node, 'alpha', 1);
  return exponential(x, tf, alpha, alpha, 1);
});
export const selu = composed((x, tf, node) => {
  const gain = floatAttribute(node, 'gamma', 1.0507009873554805);
  return exponential(x, tf, gain * floatAttribute(node, 'alpha', 1.6732632423543772), 1, gain);
});
export const thresholdedRelu = composed((x, tf, node) =>
  tf.where(tf.greater(x, number(tf, floatAttribute(node, 'alpha', 1))), x, number(tf, 0)),
);

/** Zero within lambd of zero, closer to it by the bias outside. */
export const shrink = composed((x, tf, node) => {
  const outside = tf.greater(tf.abs(x), number(tf, floatAttribute(node, 'lambd', 0.5)));
  const closer = tf.sub(x, tf.mul(tf.sign(x), number(tf, floatAttribute(node, 'bias', 0))));
  return tf.where(outside, closer, number(tf, 0));
});

const hard = (x: TfTensor, tf: Tf, alpha: number, beta: number): TfTensor =>
  tf.minimum(tf.relu(tf.add(tf.mul(x, number(tf, alpha)), number(tf, beta))), number(tf, 1));
export const hardSigmoid = composed((x, tf, node) =>
  hard(x, tf, floatAttribute(node, 'alpha', 0.2), floatAttribute(node, 'beta', 0.5)),
);
export const hardSwish = composed((x, tf) => tf.mul(x, hard(x, tf, 1 / 6, 0.5)));
export const softsign = composed((x, tf) => tf.div(x, tf.add(number(tf, 1), tf.abs(x))));

function converted(tf: Tf, x: TfTensor, to: Nd['type']): TfTensor {
  if (to === 'bool') return x.dtype === 'bool' ? tf.clone(x) : tf.notEqual(x, tf.scalar(0, x.dtype));
  return tf.cast(x, to === 'float' ? 'float32' : 'int32');
}

/** ONNX numbers the types: 9 is bool, 1, 10, 11 and 16 are floating. */
export const cast = composed((x, tf, node) => {
  const to = intAttribute(node, 'to', 1);
  return converted(tf, x, to === 9 ? 'bool' : [1, 10, 11, 16].includes(to) ? 'float' : 'int');
});

/** Whole numbers are divided towards zero. */
export const div: Kernel = (node, inputs, env) => {
  if (!inputs.every((value) => value!.kind === 'int')) return binary('div')(node, inputs, env);
  const { tensors, layout } = aligned(inputs as Value[]);
  const [a, b] = tensors.map((x) => env.tf.cast(x, 'float32')) as [TfTensor, TfTensor];
  return result(env, env.tf.cast(env.tf.div(a, b), 'int32'), layout);
};

export const castLike: Kernel = (_node, [x, like], env) => {
  const input = x!.in(x!.layout);
  return result(env, converted(env.tf, input, like!.kind), x!.layout);
};

/** A dropout's second output says that nothing was dropped. */
export const identity: Kernel = (node, [x], env) => {
  const input = x!.in(x!.layout);
  return node.outputs.map((_, index) =>
    Value.ofResult(env.tf, index === 0 ? env.tf.clone(input) : env.tf.fill(input.shape, 1, 'bool'), x!.layout),
  );
};

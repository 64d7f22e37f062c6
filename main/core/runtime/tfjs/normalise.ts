import { floatAttribute, intAttribute } from '../../graph/graph';
import { toNumbers } from '../../graph/tensor';
import { normalAxis } from '../../ops/nd';
import { varianceAxes } from '../../ops/normalise';
import { result, type Kernel } from './kernel';
import type { Tf, TfTensor } from './library';
import { physicalAxis, type Layout, type Value } from './value';

const scalar = (tf: Tf, value: number): TfTensor => tf.scalar(value, 'float32');

/** Local response normalisation: the squares of neighbouring channels, summed by slices. */
export const lrn: Kernel = (node, [x], env) => {
  const { tf } = env;
  const size = intAttribute(node, 'size', 1);
  const [alpha, beta] = [floatAttribute(node, 'alpha', 1e-4), floatAttribute(node, 'beta', 0.75)];
  const input = x!.in('last');
  const rank = input.shape.length;
  const padding = input.shape.map((_, axis): [number, number] =>
    axis === rank - 1 ? [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)] : [0, 0],
  );
  const squares = tf.pad(tf.mul(input, input), padding);
  const shifted = Array.from({ length: size }, (_, k) =>
    tf.slice(
      squares,
      input.shape.map((_, axis) => (axis === rank - 1 ? k : 0)),
      input.shape,
    ),
  );
  const total = tf.mul(shifted.reduce(tf.add), scalar(tf, alpha / size));
  const divisor = tf.pow(tf.add(total, scalar(tf, floatAttribute(node, 'bias', 1))), scalar(tf, beta));
  return result(env, tf.div(input, divisor), 'last');
};

const perChannel = (tf: Tf, x: Value, layout: Layout, values: TfTensor): TfTensor =>
  layout === 'last' || x.rank < 3 ? values : tf.reshape(values, [-1, ...new Array<number>(x.rank - 2).fill(1)]);

/** As an affine map per channel, made once in double precision where the statistics are in the graph. */
export const batchNormalization: Kernel = (node, [x, gamma, beta, mean, variance], env) => {
  const { tf } = env;
  const epsilon = floatAttribute(node, 'epsilon', 1e-5);
  const layout = x!.layout;
  const form = (key: string, f: (g: number, b: number, m: number, v: number) => number): TfTensor =>
    gamma!.form(`${key}:${beta!.dims.join()}:${node.name}:${node.outputs[0]}`, () => {
      const [b, m, v] = [beta!, mean!, variance!].map((value) => toNumbers(value.tensor));
      const out = Float32Array.from(toNumbers(gamma!.tensor), (g, i) => f(g, b![i]!, m![i]!, v![i]!));
      return tf.tensor(out, [out.length], 'float32');
    });
  const scale = form('scale', (g, _b, _m, v) => g / Math.sqrt(v + epsilon));
  const shift = form('shift', (g, b, m, v) => b - (m * g) / Math.sqrt(v + epsilon));
  const scaled = tf.mul(x!.in(layout), perChannel(tf, x!, layout, scale));
  return result(env, tf.add(scaled, perChannel(tf, x!, layout, shift)), layout);
};

function normalised(tf: Tf, x: TfTensor, axes: readonly number[], epsilon: number): TfTensor {
  const centred = tf.sub(x, tf.mean(x, axes, true));
  const variance = tf.mean(tf.mul(centred, centred), axes, true);
  return tf.div(centred, tf.sqrt(tf.add(variance, scalar(tf, epsilon))));
}

export const instanceNormalization: Kernel = (node, [x, scale, bias], env) => {
  const { tf } = env;
  const layout = x!.layout;
  const axes = Array.from({ length: x!.rank - 2 }, (_, i) => (layout === 'last' ? i + 1 : i + 2));
  const unit = normalised(tf, x!.in(layout), axes, floatAttribute(node, 'epsilon', 1e-5));
  const scaled = tf.mul(unit, perChannel(tf, x!, layout, scale!.in('plain')));
  return result(env, tf.add(scaled, perChannel(tf, x!, layout, bias!.in('plain'))), layout);
};

export const layerNormalization: Kernel = (node, [x, scale, bias], env) => {
  const { tf } = env;
  const first = normalAxis(intAttribute(node, 'axis', -1), x!.rank);
  const axes = x!.dims.flatMap((_, axis) => (axis >= first ? [axis] : []));
  const unit = normalised(tf, x!.in('plain'), axes, floatAttribute(node, 'epsilon', 1e-5));
  const scaled = tf.mul(unit, scale!.in('plain'));
  return result(env, bias ? tf.add(scaled, bias.in('plain')) : scaled);
};

export const meanVarianceNormalization: Kernel = (node, [x], env) => {
  const axes = varianceAxes(node).map((axis) => physicalAxis(normalAxis(axis, x!.rank), x!.rank, x!.layout));
  const epsilon = floatAttribute(node, 'epsilon', 1e-18);
  return result(env, normalised(env.tf, x!.in(x!.layout), axes, epsilon), x!.layout);
};

/** Zeros stay zeros. */
export const lpNormalization: Kernel = (node, [x], env) => {
  const { tf } = env;
  const input = x!.in(x!.layout);
  const axes = [physicalAxis(normalAxis(intAttribute(node, 'axis', -1), x!.rank), x!.rank, x!.layout)];
  const norm =
    intAttribute(node, 'p', 2) === 1
      ? tf.sum(tf.abs(input), axes, true)
      : tf.sqrt(tf.sum(tf.mul(input, input), axes, true));
  const divisor = tf.where(tf.equal(norm, scalar(tf, 0)), scalar(tf, 1), norm);
  return result(env, tf.div(input, divisor), x!.layout);
};

import { intAttribute, intsAttribute } from '../../graph/graph';
import { sizeOf } from '../../graph/tensor';
import { powerOf } from '../../ops/lp';
import { normalAxis } from '../../ops/nd';
import { need } from '../../ops/op';
import { result, type Kernel } from './kernel';
import type { ReductionName, Tf, TfTensor } from './library';
import { physicalAxis, Value, type Layout } from './value';

const identityReduction = (x: TfTensor): TfTensor => x;

/** A reduction over axes: by attribute, by a constant input, or over all. `before` and `after` make norms of it. */
export const reduction =
  (
    name: ReductionName,
    before: (x: TfTensor, tf: Tf) => TfTensor = identityReduction,
    after: (x: TfTensor, tf: Tf) => TfTensor = identityReduction,
  ): Kernel =>
  (node, [x, second], env) => {
    const { rank } = x!;
    const given =
      intsAttribute(node, 'axes') ?? (second && Array.from(need(second.host ?? undefined, 'the axes').data));
    if (!given?.length && intAttribute(node, 'noop_with_empty_axes', 0))
      return result(env, env.tf.clone(x!.in('plain')));
    const axes = (given?.length ? given : x!.dims.map((_, axis) => axis)).map((axis) => normalAxis(axis, rank));
    const keep = intAttribute(node, 'keepdims', 1) === 1;
    // Channels last stays so unless the channels themselves go.
    const layout: Layout = x!.layout === 'last' && (keep || !axes.includes(1)) ? 'last' : 'plain';
    const physical = axes.map((axis) => physicalAxis(axis, rank, layout));
    const out = env.tf[name](before(x!.in(layout), env.tf), physical, keep);
    return result(env, after(out, env.tf), layout);
  };

export const global =
  (name: ReductionName): Kernel =>
  (_node, [x], env) => {
    const axes = Array.from({ length: x!.rank - 2 }, (_, i) => (x!.layout === 'last' ? i + 1 : i + 2));
    return result(env, env.tf[name](x!.in(x!.layout), axes, true), x!.layout);
  };

export const globalLpPool: Kernel = (node, [x], env) => {
  const { tf } = env;
  const power = tf.scalar(powerOf(node), 'float32');
  const axes = Array.from({ length: x!.rank - 2 }, (_, i) => (x!.layout === 'last' ? i + 1 : i + 2));
  const sum = tf.sum(tf.pow(tf.abs(x!.in(x!.layout)), power), axes, true);
  return result(env, tf.pow(sum, tf.reciprocal(power)), x!.layout);
};

export const argMax: Kernel = (node, [x], env) => {
  const axis = normalAxis(intAttribute(node, 'axis', 0), x!.rank);
  const keep = intAttribute(node, 'keepdims', 1) === 1;
  if (intAttribute(node, 'select_last_index', 0)) throw new RangeError('the last of equal maxima is asked for');
  const layout: Layout = x!.layout === 'last' && (keep || axis !== 1) ? 'last' : 'plain';
  const at = physicalAxis(axis, x!.rank, layout);
  const input = x!.in(layout);
  const out = env.tf.argMax(input, at);
  const kept = input.shape.map((dim, i) => (i === at ? 1 : dim));
  return result(env, keep ? env.tf.reshape(out, kept) : out, layout);
};

/** The k largest (or smallest) along an axis, in order; of equal ones the lower index first. */
export const topK: Kernel = (node, [x, k], env) => {
  if (!intAttribute(node, 'largest', 1)) throw new RangeError('the smallest are asked for');
  const axis = normalAxis(intAttribute(node, 'axis', -1), x!.rank);
  const count = need(k!.host ?? undefined, 'k').data[0]!;
  const data = x!.in('plain').dataSync();
  const length = x!.dims[axis]!;
  const inner = sizeOf(x!.dims.slice(axis + 1));
  const outer = sizeOf(x!.dims.slice(0, axis));
  const values = new Float32Array(outer * count * inner);
  const places = new Int32Array(values.length);
  const best = new Int32Array(count);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      const at = (j: number): number => data[(o * length + j) * inner + i]!;
      let held = 0;
      for (let j = 0; j < length; j++) {
        if (held === count && at(j) <= at(best[count - 1]!)) continue;
        let rank = held < count ? held++ : count - 1;
        for (; rank > 0 && at(j) > at(best[rank - 1]!); rank--) best[rank] = best[rank - 1]!;
        best[rank] = j;
      }
      for (let j = 0; j < count; j++) {
        values[(o * count + j) * inner + i] = at(best[j]!);
        places[(o * count + j) * inner + i] = best[j]!;
      }
    }
  const dims = x!.dims.map((dim, i) => (i === axis ? count : dim));
  const { tf } = env;
  return [
    Value.ofResult(tf, tf.tensor(values, dims, 'float32'), 'plain'),
    Value.ofResult(tf, tf.tensor(places, dims, 'int32'), 'plain'),
  ];
};

export const softmax: Kernel = (node, [x], env) => {
  const axis = normalAxis(intAttribute(node, 'axis', -1), x!.rank);
  const { tf } = env;
  const layout = x!.layout;
  const at = [physicalAxis(axis, x!.rank, layout)];
  const input = x!.in(layout);
  const powers = tf.exp(tf.sub(input, tf.max(input, at, true)));
  return result(env, tf.div(powers, tf.sum(powers, at, true)), layout);
};

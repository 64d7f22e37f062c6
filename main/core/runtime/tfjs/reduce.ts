import { floatAttribute, intAttribute, intsAttribute, type Node } from '../../graph/graph';
import { sizeOf, toNumbers } from '../../graph/tensor';
import { normalAxis, stridesOf } from '../../ops/nd';
import { need } from '../../ops/op';
import type { ReductionName, Tf, TfTensor } from './library';
import { result, type Env, type Kernel } from './kernel';
import { physicalAxis, physicalDims, Value, type Layout } from './value';

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

const upload = (env: Env, data: Float32Array | Int32Array | Uint8Array, dims: readonly number[]): Value[] =>
  result(
    env,
    env.tf.tensor(data, dims, data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'bool'),
  );

/** Calls visit with each place of `indices` and the place in a tensor with these steps that it names along an axis. */
function eachNamed(
  indices: { dims: readonly number[]; data: ArrayLike<number> },
  axis: number,
  steps: readonly number[],
  length: number,
  visit: (index: number, place: number) => void,
): void {
  const own = stridesOf(indices.dims);
  for (let i = 0; i < indices.data.length; i++) {
    let place = 0;
    for (let a = 0; a < own.length; a++)
      place +=
        steps[a]! * (a === axis ? normalAxis(indices.data[i]!, length) : Math.floor(i / own[a]!) % indices.dims[a]!);
    visit(i, place);
  }
}

export const gatherElements: Kernel = (node, [x, indices], env) => {
  const axis = normalAxis(intAttribute(node, 'axis', 0), x!.rank);
  const layout = x!.layout;
  const data = x!.in(layout).dataSync();
  const physical = stridesOf(physicalDims(x!.dims, layout));
  const steps = x!.dims.map((_, a) => physical[physicalAxis(a, x!.rank, layout)]!);
  const places = { dims: indices!.dims, data: indices!.in('plain').dataSync() };
  const out = data.slice(0, 0);
  const grown = new (out.constructor as Float32ArrayConstructor)(sizeOf(places.dims));
  eachNamed(places, axis, steps, x!.dims[axis]!, (i, place) => (grown[i] = data[place]!));
  return upload(env, grown, places.dims);
};

export const scatterElements: Kernel = (node, [x, indices, updates], env) => {
  const axis = normalAxis(intAttribute(node, 'axis', 0), x!.rank);
  const attribute = node.attributes['reduction'];
  const how = attribute?.kind === 'string' ? attribute.value : 'none';
  if (how !== 'none' && how !== 'add') throw new RangeError(`reduction "${how}"`);
  const out = x!.in('plain').dataSync().slice();
  const values = updates!.in('plain').dataSync();
  const places = { dims: indices!.dims, data: indices!.in('plain').dataSync() };
  eachNamed(places, axis, stridesOf(x!.dims), x!.dims[axis]!, (i, place) => {
    out[place] = how === 'add' ? out[place]! + values[i]! : values[i]!;
  });
  return upload(env, out, x!.dims);
};

const scalar = (tf: Tf, value: number): TfTensor => tf.scalar(value, 'float32');

export const softmax: Kernel = (node, [x], env) => {
  const axis = normalAxis(intAttribute(node, 'axis', -1), x!.rank);
  const { tf } = env;
  const layout = x!.layout;
  const at = [physicalAxis(axis, x!.rank, layout)];
  const input = x!.in(layout);
  const powers = tf.exp(tf.sub(input, tf.max(input, at, true)));
  return result(env, tf.div(powers, tf.sum(powers, at, true)), layout);
};

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

export const layerNormalization: Kernel = (node: Node, [x, scale, bias], env) => {
  const { tf } = env;
  const first = normalAxis(intAttribute(node, 'axis', -1), x!.rank);
  const axes = x!.dims.flatMap((_, axis) => (axis >= first ? [axis] : []));
  const unit = normalised(tf, x!.in('plain'), axes, floatAttribute(node, 'epsilon', 1e-5));
  const scaled = tf.mul(unit, scale!.in('plain'));
  return result(env, bias ? tf.add(scaled, bias.in('plain')) : scaled);
};

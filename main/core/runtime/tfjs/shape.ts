import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../../graph/graph';
import { sizeOf } from '../../graph/tensor';
import { normalAxis } from '../../ops/nd';
import { opOf } from '../../ops/index';
import { need } from '../../ops/op';
import type { Tf, TfTensor } from './library';
import { result, type Kernel } from './kernel';
import { aligned, permute, physicalAxis, physicalDims, Value, type Layout } from './value';

const integers = (value: Value | undefined, what: string): number[] =>
  Array.from(need(value?.host ?? undefined, what).data);

/** Everything that only renames places. */
export const view: Kernel = (_node, [x], env) => {
  const dims = env.shapes[0]!;
  // Where only one axis is longer than 1 behind the batch, both layouts are the same in memory.
  const same = x!.dims.slice(1).filter((dim) => dim !== 1).length <= 1;
  return result(env, env.tf.reshape(x!.in(same ? x!.layout : 'plain'), dims));
};

export const expand: Kernel = (_node, [x], env) => {
  const dims = env.shapes[0]!;
  const layout: Layout = x!.rank === dims.length ? x!.layout : 'plain';
  return result(env, env.tf.broadcastTo(x!.in(layout), physicalDims(dims, layout)), layout);
};

export const transpose: Kernel = (node, [x], env) => {
  const { rank } = x!;
  const perm = intsAttribute(node, 'perm') ?? x!.dims.map((_, axis) => rank - 1 - axis);
  const order = (layout: Layout) => perm.map((axis) => physicalAxis(axis, rank, layout));
  return result(env, permute(env.tf, x!.in(x!.layout), order(x!.layout)));
};

export const concat: Kernel = (node, inputs, env) => {
  const values = inputs as Value[];
  const { tensors, layout } = aligned(values);
  const rank = values[0]!.rank;
  return result(
    env,
    env.tf.concat(tensors, physicalAxis(normalAxis(intAttribute(node, 'axis', 1), rank), rank, layout)),
    layout,
  );
};

export const split: Kernel = (node, [x], env) => {
  const layout = x!.layout;
  const axis = normalAxis(intAttribute(node, 'axis', 0), x!.rank);
  let start = 0;
  return env.shapes.map((dims) => {
    const begin = dims.map((_, i) => (i === axis ? start : 0));
    start += dims[axis]!;
    const part = env.tf.slice(x!.in(layout), physicalDims(begin, layout), physicalDims(dims, layout));
    return Value.ofResult(env.tf, part, layout);
  });
};

export const slice: Kernel = (_node, [x, from, to, axesInput, stepsInput], env) => {
  const { tf } = env;
  const starts = integers(from, 'the starts');
  need(to?.host ?? undefined, 'the ends');
  const axes = axesInput ? integers(axesInput, 'the axes') : starts.map((_, axis) => axis);
  const steps = stepsInput ? integers(stepsInput, 'the steps') : starts.map(() => 1);
  const counts = env.shapes[0]!;
  const layout = x!.layout;
  const begin = x!.dims.map(() => 0);
  const step = x!.dims.map(() => 1);
  axes.forEach((given, i) => {
    const axis = normalAxis(given, x!.rank);
    const length = x!.dims[axis]!;
    const start = starts[i]! < 0 ? starts[i]! + length : starts[i]!;
    step[axis] = steps[i]!;
    begin[axis] = Math.max(0, Math.min(start, steps[i]! > 0 ? length : length - 1));
  });
  // A negative step: the stretch that it runs over, turned round.
  const backward = step.flatMap((s, axis) => (s < 0 ? [axis] : []));
  const extent = counts.map((count, axis) => (count === 0 ? 0 : (count - 1) * Math.abs(step[axis]!) + 1));
  const low = begin.map((start, axis) => (step[axis]! < 0 ? start - extent[axis]! + 1 : start));
  let out = tf.slice(x!.in(layout), physicalDims(low, layout), physicalDims(extent, layout));
  if (backward.length)
    out = tf.reverse(
      out,
      backward.map((axis) => physicalAxis(axis, x!.rank, layout)),
    );
  const strides = step.map(Math.abs);
  if (strides.some((s) => s > 1))
    out = tf.stridedSlice(
      out,
      strides.map(() => 0),
      out.shape,
      physicalDims(strides, layout),
    );
  return result(env, out, layout);
};

const picked = (tf: Tf, x: TfTensor, places: readonly number[], axis: number): TfTensor =>
  tf.gather(x, tf.tensor(Int32Array.from(places), [places.length], 'int32'), axis);

export const pad: Kernel = (node, [x, padsInput, value, axesInput], env) => {
  const { tf } = env;
  const { rank } = x!;
  const given = integers(padsInput, 'the pads');
  const axes = axesInput ? integers(axesInput, 'the axes') : x!.dims.map((_, axis) => axis);
  const layout = x!.layout;
  let out = x!.in(layout);
  const mode = stringAttribute(node, 'mode', 'constant');
  const padding = out.shape.map((): [number, number] => [0, 0]);
  axes.forEach((axis, i) => {
    const at = physicalAxis(normalAxis(axis, rank), rank, layout);
    padding[at] = [given[i]!, given[i + axes.length]!];
  });
  if (mode === 'constant') {
    const cut = padding.map(([begin, end]) => [Math.max(0, -begin), Math.max(0, -end)] as const);
    if (cut.some(([begin, end]) => begin || end))
      out = tf.slice(
        out,
        cut.map(([begin]) => begin),
        out.shape.map((length, axis) => length - cut[axis]![0] - cut[axis]![1]),
      );
    const grown = padding.map(([begin, end]): [number, number] => [Math.max(0, begin), Math.max(0, end)]);
    return result(env, tf.pad(out, grown, value?.host?.data[0] ?? 0), layout);
  }
  padding.forEach(([begin, end], axis) => {
    if (!begin && !end) return;
    const length = out.shape[axis]!;
    const period = 2 * (length - 1);
    const places = Array.from({ length: length + begin + end }, (_, i) => {
      const at = i - begin;
      if (mode === 'edge') return Math.max(0, Math.min(length - 1, at));
      if (mode === 'wrap') return ((at % length) + length) % length;
      const folded = period ? ((at % period) + period) % period : 0;
      return folded < length ? folded : period - folded;
    });
    out = picked(tf, out, places, axis);
  });
  return result(env, out === x!.in(layout) ? tf.clone(out) : out, layout);
};

export const gather: Kernel = (node, [x, indices], env) => {
  const axis = normalAxis(intAttribute(node, 'axis', 0), x!.rank);
  const length = x!.dims[axis]!;
  const places = Array.from(indices!.in('plain').dataSync(), (index) => normalAxis(index, length));
  const out = picked(env.tf, x!.in('plain'), places, axis);
  return result(env, env.tf.reshape(out, env.shapes[0]!));
};

export const constantOfShape: Kernel = (node, _inputs, env) => {
  const value = node.attributes['value'];
  const number = value?.kind === 'tensor' ? Number(value.value.data[0]) : 0;
  const whole = value?.kind === 'tensor' && value.value.type.includes('int');
  return result(env, env.tf.fill(env.shapes[0]!, number, whole ? 'int32' : 'float32'));
};

/** Its bounds are known on the host; the numbers are made there. */
export const range: Kernel = (node, inputs, env) =>
  opOf(node)!
    .evaluate(
      node,
      inputs.map((value) => value?.host ?? undefined),
    )
    .map((array) => Value.ofArray(env.tf, array));

export const tile: Kernel = (_node, [x], env) => {
  const dims = env.shapes[0]!;
  let out = x!.in('plain');
  dims.forEach((dim, axis) => {
    const copies = dim / x!.dims[axis]!;
    if (copies > 1) out = env.tf.concat(new Array<TfTensor>(copies).fill(out), axis);
  });
  return result(env, out === x!.in('plain') ? env.tf.clone(out) : out);
};

export const gemm: Kernel = (node, [a, b, c], env) => {
  const { tf } = env;
  const alpha = floatAttribute(node, 'alpha', 1);
  const beta = floatAttribute(node, 'beta', 1);
  const factor = (x: TfTensor, by: number) => (by === 1 ? x : tf.mul(x, tf.scalar(by, 'float32')));
  // Turned once and kept: the WASM backend is quick only for matrices that lie as they are multiplied.
  const right = intAttribute(node, 'transB', 0)
    ? b!.form('turned', () => tf.transpose(b!.in('plain'), [1, 0]))
    : b!.in('plain');
  const left = intAttribute(node, 'transA', 0) ? tf.transpose(a!.in('plain'), [1, 0]) : a!.in('plain');
  const product = factor(tf.matMul(left, right, false, false), alpha);
  return result(env, c ? tf.add(product, factor(c.in('plain'), beta)) : product);
};

export const matMul: Kernel = (_node, [a, b], env) => {
  const { tf } = env;
  if (a!.rank > 2 && b!.rank === 2) {
    const flat = tf.reshape(a!.in('plain'), [sizeOf(a!.dims.slice(0, -1)), a!.dims.at(-1)!]);
    return result(env, tf.reshape(tf.matMul(flat, b!.in('plain'), false, false), env.shapes[0]!));
  }
  return result(env, tf.matMul(a!.in('plain'), b!.in('plain'), false, false));
};

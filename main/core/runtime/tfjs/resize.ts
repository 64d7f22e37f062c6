import type { AxisMap } from '../../ops/axes';
import { apart } from '../../ops/depth';
import { refusedResize, resizeMaps } from '../../ops/resize';
import { result, type Kernel } from './kernel';
import type { Tf, TfTensor } from './library';
import { permute, physicalAxis } from './value';

/**
 * A map along one axis whose rows read few places: the places are picked and weighted, as many times as the busiest row
 * reads.
 */
function alongAxis(tf: Tf, x: TfTensor, { rows, columns, data }: AxisMap, axis: number): TfTensor {
  const reads = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => [column, data[row * columns + column]!] as const).filter(
      ([, weight]) => weight !== 0,
    ),
  );
  const most = Math.max(1, ...reads.map((row) => row.length));
  const terms = Array.from({ length: most }, (_, k) => {
    const places = Int32Array.from(reads, (row) => (row[k] ?? row[0] ?? [0])[0]);
    const weights = Float32Array.from(reads, (row) => row[k]?.[1] ?? 0);
    const picked = tf.gather(x, tf.tensor(places, [rows], 'int32'), axis);
    if (weights.every((weight) => weight === 1)) return picked;
    const dims = x.shape.map((_, i) => (i === axis ? rows : 1));
    return tf.mul(picked, tf.tensor(weights, dims, 'float32'));
  });
  return terms.reduce(tf.add);
}

export const resize: Kernel = (node, inputs, env) => {
  const refused = refusedResize(node);
  if (refused) throw new RangeError(refused);
  const [x] = inputs;
  const { layout, rank } = x!;
  const maps = resizeMaps(node, x!.dims, (index) => inputs[index]?.host ?? undefined);
  const input = x!.in(layout);
  const out = maps.reduce<TfTensor>(
    (value, map, axis) => (map ? alongAxis(env.tf, value, map, physicalAxis(axis, rank, layout)) : value),
    input,
  );
  return result(env, out === input ? env.tf.clone(out) : out, layout);
};

export const depthToSpace: Kernel = (node, [x], env) => {
  const { tf } = env;
  const { split, perm } = apart(node, x!.dims);
  return result(env, tf.reshape(permute(tf, tf.reshape(x!.in('plain'), split), perm), env.shapes[0]!));
};

export const spaceToDepth: Kernel = (node, [x], env) => {
  const { tf } = env;
  const { split, perm } = apart(node, env.shapes[0]!);
  const spread = tf.reshape(
    x!.in('plain'),
    perm.map((axis) => split[axis]!),
  );
  const back = permute(
    tf,
    spread,
    perm.map((_, axis) => perm.indexOf(axis)),
  );
  return result(env, tf.reshape(back, env.shapes[0]!));
};

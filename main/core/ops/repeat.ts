import { broadcastDims, mapBroadcast, nd, type Nd } from './nd';
import { inputShape, integers, reshapedLike, unbroadcast } from './axes';
import { first, inputName, need, type Op } from './op';

/** Repeats along axes of length 1; on the way back the copies add. */
export const expand: Op = {
  role: 'shape',
  shapes: (node, [x], known) => [
    broadcastDims(need(x, 'the shape of the input'), integers(known.constant(inputName(node, 1)), 'the shape')),
  ],
  evaluate: (_node, [x, shape]) => [mapBroadcast([x!, nd(Array.from(shape!.data))], x!.type, (value) => value)],
  adjoint: (step) => first(step.node, unbroadcast(step, step.signal, inputName(step.node, 0))),
  note: () => 'copies add',
};

const repeatsOf = (array: Nd | undefined): number[] => integers(array, 'the repeats');

/** Repeats whole axes; on the way back the copies add. */
export const tile: Op = {
  role: 'shape',
  shapes(node, [x], known) {
    const repeats = repeatsOf(known.constant(inputName(node, 1)));
    return [need(x, 'the shape of the input').map((dim, axis) => dim * repeats[axis]!)];
  },
  evaluate(_node, [x, given]) {
    const repeats = repeatsOf(given);
    const apart = nd(
      x!.dims.flatMap((dim) => [1, dim]),
      x!.data,
      x!.type,
    );
    const shape = nd(x!.dims.flatMap((dim, axis) => [repeats[axis]!, dim]));
    const copies = mapBroadcast([apart, shape], x!.type, (value) => value);
    return [
      nd(
        x!.dims.map((dim, axis) => dim * repeats[axis]!),
        copies.data,
        x!.type,
      ),
    ];
  },
  adjoint(step) {
    const { node, builder, known, signal } = step;
    const repeats = repeatsOf(known.constant(inputName(node, 1)));
    const apart: number[] = [];
    const copies: number[] = [];
    inputShape(known, node).forEach((dim, axis) => {
      if (repeats[axis] !== 1) copies.push(apart.push(repeats[axis]!) - 1);
      // The batch keeps its own length.
      apart.push(axis === 0 && repeats[0] === 1 ? 0 : dim);
    });
    if (copies.length === 0) return first(node, signal);
    const each = builder.add('Reshape', [signal, builder.ints(apart)]);
    const summed = builder.add('ReduceSum', [each, builder.ints(copies)], { keepdims: 0 });
    return first(node, reshapedLike(step, summed, inputName(node, 0)));
  },
  note: () => 'copies add',
};

import type { Builder } from '../graph/builder';
import { intAttribute, intsAttribute, type Node } from '../graph/graph';
import { float32 } from '../graph/tensor';
import { inputShape } from './axes';
import { nd } from './nd';
import { first, inputName, need, type Op, type Step } from './op';
import { eachWindow, poolShapes, poolWindows, spread, windowExtent } from './pool';
import { windowsOf, windowWords } from './windows';

/**
 * Pooling by the p-norm: y = (sum of |x|^p)^(1/p); with p = 2 the root of the sum of squares, as in root-mean-square pooling.
 *
 * The paper pools by maximum and sends a signal to the place that made the output. A p-norm has no such place: every place
 * makes a share of the output. So the signal is shared by the derivative, held at its forward values as switches are:
 * signal * sign(x) |x|^(p-1) / y^(p-1). Two limits speak for it: with growing p the pool becomes a max pool, and these
 * shares its switches; with p = 1, behind a rectifier, a sum, and they the sum's adjoint at the places that are not zero.
 */

export const powerOf = (node: Node): number => intAttribute(node, 'p', 2);
const norm = (values: readonly number[], p: number): number =>
  values.reduce((sum, value) => sum + Math.abs(value) ** p, 0) ** (1 / p);

/** What a norm's power is not divided below, so that an empty window gives zero, not 0 / 0. */
const floor = 1e-12;

/** Emits the signal divided by y^(p-1). */
export function lpShares({ node, builder, signal }: Step, p: number): string {
  if (p === 1) return signal;
  let power = node.outputs[0]!;
  for (let i = 2; i < p; i++) power = builder.add('Mul', [power, node.outputs[0]!]);
  const least = builder.constant(float32([], [floor]), `${node.outputs[0]}:floor`);
  return builder.add('Div', [signal, builder.add('Clip', [power, least])], {}, `${node.outputs[0]}:shares`);
}

/** Emits sign(x) |x|^(p-1). */
export function signedPower(builder: Builder, x: string, p: number): string {
  let power = p % 2 === 1 ? builder.add('Sign', [x]) : x;
  for (let i = p % 2 === 1 ? 1 : 2; i < p; i++) power = builder.add('Mul', [power, x]);
  return power;
}

const note = (p: number): string =>
  `${p === 2 ? 'root of squares' : `norm of order ${p}`}: shared by its derivative, held as switches are (no rule in the paper)`;
const refuses = (node: Node): string | null =>
  Number.isInteger(powerOf(node)) && powerOf(node) >= 1 ? null : `its order is ${powerOf(node)}`;

export const lpPool: Op = {
  role: 'select',
  shapes: (node, inputs) => [poolShapes(node, inputs)],
  evaluate(node, [x]) {
    const windows = windowsOf(node, x!.dims, need(intsAttribute(node, 'kernel_shape'), 'kernel_shape'));
    const out = nd(poolShapes(node, [x!.dims]));
    eachWindow(x!, windows, (at, places) => {
      out.data[at] = norm(
        places.map((place) => x!.data[place]!),
        powerOf(node),
      );
    });
    return [out];
  },
  extent: windowExtent,
  refuses,
  adjoint(step) {
    const { node, builder, known } = step;
    const sent = spread({ ...step, signal: lpShares(step, powerOf(node)) }, poolWindows(node, known));
    const power = signedPower(builder, inputName(node, 0), powerOf(node));
    return first(node, builder.add('Mul', [sent, power], {}, `${node.outputs[0]}:unpooled`));
  },
  note: (node, known) => `${windowWords(poolWindows(node, known))}, ${note(powerOf(node))}`,
};

export const globalLpPool: Op = {
  role: 'select',
  shapes: (_node, [x]) => [need(x, 'the shape of the input').map((dim, axis) => (axis < 2 ? dim : 1))],
  evaluate(node, [x]) {
    const out = nd(x!.dims.map((dim, axis) => (axis < 2 ? dim : 1)));
    const area = x!.data.length / out.data.length;
    out.data.forEach((_, map) => {
      out.data[map] = norm(Array.from(x!.data.subarray(map * area, (map + 1) * area)), powerOf(node));
    });
    return [out];
  },
  refuses,
  adjoint(step) {
    const { node, builder } = step;
    const power = signedPower(builder, inputName(node, 0), powerOf(node));
    return first(node, builder.add('Mul', [lpShares(step, powerOf(node)), power], {}, `${node.outputs[0]}:unpooled`));
  },
  note: (node, known) => `${inputShape(known, node).slice(2).join('×')}, ${note(powerOf(node))}`,
};

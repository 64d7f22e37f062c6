import type { Node } from '../graph/graph';
import { ranges, roundHalfToEven, scaleIndex } from '../graph/quantised';
import { nd, type Nd } from './nd';
import { first, need, type Op } from './op';

const scaleAt = (node: Node, x: Nd, scale: Nd): ((i: number) => number) =>
  need(scaleIndex(node, x.dims, scale.dims) ?? undefined, 'the axis of the scales');

/**
 * Values in steps of a scale, and back. A signal passes both unchanged: it stays in the units of the values, and rounding
 * to steps, which has no slope of its own, is taken for the identity that it stands for.
 */
const straight: Pick<Op, 'role' | 'shapes' | 'extent' | 'adjoint' | 'words'> = {
  role: 'linear',
  words: ['steps of quantisation', 'passed straight through'],
  shapes: (_node, [x]) => [need(x, 'the shape of the input')],
  extent: () => ({ kind: 'pointwise' }),
  adjoint: ({ node, signal }) => first(node, signal),
};

export const quantizeLinear: Op = {
  ...straight,
  evaluate(node, [x, scale, zero]) {
    const at = scaleAt(node, x!, scale!);
    const [low, high] = need(ranges[zero?.element ?? 'uint8'], 'the range of the zero point');
    const out = nd(x!.dims, undefined, 'int');
    for (let i = 0; i < out.data.length; i++) {
      const whole = roundHalfToEven(x!.data[i]! / scale!.data[at(i)]!) + (zero?.data[at(i)] ?? 0);
      out.data[i] = Math.max(low, Math.min(high, whole));
    }
    return [out];
  },
};

export const dequantizeLinear: Op = {
  ...straight,
  evaluate(node, [x, scale, zero]) {
    const at = scaleAt(node, x!, scale!);
    const out = nd(x!.dims);
    for (let i = 0; i < out.data.length; i++)
      out.data[i] = (x!.data[i]! - (zero?.data[at(i)] ?? 0)) * scale!.data[at(i)]!;
    return [out];
  },
};

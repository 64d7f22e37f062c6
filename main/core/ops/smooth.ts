import { asNumber, formula, type Formula } from '../graph/formula';
import { floatAttribute, stringAttribute, type Node } from '../graph/graph';
import { map } from './nd';
import { inputName, need, type Op, type Step } from './op';

/**
 * Activations that the paper has no rule for: a method rectifies the signal there, or takes the derivative. Elu, Selu and
 * Celu, although close to a ReLU, are among them: they keep the sign of what is below zero, which rectifying drops.
 * Derivatives are those of PyTorch, at kinks too.
 */

/** What a derivative is written with: x and y are the values before and after, `f` adds nodes. */
type Parts = { f: Formula; x: string; y: string; node: Node; step: Step };

function smooth(
  value: (x: number, node: Node) => number,
  derivative: (parts: Parts) => string,
  more: Partial<Op> = {},
): Op {
  return {
    role: 'smooth',
    shapes: (_node, [x]) => [need(x, 'the shape of the input')],
    evaluate: (node, [x]) => [map(x!, (each) => value(each, node))],
    extent: () => ({ kind: 'pointwise' }),
    derivative(step) {
      const { node, builder } = step;
      const y = node.outputs[0]!;
      return derivative({ f: formula(builder, `${y}:derivative`), x: inputName(node, 0), y, node, step });
    },
    ...more,
  };
}

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
const softplusOf = (x: number, beta = 1): number => Math.max(x, 0) + Math.log1p(Math.exp(-beta * Math.abs(x))) / beta;
const number = (node: Node, name: string, fallback: number): number => floatAttribute(node, name, fallback);
const short = (value: number): string => String(+value.toPrecision(4));

/** The error function to double precision. Source: Abramowitz and Stegun, 7.1.6 (all terms positive: nothing cancels). */
export function erfOf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) sum += term *= (2 * x * x) / (2 * n + 1);
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** e^-|x| / (1 + e^-|x|)^2. The shorter y (1 - y) has no digits left in single precision where a unit is saturated. */
const logisticSlope = (f: Formula, x: string): string => {
  const tail = f('Exp', f('Neg', f('Abs', x)));
  const sum = f('Add', 1, tail);
  return f('Div', tail, f('Mul', sum, sum));
};

export const sigmoid = smooth(logistic, ({ f, x }) => logisticSlope(f, x));
/** As 1 - y^2, but of the same kind as the sigmoid's: tanh x = 2 sigmoid(2x) - 1. */
export const tanh = smooth(Math.tanh, ({ f, x }) => f('Mul', 4, logisticSlope(f, f('Add', x, x))));
export const exp = smooth(Math.exp, ({ y }) => y);
export const log = smooth(Math.log, ({ f, x }) => f('Div', 1, x));
export const sqrt = smooth(Math.sqrt, ({ f, y }) => f('Div', 0.5, y));
export const reciprocal = smooth(
  (x) => 1 / x,
  ({ f, y }) => f('Neg', f('Mul', y, y)),
);
export const abs = smooth(Math.abs, ({ f, x }) => f('Sign', x));
export const erf = smooth(erfOf, ({ f, x }) => f('Mul', 2 / Math.sqrt(Math.PI), f('Exp', f('Neg', f('Mul', x, x)))));
/** log(1 + e^x); in this program's own form with beta: log(1 + e^(beta x)) / beta. */
export const softplus = smooth(
  (x, node) => softplusOf(x, number(node, 'beta', 1)),
  ({ f, x, node }) => f('Sigmoid', node.domain === 'unpool' ? f('Mul', number(node, 'beta', 1), x) : x),
  { note: (node) => (node.domain === 'unpool' ? `beta ${short(number(node, 'beta', 1))}` : '') },
);
export const softsign = smooth(
  (x) => x / (1 + Math.abs(x)),
  ({ f, x }) => {
    const root = f('Reciprocal', f('Add', 1, f('Abs', x)));
    return f('Mul', root, root);
  },
);

/** Below zero alpha (e^x - 1): its derivative there is alpha e^x. The shorter y + alpha has few digits where y is near -alpha. */
export const elu = smooth(
  (x, node) => (x > 0 ? x : number(node, 'alpha', 1) * Math.expm1(x)),
  ({ f, x, node }) => f('Where', f('Greater', x, 0), 1, f('Mul', number(node, 'alpha', 1), f('Exp', x))),
);

const seluOf = (node: Node): { alpha: number; gamma: number } => ({
  alpha: number(node, 'alpha', 1.6732632423543772),
  gamma: number(node, 'gamma', 1.0507009873554805),
});
export const selu = smooth(
  (x, node) => seluOf(node).gamma * (x > 0 ? x : seluOf(node).alpha * Math.expm1(x)),
  ({ f, x, node }) => {
    const { alpha, gamma } = seluOf(node);
    return f('Where', f('Greater', x, 0), gamma, f('Mul', alpha * gamma, f('Exp', x)));
  },
);

export const celu = smooth(
  (x, node) => (x > 0 ? x : number(node, 'alpha', 1) * Math.expm1(x / number(node, 'alpha', 1))),
  ({ f, x, node }) => f('Where', f('Greater', x, 0), 1, f('Exp', f('Div', x, number(node, 'alpha', 1)))),
);

const hardSigmoidOf = (x: number, alpha: number, beta: number): number => Math.min(1, Math.max(0, alpha * x + beta));
export const hardSigmoid = smooth(
  (x, node) => hardSigmoidOf(x, number(node, 'alpha', 0.2), number(node, 'beta', 0.5)),
  ({ f, y, node, step }) => {
    const inside = asNumber(step.builder, f('And', f('Greater', y, 0), f('Less', y, 1)));
    return f('Mul', inside, number(node, 'alpha', 0.2));
  },
  { note: (node) => `slope ${short(number(node, 'alpha', 0.2))}` },
);

/** x HardSigmoid(x; 1/6, 1/2). */
export const hardSwish = smooth(
  (x) => x * hardSigmoidOf(x, 1 / 6, 0.5),
  ({ f, x }) => {
    const middle = f('Add', 0.5, f('Div', x, 3));
    return f('Where', f('Less', f('Abs', x), 3), middle, f('Where', f('Greater', x, 0), 1, 0));
  },
);

/** x Sigmoid(alpha x); with alpha 1 it is the SiLU. */
export const swish = smooth(
  (x, node) => x * logistic(number(node, 'alpha', 1) * x),
  ({ f, x, y, node }) => {
    const alpha = number(node, 'alpha', 1);
    const s = f('Sigmoid', f('Mul', alpha, x));
    return f('Add', s, f('Mul', alpha, f('Mul', y, f('Sub', 1, s))));
  },
  { note: (node) => (number(node, 'alpha', 1) === 1 ? 'SiLU' : `alpha ${short(number(node, 'alpha', 1))}`) },
);

export const geluCube = 0.044715;
export const geluScale = Math.sqrt(2 / Math.PI);
export const isTanhGelu = (node: Node): boolean => stringAttribute(node, 'approximate', 'none') === 'tanh';

/** x Phi(x), or its approximation by tanh. Source: D. Hendrycks, K. Gimpel (1606.08415). */
export const gelu = smooth(
  (x, node) =>
    isTanhGelu(node)
      ? 0.5 * x * (1 + Math.tanh(geluScale * (x + geluCube * x ** 3)))
      : 0.5 * x * (1 + erfOf(x / Math.SQRT2)),
  ({ f, x, node }) => {
    const square = f('Mul', x, x);
    if (!isTanhGelu(node)) {
      const share = f('Mul', 0.5, f('Add', 1, f('Erf', f('Mul', x, Math.SQRT1_2))));
      const density = f('Mul', 1 / Math.sqrt(2 * Math.PI), f('Exp', f('Mul', -0.5, square)));
      return f('Add', share, f('Mul', x, density));
    }
    const inner = f('Mul', f('Mul', x, geluScale), f('Add', 1, f('Mul', geluCube, square)));
    const t = f('Tanh', inner);
    const slope = f('Mul', geluScale, f('Add', 1, f('Mul', 3 * geluCube, square)));
    const rest = f('Mul', f('Mul', x, slope), f('Sub', 1, f('Mul', t, t)));
    return f('Mul', 0.5, f('Add', f('Add', 1, t), rest));
  },
  { note: (node) => (isTanhGelu(node) ? 'by tanh' : '') },
);

/** x tanh(softplus(x)). Source: D. Misra (1908.08681). */
export const mish = smooth(
  (x) => x * Math.tanh(softplusOf(x)),
  ({ f, x }) => {
    const t = f('Tanh', f('Softplus', x));
    return f('Add', t, f('Mul', f('Mul', x, f('Sigmoid', x)), f('Sub', 1, f('Mul', t, t))));
  },
);

const shrinkOf = (node: Node): { width: number; bias: number } => ({
  width: number(node, 'lambd', 0.5),
  bias: number(node, 'bias', 0),
});
/** Zero within lambd of zero; what is outside comes closer by the bias. Soft shrinkage (bias = lambd) and hard (0). */
export const shrink = smooth(
  (x, node) => {
    const { width, bias } = shrinkOf(node);
    return x > width ? x - bias : x < -width ? x + bias : 0;
  },
  ({ f, x, node, step }) => asNumber(step.builder, f('Greater', f('Abs', x), shrinkOf(node).width)),
  { note: (node) => `outside ±${short(shrinkOf(node).width)}, closer by ${short(shrinkOf(node).bias)}` },
);

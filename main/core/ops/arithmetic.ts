import type { Node } from '../graph/graph';
import { unbroadcast } from './axes';
import { broadcastDims, map, mapBroadcast, type Nd } from './nd';
import { inputName, need, type Contributions, type Extent, type Known, type Op, type Shape, type Step } from './op';

const broadcastShapes = (_node: Node, inputs: readonly (Shape | undefined)[]): Shape[] => [
  broadcastDims(...inputs.map((shape) => need(shape, 'the shape of an input'))),
];

/** Pointwise, unless a constant of the size of the map makes places differ. */
export function pointwiseIfUniform(node: Node, known: Known): Extent {
  const uniform = node.inputs.every((name) => {
    const shape = known.shape(name);
    return (
      !known.isConstant(name) ||
      (shape !== undefined && shape.slice(-2).every((dim, i) => dim === 1 || shape.length < 2 - i))
    );
  });
  const flat = node.inputs.some(
    (name) => known.isConstant(name) && known.shape(name)?.length === 1 && known.shape(name)?.[0] !== 1,
  );
  return uniform && !flat ? { kind: 'pointwise' } : { kind: 'global' };
}

/** How much a value looks like a gate, by what makes it: 2 for values between 0 and 1, 1 for other bounded ones. */
function gateLikeness(value: string, known: Known): number {
  let name: string | undefined = value;
  for (let steps = 0; name && steps < 8; steps++) {
    const node = known.producer(name);
    if (!node) return 0;
    if (['Sigmoid', 'HardSigmoid', 'Softmax'].includes(node.opType)) return 2;
    if (['Tanh', 'Clip', 'Erf', 'Softsign'].includes(node.opType)) return 1;
    // Through what moves, repeats or scales it.
    if (
      !['Reshape', 'Expand', 'Identity', 'Squeeze', 'Unsqueeze', 'Transpose', 'Add', 'Mul', 'Div'].includes(node.opType)
    )
      return 0;
    const carrying: string[] = node.inputs.filter((input) => input && !known.isConstant(input));
    if (carrying.length > 1 && ['Add', 'Mul', 'Div'].includes(node.opType)) return 0;
    name = carrying[0];
  }
  return 0;
}

/**
 * Which of two factors is gated. The gate is the smaller one, repeated over the other (squeeze and excitation, spatial
 * attention); of equal ones the one that a squashing function makes, a sigmoid rather than a tanh; else the second.
 */
function gatedFactor(node: Node, known: Known): number {
  const [a, b] = node.inputs.map((name) => (known.shape(name) ?? []).reduce((product, dim) => product * dim, 1));
  if (a !== b) return a! > b! ? 0 : 1;
  return gateLikeness(inputName(node, 0), known) > gateLikeness(inputName(node, 1), known) ? 1 : 0;
}

const eachOnPath = (step: Step, contribution: (index: number, name: string) => string | null): Contributions =>
  step.node.inputs.map((name, index) => {
    const signal = name && step.onPath(name) ? contribution(index, name) : null;
    return signal === null ? null : unbroadcast(step, signal, name);
  });

const mathOp = (
  f: (a: number, b: number) => number,
  type?: Nd['type'],
): Pick<Op, 'shapes' | 'evaluate' | 'extent'> => ({
  shapes: broadcastShapes,
  evaluate: (_node, [a, b]) => [
    mapBroadcast([a!, b!], type ?? (a!.type === 'float' || b!.type === 'float' ? 'float' : 'int'), f),
  ],
  extent: pointwiseIfUniform,
});

/** A residual join: the signal goes both ways. */
export const add: Op = {
  role: 'linear',
  words: ['sum', 'copied to every term'],
  ...mathOp((a, b) => a + b),
  adjoint: (step) => eachOnPath(step, () => step.signal),
};

export const sum: Op = {
  role: 'linear',
  words: ['sum', 'copied to every term'],
  shapes: broadcastShapes,
  evaluate: (_node, inputs) => [
    mapBroadcast(inputs as Nd[], 'float', (...values) => values.reduce((total, value) => total + value, 0)),
  ],
  extent: pointwiseIfUniform,
  adjoint: add.adjoint!,
};

export const sub: Op = {
  role: 'linear',
  words: ['difference', 'copied to both terms, to the second with its sign changed'],
  ...mathOp((a, b) => a - b),
  adjoint: (step) => eachOnPath(step, (index) => (index === 0 ? step.signal : step.builder.add('Neg', [step.signal]))),
};

/** By something that does not carry the signal it is a scaling; a product of two signals is a gate. */
export const mul: Op = {
  role: (node, onPath) => (node.inputs.every(onPath) ? 'gate' : 'linear'),
  words: ['factor', 'times the same factor'],
  ...mathOp((a, b) => a * b),
  gated: gatedFactor,
  adjoint: (step) =>
    eachOnPath(step, (index) => step.builder.add('Mul', [step.signal, inputName(step.node, 1 - index)])),
};

/** By a constant a scaling; by what depends on the picture a gate (the numerator is gated); of a constant by it smooth. */
export const div: Op = {
  role: (node, onPath) => (!onPath(inputName(node, 1)) ? 'linear' : onPath(inputName(node, 0)) ? 'gate' : 'smooth'),
  words: ['factor', 'divided by the same'],
  shapes: broadcastShapes,
  evaluate(_node, [a, b]) {
    const float = a!.type === 'float' || b!.type === 'float';
    return [mapBroadcast([a!, b!], float ? 'float' : 'int', float ? (x, y) => x / y : (x, y) => Math.trunc(x / y))];
  },
  extent: pointwiseIfUniform,
  gated: () => 0,
  /** The quotient rule. */
  adjoint: (step) =>
    eachOnPath(step, (index) => {
      const { builder, node, signal } = step;
      const share = builder.add('Div', [signal, inputName(node, 1)]);
      return index === 0 ? share : builder.add('Neg', [builder.add('Mul', [share, node.outputs[0]!])]);
    }),
  derivative: ({ node, builder }) => builder.add('Neg', [builder.add('Div', [node.outputs[0]!, inputName(node, 1)])]),
  refuses: (node, known, onPath) =>
    onPath(inputName(node, 0)) ||
    !onPath(inputName(node, 1)) ||
    known.shape(inputName(node, 1))?.join() === known.shape(node.outputs[0]!)?.join()
      ? null
      : 'it repeats its divisor along an axis',
};

/** A power with a constant exponent: a smooth activation. */
export const pow: Op = {
  role: 'smooth',
  shapes: broadcastShapes,
  evaluate: (_node, [a, b]) => [mapBroadcast([a!, b!], a!.type, (x, y) => x ** y)],
  extent: pointwiseIfUniform,
  refuses: (node, known, onPath) =>
    onPath(inputName(node, 1)) || !known.isConstant(inputName(node, 1)) ? 'its exponent is not constant' : null,
  derivative({ node, builder }) {
    const [x, exponent] = [inputName(node, 0), inputName(node, 1)];
    const lower = builder.add('Pow', [x, builder.add('Sub', [exponent, builder.scalar(1)])]);
    return builder.add('Mul', [exponent, lower], {}, `${node.outputs[0]}:derivative`);
  },
};

const unary = (f: (value: number) => number, type?: Nd['type']): Pick<Op, 'shapes' | 'evaluate' | 'extent'> => ({
  shapes: (_node, [x]) => [need(x, 'the shape of the input')],
  evaluate: (_node, [x]) => [map(x!, f, type ?? x!.type)],
  extent: () => ({ kind: 'pointwise' }),
});

export const neg: Op = {
  role: 'linear',
  words: ['factor', 'with its sign changed'],
  ...unary((value) => -value),
  adjoint: (step) => [step.builder.add('Neg', [step.signal])],
};

// Below: no rule in the paper. They run forward; a walk back through them is refused by name.
const halfToEven = (x: number): number => {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
};
export const sign: Op = { role: 'squash', ...unary(Math.sign) };
export const floor: Op = { role: 'squash', ...unary(Math.floor) };
export const ceil: Op = { role: 'squash', ...unary(Math.ceil) };
export const round: Op = { role: 'squash', ...unary(halfToEven) };
export const not: Op = { role: 'squash', ...unary((value) => Number(value === 0), 'bool') };
export const equal: Op = { role: 'squash', ...mathOp((a, b) => Number(a === b), 'bool') };
export const greaterOrEqual: Op = { role: 'squash', ...mathOp((a, b) => Number(a >= b), 'bool') };
export const lessOrEqual: Op = { role: 'squash', ...mathOp((a, b) => Number(a <= b), 'bool') };
export const or: Op = { role: 'squash', ...mathOp((a, b) => Number(a !== 0 || b !== 0), 'bool') };
export const greater: Op = { role: 'squash', ...mathOp((a, b) => Number(a > b), 'bool') };
export const less: Op = { role: 'squash', ...mathOp((a, b) => Number(a < b), 'bool') };
export const and: Op = { role: 'squash', ...mathOp((a, b) => Number(a !== 0 && b !== 0), 'bool') };
/** A condition that is the same for every picture moves values; one that the picture decides is held, as switches are. */
export const where: Op = {
  role: (node, onPath) => (onPath(inputName(node, 0)) ? 'select' : 'shape'),
  shapes: broadcastShapes,
  evaluate: (_node, [c, a, b]) => [mapBroadcast([c!, a!, b!], a!.type, (condition, x, y) => (condition ? x : y))],
  extent: pointwiseIfUniform,
  adjoint(step) {
    const { builder, signal, node } = step;
    const nothing = builder.scalar(0);
    const sent = (index: number) => (index === 1 ? [signal, nothing] : [nothing, signal]);
    return eachOnPath(step, (index) =>
      index === 0 ? null : builder.add('Where', [inputName(node, 0), ...sent(index)]),
    );
  },
  decides: [0],
};

/** Softmax along an axis (opset 13's meaning; older ones are rewritten on the way in). Units are taken before it. */
export const softmax: Op = {
  role: 'squash',
  shapes: (_node, [x]) => [need(x, 'the shape of the input')],
  evaluate(node, [x]) {
    const axisAttribute = node.attributes['axis'];
    const rank = x!.dims.length;
    const axis = ((axisAttribute?.kind === 'int' ? axisAttribute.value : -1) + rank) % rank;
    const length = x!.dims[axis]!;
    const inner = x!.dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
    const out = { ...x!, data: Float64Array.from(x!.data) };
    for (let start = 0; start < out.data.length; start++) {
      if (Math.floor(start / inner) % length !== 0) continue;
      const places = Array.from({ length }, (_, i) => start + i * inner);
      const max = Math.max(...places.map((at) => x!.data[at]!));
      const total = places.reduce((total, at) => total + Math.exp(x!.data[at]! - max), 0);
      for (const at of places) out.data[at] = Math.exp(x!.data[at]! - max) / total;
    }
    return [out];
  },
};

import { floatAttribute } from '../graph/graph';
import { pointwiseIfUniform } from './arithmetic';
import { broadcastDims, map, mapBroadcast, type Nd } from './nd';
import { inputName, need, type Op } from './op';

/** Max(x, 0). Its derivative at 0 is 0, as in every framework. */
export const relu: Op = {
  role: 'rectifier',
  shapes: (_node, [x]) => [need(x, 'the shape of the input')],
  evaluate: (_node, [x]) => [map(x!, (value) => (value > 0 ? value : 0))],
  extent: () => ({ kind: 'pointwise' }),
  derivative: ({ node, builder }) => builder.add('Sign', [node.outputs[0]!], {}, `${node.outputs[0]}:derivative`),
};

export const leakyRelu: Op = {
  role: 'rectifier',
  shapes: relu.shapes,
  evaluate(node, [x]) {
    const alpha = floatAttribute(node, 'alpha', 0.01);
    return [map(x!, (value) => (value < 0 ? alpha * value : value))];
  },
  extent: () => ({ kind: 'pointwise' }),
  /** 1 above zero, alpha elsewhere (at zero too, as in PyTorch). */
  derivative({ node, builder }) {
    const alpha = floatAttribute(node, 'alpha', 0.01);
    const above = builder.add('Greater', [inputName(node, 0), builder.scalar(0)]);
    return builder.add('Where', [above, builder.scalar(1), builder.scalar(alpha)], {}, `${node.outputs[0]}:derivative`);
  },
  own: ({ node, builder, signal }) =>
    builder.add(
      'LeakyRelu',
      [signal],
      { alpha: { float: floatAttribute(node, 'alpha', 0.01) } },
      `${node.outputs[0]}:back`,
    ),
  note: (node) => `slope ${+floatAttribute(node, 'alpha', 0.01).toPrecision(3)}`,
};

/** LeakyRelu with a slope for each channel (constant; of the map's rank, or [channels, 1, 1]). */
export const prelu: Op = {
  role: 'rectifier',
  shapes: relu.shapes,
  evaluate: (_node, [x, slope]) => [mapBroadcast([x!, slope!], 'float', (value, k) => (value < 0 ? k * value : value))],
  extent: pointwiseIfUniform,
  refuses: (node, known) => (known.isConstant(inputName(node, 1)) ? null : 'its slopes are not constant'),
  derivative({ node, builder }) {
    const above = builder.add('Greater', [inputName(node, 0), builder.scalar(0)]);
    return builder.add('Where', [above, builder.scalar(1), inputName(node, 1)], {}, `${node.outputs[0]}:derivative`);
  },
  own: ({ node, builder, signal }) => builder.add('PRelu', [signal, inputName(node, 1)], {}, `${node.outputs[0]}:back`),
  note(node, known) {
    const slopes = known.constant(inputName(node, 1))?.data;
    if (!slopes?.length) return 'slopes of its own';
    const [low, high] = [Math.min(...slopes), Math.max(...slopes)].map((value) => +value.toPrecision(3));
    return low === high ? `slope ${low}` : `slopes ${low} to ${high}`;
  },
};

/** x where it exceeds alpha, else 0. */
export const thresholdedRelu: Op = {
  role: 'rectifier',
  shapes: relu.shapes,
  evaluate: (node, [x]) => [map(x!, (value) => (value > floatAttribute(node, 'alpha', 1) ? value : 0))],
  extent: () => ({ kind: 'pointwise' }),
  derivative({ node, builder }) {
    const above = builder.add('Greater', [inputName(node, 0), builder.scalar(floatAttribute(node, 'alpha', 1))]);
    return builder.add('Cast', [above], { to: 1 }, `${node.outputs[0]}:derivative`);
  },
  note: (node) => `above ${+floatAttribute(node, 'alpha', 1).toPrecision(3)}`,
};

/** Clip, ReLU6 among others. Its derivative is 1 strictly between the bounds. */
export const clip: Op = {
  role: 'rectifier',
  shapes: relu.shapes,
  evaluate(_node, [x, low, high]) {
    const min = low?.data[0] ?? -Infinity;
    const max = high?.data[0] ?? Infinity;
    return [map(x!, (value) => Math.min(max, Math.max(min, value)))];
  },
  extent: () => ({ kind: 'pointwise' }),
  derivative({ node, builder }) {
    const [x = '', low, high] = node.inputs;
    const conditions: string[] = [];
    if (low) conditions.push(builder.add('Greater', [x, low]));
    if (high) conditions.push(builder.add('Less', [x, high]));
    const [one, other] = conditions;
    if (!one) return builder.add('Sign', [builder.add('Exp', [x])]); // no bounds: 1 everywhere
    const inside = other ? builder.add('And', [one, other]) : one;
    return builder.add('Cast', [inside], { to: 1 }, `${node.outputs[0]}:derivative`);
  },
  refuses(node, known) {
    return [node.inputs[1], node.inputs[2]].every((bound) => !bound || known.isConstant(bound))
      ? null
      : 'its bounds are not constant';
  },
  note(node, known) {
    const bound = (name: string | undefined, fallback: string) =>
      name ? String(known.constant(name)?.data[0] ?? '?') : fallback;
    return `${bound(node.inputs[1], '-∞')} to ${bound(node.inputs[2], '∞')}`;
  },
};

/**
 * Max or Min. Of one signal with constants it is a rectifier, which passes where the signal is strictly the extreme one (as
 * Relu does); of several signals (maxout) a choice with switches: the first extreme input has the signal.
 */
const extreme = (better: 'Greater' | 'Less', choose: (...values: number[]) => number): Op => ({
  role: (node, onPath) => (node.inputs.filter(onPath).length > 1 ? 'select' : 'rectifier'),
  shapes: (_node, inputs) => [broadcastDims(...inputs.map((shape) => need(shape, 'the shape of an input')))],
  evaluate: (_node, inputs) => [mapBroadcast(inputs as Nd[], inputs[0]!.type, choose)],
  extent: pointwiseIfUniform,
  refuses(node, known, onPath) {
    const out = known.shape(node.outputs[0]!)?.join();
    return node.inputs.every((name) => !onPath(name) || known.shape(name)?.join() === out)
      ? null
      : 'it repeats its input along an axis';
  },
  derivative({ node, builder, onPath }) {
    const signal = node.inputs.find(onPath)!;
    const held = node.inputs.filter((name) => name !== signal);
    const conditions = held.map((name) => builder.add(better, [signal, name]));
    if (conditions.length === 0) return builder.scalar(1);
    const all = conditions.reduce((one, other) => builder.add('And', [one, other]));
    return builder.add('Cast', [all], { to: 1 }, `${node.outputs[0]}:derivative`);
  },
  adjoint({ node, builder, signal, onPath }) {
    const y = node.outputs[0]!;
    let free: string | null = null; // where no input before had it
    return node.inputs.map((name) => {
      const equal = builder.add('Equal', [name, y]);
      const mine: string = free ? builder.add('And', [equal, free]) : equal;
      const unequal = builder.add('Not', [equal]);
      free = free ? builder.add('And', [free, unequal]) : unequal;
      if (!onPath(name)) return null;
      return builder.add('Mul', [signal, builder.add('Cast', [mine], { to: 1 })], {}, `${y}:back`);
    });
  },
});

export const max = extreme('Greater', Math.max);
export const min = extreme('Less', Math.min);

import { floatAttribute } from '../graph/graph';
import { map } from './nd';
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

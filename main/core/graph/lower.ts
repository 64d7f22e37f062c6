import { Builder } from './builder';
import { floatAttribute, intAttribute, stringAttribute, type Graph, type Node } from './graph';
import { float32, sizeOf } from './tensor';

/**
 * What runtimes do not have, or only under newer operator sets, by plain nodes of opset 17. The nodes stay whole in the
 * program (the way back knows them as one step); a runtime lowers the graph that it is given.
 */
type Lowering = (builder: Builder, node: Node) => string;

const lowerings: Record<string, Lowering> = {
  Swish(b, node) {
    const x = node.inputs[0]!;
    const alpha = floatAttribute(node, 'alpha', 1);
    return b.add('Mul', [x, b.add('Sigmoid', [alpha === 1 ? x : b.add('Mul', [x, b.scalar(alpha)])])]);
  },
  Softplus(b, node) {
    const beta = b.scalar(floatAttribute(node, 'beta', 1));
    return b.add('Div', [b.add('Softplus', [b.add('Mul', [node.inputs[0]!, beta])]), beta]);
  },
  Mish: (b, node) => b.add('Mul', [node.inputs[0]!, b.add('Tanh', [b.add('Softplus', [node.inputs[0]!])])]),
  Gelu(b, node) {
    const x = node.inputs[0]!;
    const bell =
      stringAttribute(node, 'approximate', 'none') === 'tanh'
        ? b.add('Tanh', [b.add('Mul', [cubic(b, x), b.scalar(Math.sqrt(2 / Math.PI))])])
        : b.add('Erf', [b.add('Mul', [x, b.scalar(Math.SQRT1_2)])]);
    return b.add('Mul', [b.add('Mul', [x, b.scalar(0.5)]), b.add('Add', [bell, b.scalar(1)])]);
  },
  ChannelNormalization(b, node) {
    const [x, scale, bias] = node.inputs;
    const centred = b.add('Sub', [x!, b.reduce('ReduceMean', x!, [1])]);
    const variance = b.reduce('ReduceMean', b.add('Mul', [centred, centred]), [1]);
    const epsilon = b.scalar(floatAttribute(node, 'epsilon', 1e-5));
    const unit = b.add('Div', [centred, b.add('Sqrt', [b.add('Add', [variance, epsilon])])]);
    const column = (name: string) => b.add('Reshape', [name, b.ints([1, -1, 1, 1])]);
    const scaled = scale ? b.add('Mul', [unit, column(scale)]) : unit;
    return bias ? b.add('Add', [scaled, column(bias)]) : scaled;
  },
  /** Over an even number of channels, which ONNX Runtime does not have. */
  LRN(b, node) {
    const [x, size] = [node.inputs[0]!, intAttribute(node, 'size', 1)];
    const lifted = b.add('Unsqueeze', [b.add('Mul', [x, x]), b.ints([1])]);
    const pads = [Math.floor((size - 1) / 2), 0, 0, Math.ceil((size - 1) / 2), 0, 0];
    const pooled = b.add('AveragePool', [lifted], { kernel_shape: [size, 1, 1], pads, count_include_pad: 1 });
    const scaled = b.add('Mul', [
      b.add('Squeeze', [pooled, b.ints([1])]),
      b.scalar(floatAttribute(node, 'alpha', 1e-4)),
    ]);
    const sum = b.add('Add', [scaled, b.scalar(floatAttribute(node, 'bias', 1))]);
    return b.add('Div', [x, b.add('Pow', [sum, b.scalar(floatAttribute(node, 'beta', 0.75))])]);
  },
  RMSNormalization(b, node) {
    const [x, scale] = node.inputs as [string, string];
    // From `axis` on; counted from the front, it is the rank of the scale that tells.
    const axis = intAttribute(node, 'axis', -1);
    const length = axis < 0 ? -axis : (b.initializers.get(scale)?.dims.length ?? 1);
    const axes = Array.from({ length }, (_, i) => i - length);
    const mean = b.reduce('ReduceMean', b.add('Mul', [x, x]), axes);
    const root = b.add('Sqrt', [b.add('Add', [mean, b.scalar(floatAttribute(node, 'epsilon', 1e-5))])]);
    return b.add('Mul', [b.add('Div', [x, root]), scale]);
  },
  /** As an instance norm of [N, groups, all that is in a group], then the affine part of each channel (or group). */
  GroupNormalization(b, node) {
    const [x, scale, bias] = node.inputs as [string, string, string];
    const groups = intAttribute(node, 'num_groups', 1);
    const ones = b.constant(float32([groups], new Float32Array(groups).fill(1)), 'ones');
    const zeros = b.constant(float32([groups]), 'zeros');
    const perGroup = sizeOf(b.initializers.get(scale)?.dims ?? []) === groups;
    const affine = (value: string, dims: readonly number[]): string => {
      const column = (name: string) => b.add('Reshape', [name, b.ints(dims)]);
      return b.add('Add', [b.add('Mul', [value, column(scale)]), column(bias)]);
    };
    const grouped = b.add('Reshape', [x, b.ints([0, groups, -1])]);
    const unit = b.add('InstanceNormalization', [grouped, ones, zeros], {
      epsilon: { float: floatAttribute(node, 'epsilon', 1e-5) },
    });
    const shape = b.add('Shape', [x]);
    return perGroup
      ? b.add('Reshape', [affine(unit, [1, -1, 1]), shape])
      : affine(b.add('Reshape', [unit, shape]), [1, -1, 1, 1]);
  },
};

const cubic = (b: Builder, x: string): string =>
  b.add('Mul', [x, b.add('Add', [b.scalar(1), b.add('Mul', [b.add('Mul', [x, x]), b.scalar(0.044715)])])]);

/** The graph in ONNX's own opset 17, as a runtime (or a file) takes it. */
export function lower(graph: Graph): Graph {
  const wanted = (node: Node) =>
    (node.domain === '' || node.domain === 'unpool') &&
    Object.hasOwn(lowerings, node.opType) &&
    (node.opType !== 'Softplus' || node.domain === 'unpool') &&
    (node.opType !== 'LRN' || intAttribute(node, 'size', 1) % 2 === 0);
  if (!graph.nodes.some(wanted)) return graph;
  const builder = new Builder(graph, false);
  for (const node of graph.nodes) {
    if (!wanted(node)) {
      builder.nodes.push(node);
      continue;
    }
    const made = lowerings[node.opType]!(builder, node);
    const last = builder.nodes.pop()!;
    if (last.outputs[0] !== made) throw new Error(`${node.opType} is not lowered to its last node`);
    builder.nodes.push({ ...last, outputs: [node.outputs[0]!] });
  }
  return { ...graph, nodes: builder.nodes, initializers: builder.initializers };
}

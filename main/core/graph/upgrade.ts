import { attributes, Builder } from './builder';
import { intAttribute, intsAttribute, stringAttribute, type Attribute, type Graph, type Node } from './graph';
import { float32, type Tensor } from './tensor';

/** The operator set that graphs are brought to: everything that this program appends is defined in it. */
export const targetOpset = 17;

const without = (node: Node, ...names: string[]): Record<string, Attribute> =>
  Object.fromEntries(Object.entries(node.attributes).filter(([name]) => !names.includes(name)));

const floatValue = (node: Node, name: string): number | undefined => {
  const attribute = node.attributes[name];
  return attribute?.kind === 'float' ? attribute.value : undefined;
};
const scalar = (value: number): Tensor => float32([], [value]);

/** Attributes that became inputs: [attribute, input index]. */
function intsToInput(builder: Builder, node: Node, name: string, index: number): Node {
  const value = intsAttribute(node, name);
  if (!value) return node;
  const inputs = [...node.inputs];
  while (inputs.length < index) inputs.push('');
  inputs[index] = builder.ints(value);
  return { ...node, inputs, attributes: without(node, name) };
}

type Rewrite = (builder: Builder, node: Node) => Node;

/** By op: the opset in which its meaning changed, and the rewriting of an older node. Source: ONNX operator changelog. */
const changes: Record<string, readonly { before: number; rewrite: Rewrite }[]> = {
  BatchNormalization: [
    {
      before: 14,
      rewrite: (_builder, node) => ({
        ...node,
        attributes: without(node, 'spatial', 'is_test', 'consumed_inputs'),
        outputs: node.outputs.slice(0, 1),
      }),
    },
  ],
  Clip: [
    {
      before: 11,
      rewrite(builder, node) {
        const [min, max] = [floatValue(node, 'min'), floatValue(node, 'max')];
        const bound = (value: number | undefined, hint: string) =>
          value === undefined ? '' : builder.constant(scalar(value), `${node.outputs[0]}:${hint}`);
        return { ...node, inputs: [node.inputs[0]!, bound(min, 'min'), bound(max, 'max')], attributes: {} };
      },
    },
  ],
  Dropout: [{ before: 12, rewrite: (_builder, node) => ({ ...node, attributes: {} }) }],
  Slice: [
    {
      before: 10,
      rewrite(builder, node) {
        const axes = intsAttribute(node, 'axes') ?? intsAttribute(node, 'starts')!.map((_, axis) => axis);
        const inputs = [
          node.inputs[0]!,
          builder.ints(intsAttribute(node, 'starts')!),
          builder.ints(intsAttribute(node, 'ends')!),
          builder.ints(axes),
        ];
        return { ...node, inputs, attributes: {} };
      },
    },
  ],
  Pad: [
    {
      before: 11,
      rewrite(builder, node) {
        const value = builder.constant(scalar(floatValue(node, 'value') ?? 0), `${node.outputs[0]}:value`);
        return {
          ...node,
          inputs: [node.inputs[0]!, builder.ints(intsAttribute(node, 'pads')!), value],
          attributes: without(node, 'pads', 'value'),
        };
      },
    },
  ],
  Squeeze: [{ before: 13, rewrite: (builder, node) => intsToInput(builder, node, 'axes', 1) }],
  Unsqueeze: [{ before: 13, rewrite: (builder, node) => intsToInput(builder, node, 'axes', 1) }],
  ReduceSum: [{ before: 13, rewrite: (builder, node) => intsToInput(builder, node, 'axes', 1) }],
  Split: [{ before: 13, rewrite: (builder, node) => intsToInput(builder, node, 'split', 1) }],
  TopK: [
    {
      before: 10,
      rewrite: (builder, node) => ({
        ...node,
        inputs: [node.inputs[0]!, builder.ints([intAttribute(node, 'k', 1)])],
        attributes: without(node, 'k'),
      }),
    },
  ],
  Upsample: [
    {
      before: 10,
      rewrite(builder, node) {
        const given = node.attributes['scales'];
        const scales =
          given?.kind === 'floats'
            ? builder.constant(float32([given.value.length], given.value), `${node.outputs[0]}:scales`)
            : node.inputs[1]!;
        const mode = stringAttribute(node, 'mode', 'nearest');
        const plain = { mode, coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
        return { ...node, opType: 'Resize', inputs: [node.inputs[0]!, '', scales], attributes: attributes(plain) };
      },
    },
  ],
  // Before 13, softmax flattened everything from its axis on.
  Softmax: [{ before: 13, rewrite: flattenedSoftmax }],
  LogSoftmax: [{ before: 13, rewrite: flattenedSoftmax }],
};

function flattenedSoftmax(builder: Builder, node: Node): Node {
  const axis = intAttribute(node, 'axis', 1);
  const flat = builder.add('Flatten', [node.inputs[0]!], { axis });
  const soft = builder.add(node.opType, [flat], { axis: -1 });
  const shape = builder.add('Shape', [node.inputs[0]!]);
  return { ...node, opType: 'Reshape', inputs: [soft, shape], attributes: {} };
}

/** The graph in opset 17 or the newer one that it is written in. Functions of other domains are left as they are. */
export function upgrade(graph: Graph): Graph {
  const opset = graph.opsets.get('') ?? graph.opsets.get('ai.onnx') ?? 1;
  if (opset >= targetOpset) return graph;
  const builder = new Builder(graph, false);
  for (const node of graph.nodes) {
    let current = node;
    if (node.domain === '')
      for (const change of changes[node.opType] ?? [])
        if (opset < change.before) current = change.rewrite(builder, current);
    builder.nodes.push(current);
  }
  return {
    ...graph,
    nodes: builder.nodes,
    initializers: builder.initializers,
    opsets: new Map(graph.opsets).set('', targetOpset),
  };
}

import { UnpoolError } from '../errors';
import { attributes, Builder } from './builder';
import {
  describeNode,
  floatAttribute,
  intAttribute,
  intsAttribute,
  stringAttribute,
  type Attribute,
  type Graph,
  type Node,
} from './graph';
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

const refuse = (node: Node, why: string, hint: string): UnpoolError =>
  new UnpoolError('bad-node', `${describeNode(node)} ${why}.`, {
    hint,
    place: { node: node.name || node.outputs[0] || node.opType },
  });

/** An attribute without which the op means nothing. */
function required(node: Node, name: string): readonly number[] {
  const value = intsAttribute(node, name);
  if (!value) throw refuse(node, `lacks its attribute "${name}"`, 'The model is damaged: export it again.');
  return value;
}

/** An attribute that became an input. */
function intsToInput(builder: Builder, node: Node, name: string, index: number): Node {
  const value = intsAttribute(node, name);
  if (!value) return node;
  const inputs = [...node.inputs];
  while (inputs.length < index) inputs.push('');
  inputs[index] = builder.ints(value);
  return { ...node, inputs, attributes: without(node, name) };
}

type Rewrite = (builder: Builder, node: Node) => Node;
interface Change {
  before: number;
  rewrite: Rewrite;
}

/** Before 7, shapes were repeated only if an attribute said so, along axes counted from the front if another one did. */
const oldBroadcast: Change = {
  before: 7,
  rewrite(_builder, node) {
    if (intAttribute(node, 'broadcast', 0) && node.attributes['axis'])
      throw refuse(
        node,
        'repeats its second input along an axis of its own choice, as only operator sets before 7 did',
        'Bring the model to a newer operator set: onnx.version_converter.convert_version(model, 17).',
      );
    return { ...node, attributes: without(node, 'broadcast', 'axis') };
  },
};

/** Before 10, Upsample; in 10, Resize: the same places, counted from the corner. */
function resizeOf(builder: Builder, node: Node): Node {
  const given = node.attributes['scales'];
  const [height, width] = [floatValue(node, 'height_scale'), floatValue(node, 'width_scale')];
  const values = given?.kind === 'floats' ? given.value : height && width ? [1, 1, height, width] : null;
  const scales = values
    ? builder.constant(float32([values.length], values), `${node.outputs[0]}:scales`)
    : node.inputs[1];
  if (!scales) throw refuse(node, 'does not say by how much', 'The model is damaged: export it again.');
  const mode = stringAttribute(node, 'mode', 'nearest') === 'nearest' ? 'nearest' : 'linear';
  const plain = { mode, coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
  return { ...node, opType: 'Resize', inputs: [node.inputs[0]!, '', scales], attributes: attributes(plain) };
}

const elementTypes: Readonly<Record<string, number>> = {
  ...{ FLOAT: 1, UINT8: 2, INT8: 3, UINT16: 4, INT16: 5, INT32: 6, INT64: 7, BOOL: 9, FLOAT16: 10, DOUBLE: 11 },
};

/** Only the first output: a mask or running statistics that nothing reads at test time. */
const firstOutput = (node: Node): string[] => node.outputs.slice(0, 1);

/** By op: the opset in which its meaning changed, and the rewriting of an older node. Source: ONNX operator changelog. */
const changes: Readonly<Record<string, readonly Change[]>> = {
  ...Object.fromEntries(
    ['Add', 'And', 'Div', 'Equal', 'Greater', 'Less', 'Mul', 'Or', 'Pow', 'Sub', 'Xor'].map((name) => [
      name,
      [oldBroadcast],
    ]),
  ),
  Gemm: [{ before: 7, rewrite: (_builder, node) => ({ ...node, attributes: without(node, 'broadcast') }) }],
  BatchNormalization: [
    {
      before: 9,
      rewrite(_builder, node) {
        if (intAttribute(node, 'spatial', 1) === 0)
          throw refuse(
            node,
            'has statistics for every place (spatial = 0)',
            'Export the model with batch norms per channel.',
          );
        return node;
      },
    },
    {
      before: 14,
      rewrite: (_builder, node) => ({
        ...node,
        attributes: without(node, 'spatial', 'is_test', 'momentum'),
        outputs: firstOutput(node),
      }),
    },
  ],
  Cast: [
    {
      before: 6,
      rewrite(_builder, node) {
        const to = node.attributes['to'];
        const type = to?.kind === 'string' ? elementTypes[to.value.toUpperCase()] : undefined;
        return type === undefined ? node : { ...node, attributes: attributes({ to: type }) };
      },
    },
  ],
  Clip: [
    {
      before: 11,
      rewrite(builder, node) {
        const [min, max] = [floatValue(node, 'min'), floatValue(node, 'max')];
        const bound = (value: number | undefined, hint: string) =>
          value === undefined ? '' : builder.constant(scalar(value), `${node.outputs[0]}:${hint}`);
        return { ...node, inputs: [node.inputs[0] ?? '', bound(min, 'min'), bound(max, 'max')], attributes: {} };
      },
    },
  ],
  Concat: [
    {
      before: 4,
      rewrite: (_builder, node) => ({ ...node, attributes: attributes({ axis: intAttribute(node, 'axis', 1) }) }),
    },
  ],
  Dropout: [
    { before: 12, rewrite: (_builder, node) => ({ ...node, inputs: node.inputs.slice(0, 1), attributes: {} }) },
  ],
  Hardmax: [{ before: 13, rewrite: flattenedSoftmax }],
  /** x * scale + bias per channel; an op of early Core ML converters. */
  ImageScaler: [
    {
      before: Infinity,
      rewrite(builder, node) {
        const bias = node.attributes['bias'];
        const values = bias?.kind === 'floats' ? bias.value : [];
        const scale = builder.constant(scalar(floatAttribute(node, 'scale', 1)), `${node.outputs[0]}:scale`);
        const scaled = builder.add('Mul', [node.inputs[0] ?? '', scale]);
        const shift = builder.constant(float32([values.length, 1, 1], values), `${node.outputs[0]}:bias`);
        return { ...node, opType: 'Add', inputs: [scaled, shift], attributes: {} };
      },
    },
  ],
  /** Before 7 a slope per channel was a vector, whatever the rank. */
  PRelu: [
    {
      before: 7,
      rewrite(builder, node) {
        const slope = builder.initializers.get(node.inputs[1] ?? '');
        if (slope?.dims.length !== 1 || slope.dims[0] === 1) return node;
        const column = builder.constant({ ...slope, dims: [...slope.dims, 1, 1] }, `${node.outputs[0]}:slope`);
        return { ...node, inputs: [node.inputs[0]!, column] };
      },
    },
  ],
  Pad: [
    {
      before: 11,
      rewrite(builder, node) {
        const pads = intsAttribute(node, 'paddings') ?? required(node, 'pads');
        const value = builder.constant(scalar(floatValue(node, 'value') ?? 0), `${node.outputs[0]}:value`);
        return {
          ...node,
          inputs: [node.inputs[0] ?? '', builder.ints(pads), value],
          attributes: without(node, 'pads', 'paddings', 'value'),
        };
      },
    },
  ],
  Reshape: [{ before: 5, rewrite: (builder, node) => intsToInput(builder, node, 'shape', 1) }],
  Resize: [{ before: 11, rewrite: resizeOf }],
  /** Renamed in 11. */
  Scatter: [{ before: 11, rewrite: (_builder, node) => ({ ...node, opType: 'ScatterElements' }) }],
  Slice: [
    {
      before: 10,
      rewrite(builder, node) {
        const starts = required(node, 'starts');
        const axes = intsAttribute(node, 'axes') ?? starts.map((_, axis) => axis);
        const lists = [starts, required(node, 'ends'), axes].map((list) => builder.ints(list));
        return { ...node, inputs: [node.inputs[0] ?? '', ...lists], attributes: {} };
      },
    },
  ],
  Squeeze: [{ before: 13, rewrite: (builder, node) => intsToInput(builder, node, 'axes', 1) }],
  Unsqueeze: [
    {
      before: 13,
      rewrite(builder, node) {
        required(node, 'axes');
        return intsToInput(builder, node, 'axes', 1);
      },
    },
  ],
  ReduceSum: [{ before: 13, rewrite: (builder, node) => intsToInput(builder, node, 'axes', 1) }],
  Split: [{ before: 13, rewrite: (builder, node) => intsToInput(builder, node, 'split', 1) }],
  TopK: [
    {
      before: 10,
      rewrite: (builder, node) => ({
        ...node,
        inputs: [node.inputs[0] ?? '', builder.ints([intAttribute(node, 'k', 1)])],
        attributes: without(node, 'k'),
      }),
    },
  ],
  Upsample: [{ before: Infinity, rewrite: resizeOf }],
  // Before 13, softmax flattened everything from its axis on.
  Softmax: [{ before: 13, rewrite: flattenedSoftmax }],
  LogSoftmax: [{ before: 13, rewrite: flattenedSoftmax }],
};

function flattenedSoftmax(builder: Builder, node: Node): Node {
  const axis = intAttribute(node, 'axis', 1);
  const input = node.inputs[0] ?? '';
  const flat = builder.add('Flatten', [input], { axis });
  const soft = builder.add(node.opType, [flat], { axis: -1 });
  return { ...node, opType: 'Reshape', inputs: [soft, builder.add('Shape', [input])], attributes: {} };
}

/** A network exported as in training: its batch norms would look at the batch, its dropouts would drop. */
function checkMode(node: Node): void {
  if (node.opType === 'BatchNormalization' && intAttribute(node, 'training_mode', 0) === 1)
    throw refuse(
      node,
      'is exported as in training',
      'Export the model as it is used: model.eval() before torch.onnx.export.',
    );
}

/**
 * The graph in opset 17 or the newer one that it is written in, subgraphs too. Functions of other domains are left as they
 * are. Throws UnpoolError naming the node where an old meaning cannot be said in opset 17.
 */
export function upgrade(graph: Graph): Graph {
  const opset = graph.opsets.get('') ?? graph.opsets.get('ai.onnx') ?? 1;
  const upgraded = upgradeNodes(graph, opset, new Set());
  return { ...upgraded, opsets: new Map(graph.opsets).set('', Math.max(opset, targetOpset)) };
}

function upgradeNodes(graph: Graph, opset: number, outer: ReadonlySet<string>): Graph {
  const builder = new Builder(graph, false);
  for (const name of outer) builder.fresh(name);
  const names = new Set([...outer, ...graph.nodes.flatMap((node) => node.outputs), ...graph.initializers.keys()]);
  for (const node of graph.nodes) {
    let current = withSubgraphs(node, (inner) => upgradeNodes(inner, opset, names));
    if (node.domain === '') {
      checkMode(node);
      if (opset < 6) current = { ...current, attributes: without(current, 'consumed_inputs') };
      for (const change of Object.hasOwn(changes, node.opType) ? changes[node.opType]! : [])
        if (opset < change.before) current = change.rewrite(builder, current);
    }
    builder.nodes.push(current);
  }
  return { ...graph, nodes: builder.nodes, initializers: builder.initializers };
}

function withSubgraphs(node: Node, change: (graph: Graph) => Graph): Node {
  const entries = Object.entries(node.attributes);
  if (!entries.some(([, { kind }]) => kind === 'graph' || kind === 'graphs')) return node;
  const changed = entries.map(([name, attribute]): [string, Attribute] => {
    if (attribute.kind === 'graph') return [name, { kind: 'graph', value: change(attribute.value) }];
    if (attribute.kind === 'graphs') return [name, { kind: 'graphs', value: attribute.value.map(change) }];
    return [name, attribute];
  });
  return { ...node, attributes: Object.fromEntries(changed) };
}

import { intAttribute, type Graph, type Node } from './graph';
import type { DataType } from './tensor';

const truths = new Set([
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'And',
  'Or',
  'Xor',
  'Not',
  'IsNaN',
]);
const whole = new Set(['Shape', 'Size', 'ArgMax', 'ArgMin', 'NonZero']);
/** ONNX's numbers of the element types that a Cast here goes to. */
const numbered: Partial<Record<number, DataType>> = { 1: 'float32', 6: 'int32', 7: 'int64', 9: 'bool', 11: 'float64' };

/** The element type of each value of a graph, as far as it is known: that of a node's first input, with the exceptions of ONNX. */
export function typesOf(graph: Graph): Map<string, DataType> {
  const types = new Map<string, DataType>();
  for (const { name, type } of graph.inputs) if (type) types.set(name, type);
  for (const [name, { type }] of graph.initializers) types.set(name, type);
  for (const node of graph.nodes)
    node.outputs.forEach((name, index) => {
      const type = typeOf(node, index, types);
      if (name && type) types.set(name, type);
    });
  return types;
}

function typeOf(node: Node, index: number, types: ReadonlyMap<string, DataType>): DataType | undefined {
  const { opType, inputs, attributes } = node;
  if (truths.has(opType) || (opType === 'Dropout' && index === 1)) return 'bool';
  if (whole.has(opType) || ((opType === 'MaxPool' || opType === 'TopK') && index === 1)) return 'int64';
  if (opType === 'Cast') return numbered[intAttribute(node, 'to', 1)];
  if (opType === 'Where') return types.get(inputs[1]!);
  const { value } = attributes;
  if (opType === 'ConstantOfShape' || opType === 'Constant')
    return value?.kind === 'tensor' ? value.value.type : opType === 'Constant' ? undefined : 'float32';
  return types.get(inputs[0] ?? '');
}

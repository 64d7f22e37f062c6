import type { Analysis } from '../graph/analyse';
import type { Builder } from '../graph/builder';
import { intAttribute, intsAttribute, type Node } from '../graph/graph';
import { opOf } from '../ops/index';
import { roleOf } from '../ops/op';

/** A unit at the only place of its map, computed by its own filter alone. */
export interface OneUnit {
  /** The input that holds each request's channel: [N], int64. */
  unit: string;
  /** What its convolution reads, [N, channels, height, width]: just as large as the filter. */
  map: string;
  /** Its filter, of the map's shape. */
  filter: string;
  /** What the filter gives, before any rectifier: [N, 1, 1, 1]. */
  sum: string;
}

/**
 * Where the forward graph computes `tap` at a single place, by a convolution and perhaps a rectifier: the asked-for filter
 * instead of all of them, a sum of products in place of the convolution. `tap` is then [N, 1, 1, 1]. Its walk back is a row of
 * the filter bank. Null where another node makes the tap, which is then left as it is.
 */
export function pickFilter(builder: Builder, analysis: Analysis, tap: string): OneUnit | null {
  const conv = convolutionOf(builder, analysis, tap);
  if (!conv) return null;
  const [map = '', filters = '', bias] = conv.inputs;
  const sum = conv.outputs[0]!;
  const later = builder.nodes.splice(builder.nodes.indexOf(conv)).slice(1);
  const unit = builder.input({ name: builder.fresh('unit'), type: 'int64', shape: ['N'] });
  const filter = builder.add('Gather', [filters, unit], { axis: 0 }, `${filters}:unit`);
  const product = builder.add('Mul', [map, filter], {}, `${sum}:products`);
  const total = { opType: 'ReduceSum', inputs: [product, builder.ints([1, 2, 3])], attributes: {} };
  if (bias) {
    const tensor = builder.initializers.get(bias)!;
    const column = builder.constant({ ...tensor, dims: [tensor.dims[0]!, 1, 1, 1] }, `${bias}:column`);
    const own = builder.add('Gather', [column, unit], { axis: 0 }, `${bias}:unit`);
    const whole = builder.addNode({ ...total, outputs: [builder.fresh(`${sum}:unbiased`)] }).outputs[0]!;
    builder.addNode({ opType: 'Add', inputs: [whole, own], attributes: {}, outputs: [sum] });
  } else builder.addNode({ ...total, outputs: [sum] });
  builder.nodes.push(...later);
  return { unit, map, filter, sum };
}

/** The convolution that makes the tap, if only rectifiers lie between and it has room for one place. */
function convolutionOf(builder: Builder, analysis: Analysis, tap: string): Node | null {
  let node = maker(builder, tap);
  while (node && isRectifier(node, analysis)) node = maker(builder, node.inputs.find(analysis.onPath)!);
  if (node?.opType !== 'Conv' || node.domain !== '' || intAttribute(node, 'group', 1) !== 1) return null;
  const [map = '', filters = '', bias] = node.inputs;
  const dims = builder.initializers.get(filters)?.dims;
  const fits =
    dims?.length === 4 &&
    analysis.shape(map)?.slice(1).join() === dims.slice(1).join() &&
    (intsAttribute(node, 'dilations') ?? []).every((dilation) => dilation === 1) &&
    (intsAttribute(node, 'pads') ?? []).every((pad) => pad === 0);
  return fits && (!bias || builder.initializers.has(bias)) ? node : null;
}

const maker = (builder: Builder, value: string): Node | undefined =>
  builder.nodes.find((node) => node.outputs.includes(value));

/** One that treats all channels alike. */
function isRectifier(node: Node, analysis: Analysis): boolean {
  const op = opOf(node);
  if (!op || !['rectifier', 'smooth'].includes(roleOf(op, node, analysis.onPath))) return false;
  const others = node.inputs.filter((name) => name && !analysis.onPath(name));
  return (
    node.inputs.filter(analysis.onPath).length === 1 &&
    others.every((name) => analysis.constant(name)?.data.length === 1)
  );
}

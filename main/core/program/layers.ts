import type { LayerInfo } from '../../../preload/contract';
import { UnpoolError } from '../errors';
import type { Analysis } from '../graph/analyse';
import type { Node } from '../graph/graph';
import { deconvnet } from '../methods/deconvnet';
import { opOf } from '../ops/index';
import { roleOf } from '../ops/op';
import { layerName, layerNames } from './layerNames';
import type { Prepared } from './prepare';
import { lengthOf, trace } from './trace';
import { audit, isAssumed, pathNodes } from './walk';

/** A layer as its user calls one: a convolution (or dense layer, or join) with its batch norm, bias and rectifier. */
export interface Layer extends Omit<LayerInfo, 'field'> {
  /** Size, stride and the first unit's start of the receptive field, in px; null where units see the whole picture. */
  field: { size: [number, number]; stride: [number, number]; start: [number, number] } | null;
  /** The value after the rectifier (the id) and the one before it; the same where there is none. */
  after: string;
  before: string;
}

/** Finds the layers of a prepared network, in the order of the graph. */
export function findLayers(prepared: Prepared): Layer[] {
  const { graph, analysis } = prepared;
  const layers: Layer[] = [];
  for (const node of graph.nodes) {
    const kind = kindOf(node, analysis);
    if (!kind) continue;
    const chain =
      kind === 'pool' ? { before: node.outputs[0]!, after: node.outputs[0]!, nodes: [node] } : follow(node, analysis);
    const shape = analysis.shape(chain.after);
    if (!shape || layers.some((layer) => layer.after === chain.after)) continue;
    layers.push(describeLayer(prepared, kind, layerName(node, kind), chain));
  }
  layerNames(layers.map((layer) => layer.name)).forEach((name, index) => (layers[index]!.name = name));
  markBranches(prepared, layers);
  return layers;
}

type Chain = { before: string; after: string; nodes: Node[] };

function describeLayer(prepared: Prepared, kind: LayerInfo['kind'], name: string, chain: Chain): Layer {
  const { graph, analysis, input } = prepared;
  const shape = analysis.shape(chain.after)!;
  const path = pathNodes(graph.nodes, analysis, chain.after);
  const traced = trace(graph.nodes, analysis, chain.after);
  const [h, w] = 'intervals' in traced ? traced.intervals.get(input.name)! : [];
  const wholePicture = !h || !w || (lengthOf(h) >= input.size[0] && lengthOf(w) >= input.size[1]);
  const field: Layer['field'] = wholePicture
    ? null
    : { size: [lengthOf(h), lengthOf(w)], stride: [h.stride, w.stride], start: [h.low, w.low] };
  return {
    id: chain.after,
    name,
    kind,
    units: shape[1]!,
    map: [shape[2] ?? 1, shape[3] ?? 1],
    field,
    stride: field?.stride ?? [0, 0],
    nodes: chain.nodes.map((each) => each.opType),
    macs: path.reduce((total, each) => total + (opOf(each)?.macs?.(each, analysis) ?? 0), 0),
    scanned: kind !== 'pool',
    refused: refusal(() =>
      audit(graph.nodes, analysis, chain.after, deconvnet({ leaky: 'strict', smooth: 'rectify' })),
    ),
    assumed: path.filter((each) => {
      const op = opOf(each);
      return op && isAssumed(roleOf(op, each, analysis.onPath));
    }).length,
    after: chain.after,
    before: chain.before,
  };
}

/**
 * A branch that ends in nothing but a Concat along the channels is a part of that join: each of its units is one of the
 * join's. It is listed, but not scanned twice.
 */
function markBranches({ analysis }: Prepared, layers: readonly Layer[]): void {
  const joins = new Set(
    layers.filter((layer) => layer.kind === 'join').map((layer) => analysis.producer(layer.before)),
  );
  for (const layer of layers) {
    const readers = analysis.consumers(layer.after);
    if (layer.kind === 'conv' && readers.length === 1 && readers[0]!.opType === 'Concat' && joins.has(readers[0]))
      layer.scanned = false;
  }
}

/** Any value of the network as a layer of its own: for places that no layer of the list ends in. */
export function layerOfValue(network: Prepared, value: string): Layer {
  const node = network.analysis.producer(value);
  if (!node) throw new UnpoolError('no-layer', `The network has no value "${value}".`, { place: { node: value } });
  return describeLayer(network, 'conv', value, { before: value, after: value, nodes: [node] });
}

function refusal(attempt: () => void): string | null {
  try {
    attempt();
    return null;
  } catch (error) {
    if (error instanceof UnpoolError) return error.message;
    throw error;
  }
}

function kindOf(node: Node, analysis: Analysis): LayerInfo['kind'] | null {
  const out = node.outputs[0]!;
  const shape = analysis.shape(out);
  if (!analysis.onPath(out) || !shape || (shape.length !== 4 && shape.length !== 2)) return null;
  const carrying = node.inputs.filter((name) => analysis.onPath(name)).length;
  switch (node.opType) {
    case 'Conv':
    case 'ConvTranspose':
      return shape.length === 4 ? 'conv' : null;
    case 'Gemm':
    case 'MatMul':
      return carrying === 1 && shape.length === 2 ? 'dense' : null;
    case 'Concat':
    case 'Add':
    case 'Sum':
      return carrying > 1 && shape.length === 4 ? 'join' : null;
    case 'MaxPool':
    case 'AveragePool':
    case 'GlobalAveragePool':
    case 'GlobalMaxPool':
    case 'LpPool':
      return shape.length === 4 ? 'pool' : null;
    default:
      return null;
  }
}

const steps = new Set(['QuantizeLinear', 'DequantizeLinear']);

/** From a layer's first node through its bias and batch norm to its rectifier, as long as nothing else reads between. */
function follow(node: Node, analysis: Analysis): Chain {
  const nodes = [node];
  let value = node.outputs[0]!;
  // Steps of quantisation belong to the layer where its rectifier lies behind them.
  let whole: Chain = { before: value, after: value, nodes: [node] };
  for (;;) {
    const readers = analysis.consumers(value);
    const [next] = readers;
    const op = next && opOf(next);
    if (!next || !op) break;
    const constantOthers =
      next.inputs.slice(1).every((name) => !name || analysis.isConstant(name)) && next.inputs[0] === value;
    if ((op.role === 'rectifier' || op.role === 'smooth') && readers.length === 1)
      return { before: value, after: next.outputs[0]!, nodes: [...nodes, next] };
    const affine =
      next.opType === 'BatchNormalization' || (['Add', 'Mul', 'Sub'].includes(next.opType) && constantOthers);
    const idle = next.opType === 'Identity' || next.opType === 'Dropout' || steps.has(next.opType);
    if (readers.length !== 1 || !(affine || idle)) break;
    nodes.push(next);
    value = next.outputs[0]!;
    if (!steps.has(next.opType)) whole = { before: value, after: value, nodes: [...nodes] };
  }
  return whole;
}

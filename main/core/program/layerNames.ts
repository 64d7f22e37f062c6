import type { LayerInfo } from '../../../preload/contract';
import type { Node } from '../graph/graph';

/** The op at the end of a name by TensorFlow, whose names are scopes: model, layer, op ("vgg16/block1_conv1/BiasAdd"). */
const scopedOp = new RegExp(
  `^(${[
    'AvgPool(2d)?|BiasAdd|concat(V2)?|Conv2D(BackpropInput)?|conv2d_transpose|convolution|conv_transpose|depthwise|DepthwiseConv2dNative',
    'FusedBatchNorm(V\\d)?|MatMul|Max|MaxPool(2d)?|Mean|Relu6?|separable_conv2d|Tensordot|add(V2)?|batchnorm',
  ].join('|')})(_\\d+)?$`,
  'i',
);

/**
 * A layer's name as in the model. Exporters bury it: PyTorch writes paths ("/layer1/layer1.0/conv1/Conv"), TensorFlow scopes,
 * others suffixes ("fire2_concat"). A weight called "features.0.weight" says it best.
 */
export function layerName(node: Node, kind: LayerInfo['kind']): string {
  const weight = node.inputs[1] ?? '';
  if ((kind === 'conv' || kind === 'dense') && /^[\w.]*[A-Za-z_][\w.]*\.weight$/.test(weight))
    return weight.slice(0, -'.weight'.length);
  const raw = ownName(node);
  if (!raw.includes('/')) return kind === 'join' ? raw.replace(/[_.-]?(concat|add|sum|join)\d*$/i, '') || raw : raw;
  const parts = raw.split('/').filter(Boolean);
  if (parts.length > 1 && parts.at(-1)!.replace(/_\d+$/, '') === node.opType) parts.pop();
  if (!raw.startsWith('/')) while (parts.length > 1 && scopedOp.test(parts.at(-1)!)) parts.pop();
  const path = parts.filter((part, i) => !parts[i + 1]?.startsWith(`${part}.`));
  return raw.startsWith('/') ? path.join('.') : path.join('/');
}

/** A node's name; where tf2onnx made one up ("Conv__403"), that of its weights, or of what it makes. */
function ownName(node: Node): string {
  const name = node.name || node.outputs[0] || node.opType;
  if (!/^\w+?__\d+$/.test(name)) return name;
  const [weight = ''] = (node.inputs[1] ?? '').split('/ReadVariableOp');
  const other = weight.includes('/') ? weight : (node.outputs[0] ?? '').replace(/:\d+$/, '');
  return other.includes('/') ? other : name;
}

/**
 * The names of all layers: without a scope that all are in (the model's), and without the number that TensorFlow gives each
 * scope when it traces a model again ("vgg16_1/block1_conv1_1"). Equal ones are numbered.
 */
export function layerNames(given: readonly string[]): string[] {
  const [first = ''] = given;
  const scope = first.slice(0, first.indexOf('/') + 1);
  const scoped = scope !== '' && given.length > 1 && given.every((name) => name.startsWith(scope));
  const inside = scoped ? given.map((name) => name.slice(scope.length)) : given;
  const again = /_\d+$/.exec(scoped ? scope.slice(0, -1) : '')?.[0];
  const traced = again !== undefined && inside.every((name) => name.endsWith(again));
  const counts = new Map<string, number>();
  return inside.map((name) => {
    const bare = (traced ? name.slice(0, -again.length) : name) || name;
    const repeat = (counts.get(bare) ?? 0) + 1;
    counts.set(bare, repeat);
    return repeat > 1 ? `${bare} #${repeat}` : bare;
  });
}

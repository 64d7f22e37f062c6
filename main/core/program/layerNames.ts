import type { LayerInfo } from '../../../preload/contract';
import type { Node } from '../graph/graph';

/** The op at the end of a name by TensorFlow ("vgg16/block1_conv1/BiasAdd": model, layer, op) or torch.export ("layer1.0/add_3"). */
const scopedOp = new RegExp(
  `/(separable_conv2d/)?(${[
    'AvgPool(2d)?|BiasAdd|Cast|concat(V2)?|Conv2D(BackpropInput)?|convolution|conv_transpose|depthwise|DepthwiseConv2dNative',
    'FusedBatchNorm(V\\d)?|MatMul|Max|MaxPool(2d)?|Mean|Relu6?|separable_conv2d|Tensordot|[aA]dd(V2)?_?|cat',
  ].join('|')})(_\\d+)?$`,
);

/**
 * A layer's name as in the model. Exporters bury it: PyTorch writes paths ("/layer1/layer1.0/conv1/Conv"), TensorFlow scopes,
 * others suffixes ("fire2_concat"). A weight called "features.0.weight" says it best.
 */
export function layerName(node: Node, kind: LayerInfo['kind']): string {
  const weight = node.inputs[1] ?? '';
  if ((kind === 'conv' || kind === 'dense') && /^[\w.]*[A-Za-z_][\w.]*\.weight$/.test(weight))
    return weight.slice(0, -'.weight'.length);
  const raw = ownName(node, kind);
  if (!raw.includes('/')) return kind === 'join' ? raw.replace(/[_.-]?(concat|add|sum|join)\d*$/i, '') || raw : raw;
  const parts = (raw.startsWith('/') ? raw : raw.replace(scopedOp, '')).split('/').filter(Boolean);
  if (parts.length > 1 && parts.at(-1)!.replace(/_\d+$/, '') === node.opType) parts.pop();
  const path = parts.filter((part, i) => !parts[i + 1]?.startsWith(`${part}.`));
  return raw.startsWith('/') ? path.join('.') : path.join('/');
}

/**
 * A node's name; where TensorFlow's exporters merged it with what follows, or made a name up ("Conv__403"), that of its weights,
 * else of what it makes.
 */
function ownName(node: Node, kind: LayerInfo['kind']): string {
  const name = (node.name || node.outputs[0] || node.opType).replace(new RegExp(`(~\\d+)?:${node.opType}$`), '');
  const [variable, scoped] = /^([^:]+?)\/(?:ReadVariableOp|merged_input)/.exec(node.inputs[1] ?? '') ?? [];
  if ((kind === 'conv' || kind === 'dense') && variable) return scoped!;
  if (!/^\w+?__\d+$/.test(name)) return name;
  const other = (node.outputs[0] ?? '').replace(/:\d+$/, '');
  return other.includes('/') ? other : name;
}

/**
 * The names of all layers: without a scope that all are in (the model's), and without the number that TensorFlow gives each
 * scope when it traces a model again ("vgg16_1/block1_conv1_1", "vgg16_1/conv2d_1_2"). Equal ones are numbered.
 */
export function layerNames(given: readonly string[]): string[] {
  const [first = ''] = given;
  const scope = first.slice(0, first.indexOf('/') + 1);
  const scoped = scope !== '' && given.length > 1 && given.every((name) => name.startsWith(scope));
  const inside = scoped ? given.map((name) => name.slice(scope.length)) : given;
  const bare = inside.map((name) => name.replace(/_\d+$/, ''));
  const traced = /_\d+\/$/.test(scope) && bare.every((name, i) => name !== '' && name !== inside[i]);
  const names = scoped && traced && new Set(bare).size === new Set(inside).size ? bare : inside;
  const counts = new Map<string, number>();
  return names.map((name) => {
    const repeat = (counts.get(name) ?? 0) + 1;
    counts.set(name, repeat);
    return repeat > 1 ? `${name} #${repeat}` : name;
  });
}

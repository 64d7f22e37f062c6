import { intAttribute, stringAttribute, type Node } from '../graph/graph';
import { freeBatch, inputShape } from './axes';
import { reshape, transpose, type Nd } from './nd';
import { first, need, type Op, type Shape } from './op';
import { plainWindow } from './windows';

/** Blocks of channels become blocks of places, and back. */

const blockOf = (node: Node): number => intAttribute(node, 'blocksize', 1);

function toSpaceDims(node: Node, dims: Shape): number[] {
  const block = blockOf(node);
  const [n = 0, channels = 0, height = 0, width = 0] = dims;
  if (dims.length !== 4 || channels % block ** 2 !== 0)
    throw new RangeError(`[${dims.join(', ')}] has no blocks of ${block}×${block} channels`);
  return [n, channels / block ** 2, height * block, width * block];
}

function toDepthDims(node: Node, dims: Shape): number[] {
  const block = blockOf(node);
  const [n = 0, channels = 0, height = 0, width = 0] = dims;
  if (dims.length !== 4 || height % block !== 0 || width % block !== 0)
    throw new RangeError(`[${dims.join(', ')}] does not divide into blocks of ${block}×${block}`);
  return [n, channels * block ** 2, height / block, width / block];
}

/** Depth to space as Reshape, Transpose, Reshape: the shape in between and its permutation. */
export function apart(node: Node, dims: Shape): { split: number[]; perm: number[] } {
  const block = blockOf(node);
  const [n = 0, channels = 0, height = 0, width = 0] = dims;
  const each = channels / block ** 2;
  return stringAttribute(node, 'mode', 'DCR') === 'DCR'
    ? { split: [n, block, block, each, height, width], perm: [0, 3, 4, 1, 5, 2] }
    : { split: [n, each, block, block, height, width], perm: [0, 1, 4, 2, 5, 3] };
}

/** From places back to channels, by the permutation of depth to space. */
function gathered(x: Nd, node: Node, out: Shape): Nd {
  const { split, perm } = apart(node, out);
  const spread = perm.map((axis) => split[axis]!);
  return reshape(
    transpose(
      reshape(x, spread),
      perm.map((_, axis) => perm.indexOf(axis)),
    ),
    out,
  );
}

/** Sub-pixel convolution ends so. Modes: DCR (blocks of channels first), CRD (PyTorch's pixel shuffle). */
export const depthToSpace: Op = {
  role: 'shape',
  shapes: (node, [x]) => [toSpaceDims(node, need(x, 'the shape of the input'))],
  evaluate(node, [x]) {
    const { split, perm } = apart(node, x!.dims);
    return [reshape(transpose(reshape(x!, split), perm), toSpaceDims(node, x!.dims))];
  },
  adjoint({ node, builder, known, signal }) {
    const dims = inputShape(known, node);
    const hint = `${node.outputs[0]}:back`;
    if (stringAttribute(node, 'mode', 'DCR') === 'DCR')
      return first(node, builder.add('SpaceToDepth', [signal], { blocksize: blockOf(node) }, hint));
    const { split, perm } = apart(node, dims);
    const blocks = builder.add('Reshape', [signal, builder.ints(freeBatch(perm.map((axis) => split[axis]!)))]);
    const turned = builder.add('Transpose', [blocks], { perm: perm.map((_, axis) => perm.indexOf(axis)) });
    return first(node, builder.add('Reshape', [turned, builder.ints(freeBatch(dims))], {}, hint));
  },
};

export const spaceToDepth: Op = {
  role: 'shape',
  shapes: (node, [x]) => [toDepthDims(node, need(x, 'the shape of the input'))],
  evaluate: (node, [x]) => [gathered(x!, node, toDepthDims(node, x!.dims))],
  extent(node, known) {
    const out = need(known.shape(node.outputs[0]!), 'the shape of the output');
    const axis = (i: number) => ({ ...plainWindow(out[i]!), kernel: blockOf(node), stride: blockOf(node) });
    return { kind: 'window', axes: [axis(2), axis(3)] };
  },
  adjoint: ({ node, builder, signal }) =>
    first(
      node,
      builder.add('DepthToSpace', [signal], { blocksize: blockOf(node), mode: 'DCR' }, `${node.outputs[0]}:back`),
    ),
};

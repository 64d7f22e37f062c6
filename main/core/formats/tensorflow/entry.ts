import type { Tensor } from '../../graph/tensor';
import { dimsOf, reference, type Signature, type TfNode } from './node';

const convolution = /Conv2d|Conv2D$/;
const pictureChannels = [1, 3, 4];
/** Between where the picture may enter and the first convolution: a subtraction, a factor, a padding. */
const mostSteps = 16;

/**
 * Where a picture can be fed behind what is not known (a loop that resizes every picture, a branch by another input): in place
 * of the last such node before the first convolution. Null where no convolution on pictures lies behind one. `nodes` in
 * their order.
 */
export function entryBehind(
  nodes: readonly TfNode[],
  signature: Signature,
  isKnown: (node: TfNode) => boolean,
  consts: ReadonlyMap<string, Tensor>,
): TfNode | null {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const filters = (node: TfNode) => consts.get(reference(node.input[1] ?? '')?.[0] ?? '')?.dims ?? [];
  const first = nodes.find(
    (node) => convolution.test(node.op) && filters(node).length === 4 && pictureChannels.includes(filters(node)[2]!),
  );
  let node = first;
  for (let steps = 0; node && steps < mostSteps; steps++) {
    if (!isKnown(node)) return placeholder(node.name, sizeOf(nodes, signature), filters(first!)[2]!);
    // Its first input that is no constant; a constant comes first in 2 * x.
    const sources: string[] = node.input.flatMap((input) => reference(input)?.[0] ?? []);
    node = sources.map((name) => byName.get(name)).find((source) => source && source.op !== 'Const');
  }
  return null;
}

/** Height and width of the model's own picture, where it says one. */
function sizeOf(nodes: readonly TfNode[], signature: Signature): (number | null)[] {
  const said = Object.values(signature.inputs).map(({ tensorShape }) => dimsOf(tensorShape));
  const own = nodes.map((node) => (node.op === 'Placeholder' ? dimsOf(node.attr['shape']?.shape) : null));
  return [...said, ...own].find((dims) => dims?.length === 4)?.slice(1, 3) ?? [null, null];
}

const placeholder = (name: string, size: readonly (number | null)[], channels: number): TfNode => ({
  name,
  op: 'Placeholder',
  input: [],
  attr: {
    dtype: { type: 'DT_FLOAT' },
    shape: { shape: { dim: [null, ...size, channels].map((dim) => ({ size: dim ?? -1 })) } },
  },
});

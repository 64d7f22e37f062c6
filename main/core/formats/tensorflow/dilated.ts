import { toNumbers, type Tensor } from '../../graph/tensor';
import { failAt, intsOf, reference, stringOf, type TfNode } from './node';

const convolutions = ['Conv2D', 'DepthwiseConv2dNative', '_FusedConv2D', 'FusedDepthwiseConv2dNative'];

/**
 * Older TensorFlow writes a dilated convolution as SpaceToBatchND, a convolution without padding, BatchToSpaceND. It becomes
 * one convolution with dilations: paddings less crops are its own. Where those are computed they stay operations that are not
 * known. Source: tf.nn.with_space_to_batch.
 */
export function dilatedConvolutions(
  byName: ReadonlyMap<string, TfNode>,
  consts: ReadonlyMap<string, Tensor>,
): ReadonlyMap<string, TfNode> {
  const out = new Map(byName);
  const inputOf = (node: TfNode, index: number) => reference(node.input[index] ?? '')?.[0] ?? '';
  const numbers = (node: TfNode, index: number): number[] | null => {
    const tensor = consts.get(inputOf(node, index));
    return tensor ? Array.from(toNumbers(tensor)) : null;
  };
  for (const back of byName.values()) {
    if (back.op !== 'BatchToSpaceND') continue;
    let conv = byName.get(inputOf(back, 0));
    while (conv && ['BiasAdd', 'Relu', 'Relu6', 'Identity'].includes(conv.op)) conv = byName.get(inputOf(conv, 0));
    const space = conv && byName.get(inputOf(conv, 0));
    if (!conv || !convolutions.includes(conv.op) || space?.op !== 'SpaceToBatchND') continue;
    if (stringOf(conv, 'padding', '') !== 'VALID' || intsOf(conv, 'strides').some((stride) => stride !== 1)) continue;
    const block = numbers(space, 1);
    if (block?.length !== 2 || numbers(back, 1)?.join() !== block.join()) continue;
    const [paddings, crops] = [numbers(space, 2), numbers(back, 2)];
    if (!paddings || !crops) continue;
    const pads = paddings.map((pad, i) => pad - crops[i]!);
    if (pads.some((pad) => pad < 0)) throw failAt(back, 'crops more than was padded');
    const attr: TfNode['attr'] = {
      ...conv.attr,
      padding: { s: [...'EXPLICIT'].map((letter) => letter.charCodeAt(0)) },
      explicit_paddings: { list: { i: [0, 0, ...pads, 0, 0] } },
      dilations: { list: { i: [1, ...block, 1] } },
    };
    out.set(conv.name, { ...conv, input: [space.input[0]!, ...conv.input.slice(1)], attr });
    out.set(back.name, { ...back, op: 'Identity', input: [back.input[0]!] });
  }
  return out;
}

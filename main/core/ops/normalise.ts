import { floatAttribute, intAttribute, type Node } from '../graph/graph';
import { float32, sizeOf, toNumbers, type Tensor } from '../graph/tensor';
import { nd } from './nd';
import { first, inputName, need, type Op } from './op';

/** The affine map that a batch norm is at test time: y = scale * x + shift per channel. */
export function batchNormAffine(
  node: Node,
  tensor: (name: string) => Tensor,
): { scale: Float64Array; shift: Float64Array } {
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((index) => toNumbers(tensor(inputName(node, index))));
  const epsilon = floatAttribute(node, 'epsilon', 1e-5);
  const scale = gamma!.map((value, i) => value / Math.sqrt(variance![i]! + epsilon));
  return { scale, shift: beta!.map((value, i) => value - mean![i]! * scale[i]!) };
}

/** Standing alone (one behind a convolution is folded into it): an affine map, its adjoint the scale. */
export const batchNormalization: Op = {
  role: 'linear',
  shapes: (_node, [x]) => [need(x, 'the shape of the input')],
  evaluate(node, [x, gamma, beta, mean, variance]) {
    const epsilon = floatAttribute(node, 'epsilon', 1e-5);
    const [, channels = 1] = x!.dims;
    const area = sizeOf(x!.dims.slice(2));
    const out = nd(x!.dims);
    for (let i = 0; i < out.data.length; i++) {
      const c = Math.floor(i / area) % channels;
      const scale = gamma!.data[c]! / Math.sqrt(variance!.data[c]! + epsilon);
      out.data[i] = (x!.data[i]! - mean!.data[c]!) * scale + beta!.data[c]!;
    }
    return [out];
  },
  extent: () => ({ kind: 'pointwise' }),
  refuses: (node, known) =>
    node.inputs.slice(1).every((name) => known.isConstant(name)) ? null : 'its statistics are not constant',
  adjoint({ node, builder, known, signal }) {
    const { scale } = batchNormAffine(node, (name) => need(builder.initializers.get(name), `"${name}"`));
    const rank = need(known.shape(inputName(node, 0)), 'the shape of the input').length;
    const dims = [1, scale.length, ...new Array<number>(Math.max(0, rank - 2)).fill(1)];
    const factor = builder.constant(float32(dims, Float32Array.from(scale)), `${node.outputs[0]}:scale`);
    return first(node, builder.add('Mul', [signal, factor], {}, `${node.outputs[0]}:back`));
  },
  note: () => 'on its own: affine',
};

/** Local response normalisation across channels. The deconvnet passes it straight through. */
export const lrn: Op = {
  role: 'normalise',
  shapes: (_node, [x]) => [need(x, 'the shape of the input')],
  evaluate(node, [x]) {
    const size = intAttribute(node, 'size', 1);
    const alpha = floatAttribute(node, 'alpha', 1e-4);
    const beta = floatAttribute(node, 'beta', 0.75);
    const bias = floatAttribute(node, 'bias', 1);
    const [n = 0, channels = 0] = x!.dims;
    const area = sizeOf(x!.dims.slice(2));
    const out = nd(x!.dims);
    for (let b = 0; b < n; b++)
      for (let c = 0; c < channels; c++)
        for (let i = 0; i < area; i++) {
          let sum = 0;
          const low = Math.max(0, c - Math.floor((size - 1) / 2));
          const high = Math.min(channels - 1, c + Math.ceil((size - 1) / 2));
          for (let k = low; k <= high; k++) sum += x!.data[(b * channels + k) * area + i]! ** 2;
          const at = (b * channels + c) * area + i;
          out.data[at] = x!.data[at]! / (bias + (alpha / size) * sum) ** beta;
        }
    return [out];
  },
  extent: () => ({ kind: 'pointwise' }),
};

import { emptyGraph, type Graph, type Node } from '../../main/core/graph/graph';
import { attributes } from '../../main/core/graph/builder';
import { float32, type Tensor } from '../../main/core/graph/tensor';

const plan = [
  [64, 64],
  [128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512],
];

/** Xorshift: quick enough for 138 million weights. */
export function noise(length: number, scale: number): Float32Array {
  const out = new Float32Array(length);
  let state = 2463534242;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out[i] = (state / 2 ** 31) * scale;
  }
  return out;
}

/** VGG-16 (configuration D) for 224 x 224, weights drawn after He et al. so that activations keep their size. */
export function vgg16(): Graph {
  const initializers = new Map<string, Tensor>();
  const nodes: Node[] = [];
  const node = (
    opType: string,
    name: string,
    inputs: string[],
    plain: Parameters<typeof attributes>[0] = {},
  ): string => {
    nodes.push({ name, opType, domain: '', inputs, outputs: [name], attributes: attributes(plain) });
    return name;
  };
  const weights = (name: string, dims: number[], fanIn: number): string => {
    const size = dims.reduce((product, dim) => product * dim, 1);
    initializers.set(name, float32(dims, noise(size, Math.sqrt(6 / fanIn))));
    return name;
  };
  let x = 'picture';
  let channels = 3;
  plan.forEach((block, b) => {
    block.forEach((out, i) => {
      const name = `conv${b + 1}_${i + 1}`;
      const inputs = [
        x,
        weights(`${name}.weight`, [out, channels, 3, 3], channels * 9),
        weights(`${name}.bias`, [out], 6e4),
      ];
      x = node('Relu', `${name}.relu`, [node('Conv', name, inputs, { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })]);
      channels = out;
    });
    x = node('MaxPool', `pool${b + 1}`, [x], { kernel_shape: [2, 2], strides: [2, 2] });
  });
  x = node('Flatten', 'flatten', [x]);
  let width = 512 * 7 * 7;
  for (const [name, out] of [
    ['fc6', 4096],
    ['fc7', 4096],
    ['fc8', 1000],
  ] as const) {
    x = node('Gemm', name, [x, weights(`${name}.weight`, [out, width], width), weights(`${name}.bias`, [out], 6e4)], {
      transB: 1,
    });
    if (name !== 'fc8') x = node('Relu', `${name}.relu`, [x]);
    width = out;
  }
  return {
    ...emptyGraph('unpool bench', 'VGG-16'),
    inputs: [{ name: 'picture', type: 'float32', shape: ['N', 3, 224, 224] }],
    outputs: [{ name: x, type: 'float32', shape: ['N', 1000] }],
    nodes,
    initializers,
  };
}

/** Smooth blobs and noise, different for each seed, about zero. */
export function picture(seed: number, size = 224): Float32Array {
  const out = noise(3 * size * size, 0.4);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++) {
        const at = (c * size + y) * size + x;
        out[at] = out[at]! + Math.sin((x * (seed + 1) + y * (c + 1)) / 17) * Math.cos((y * (seed + 2)) / 23);
      }
  return out;
}

import type { Graph } from '../../main/core/graph/graph';
import { BenchNet, noise } from './net';

const plan = [
  [64, 64],
  [128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512],
];

/** VGG-16 (configuration D) for 224 x 224, weights drawn after He et al. so that activations keep their size. */
export function vgg16(): Graph {
  const net = new BenchNet();
  const weights = (name: string, dims: number[], fanIn: number) => net.weights(name, dims, Math.sqrt(6 / fanIn));
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
      x = net.node('Relu', `${name}.relu`, [
        net.node('Conv', name, inputs, { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
      ]);
      channels = out;
    });
    x = net.node('MaxPool', `pool${b + 1}`, [x], { kernel_shape: [2, 2], strides: [2, 2] });
  });
  x = net.node('Flatten', 'flatten', [x]);
  let width = 512 * 7 * 7;
  for (const [name, out] of [
    ['fc6', 4096],
    ['fc7', 4096],
    ['fc8', 1000],
  ] as const) {
    x = net.node(
      'Gemm',
      name,
      [x, weights(`${name}.weight`, [out, width], width), weights(`${name}.bias`, [out], 6e4)],
      {
        transB: 1,
      },
    );
    if (name !== 'fc8') x = net.node('Relu', `${name}.relu`, [x]);
    width = out;
  }
  return net.graph('VGG-16', x);
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

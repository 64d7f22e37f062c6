import type { Graph } from '../../main/core/graph/graph';
import { BenchNet } from './net';

/** ResNet-18 for 224 x 224 with its batch norms folded away, weights drawn after He et al., halved where branches meet. */
export function resnet18(): Graph {
  const net = new BenchNet();
  const weights = (name: string, dims: number[], fanIn: number) => net.weights(name, dims, Math.sqrt(3 / fanIn));
  const conv = (name: string, x: string, from: number, to: number, kernel: number, stride: number): string => {
    const pad = kernel >> 1;
    const filters = weights(`${name}.weight`, [to, from, kernel, kernel], from * kernel * kernel);
    return net.node('Conv', name, [x, filters, weights(`${name}.bias`, [to], 6e4)], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
    });
  };
  let x = net.node('Relu', 'conv1.relu', [conv('conv1', 'picture', 3, 64, 7, 2)]);
  x = net.node('MaxPool', 'pool1', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  let from = 64;
  [64, 128, 256, 512].forEach((to, stage) => {
    for (const block of [0, 1]) {
      const name = `layer${stage + 1}.${block}`;
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const inner = net.node('Relu', `${name}.relu1`, [conv(`${name}.conv1`, x, from, to, 3, stride)]);
      const branch = conv(`${name}.conv2`, inner, to, to, 3, 1);
      const short = stride === 2 ? conv(`${name}.down`, x, from, to, 1, 2) : x;
      x = net.node('Relu', `${name}.relu2`, [net.node('Add', `${name}.add`, [branch, short])]);
      from = to;
    }
  });
  x = net.node('Flatten', 'flatten', [net.node('GlobalAveragePool', 'mean', [x])]);
  const head = [x, weights('fc.weight', [1000, 512], 512), weights('fc.bias', [1000], 6e4)];
  return net.graph('ResNet-18', net.node('Gemm', 'fc', head, { transB: 1 }));
}

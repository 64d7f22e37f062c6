import { attributes } from '../../main/core/graph/builder';
import { emptyGraph, type Graph, type Node } from '../../main/core/graph/graph';
import { float32, type Tensor } from '../../main/core/graph/tensor';
import { noise } from './vgg';

/** ResNet-18 for 224 x 224 with its batch norms folded away, weights drawn after He et al., halved where branches meet. */
export function resnet18(): Graph {
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
    initializers.set(
      name,
      float32(
        dims,
        noise(
          dims.reduce((a, b) => a * b, 1),
          Math.sqrt(3 / fanIn),
        ),
      ),
    );
    return name;
  };
  const conv = (name: string, x: string, from: number, to: number, kernel: number, stride: number): string => {
    const pad = kernel >> 1;
    const filters = weights(`${name}.weight`, [to, from, kernel, kernel], from * kernel * kernel);
    return node('Conv', name, [x, filters, weights(`${name}.bias`, [to], 6e4)], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
    });
  };
  let x = node('Relu', 'conv1.relu', [conv('conv1', 'picture', 3, 64, 7, 2)]);
  x = node('MaxPool', 'pool1', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  let from = 64;
  [64, 128, 256, 512].forEach((to, stage) => {
    for (const block of [0, 1]) {
      const name = `layer${stage + 1}.${block}`;
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const inner = node('Relu', `${name}.relu1`, [conv(`${name}.conv1`, x, from, to, 3, stride)]);
      const branch = conv(`${name}.conv2`, inner, to, to, 3, 1);
      const short = stride === 2 ? conv(`${name}.down`, x, from, to, 1, 2) : x;
      x = node('Relu', `${name}.relu2`, [node('Add', `${name}.add`, [branch, short])]);
      from = to;
    }
  });
  x = node('Flatten', 'flatten', [node('GlobalAveragePool', 'mean', [x])]);
  x = node('Gemm', 'fc', [x, weights('fc.weight', [1000, 512], 512), weights('fc.bias', [1000], 6e4)], { transB: 1 });
  return {
    ...emptyGraph('unpool bench', 'ResNet-18'),
    inputs: [{ name: 'picture', type: 'float32', shape: ['N', 3, 224, 224] }],
    outputs: [{ name: x, type: 'float32', shape: ['N', 1000] }],
    nodes,
    initializers,
  };
}

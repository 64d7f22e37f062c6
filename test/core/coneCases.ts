import type { Net } from './support';
import { node } from './support';

type Shape = [number, number, number];
export interface Case {
  shape: Shape;
  make: (net: Net) => string;
}

const same = { pads: [1, 1, 1, 1] };
const pool2 = { kernel_shape: [2, 2], strides: [2, 2] };

/** Networks whose cones leave the picture in every way. */
export const cases: Record<string, Case> = {
  'VGG-like': {
    shape: [3, 20, 24],
    make(net) {
      let x = net.relu(net.conv(net.picture, 3, 4, 3, same));
      x = net.add('MaxPool', [net.relu(net.conv(x, 4, 4, 3, same))], pool2);
      x = net.relu(net.conv(x, 4, 5, 3, same));
      return net.relu(net.conv(net.add('MaxPool', [x], pool2), 5, 6, 3, same));
    },
  },
  'strides and overlapping pools': {
    shape: [3, 33, 31],
    make(net) {
      let x = net.relu(net.conv(net.picture, 3, 4, 5, { strides: [2, 2], pads: [2, 2, 2, 2] }));
      x = net.add('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2] });
      x = net.relu(net.conv(x, 4, 6, 3, { ...same, group: 2 }));
      return net.relu(
        net.conv(net.add('MaxPool', [x], { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] }), 6, 4, 3, same),
      );
    },
  },
  'dilation, asymmetric pads, Pad nodes': {
    shape: [2, 18, 17],
    make(net) {
      let x = net.relu(net.conv(net.picture, 2, 3, 3, { dilations: [2, 2], pads: [2, 1, 0, 3] }));
      x = net.add('Pad', [x, net.builder.ints([0, 0, 1, 0, 0, 0, 0, 2])], { mode: 'constant' });
      x = net.relu(net.conv(x, 3, 4, 3, { strides: [1, 2] }));
      return net.relu(net.conv(x, 4, 3, [2, 3], { pads: [1, 1, 0, 1] }));
    },
  },
  'residual branches with strides': {
    shape: [3, 24, 24],
    make(net) {
      const stem = net.relu(net.conv(net.picture, 3, 4, 3, same));
      const branch = net.conv(net.relu(net.conv(stem, 4, 5, 3, { ...same, strides: [2, 2] })), 5, 5, 3, same);
      const short = net.conv(stem, 4, 5, 1, { strides: [2, 2] });
      const joined = net.relu(net.add('Add', [branch, short]));
      return net.relu(net.add('Add', [net.conv(net.relu(net.conv(joined, 5, 5, 3, same)), 5, 5, 3, same), joined]));
    },
  },
  'inception branches of unlike field': {
    shape: [3, 21, 19],
    make(net) {
      const stem = net.relu(net.conv(net.picture, 3, 4, 3, same));
      const one = net.relu(net.conv(stem, 4, 2, 1));
      const three = net.relu(net.conv(net.relu(net.conv(stem, 4, 3, 1)), 3, 3, 3, same));
      const five = net.relu(net.conv(stem, 4, 2, 5, { pads: [2, 2, 2, 2] }));
      const pooled = net.relu(
        net.conv(net.add('MaxPool', [stem], { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] }), 4, 2, 1),
      );
      const averaged = net.add('AveragePool', [stem], { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] });
      const joined = net.add('Concat', [one, three, five, pooled, averaged], { axis: 1 });
      return net.relu(
        net.conv(net.add('MaxPool', [joined], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }), 13, 4, 3, same),
      );
    },
  },
  'norms and smooth activations behind a pool that leaves the picture': {
    shape: [3, 18, 17],
    make(net) {
      let x = net.relu(net.conv(net.picture, 3, 4, 3, same));
      x = net.add('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
      x = net.add('LRN', [x], { size: 3, alpha: { float: 0.5 } });
      x = net.add('MaxPool', [x], { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] });
      x = net.add('Gelu', [x], { approximate: 'tanh' });
      return net.relu(net.conv(x, 4, 3, 3, same));
    },
  },
  'average pools with ceil and counted pads': {
    shape: [2, 22, 20],
    make(net) {
      let x = net.add('LeakyRelu', [net.conv(net.picture, 2, 3, 3, same)], { alpha: { float: 0.1 } });
      x = net.add('AveragePool', [x], {
        kernel_shape: [3, 3],
        strides: [2, 2],
        pads: [1, 1, 1, 1],
        ceil_mode: 1,
        count_include_pad: 1,
      });
      x = net.add('LeakyRelu', [net.conv(x, 3, 4, 3, same)], { alpha: { float: 0.1 } });
      x = net.add('AveragePool', [x], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 });
      return net.relu(net.conv(x, 4, 3, 3, same));
    },
  },
  'depthwise, ReLU6, pre-activation batch norm': {
    shape: [3, 20, 20],
    make(net) {
      const clip = (x: string) => net.add('Clip', [x, net.builder.scalar(0), net.builder.scalar(0.6)]);
      let x = clip(net.conv(net.picture, 3, 6, 3, { ...same, strides: [2, 2] }));
      x = clip(net.conv(x, 6, 6, 3, { ...same, group: 6 }));
      const variance = net.builder.constant(
        { type: 'float32', dims: [6], data: Float32Array.of(0.5, 1, 2, 1, 0.3, 1) },
        'variance',
      );
      x = net.add('BatchNormalization', [x, net.weights([6]), net.weights([6]), net.weights([6]), variance]);
      return net.relu(net.conv(x, 6, 4, 3, same));
    },
  },
  'split, channels shuffled, joined': {
    shape: [3, 20, 18],
    make(net) {
      const stem = net.relu(net.conv(net.picture, 3, 6, 3, same));
      const unit = (x: string, i: number): string => {
        const [left, right] = [`left${i}`, `right${i}`] as const;
        net.builder.addNode(node('Split', [x, net.builder.ints([2, 4])], [left, right], { axis: 1 }));
        const branch = net.relu(net.conv(right, 4, 4, 3, same));
        const joined = net.add('Concat', [left, branch], { axis: 1 });
        return net.add('Gather', [joined, net.builder.ints([0, 3, 1, 4, 2, 5])], { axis: 1 });
      };
      return net.relu(net.conv(unit(unit(stem, 0), 1), 6, 4, 3, { ...same, strides: [2, 2] }));
    },
  },
  'halves of the channels, counted by the network itself': {
    shape: [3, 20, 18],
    make(net) {
      // As PyTorch's older exporter writes x[:, x.shape[1] // 2 :].
      const stem = net.relu(net.conv(net.picture, 3, 6, 3, same));
      const channels = net.add('Gather', [net.add('Shape', [stem]), net.builder.ints([1])]);
      const half = net.add('Div', [channels, net.builder.ints([2])]);
      const lower = net.add('Slice', [stem, net.builder.ints([0]), half, net.builder.ints([1])]);
      const upper = net.add('Slice', [stem, half, channels, net.builder.ints([1])]);
      const joined = net.add('Concat', [net.relu(net.conv(upper, 3, 3, 3, same)), lower], { axis: 1 });
      return net.relu(net.conv(joined, 6, 4, 3, { ...same, strides: [2, 2] }));
    },
  },
  'places become channels: by slices, and space to depth': {
    shape: [2, 24, 24],
    make(net) {
      const part = (y: number, x: number) =>
        net.add('Slice', [
          net.picture,
          ...[
            [y, x],
            [99, 99],
            [2, 3],
            [2, 2],
          ].map((values) => net.builder.ints(values)),
        ]);
      const focus = net.add('Concat', [part(0, 0), part(1, 0), part(0, 1), part(1, 1)], { axis: 1 });
      const x = net.relu(net.conv(focus, 8, 3, 3, same));
      return net.relu(net.conv(net.add('SpaceToDepth', [x], { blocksize: 2 }), 12, 4, 3, same));
    },
  },
  'crops, channels by 2 and in reverse': {
    shape: [2, 20, 18],
    make(net) {
      const x = net.relu(net.conv(net.picture, 2, 6, 3, same));
      const cropped = net.add('Slice', [
        x,
        ...[
          [4, 2, 1],
          [-99, 19, 17],
          [1, 2, 3],
          [-2, 1, 1],
        ].map((values) => net.builder.ints(values)),
      ]);
      return net.relu(net.conv(cropped, 3, 4, 3, same));
    },
  },
  'pools by a norm': {
    shape: [2, 21, 20],
    make(net) {
      let x = net.relu(net.conv(net.picture, 2, 4, 3, same));
      x = net.add('LpPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], p: 2 });
      x = net.relu(net.conv(x, 4, 4, 3, same));
      return net.relu(net.conv(net.add('LpPool', [x], { kernel_shape: [2, 2], p: 1 }), 4, 3, 1));
    },
  },
  'a transposed convolution without stride': {
    shape: [2, 16, 15],
    make(net) {
      const x = net.relu(net.conv(net.picture, 2, 4, 3, same));
      const filters = net.weights([4, 2, 3, 2]);
      const plain = { group: 2, dilations: [1, 2], pads: [1, 2, 0, 1], kernel_shape: [3, 2] };
      return net.relu(net.conv(net.relu(net.add('ConvTranspose', [x, filters], plain)), 4, 3, 3, same));
    },
  },
};

/** Of these a node on the way cannot be cut at the rim. */
export const unclipped = new Set([
  'average pools with ceil and counted pads',
  'places become channels: by slices, and space to depth',
  'crops, channels by 2 and in reverse',
  'a transposed convolution without stride',
]);

/** Corners, edges and the middle of a map. */
export const placesIn = ([h, w]: readonly [number, number]): (readonly [number, number])[] => [
  [0, 0],
  [0, w - 1],
  [h - 1, 0],
  [h - 1, w - 1],
  [0, w >> 1],
  [h >> 1, 0],
  [h - 1, w >> 1],
  [h >> 1, w >> 1],
  [h >> 1, w - 1],
];

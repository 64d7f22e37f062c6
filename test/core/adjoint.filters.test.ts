import { describe, expect, it } from 'vitest';
import { fromTensor, type Nd } from '../../main/core/ops/nd';
import { runReference } from '../../main/core/runtime/reference';
import { expectAdjoint, expectDerivative, opsetsOf, walked, type Case } from './linear';
import { Net, random, randomTensor } from './support';

/** Transposed filters [in, out / groups, ...kernel]. */
const transposed = (net: Net, x: string, dims: number[], plain: Parameters<Net['add']>[2] = {}): string =>
  net.add('ConvTranspose', [x, net.weights(dims)], { kernel_shape: dims.slice(2), ...plain });
const asLine = (net: Net, channels: number): string =>
  net.add('Reshape', [net.picture, net.builder.ints([0, channels, -1])]);
const asVolume = (net: Net, [c, d, h, w]: [number, number, number, number]): string =>
  net.add('Reshape', [net.picture, net.builder.ints([0, c, d, h, w])]);

const linear: Record<string, Case> = {
  'conv of a line, stride 2, dilation 2': {
    shape: [2, 3, 5],
    make: (net) =>
      net.add('Conv', [asLine(net, 2), net.weights([3, 2, 3])], { strides: [2], dilations: [2], pads: [1, 2] }),
  },
  'conv of a volume': {
    shape: [2, 10, 7],
    make: (net) =>
      net.add('Conv', [asVolume(net, [2, 2, 5, 7]), net.weights([3, 2, 2, 3, 3])], {
        strides: [1, 2, 1],
        pads: [1, 0, 1, 0, 1, 1],
      }),
  },
  'transposed conv': { shape: [3, 4, 5], make: (net) => transposed(net, net.picture, [3, 2, 3, 3]) },
  'transposed conv, stride 2, pads': {
    shape: [3, 4, 5],
    make: (net) => transposed(net, net.picture, [3, 2, 4, 4], { strides: [2, 2], pads: [1, 1, 1, 1] }),
  },
  'transposed conv, output_padding, asymmetric pads': {
    shape: [3, 4, 5],
    make: (net) =>
      transposed(net, net.picture, [3, 2, 3, 2], { strides: [2, 3], pads: [1, 0, 0, 1], output_padding: [1, 2] }),
  },
  'transposed conv, stride beyond the kernel': {
    shape: [2, 3, 4],
    make: (net) => transposed(net, net.picture, [2, 3, 2, 1], { strides: [3, 3], output_padding: [2, 1] }),
  },
  'transposed conv, groups, dilation': {
    shape: [4, 5, 4],
    make: (net) =>
      transposed(net, net.picture, [4, 3, 3, 2], { group: 2, dilations: [2, 3], pads: [1, 2, 0, 1], strides: [2, 1] }),
  },
  'transposed conv, output_shape': {
    shape: [2, 4, 5],
    make: (net) => transposed(net, net.picture, [2, 3, 3, 3], { strides: [2, 2], output_shape: [8, 10] }),
  },
  'transposed conv, output_shape, SAME_UPPER': {
    shape: [2, 4, 5],
    make: (net) =>
      transposed(net, net.picture, [2, 3, 3, 3], {
        strides: [2, 2],
        output_shape: [8, 10],
        auto_pad: 'SAME_UPPER',
      }),
  },
  'transposed conv, SAME_UPPER': {
    shape: [2, 4, 5],
    make: (net) => transposed(net, net.picture, [2, 3, 3, 4], { strides: [2, 2], auto_pad: 'SAME_UPPER' }),
  },
  'transposed conv, SAME_LOWER': {
    shape: [2, 4, 5],
    make: (net) => transposed(net, net.picture, [2, 3, 3, 4], { strides: [2, 2], auto_pad: 'SAME_LOWER' }),
  },
  'transposed conv, VALID': {
    shape: [2, 4, 5],
    make: (net) => transposed(net, net.picture, [2, 3, 3, 4], { strides: [2, 1], auto_pad: 'VALID' }),
  },
  'transposed conv of a line': {
    shape: [2, 3, 3],
    make: (net) => transposed(net, asLine(net, 2), [2, 3, 4], { strides: [3], pads: [1, 2], output_padding: [1] }),
  },
  'transposed conv of a volume': {
    shape: [2, 4, 3],
    make: (net) => transposed(net, asVolume(net, [2, 2, 2, 3]), [2, 2, 2, 3, 2], { strides: [2, 2, 1] }),
  },
  'weighted pooling: the same filter for every channel': {
    shape: [3, 9, 8],
    make(net) {
      const binomial = [1, 2, 1, 2, 4, 2, 1, 2, 1].map((weight) => weight / 16);
      const filters = Float32Array.from([...binomial, ...binomial, ...binomial]);
      const name = net.builder.constant({ type: 'float32', dims: [3, 1, 3, 3], data: filters }, 'binomial');
      return net.add('Conv', [net.picture, name], { group: 3, strides: [2, 2], pads: [1, 1, 1, 1] });
    },
  },
  'average pool of a line': {
    shape: [2, 3, 5],
    make: (net) =>
      net.add('AveragePool', [asLine(net, 2)], { kernel_shape: [3], strides: [2], pads: [1, 0], ceil_mode: 1 }),
  },
  'average pool of a volume': {
    shape: [2, 6, 5],
    make: (net) =>
      net.add('AveragePool', [asVolume(net, [2, 3, 2, 5])], { kernel_shape: [2, 2, 3], pads: [0, 0, 1, 0, 0, 1] }),
  },
  'global average pool of a volume': {
    shape: [2, 6, 5],
    make: (net) => net.add('GlobalAveragePool', [asVolume(net, [2, 3, 2, 5])]),
  },
  'max pool of a line, overlapping': {
    shape: [2, 3, 5],
    make: (net) => net.add('MaxPool', [asLine(net, 2)], { kernel_shape: [3], strides: [2], pads: [1, 1] }),
  },
  'max pool of a volume': {
    shape: [2, 6, 6],
    make: (net) => net.add('MaxPool', [asVolume(net, [2, 3, 2, 6])], { kernel_shape: [2, 2, 2], strides: [1, 2, 2] }),
  },
  'global max pool of a line': { shape: [2, 3, 5], make: (net) => net.add('GlobalMaxPool', [asLine(net, 2)]) },
  'sum over channels and width': {
    shape: [3, 4, 5],
    make: (net) => net.add('ReduceSum', [net.picture, net.builder.ints([1, -1])], { keepdims: 0 }),
    opsets: [17, 24],
  },
  'mean by an input of axes': {
    shape: [3, 4, 5],
    make: (net) => net.add('ReduceMean', [net.picture, net.builder.ints([2, 3])], { keepdims: 1 }),
    opsets: [18, 24],
  },
  'reduced over no axes': {
    shape: [3, 4, 5],
    make: (net) => net.add('ReduceMean', [net.picture, net.builder.ints([])], { noop_with_empty_axes: 1 }),
    opsets: [18],
  },
  'maximum over height and width': {
    shape: [3, 4, 5],
    make: (net) => net.add('ReduceMax', [net.picture], { axes: [2, 3], keepdims: 0 }),
  },
  'maximum over channels, by an input of axes': {
    shape: [3, 4, 5],
    make: (net) => net.add('ReduceMax', [net.picture, net.builder.ints([1])], { keepdims: 1 }),
    opsets: [18, 24],
  },
  'maximum over channels and width': {
    shape: [3, 4, 5],
    make: (net) => net.add('ReduceMax', [net.picture], { axes: [3, 1], keepdims: 0 }),
  },
};

describe("filters, pools and reductions: <Ax, y> = <x, A'y>", () => {
  for (const [name, each] of Object.entries(linear))
    for (const opset of opsetsOf(each))
      it(`${name}, opset ${opset}`, async () => {
        const net = new Net(each.shape);
        await expectAdjoint(net, each.shape, each.make(net), opset);
      });
});

const norms: Record<string, Case> = {
  'Lp pool': {
    shape: [2, 6, 8],
    make: (net) => net.add('LpPool', [net.picture], { kernel_shape: [2, 2], strides: [2, 2] }),
  },
  'Lp pool, overlapping, pads': {
    shape: [2, 7, 8],
    make: (net) =>
      net.add('LpPool', [net.picture], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 0, 1, 1], p: 2 }),
  },
  'Lp pool, p = 1': {
    shape: [2, 7, 8],
    make: (net) => net.add('LpPool', [net.picture], { kernel_shape: [3, 2], strides: [2, 1], p: 1 }),
  },
  'Lp pool, p = 3': {
    shape: [2, 7, 8],
    make: (net) => net.add('LpPool', [net.picture], { kernel_shape: [3, 2], strides: [2, 1], p: 3 }),
  },
  'Lp pool, p = 4, of a line': {
    shape: [2, 3, 5],
    make: (net) => net.add('LpPool', [asLine(net, 2)], { kernel_shape: [3], strides: [2], p: 4 }),
  },
  'Lp pool, dilation, ceil': {
    shape: [2, 8, 8],
    make: (net) =>
      net.add('LpPool', [net.picture], { kernel_shape: [2, 2], strides: [2, 2], dilations: [2, 2], ceil_mode: 1 }),
    opsets: [18, 24],
  },
  'global Lp pool': { shape: [2, 4, 5], make: (net) => net.add('GlobalLpPool', [net.picture], { p: 2 }) },
  'global Lp pool, p = 1': { shape: [2, 4, 5], make: (net) => net.add('GlobalLpPool', [net.picture], { p: 1 }) },
  'root of squares over channels': {
    shape: [3, 4, 5],
    make: (net) => net.add('ReduceL2', [net.picture], { axes: [1], keepdims: 0 }),
  },
  'sum of sizes': {
    shape: [3, 4, 5],
    make: (net) => net.add('ReduceL1', [net.picture, net.builder.ints([2, 3])]),
    opsets: [18],
  },
};

describe('pools by a norm: the derivative, held at the forward values', () => {
  for (const [name, each] of Object.entries(norms))
    for (const opset of opsetsOf(each))
      it(`${name}, opset ${opset}`, async () => {
        const net = new Net(each.shape);
        await expectDerivative(net, each.shape, each.make(net), opset);
      });

  it('an empty window gives nothing', async () => {
    const net = new Net([2, 6, 8]);
    const out = net.add('LpPool', [net.picture], { kernel_shape: [2, 2], strides: [2, 2] });
    const { x, back } = await walked(net, [2, 6, 8], out, 17, true);
    x.data.forEach((value, i) => {
      if (value === 0) expect(Math.abs(back.data[i]!)).toBe(0);
    });
    expect(back.data.some((value) => value !== 0)).toBe(true);
  });

  it('with a large p shares as the switches of a max pool do', async () => {
    const run = async (opType: string, plain: Parameters<Net['add']>[2]) => {
      const net = new Net([1, 6, 6]);
      const sizes = net.add('Abs', [net.picture]);
      const out = net.add(opType, [sizes], { kernel_shape: [2, 2], strides: [2, 2], ...plain });
      return (await walked(net, [1, 6, 6], out)).back.data;
    };
    const [soft, hard] = [await run('LpPool', { p: 12 }), await run('MaxPool', {})];
    const same = soft.filter((value, i) => Math.abs(value - hard[i]!) < 0.2).length;
    expect(same / soft.length).toBeGreaterThan(0.9);
  });
});

/** The matrix of a linear map of one picture, column by column: an independent way to its transpose. */
function matrixOf(map: (x: Nd) => Nd, dims: readonly number[]): number[][] {
  const size = dims.reduce((a, b) => a * b, 1);
  return Array.from({ length: size }, (_, i) => {
    const data = new Float64Array(size);
    data[i] = 1;
    return Array.from(map({ dims, data, type: 'float' }).data);
  });
}

describe('transposed convolution', () => {
  it('is, as a matrix, a convolution’s transposed', () => {
    const plain = { strides: [2, 3], dilations: [1, 2], pads: [1, 0, 2, 1], group: 2, kernel_shape: [3, 2] };
    const weights = randomTensor([4, 3, 3, 2], random(3));
    const graphOf = (opType: string, shape: [number, number, number], extra: Parameters<Net['add']>[2] = {}) => {
      const net = new Net(shape);
      const filters = net.builder.constant(weights, 'filters');
      const out = net.add(opType, [net.picture, filters], { ...plain, ...extra });
      const graph = net.graph(out);
      return (x: Nd) => runReference(graph, new Map([[net.picture, x]])).get(out)!;
    };
    // From [6, 8, 9] the convolution's map is [4, 5, 3]: of (8 + 3 - 3) / 2 and (9 + 1 - 3) / 3 a rest of 0 and 1 is left.
    const forward = matrixOf(graphOf('Conv', [6, 8, 9]), [1, 6, 8, 9]);
    const back = matrixOf(graphOf('ConvTranspose', [4, 5, 3], { output_padding: [0, 1] }), [1, 4, 5, 3]);
    expect(back.length).toBe(forward[0]!.length);
    back.forEach((column, i) => column.forEach((value, j) => expect(value).toBeCloseTo(forward[j]![i]!, 12)));
  });

  it('of one value is the kernel', () => {
    const net = new Net([1, 1, 1]);
    const kernel = fromTensor(randomTensor([1, 1, 2, 3], random(4)));
    const filters = net.builder.constant(
      { type: 'float32', dims: kernel.dims, data: Float32Array.from(kernel.data) },
      'filters',
    );
    const out = net.add('ConvTranspose', [net.picture, filters]);
    const two = { dims: [1, 1, 1, 1], data: Float64Array.of(2), type: 'float' as const };
    const result = runReference(net.graph(out), new Map([[net.picture, two]])).get(out)!;
    expect(Array.from(result.data)).toEqual(Array.from(kernel.data, (value) => 2 * value));
  });
});

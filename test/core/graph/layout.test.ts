import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { analyse } from '../../../main/core/graph/analyse';
import { Builder } from '../../../main/core/graph/builder';
import type { Graph } from '../../../main/core/graph/graph';
import { seeThroughLayout } from '../../../main/core/graph/layout/index';
import { float32, int64, sizeOf } from '../../../main/core/graph/tensor';
import { openNetwork } from '../../../main/core/program/network';
import { createOrtRuntime } from '../../../main/core/runtime/ort';
import { Net, random, randomTensor, relativeDifference } from '../support';

const runtime = createOrtRuntime(ort as never, { threads: 1 });

async function run(graph: Graph, feeds: Record<string, { dims: readonly number[]; data: Float32Array }>) {
  const program = await runtime.compile(graph);
  const given = Object.entries(feeds).map(([name, { dims, data }]) => [name, float32(dims, data)]);
  const results = await program.run(Object.fromEntries(given));
  await program.dispose();
  return results;
}

/** [N, H, W, C] to [N, C, H, W]. */
function channelsFirst(data: Float32Array, [n, h, w, c]: readonly [number, number, number, number]): Float32Array {
  const out = new Float32Array(data.length);
  for (let b = 0; b < n; b++)
    for (let k = 0; k < c; k++)
      for (let i = 0; i < h * w; i++) out[(b * c + k) * h * w + i] = data[(b * h * w + i) * c + k]!;
  return out;
}

interface Value {
  name: string;
  shape: number[];
}

/** Networks as a converter from channels last writes them: every op with a layout between two Transposes. */
class LastNet {
  readonly builder: Builder;
  readonly next: () => number;
  readonly picture: Value;
  constructor(seed: number, shape: [number, number, number]) {
    this.next = random(seed);
    const base = new Net([1, 1, 1]).graph('picture');
    this.builder = new Builder({ ...base, inputs: [], initializers: new Map() }, false);
    this.builder.input({ name: 'picture', type: 'float32', shape: ['N', ...shape] });
    this.picture = { name: 'picture', shape: [1, ...shape] };
  }
  pick = (below: number): number => Math.floor(this.next() * below);
  oneOf = <T>(...list: T[]): T => list[this.pick(list.length)]!;
  constant = (...dims: number[]): string => this.builder.constant(randomTensor(dims, this.next), 'constant');
  add = (op: string, inputs: string[], shape: number[], plain: Parameters<Builder['add']>[2] = {}): Value => ({
    name: this.builder.add(op, inputs, plain, op.toLowerCase()),
    shape,
  });
  private first(x: Value): string {
    return this.builder.add('Transpose', [x.name], { perm: [0, 3, 1, 2] });
  }
  private last(name: string, shape: number[]): Value {
    return this.add('Transpose', [name], shape, { perm: [0, 2, 3, 1] });
  }
  conv(x: Value, filters = 2 + this.pick(4)): Value {
    const [n, h, w, c] = x.shape as [number, number, number, number];
    const made = this.builder.add(
      'Conv',
      [this.first(x), this.builder.constant(randomTensor([filters, c, 3, 3], this.next, Math.sqrt(1 / c / 3)), 'w')],
      { kernel_shape: [3, 3], pads: [1, 1, 1, 1] },
      'conv',
    );
    return this.last(made, [n, h, w, filters]);
  }
  pool(x: Value): Value {
    const [n, h, w, c] = x.shape as [number, number, number, number];
    const name = this.builder.add('MaxPool', [this.first(x)], { kernel_shape: [2, 2], strides: [2, 2] }, 'pool');
    return this.last(name, [n, Math.floor(h / 2), Math.floor(w / 2), c]);
  }
  /** One op of any kind, in channels last. */
  step(x: Value): Value {
    const [n, h, w, c] = x.shape as [number, number, number, number];
    const { builder } = this;
    switch (this.pick(19)) {
      case 0:
        return h > 3 && w > 3 ? this.pool(x) : this.conv(x);
      case 1:
        return this.add(this.oneOf('Relu', 'Sigmoid', 'Tanh', 'Elu'), [x.name], x.shape);
      case 2:
        return this.add(this.oneOf('Add', 'Mul', 'Sub'), [x.name, this.constant(c)], x.shape);
      case 3:
        return this.add('Mul', [this.constant(1, 1, 1, c), x.name], x.shape);
      case 4:
        return this.add('Add', [x.name, this.conv(x, c).name], x.shape);
      case 5: {
        const other = this.conv(x);
        return this.add('Concat', [x.name, other.name], [n, h, w, c + other.shape[3]!], { axis: this.oneOf(3, -1) });
      }
      case 6: {
        const pads = [0, 1, 0, 0, 0, 1, 1, 0];
        return this.add('Pad', [x.name, builder.ints(pads), builder.scalar(0)], [n, h + 2, w + 1, c]);
      }
      case 7: {
        // Squeeze and excitation: the mean as a vector, dense, back to a map of one place.
        const mean = this.add('ReduceMean', [x.name], [n, c], { axes: [1, 2], keepdims: 0 });
        const dense = this.add('MatMul', [mean.name, this.constant(c, c)], [n, c]);
        const map = this.oneOf(
          () => builder.add('Reshape', [dense.name, builder.ints([-1, 1, 1, c])]),
          () => builder.add('Unsqueeze', [dense.name, builder.ints([1, 2])]),
        )();
        return this.add('Mul', [x.name, builder.add('Sigmoid', [map])], x.shape);
      }
      case 8: {
        const mean = builder.add('ReduceMean', [x.name], { axes: [1, 2], keepdims: 1 });
        // Not the whole mean: the mean of what is left would be nothing but rounding.
        return this.add('Sub', [x.name, builder.add('Mul', [mean, builder.scalar(0.5)])], x.shape);
      }
      case 9: {
        const filters = 2 + this.pick(3);
        const dense = this.add('MatMul', [x.name, this.constant(c, filters)], [n, h, w, filters]);
        return this.add('Add', [dense.name, this.constant(filters)], dense.shape);
      }
      case 10:
        return this.add('LayerNormalization', [x.name, this.constant(c), this.constant(c)], x.shape, { axis: -1 });
      case 11: {
        const [start, end] = [builder.ints([1, -1]), builder.ints([c, h])];
        const inputs = [x.name, builder.ints([0, 1]), end, builder.ints([3, this.oneOf(1, -3)])];
        return c > 1 && h > 2
          ? this.add('Slice', inputs, [n, h - 1, w, c])
          : this.add('Relu', [x.name, ...[start].slice(1)], x.shape);
      }
      case 12:
        return this.add('PRelu', [x.name, this.constant(1, 1, c)], x.shape);
      case 13:
        return this.add('Softmax', [x.name], x.shape, { axis: this.oneOf(-1, 3, 1) });
      case 14: {
        if (c % 2) return this.add('Neg', [x.name], x.shape);
        const groups = builder.add('Reshape', [x.name, builder.ints([-1, h, w, 2, c / 2])]);
        const turned = builder.add('Transpose', [groups], { perm: [0, 1, 2, 4, 3] });
        return this.add('Reshape', [turned, builder.ints([-1, h, w, c])], x.shape);
      }
      case 15: {
        const scales = builder.constant(float32([4], [1, 2, 2, 1]), 'scales');
        return h * w > 80
          ? this.add('Abs', [x.name], x.shape)
          : this.add('Resize', [x.name, '', scales], [n, 2 * h, 2 * w, c], {
              coordinate_transformation_mode: 'asymmetric',
              nearest_mode: 'floor',
            });
      }
      case 16: {
        const order = Array.from({ length: c }, (_, i) => c - 1 - i);
        return this.add('Gather', [x.name, builder.constant(int64([c], order), 'order')], x.shape, { axis: 3 });
      }
      case 17: {
        // A dense layer as TensorFlow's exporters write it.
        const filters = 2 + this.pick(3);
        const rows = builder.add('Reshape', [x.name, builder.ints([-1, c])]);
        const dense = this.oneOf(
          () => builder.add('Add', [builder.add('MatMul', [rows, this.constant(c, filters)]), this.constant(filters)]),
          () => builder.add('Gemm', [rows, this.constant(filters, c), this.constant(filters)], { transB: 1 }),
        )();
        const active = this.oneOf(
          () => builder.add('Relu', [dense]),
          () => builder.add('Mul', [dense, builder.scalar(0.5)]),
        )();
        return this.add('Reshape', [active, builder.ints([-1, h, w, filters])], [n, h, w, filters]);
      }
      default: {
        const slope = this.add('Max', [x.name, this.constant(1, w, 1)], x.shape);
        return this.add('Div', [slope.name, builder.constant(float32([], [2]), 'two')], x.shape);
      }
    }
  }
  head(x: Value): string {
    const [, h, w, c] = x.shape as [number, number, number, number];
    const { builder } = this;
    const flat = this.oneOf(
      () => builder.add('ReduceMean', [x.name], { axes: [1, 2], keepdims: 0 }),
      () => builder.add('Squeeze', [builder.add('ReduceMax', [x.name], { axes: [-3, -2] }), builder.ints([1, 2])]),
      () => builder.add('Flatten', [builder.add('ReduceMean', [x.name], { axes: [1, 2] })], { axis: 1 }),
      () => builder.add('Reshape', [x.name, builder.ints([-1, h * w * c])]),
      () => x.name,
    )();
    return flat === x.name ? flat : builder.add('Relu', [flat]);
  }
}

const ones = (graph: Graph, shape: readonly number[]) => analyse(graph, new Map([['picture', [1, ...shape]]]));

describe('layout', () => {
  it.each(Array.from({ length: 150 }, (_, seed) => seed))('random network %i computes the same', async (seed) => {
    const size: [number, number, number] = [5 + (seed % 4), 6 + (seed % 3), 3];
    const net = new LastNet(seed, size);
    let x = net.conv(net.picture);
    const depth = 1 + net.pick(10);
    for (let i = 0; i < depth; i++) x = net.step(x);
    const output = net.head(x);
    const graph = net.builder.build([{ name: output, type: 'float32', shape: null }]);
    const first = seeThroughLayout(graph, ones(graph, size), 'picture');
    expect(first.inputs[0]!.shape).toEqual(['N', 3, size[0], size[1]]);
    const data = Float32Array.from({ length: 2 * sizeOf(size) }, () => net.next() * 2 - 1);
    const before = await run(graph, { picture: { dims: [2, ...size], data } });
    const after = await run(first, {
      picture: { dims: [2, 3, size[0], size[1]], data: channelsFirst(data, [2, ...size]) },
    });
    expect(after[output]!.dims).toEqual(before[output]!.dims);
    expect(relativeDifference(before[output]!.data as Float32Array, after[output]!.data as Float32Array)).toBeLessThan(
      1e-5,
    );
    // What is left: the output's own layout, a flattened map, a channel shuffle.
    const left = first.nodes.filter((node) => node.opType === 'Transpose');
    const shuffles = graph.nodes.filter(
      (node) =>
        node.opType === 'Transpose' &&
        node.attributes['perm']?.kind === 'ints' &&
        node.attributes['perm'].value.length === 5,
    );
    if (ones(graph, size).unknown.length === 0) expect(left.length).toBeLessThanOrEqual(1 + shuffles.length);
  });

  it('a usual classifier: no Transpose is left, layers have channels', async () => {
    const net = new LastNet(3, [32, 24, 3]);
    let x = net.conv(net.picture, 6);
    x = net.add('Relu', [net.add('Add', [x.name, net.constant(6)], x.shape).name], x.shape);
    x = net.pool(x);
    x = net.add('Relu', [net.conv(x, 8).name], [1, 16, 12, 8]);
    const mean = net.builder.add('ReduceMean', [x.name], { axes: [1, 2], keepdims: 0 });
    const out = net.builder.add('Gemm', [mean, net.constant(8, 10)], {}, 'out');
    const network = await openNetwork(net.builder.build([{ name: out, type: 'float32', shape: null }]));
    expect(network.input).toMatchObject({ channels: 3, size: [32, 24] });
    expect(network.graph.nodes.map((node) => node.opType)).not.toContain('Transpose');
    expect(network.layers.filter((layer) => layer.scanned).map(({ units, map }) => [units, ...map])).toEqual([
      [6, 32, 24],
      [8, 16, 12],
      [10, 1, 1],
    ]);
    expect(network.layers.every((layer) => layer.refused === null)).toBe(true);
    expect(network.layers[1]!.nodes).toContain('MaxPool');
    expect(network.notes.join()).toMatch(/channels last/);
  });

  it('a block as PyTorch writes it (channels last for its layer norm and dense layers) has no Transpose left', async () => {
    const net = new Net([3, 12, 12], 5);
    const x = net.conv(net.picture, 3, 8, 3, { pads: [1, 1, 1, 1] });
    const deep = net.conv(x, 8, 8, 3, { pads: [1, 1, 1, 1], group: 8 });
    const last = net.add('Transpose', [deep], { perm: [0, 2, 3, 1] });
    const norm = net.add('LayerNormalization', [last, net.weights([8]), net.weights([8])], { axis: -1 });
    const wide = net.add('Add', [net.add('MatMul', [norm, net.weights([8, 16])]), net.weights([16])]);
    const narrow = net.add('Add', [net.add('MatMul', [net.relu(wide), net.weights([16, 8])]), net.weights([8])]);
    const scaled = net.add('Mul', [narrow, net.weights([8])]);
    const back = net.add('Transpose', [scaled], { perm: [0, 3, 1, 2] });
    const out = net.relu(net.add('Add', [x, back]));
    const graph = net.graph(out);
    const data = net.pictures(2);
    const network = await openNetwork(graph);
    expect(network.graph.nodes.map((node) => node.opType)).not.toContain('Transpose');
    const [before, after] = await Promise.all(
      [graph, network.graph].map((each) => run(each, { picture: { dims: [2, 3, 12, 12], data } })),
    );
    expect(relativeDifference(before![out]!.data as Float32Array, after![out]!.data as Float32Array)).toBeLessThan(
      1e-5,
    );
    const wideLayer = network.layers.find((layer) => layer.units === 16)!;
    expect(wideLayer).toMatchObject({ kind: 'conv', map: [12, 12] });
  });

  it('a graph without Transposes is left as it is', () => {
    const net = new Net([3, 8, 8]);
    const graph = net.graph(net.relu(net.conv(net.picture, 3, 4, 3)));
    expect(seeThroughLayout(graph, ones(graph, [3, 8, 8]))).toBe(graph);
  });
});

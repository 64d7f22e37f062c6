import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../../main/core/graph/graph';
import { float32, toFloat32, type Tensor } from '../../../main/core/graph/tensor';
import { fromTensor } from '../../../main/core/ops/nd';
import { openNetwork } from '../../../main/core/program/network';
import { createOrtRuntime } from '../../../main/core/runtime/ort';
import { runReference } from '../../../main/core/runtime/reference';
import { Net } from '../support';

const runtime = createOrtRuntime(ort as never, { threads: 1 });

async function run(graph: Graph, picture: Tensor): Promise<Tensor> {
  const program = await runtime.compile(graph);
  const results = await program.run({ picture });
  await program.dispose();
  return results[graph.outputs[0]!.name]!;
}

class QuantisedNet extends Net {
  scale = (...values: number[]): string =>
    this.builder.constant(float32(values.length === 1 ? [] : [values.length], values), 'scale');
  zero = (type: 'uint8' | 'int8', ...values: number[]): string => {
    const data = type === 'uint8' ? Uint8Array.from(values) : Int8Array.from(values);
    return this.builder.constant({ type, dims: values.length === 1 ? [] : [values.length], data }, 'zero');
  };
  /** Seven bits: with eight, ONNX Runtime's sums of two products overflow on processors without VNNI. */
  bytes(...dims: number[]): string {
    const data = Int8Array.from({ length: dims.reduce((a, b) => a * b) }, () => this.next() * 127 - 63);
    return this.builder.constant({ type: 'int8', dims, data }, 'w');
  }
  /** To steps and back, as quantisers put it between operators. */
  steps(x: string, scale: number, zero: number): string {
    const ends = [this.scale(scale), this.zero('uint8', zero)];
    return this.add('DequantizeLinear', [this.add('QuantizeLinear', [x, ...ends]), ...ends]);
  }
}

/** Filters per channel, a bias in steps, activations in steps. */
function qdq(): Graph {
  const net = new QuantisedNet([3, 8, 8], 7);
  const x = net.steps(net.picture, 2 / 255, 128);
  const scales = [0.004, 0.01, 0.002, 0.006];
  const weights = net.add(
    'DequantizeLinear',
    [net.bytes(4, 3, 3, 3), net.scale(...scales), net.zero('int8', 0, 0, 0, 0)],
    { axis: 0 },
  );
  const steps = net.scale(...scales.map((scale) => (scale * 2) / 255));
  const whole: Tensor = { type: 'int32', dims: [4], data: Int32Array.of(900, -300, 1200, 40) };
  const bias = net.add('DequantizeLinear', [net.builder.constant(whole, 'bias'), steps], { axis: 0 });
  const conv = net.steps(net.relu(net.add('Conv', [x, weights, bias], { kernel_shape: [3, 3] })), 0.05, 0);
  return net.graph(net.steps(net.add('MaxPool', [conv], { kernel_shape: [2, 2], strides: [2, 2] }), 0.05, 0));
}

/** The same kind of network by operators on quantised values. */
function operators(): Graph {
  const net = new QuantisedNet([3, 8, 8], 9);
  const input = [net.scale(2 / 255), net.zero('uint8', 128)];
  const middle = [net.scale(0.05), net.zero('uint8', 10)];
  const sum = [net.scale(0.07), net.zero('uint8', 20)];
  const filters = [net.bytes(4, 3, 3, 3), net.scale(0.004, 0.01, 0.002, 0.006), net.zero('int8', 0, 0, 0, 0)];
  const bias = net.builder.constant({ type: 'int32', dims: [4], data: Int32Array.of(900, -300, 1200, 40) }, 'bias');
  const x = net.add('QuantizeLinear', [net.picture, ...input]);
  const conv = net.add('QLinearConv', [x, ...input, ...filters, ...middle, bias], { kernel_shape: [3, 3] });
  const pool = net.add('MaxPool', [conv], { kernel_shape: [2, 2], strides: [2, 2] });
  const added = net.builder.addNode({
    opType: 'QLinearAdd',
    domain: 'com.microsoft',
    inputs: [pool, ...middle, pool, ...middle, ...sum],
    outputs: ['added'],
    attributes: {},
  }).outputs[0]!;
  const flat = net.add('Flatten', [added]);
  const dense = [net.bytes(36, 40), net.scale(0.003), net.zero('int8', 0)];
  const out = net.add('QLinearMatMul', [flat, ...sum, ...dense, ...middle]);
  const graph = net.graph(net.add('DequantizeLinear', [out, ...middle]));
  return { ...graph, opsets: new Map([...graph.opsets, ['com.microsoft', 1]]) };
}

describe('quantised networks', () => {
  it.each([
    ['between operators', qdq(), 0.05],
    ['in operators', operators(), 0.05],
  ])('quantised %s: float filters, the same results but for a step', async (_, graph, step) => {
    const network = await openNetwork(graph);
    const layer = network.layers[0]!;
    expect(layer).toMatchObject({ kind: 'conv', units: 4, refused: null });
    expect(network.notes.join()).toMatch(/quantised/);
    const conv = network.graph.nodes.find((node) => node.opType === 'Conv')!;
    expect(network.graph.initializers.get(conv.inputs[1]!)!.type).toBe('float32');
    expect(network.graph.nodes.some((node) => node.opType.startsWith('QLinear'))).toBe(false);
    const data = new Net([3, 8, 8], 3).pictures(1);
    const picture = float32([1, 3, 8, 8], data);
    const [before, after] = await Promise.all([run(graph, picture), run(network.graph, picture)]);
    expect(after.dims).toEqual(before.dims);
    // A value in the middle between two steps may fall either way.
    const steps = Array.from(toFloat32(before), (value, i) => Math.abs(value - toFloat32(after)[i]!) / step);
    expect(Math.max(...steps)).toBeLessThan(1.01);
    expect(steps.filter((difference) => difference > 0.5).length).toBeLessThan(1 + steps.length / 20);
  });

  it('a ReLU that steps from zero stand for is there again; none where values below zero are kept', async () => {
    const make = async (zero: number) => {
      const net = new QuantisedNet([3, 8, 8], 4);
      const graph = net.graph(net.conv(net.steps(net.conv(net.picture, 3, 4, 3), 0.05, zero), 4, 5, 3));
      return (await openNetwork(graph)).layers[0]!;
    };
    expect((await make(0)).nodes).toEqual(['Conv', 'Relu']);
    expect((await make(100)).nodes).toEqual(['Conv']);
  });

  it('the reference quantises as ONNX Runtime does: halves to even, ends held', async () => {
    const net = new QuantisedNet([1, 16, 16], 7);
    const graph = net.graph(net.steps(net.picture, 0.5, 3));
    const picture = float32(
      [1, 1, 16, 16],
      Array.from({ length: 256 }, (_, i) => (i - 100) * 0.75),
    );
    const expected = await run(graph, picture);
    const [found] = runReference(graph, new Map([['picture', fromTensor(picture)]])).values();
    expect(Array.from(found!.data)).toEqual(Array.from(toFloat32(expected)));
  });

  it('what it does not rewrite stays, and is refused by name', async () => {
    const net = new QuantisedNet([3, 8, 8], 2);
    const x = net.relu(net.conv(net.picture, 3, 4, 3));
    const ends = [net.scale(0.05), net.zero('uint8', 0)];
    const whole = net.add('ConvInteger', [net.add('QuantizeLinear', [x, ...ends]), net.bytes(4, 4, 3, 3), ends[1]!]);
    const graph = net.graph(net.conv(net.add('Cast', [whole], { to: 1 }), 4, 5, 1));
    const network = await openNetwork(graph, { runtime });
    expect(network.layers.at(-1)!.refused).toMatch(/ConvInteger/);
    expect(network.notes.join()).toMatch(/ConvInteger/);
    expect(network.layers[0]!.refused).toBeNull();
  });
});

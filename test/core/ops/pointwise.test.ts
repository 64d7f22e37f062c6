import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import type { MethodChoice } from '../../../preload/contract';
import { analyse } from '../../../main/core/graph/analyse';
import { Builder } from '../../../main/core/graph/builder';
import { methodOf } from '../../../main/core/methods/index';
import { fromTensor, nd, toTensor, type Nd } from '../../../main/core/ops/nd';
import { walkBack } from '../../../main/core/program/walk';
import { createOrtRuntime, type Ort } from '../../../main/core/runtime/ort';
import { runReference } from '../../../main/core/runtime/reference';
import { Net, random, randomTensor, relativeDifference } from '../support';

/**
 * Activations, products and normalisations: the reference against ONNX Runtime, the gradient against differences of the
 * float64 reference, and what the deconvnet sends back.
 */
const runtime = createOrtRuntime(ort as unknown as Ort, { threads: 1 });
const shape = [1, 4, 3, 5] as const;
type Make = (net: Net) => string;

/** The forward pass and the walk back in one graph. */
function program(make: Make, choice: MethodChoice) {
  const net = new Net([4, 3, 5], 5);
  const tap = make(net);
  const graph = net.graph(tap);
  const analysis = analyse(graph, new Map([[net.picture, shape]]));
  const builder = new Builder(graph);
  const dims = analysis.shape(tap)!;
  const seed = builder.input({ name: 'seed', type: 'float32', shape: dims });
  const signal = walkBack(builder, analysis, methodOf(choice), { tap, seed, picture: net.picture });
  const outputs = [tap, signal].map((name) => ({ name, type: 'float32' as const, shape: null }));
  return { both: builder.build(outputs), forward: graph, picture: net.picture, tap, seed, signal, dims };
}

const gradient: MethodChoice = { id: 'gradient', leaky: 'strict', smooth: 'rectify' };
const deconvnet: MethodChoice = { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' };
const pictureOf = (low: number, high: number): Nd => {
  const next = random(17);
  return nd(
    shape,
    Float64Array.from({ length: 60 }, () => Math.fround(low + (high - low) * next())),
  );
};
const seedOf = (dims: readonly number[], from = 23): Nd => fromTensor(randomTensor(dims, random(from)));

const alpha = (value: number) => ({ alpha: { float: value } });
const one =
  (opType: string, plain: Parameters<Net['add']>[2] = {}): Make =>
  (net) =>
    net.add(opType, [net.picture], plain);
const withConstant =
  (opType: string, dims: readonly number[], values: number[], first = false): Make =>
  (net) => {
    const constant = net.builder.constant({ type: 'float32', dims, data: Float32Array.from(values) }, 'c');
    return net.add(opType, first ? [constant, net.picture] : [net.picture, constant]);
  };

const smooth: Record<string, Make> = {
  Sigmoid: one('Sigmoid'),
  Tanh: one('Tanh'),
  Exp: one('Exp'),
  Abs: one('Abs'),
  Erf: one('Erf'),
  Softplus: one('Softplus'),
  Softsign: one('Softsign'),
  Elu: one('Elu', alpha(0.7)),
  Selu: one('Selu'),
  Celu: one('Celu', alpha(1.5)),
  HardSigmoid: one('HardSigmoid', { ...alpha(0.3), beta: { float: 0.4 } }),
  HardSwish: one('HardSwish'),
  Swish: one('Swish'),
  'Swish, alpha 1.702': one('Swish', alpha(1.702)),
  Gelu: one('Gelu'),
  'Gelu by tanh': one('Gelu', { approximate: 'tanh' }),
  Mish: one('Mish'),
  'Shrink, soft': one('Shrink', { lambd: { float: 0.3 }, bias: { float: 0.3 } }),
  'Shrink, hard': one('Shrink', { lambd: { float: 0.3 }, bias: { float: 0 } }),
  'Pow 3': withConstant('Pow', [], [3]),
};
const positive: Record<string, Make> = {
  Log: one('Log'),
  Sqrt: one('Sqrt'),
  Reciprocal: one('Reciprocal'),
  'Pow -0.5': withConstant('Pow', [], [-0.5]),
  'Div of a constant': withConstant('Div', [], [2], true),
};
const rectifiers: Record<string, Make> = {
  Relu: one('Relu'),
  LeakyRelu: one('LeakyRelu', alpha(0.2)),
  PRelu: withConstant('PRelu', [4, 1, 1], [0.25, -0.5, 0.1, 2]),
  ThresholdedRelu: one('ThresholdedRelu', alpha(0.5)),
  Max: withConstant('Max', [4, 1, 1], [0.25, -0.5, 0, 2], true),
  Min: withConstant('Min', [], [0.5]),
};
const affine = (net: Net, dims: readonly number[]): string[] => [net.weights(dims), net.weights(dims)];
const norms: Record<string, Make> = {
  LRN: one('LRN', { size: 3, alpha: { float: 0.9 }, beta: { float: 0.6 }, bias: { float: 1.5 } }),
  'LRN, even': one('LRN', { size: 2, alpha: { float: 0.9 } }),
  InstanceNormalization: (net) =>
    net.add('InstanceNormalization', [net.picture, ...affine(net, [4])], { epsilon: { float: 0.01 } }),
  'LayerNormalization, axis 1': (net) =>
    net.add('LayerNormalization', [net.picture, ...affine(net, [4, 3, 5])], { axis: 1 }),
  'LayerNormalization, last axis, no bias': (net) => net.add('LayerNormalization', [net.picture, net.weights([5])]),
  'GroupNormalization by channel': (net) =>
    net.add('GroupNormalization', [net.picture, ...affine(net, [4])], { num_groups: 2 }),
  'GroupNormalization by group': (net) =>
    net.add('GroupNormalization', [net.picture, ...affine(net, [2])], { num_groups: 2 }),
  MeanVarianceNormalization: one('MeanVarianceNormalization', { axes: [2, 3] }),
  'LpNormalization, p 2': one('LpNormalization', { axis: 1 }),
  'LpNormalization, p 1': one('LpNormalization', { axis: -1, p: 1 }),
  RMSNormalization: (net) => net.add('RMSNormalization', [net.picture, net.weights([3, 5])], { axis: 2 }),
  ChannelNormalization: (net) =>
    net.builder.addNode({
      opType: 'ChannelNormalization',
      domain: 'unpool',
      inputs: [net.picture, ...affine(net, [4])],
      outputs: ['y'],
      attributes: { epsilon: { kind: 'float', value: 0.01 } },
    }).outputs[0]!,
};
const products: Record<string, Make> = {
  'squeeze and excitation': (net) =>
    net.add('Mul', [net.add('Sigmoid', [net.conv(net.add('GlobalAveragePool', [net.picture]), 4, 4, 1)]), net.picture]),
  'gate of the same size': (net) =>
    net.add('Mul', [net.conv(net.picture, 4, 4, 1), net.add('Sigmoid', [net.conv(net.picture, 4, 4, 1)])]),
  square: (net) => net.add('Mul', [net.picture, net.picture]),
  quotient: (net) => net.add('Div', [net.conv(net.picture, 4, 4, 1), net.add('Exp', [net.picture])]),
  maxout: (net) => net.add('Max', [net.picture, net.conv(net.picture, 4, 4, 1), net.conv(net.picture, 4, 4, 1)]),
};

const all = { ...smooth, ...rectifiers, ...norms, ...products, ...positive };

describe.each(Object.entries(all))('%s', (name, make) => {
  const picture = name in positive ? pictureOf(0.3, 3) : pictureOf(-4, 4);

  it('ONNX Runtime computes what the reference computes, forward and back', async () => {
    const { both, picture: x, seed, dims } = program(make, gradient);
    const feeds = new Map([
      [x, picture],
      [seed, seedOf(dims)],
    ]);
    const compiled = await runtime.compile(both);
    const results = await compiled.run(Object.fromEntries([...feeds].map(([key, value]) => [key, toTensor(value)])));
    await compiled.dispose();
    for (const [key, expected] of runReference(both, feeds))
      expect(relativeDifference(expected.data, results[key]!.data as Float32Array), key).toBeLessThan(2e-5);
  });

  it('the gradient is the derivative of the forward pass', () => {
    const { both, forward, picture: x, seed, signal, tap, dims } = program(make, gradient);
    const seeded = seedOf(dims);
    const feeds = (values: Nd) =>
      new Map([
        [x, values],
        [seed, seeded],
      ]);
    const slope = runReference(both, feeds(picture)).get(signal)!;
    const total = (values: Nd): number =>
      runReference(forward, new Map([[x, values]]))
        .get(tap)!
        .data.reduce((sum, v, i) => sum + v * seeded.data[i]!, 0);
    const step = 1e-5;
    const expected = picture.data.map((_, at) => {
      const moved = (by: number) =>
        nd(
          shape,
          picture.data.map((value, i) => (i === at ? value + by : value)),
        );
      return (total(moved(step)) - total(moved(-step))) / (2 * step);
    });
    // Constants such as 1/6 are float32.
    expect(relativeDifference(expected, slope.data)).toBeLessThan(1e-6);
  });
});

describe('a saturated unit has the derivative that it has, in single precision too', () => {
  // sech^2 and its like in float64, from the value itself: no 1 - y, of which nothing is left.
  const slopes: Record<string, (x: number) => number> = {
    Sigmoid: (x) => 1 / (2 + 2 * Math.cosh(x)),
    Tanh: (x) => 1 / Math.cosh(x) ** 2,
  };
  it.each(Object.entries(slopes))('%s', async (name, slope) => {
    const { both, picture: x, seed, signal } = program(smooth[name]!, gradient);
    const picture = pictureOf(-8, 8);
    const compiled = await runtime.compile(both);
    const ones = nd(shape, new Float64Array(60).fill(1));
    const results = await compiled.run({ [x]: toTensor(picture), [seed]: toTensor(ones) });
    await compiled.dispose();
    const ratios = Array.from(results[signal]!.data as Float32Array, (value, i) => value / slope(picture.data[i]!));
    expect(Math.max(...ratios.map((ratio) => Math.abs(ratio - 1)))).toBeLessThan(3e-6);
  });
});

describe('deconvnet', () => {
  const back = (make: Make, choice: MethodChoice = deconvnet, from?: number) => {
    const { both, picture: x, seed, signal, tap, dims } = program(make, choice);
    const seeded = seedOf(dims, from);
    const results = runReference(
      both,
      new Map([
        [x, pictureOf(0.3, 3)],
        [seed, seeded],
      ]),
    );
    return { signal: results.get(signal)!, seed: seeded, out: results.get(tap)! };
  };

  it.each(Object.entries({ ...smooth, ...positive, ...rectifiers }))('%s: the signal is rectified', (_name, make) => {
    const { signal, seed } = back(make);
    expect([...signal.data]).toEqual([...seed.data.map((value) => Math.max(value, 0))]);
  });

  it('a smooth activation by its derivative, where that was chosen', () => {
    const chosen = back(smooth['Gelu']!, { ...deconvnet, smooth: 'derivative' }).signal;
    expect([...chosen.data]).toEqual([...back(smooth['Gelu']!, gradient).signal.data]);
  });

  it('PRelu by its own function, where that was chosen', () => {
    const { signal, seed } = back(rectifiers['PRelu']!, { ...deconvnet, leaky: 'own' });
    const slopes = [0.25, -0.5, 0.1, 2].map(Math.fround);
    const own = seed.data.map((value, i) => (value < 0 ? slopes[Math.floor(i / 15)]! * value : value));
    expect([...signal.data]).toEqual([...own]);
  });

  it('an LRN passes the signal straight through', () => {
    const { signal, seed } = back(norms['LRN']!);
    expect([...signal.data]).toEqual([...seed.data]);
  });

  it.each(Object.entries(norms).filter(([name]) => !name.startsWith('LRN')))(
    '%s: its statistics are held, so that every value goes back to its own place times a factor',
    (_name, make) => {
      const factors = [23, 24].map((from) => {
        const { signal, seed } = back(make, deconvnet, from);
        return signal.data.map((value, i) => value / seed.data[i]!);
      });
      expect(relativeDifference(factors[0]!, factors[1]!)).toBeLessThan(1e-12);
      expect(relativeDifference(back(make).signal.data, back(make, gradient).signal.data)).toBeGreaterThan(1e-3);
    },
  );

  it('layer norm, by hand: scale over standard deviation', () => {
    const { signal, seed } = back((net) => {
      const scale = net.builder.constant({ type: 'float32', dims: [5], data: Float32Array.of(1, 2, -3, 4, 0.5) }, 's');
      return net.add('LayerNormalization', [net.picture, scale]);
    });
    const row = pictureOf(0.3, 3).data.subarray(0, 5);
    const mean = row.reduce((sum, value) => sum + value, 0) / 5;
    const std = Math.sqrt(row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 5 + Math.fround(1e-5));
    [1, 2, -3, 4, 0.5].forEach((scale, i) => expect(signal.data[i]).toBeCloseTo((seed.data[i]! * scale) / std, 9));
  });

  it('the gate of a squeeze and excitation is held, the smaller factor being the gate', () => {
    const { signal, seed, out } = back(products['squeeze and excitation']!);
    const picture = pictureOf(0.3, 3);
    const held = seed.data.map((value, i) => (Math.max(value, 0) * out.data[i]!) / picture.data[i]!);
    expect(relativeDifference(held, signal.data)).toBeLessThan(1e-12);
  });

  it('of two factors of one size the sigmoid is the gate, whatever their order and what lies between', () => {
    const gated =
      (swapped: boolean): Make =>
      (net) => {
        const sigmoid = net.add('Sigmoid', [net.conv(net.picture, 4, 4, 1)]);
        const shaped = net.add('Mul', [sigmoid, net.builder.scalar(2)]);
        return net.add('Mul', swapped ? [shaped, net.picture] : [net.picture, shaped]);
      };
    const { signal, seed, out } = back(gated(true));
    expect([...signal.data]).toEqual([...back(gated(false)).signal.data]);
    const picture = pictureOf(0.3, 3);
    const held = seed.data.map((value, i) => (Math.max(value, 0) * out.data[i]!) / picture.data[i]!);
    expect(relativeDifference(held, signal.data)).toBeLessThan(1e-12);
  });
});

import { describe, expect, it } from 'vitest';
import type { MethodChoice } from '../../preload/contract';
import { analyse } from '../../main/core/graph/analyse';
import { Builder } from '../../main/core/graph/builder';
import { float32 } from '../../main/core/graph/tensor';
import { deconvnet } from '../../main/core/methods/deconvnet';
import { gradient } from '../../main/core/methods/gradient';
import type { Method } from '../../main/core/methods/method';
import { fromTensor, nd, type Nd } from '../../main/core/ops/nd';
import { openNetwork } from '../../main/core/program/network';
import { buildDeconvnet, feedsFor } from '../../main/core/program/deconvnet';
import { RefusedError, walkBack } from '../../main/core/program/walk';
import { runReference } from '../../main/core/runtime/reference';
import { Net, random, randomTensor, relativeDifference } from './support';

/** Runs a walk back from `tap` with this seed and this picture. */
function back(net: Net, tap: string, shape: readonly number[], method: Method, picture: Nd, seed: Nd): Nd {
  const graph = net.graph(tap);
  const analysis = analyse(graph, new Map([[net.picture, shape]]));
  const builder = new Builder(graph);
  const name = builder.input({ name: 'seed', type: 'float32', shape: seed.dims });
  const signal = walkBack(builder, analysis, method, { tap, seed: name, picture: net.picture });
  const whole = builder.build([{ name: signal, type: 'float32', shape: null }]);
  return runReference(
    whole,
    new Map([
      [net.picture, picture],
      [name, seed],
    ]),
  ).get(signal)!;
}

const row = (...values: number[]): Nd => nd([1, 1, 1, values.length], Float64Array.from(values));

describe('hand-checkable', () => {
  it('overlapping windows that chose one place add', () => {
    const net = new Net([1, 1, 8]);
    const tap = net.add('MaxPool', [net.picture], { kernel_shape: [1, 4], strides: [1, 2] });
    const result = back(
      net,
      tap,
      [1, 1, 1, 8],
      deconvnet({ leaky: 'strict', smooth: 'rectify' }),
      row(0, 0, 9, 0, 0, 0, 1, 0),
      row(1, 1, 1),
    );
    expect([...result.data]).toEqual([0, 0, 2, 0, 0, 0, 1, 0]);
  });

  it('ties go to the first place in row-major order', () => {
    const net = new Net([1, 2, 4]);
    const tap = net.add('MaxPool', [net.picture], { kernel_shape: [2, 2], strides: [2, 2] });
    const picture = nd([1, 1, 2, 4], Float64Array.from([0, 0, 3, 5, 0, 0, 5, 5]));
    const result = back(
      net,
      tap,
      [1, 1, 2, 4],
      deconvnet({ leaky: 'strict', smooth: 'rectify' }),
      picture,
      nd([1, 1, 1, 2], Float64Array.from([7, 9])),
    );
    expect([...result.data]).toEqual([7, 0, 0, 9, 0, 0, 0, 0]);
  });

  it('the three methods at one ReLU', () => {
    const net = new Net([1, 1, 4]);
    const tap = net.relu(net.picture);
    const run = (method: Method) =>
      [...back(net, tap, [1, 1, 1, 4], method, row(1, -1, 1, -1), row(2, 2, -2, -2)).data].map((value) => value + 0);
    expect(run(deconvnet({ leaky: 'strict', smooth: 'rectify' }))).toEqual([2, 2, 0, 0]);
    expect(run(gradient())).toEqual([2, 0, -2, 0]);
  });

  it('a leaky rectifier: strict, its own function, the derivative', () => {
    const net = new Net([1, 1, 4]);
    const tap = net.add('LeakyRelu', [net.picture], { alpha: { float: 0.5 } });
    const run = (method: Method) =>
      [...back(net, tap, [1, 1, 1, 4], method, row(1, -1, 1, -1), row(2, 2, -2, -2)).data].map((value) => value + 0);
    expect(run(deconvnet({ leaky: 'strict', smooth: 'rectify' }))).toEqual([2, 2, 0, 0]);
    expect(run(deconvnet({ leaky: 'own', smooth: 'rectify' }))).toEqual([2, 2, -1, -1]);
    expect(run(gradient())).toEqual([2, 1, -2, -1]);
  });

  it('no bias on the way back, and the filters are flipped once', () => {
    const net = new Net([1, 1, 5]);
    const filters = net.builder.constant(float32([1, 1, 1, 3], [1, 2, 3]), 'filters');
    const bias = net.builder.constant(float32([1], [100]), 'bias');
    const tap = net.add('Conv', [net.picture, filters, bias], { kernel_shape: [1, 3], pads: [0, 1, 0, 1] });
    const result = back(
      net,
      tap,
      [1, 1, 1, 5],
      deconvnet({ leaky: 'strict', smooth: 'rectify' }),
      row(0, 0, 0, 0, 0),
      row(0, 0, 1, 0, 0),
    );
    // Output 2 read places 1, 2, 3 with the filter 1, 2, 3.
    expect([...result.data]).toEqual([0, 1, 2, 3, 0]);
  });
});

function smallNet(open = false): { net: Net; tap: string; shape: [number, number, number] } {
  const shape: [number, number, number] = [2, 12, 12];
  const net = new Net(shape, 3);
  // Lifted far above zero, every ReLU is open.
  const relu = (x: string) => net.relu(open ? net.add('Add', [x, net.builder.scalar(50)]) : x);
  let x = relu(net.conv(net.picture, 2, 4, 3, { pads: [1, 1, 1, 1] }));
  x = net.add('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2] });
  return { net, tap: relu(net.conv(x, 4, 5, 3, { pads: [1, 1, 1, 1] })), shape };
}

/** One-hot at the strongest unit of the tap. */
function strongest(net: Net, tap: string, picture: Nd): { seed: Nd; at: number } {
  const maps = runReference(net.graph(tap), new Map([[net.picture, picture]])).get(tap)!;
  const at = maps.data.indexOf(Math.max(...maps.data));
  const seed = nd(maps.dims);
  seed.data[at] = 1.25;
  return { seed, at };
}

describe('properties', () => {
  it('scaling the seed scales the output, for every method', () => {
    const { net, tap, shape } = smallNet();
    const next = random(5);
    const picture = fromTensor(randomTensor([1, ...shape], next));
    const { seed } = strongest(net, tap, picture);
    for (const method of [deconvnet({ leaky: 'strict', smooth: 'rectify' }), gradient()]) {
      const one = back(net, tap, [1, ...shape], method, picture, seed);
      const three = back(
        net,
        tap,
        [1, ...shape],
        method,
        picture,
        nd(
          seed.dims,
          seed.data.map((value) => 3 * value),
        ),
      );
      expect(
        relativeDifference(
          one.data.map((value) => 3 * value),
          three.data,
        ),
      ).toBeLessThan(1e-12);
      expect(Math.max(...one.data)).toBeGreaterThan(0);
    }
  });

  it('with the ReLU rule off, a deconvnet is the gradient of the network with its ReLUs open', () => {
    const { net, tap, shape } = smallNet(true);
    const picture = fromTensor(randomTensor([1, ...shape], random(6)));
    const strict = deconvnet({ leaky: 'strict', smooth: 'rectify' });
    const off: Method = {
      ...strict,
      rules: { ...strict.rules, rectifier: { text: '', apply: (_op, { signal }) => [signal] } },
    };
    const { seed } = strongest(net, tap, picture);
    const walked = back(net, tap, [1, ...shape], off, picture, seed);
    expect(relativeDifference(back(net, tap, [1, ...shape], gradient(), picture, seed).data, walked.data)).toBe(0);
    // With the rule on it is not: the filters have both signs.
    expect(relativeDifference(back(net, tap, [1, ...shape], strict, picture, seed).data, walked.data)).toBeGreaterThan(
      0.1,
    );
  });

  it('the gradient is the slope of the unit, by finite differences', () => {
    const { net, tap, shape } = smallNet();
    const next = random(8);
    const picture = fromTensor(randomTensor([1, ...shape], next));
    const graph = net.graph(tap);
    const { seed, at: unit } = strongest(net, tap, picture);
    seed.data[unit] = 1;
    const unitAt = (at: Nd): number => runReference(graph, new Map([[net.picture, at]])).get(tap)!.data[unit]!;
    expect(unitAt(picture)).toBeGreaterThan(0);
    const slope = back(net, tap, [1, ...shape], gradient(), picture, seed);
    const step = 1e-6;
    for (let i = 0; i < 60; i++) {
      const at = Math.floor(next() * picture.data.length);
      const moved = (by: number): Nd =>
        nd(
          picture.dims,
          picture.data.map((value, j) => (j === at ? value + by : value)),
        );
      expect((unitAt(moved(step)) - unitAt(moved(-step))) / (2 * step)).toBeCloseTo(slope.data[at]!, 5);
    }
  });
});

describe('a missing rule', () => {
  const choice: MethodChoice = { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' };

  it('names node, op, method and reason', async () => {
    const net = new Net([2, 6, 6]);
    const gate = net.add('Softmax', [net.conv(net.picture, 2, 3, 3)], { axis: 1 }, 'gate');
    const network = await openNetwork(net.graph(net.relu(net.conv(gate, 3, 4, 1, {}, true, 'late'))));
    const layer = network.layers.at(-1)!;
    expect(layer.refused).toMatch(/Softmax "gate:Softmax" .* deconvnet: the deconvnet has no rule/);
    expect(network.layers[0]!.refused).toBeNull();
    const attempt = () => buildDeconvnet(network, layer, choice, false);
    expect(attempt).toThrow(RefusedError);
    expect(attempt).toThrow(/Softmax/);
  });

  it('also for an op that this program does not know, whose shape the file gives', async () => {
    const net = new Net([2, 6, 6]);
    const odd = net.add('Mystery', [net.conv(net.picture, 2, 3, 3)], {}, 'odd');
    const graph = net.graph(net.relu(net.conv(odd, 3, 4, 1)));
    const probe = {
      name: 'probe',
      threads: 1,
      compile: () =>
        Promise.resolve({
          run: () => Promise.resolve({ odd: float32([1, 3, 4, 4]) }),
          dispose: () => Promise.resolve(),
        }),
    };
    const network = await openNetwork(graph, { runtime: probe });
    expect(network.layers.at(-1)!.refused).toMatch(/Mystery "odd:Mystery".*does not know the op/);
    expect(network.notes.join()).toMatch(/run forward only: Mystery/);
  });
});

describe('the seed', () => {
  it('is the unit at its place with its activation; a whole channel or another place gives other pictures', async () => {
    const { net, tap, shape } = smallNet();
    const network = await openNetwork(net.graph(tap));
    const layer = network.layers.at(-1)!;
    const picture = Float32Array.from(randomTensor(shape, random(11)).data as Float32Array);
    const built = buildDeconvnet(
      network,
      layer,
      { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' },
      false,
      'picture',
    );
    const run = (unit: number, y: number, x: number) => {
      const feeds = feedsFor(network, built, layer.units, layer.map, [{ picture, unit, y, x }]);
      return runReference(
        built.graph,
        new Map(Object.entries(feeds).map(([key, tensor]) => [key, fromTensor(tensor)])),
      );
    };
    const maps = runReference(
      net.graph(tap),
      new Map([[net.picture, nd([1, ...shape], Float64Array.from(picture))]]),
    ).get(tap)!;
    for (const [unit, y, x] of [
      [0, 0, 0],
      [2, 3, 1],
      [4, 4, 4],
    ] as const)
      expect(run(unit, y, x).get('activation')!.data[0]).toBeCloseTo(maps.data[(unit * 5 + y) * 5 + x]!, 12);
  });
});

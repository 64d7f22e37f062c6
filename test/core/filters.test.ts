import { describe, expect, it } from 'vitest';
import { float32 } from '../../main/core/graph/tensor';
import { nd } from '../../main/core/ops/nd';
import { cosinesTo, deadFilters, filterBank, filterNorms, nearestFilters } from '../../main/core/program/filters';
import { openNetwork } from '../../main/core/program/network';
import { runReference } from '../../main/core/runtime/reference';
import { Net, randomTensor } from './support';

const bank = (weights: number[], units: number) => ({
  ...{ op: 'Conv', units, inputs: 1, kernel: [1, weights.length / units] as [number, number], groups: 1, first: true },
  weights: Float32Array.from(weights),
});
function nearest(each: ReturnType<typeof bank>) {
  const steps = nearestFilters(each, filterNorms(each));
  const seen: number[] = [];
  for (;;) {
    const { done, value } = steps.next();
    if (done) return { seen, found: value };
    seen.push(value);
  }
}

describe('the filters of a layer', () => {
  it('are those that answer to an impulse: convolutions, grouped ones, transposed ones, dense layers', async () => {
    const cases: [string, (net: Net) => string][] = [
      ['Conv', (net) => net.conv(net.picture, 4, 6, [3, 2], { group: 2, pads: [2, 1, 2, 1] })],
      [
        'ConvTranspose',
        (net) => net.add('ConvTranspose', [net.picture, net.weights([4, 3, 3, 2])], { group: 2, kernel_shape: [3, 2] }),
      ],
    ];
    for (const [op, make] of cases) {
      const net = new Net([4, 7, 7], 5);
      const out = make(net);
      const graph = net.graph(net.relu(out));
      const network = await openNetwork(graph);
      const found = filterBank(network, network.layers[0]!);
      expect(found).toMatchObject({ op, units: 6, inputs: 2, kernel: [3, 2], groups: 2, first: true });
      const run = (input: number | null) => {
        const picture = nd([1, 4, 7, 7]);
        if (input !== null) picture.data[input * 49 + 3 * 7 + 3] = 1;
        return runReference(net.graph(out), new Map([[net.picture, picture]])).get(out)!;
      };
      const bias = run(null);
      for (let input = 0; input < 4; input++) {
        const answer = run(input);
        const [, , height, width] = answer.dims as [number, number, number, number];
        for (let unit = 0; unit < 6; unit++) {
          const map = Float64Array.from(
            { length: height * width },
            (_, i) => answer.data[unit * height * width + i]! - bias.data[unit * height * width + i]!,
          );
          const values = [...map].filter((value) => Math.abs(value) > 1e-9);
          if (op === 'Conv') values.reverse(); // a correlation answers with the filter turned round
          const own = Math.floor(unit / 3) === Math.floor(input / 2);
          const at = (unit * 2 + (input % 2)) * 6;
          const expected = own ? [...found.weights.subarray(at, at + 6)] : [];
          expect(values.length).toBe(expected.length);
          values.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 6));
        }
      }
    }
    for (const transB of [0, 1]) {
      const net = new Net([2, 3, 3], 5);
      const weights = randomTensor(transB ? [5, 18] : [18, 5], net.next);
      const flat = net.add('Flatten', [net.picture], { axis: 1 });
      const graph = net.graph(
        net.add('Gemm', [flat, net.builder.constant(weights, 'dense')], { transB, alpha: { float: 0.5 } }),
      );
      const network = await openNetwork(graph);
      const found = filterBank(
        network,
        network.layers.find(({ kind }) => kind === 'dense')!,
      );
      expect(found).toMatchObject({ units: 5, inputs: 18, kernel: [1, 1], first: false });
      for (let unit = 0; unit < 5; unit++)
        for (let input = 0; input < 18; input++)
          expect(found.weights[unit * 18 + input]).toBeCloseTo(
            0.5 * Number(weights.data[transB ? unit * 18 + input : input * 5 + unit]),
            6,
          );
    }
  });

  it('have their batch norm in them, and a join has none', async () => {
    const net = new Net([3, 6, 6], 2);
    const conv = net.conv(net.picture, 3, 2, 3, {}, false);
    const rest = [
      [2, -4],
      [0.3, 0],
      [0, 1],
      [1, 4],
    ].map((each) => net.builder.constant(float32([2], each), 'bn'));
    const normed = net.relu(net.add('BatchNormalization', [conv, ...rest], { epsilon: { float: 0 } }));
    const other = net.relu(net.conv(net.picture, 3, 2, 3));
    const network = await openNetwork(net.graph(net.add('Concat', [normed, other], { axis: 1 })));
    const stored = net.builder.initializers.get('w0')!.data as Float32Array;
    const found = filterBank(
      network,
      network.layers.find(({ after }) => after === normed)!,
    );
    // Scale by the standard deviation: 2 / 1 and -4 / 2.
    found.weights.forEach((value, i) => expect(value).toBeCloseTo(stored[i]! * (i < 27 ? 2 : -2), 6));
    const join = network.layers.find(({ kind }) => kind === 'join')!;
    expect(() => filterBank(network, join)).toThrow(/no filters of its own/);
  });

  it('are measured: norms, dead ones, the nearest other one', () => {
    const each = bank([3, 4, 0, 0, 6, 8, 4, -3], 4);
    const norms = filterNorms(each);
    expect([...norms]).toEqual([5, 0, 10, 5]);
    expect(deadFilters(norms)).toEqual([1]);
    const { seen, found } = nearest(each);
    expect(seen).toEqual([1, 2, 3, 4]);
    expect([...found!.unit]).toEqual([2, -1, 0, 0]);
    expect([...found!.cosine].map((value) => +value.toFixed(6))).toEqual([1, 0, 1, 0]);
  });

  it('are compared with those of another network, where their shapes are the same', () => {
    const one = bank([1, 0, 0, 1], 2);
    expect([...cosinesTo(one, bank([2, 0, 1, 0], 2))!]).toEqual([1, 0]);
    expect(cosinesTo(one, bank([1, 0, 0, 1, 1, 1], 3))).toBeNull();
  });
});

import { describe, expect, it } from 'vitest';
import type { MethodChoice } from '../../../preload/contract';
import { fromTensor } from '../../../main/core/ops/nd';
import { layerOfValue } from '../../../main/core/program/layers';
import { openNetwork } from '../../../main/core/program/network';
import { buildDeconvnet, feedsFor } from '../../../main/core/program/deconvnet';
import { runReference } from '../../../main/core/runtime/reference';
import { Net, relativeDifference } from '../support';

const gradient: MethodChoice = { id: 'gradient', leaky: 'strict', smooth: 'derivative' };
const pool = { kernel_shape: [2, 3], strides: [2, 2] };

/** Root-mean-square pooling as it may be written, from the value to pool. */
const spellings: Record<string, (net: Net, x: string) => string> = {
  'a product, a mean, a root': (net, x) =>
    net.add('Sqrt', [net.add('AveragePool', [net.add('Mul', [x, x])], pool)], {}, 'rms'),
  'powers, and a sum by a factor': (net, x) => {
    const mean = net.add('AveragePool', [net.add('Pow', [x, net.builder.scalar(2)])], {
      ...pool,
      count_include_pad: 1,
    });
    const size = net.add('Mul', [net.add('Sign', [mean]), net.add('Relu', [net.add('Abs', [mean])])]);
    const sum = net.add('Mul', [size, net.builder.scalar(6)]);
    return net.add('Pow', [sum, net.builder.scalar(0.5)], {}, 'rms');
  },
  'over the whole map': (net, x) =>
    net.add('Sqrt', [net.add('GlobalAveragePool', [net.add('Mul', [x, x])])], {}, 'rms'),
};

describe('root-mean-square pooling in pieces', () => {
  for (const [name, spell] of Object.entries(spellings))
    it(name, async () => {
      const net = new Net([2, 8, 9]);
      const value = spell(net, net.conv(net.picture, 2, 3, 3));
      const graph = net.graph(value);
      const network = await openNetwork(graph);
      const kinds = network.graph.nodes.map((node) => node.opType);
      expect(kinds).toEqual(['Conv', 'LpPool', 'Mul']);
      // The activation is that of the pieces, the gradient its slope along the picture itself.
      const layer = layerOfValue(network, value);
      const deconvnet = buildDeconvnet(network, layer, gradient, false, 'picture');
      const picture = net.pictures(1);
      const feeds = feedsFor(network, deconvnet, layer.units, layer.map, [{ picture, unit: 1, y: 0, x: 0 }]);
      const arrays = new Map(Object.entries(feeds).map(([key, tensor]) => [key, fromTensor(tensor)]));
      const results = runReference(deconvnet.graph, arrays);
      const at = (data: Float64Array) => {
        const x = { dims: [1, 2, 8, 9], data, type: 'float' as const };
        const out = runReference(graph, new Map([[net.picture, x]])).get(value)!;
        return out.data[out.data.length / 3]!;
      };
      const x = Float64Array.from(picture);
      const activation = results.get('activation')!.data[0]!;
      expect(activation).toBeCloseTo(at(x), 6);
      const slopes = x.map((_, i) => {
        const moved = (step: number) => at(x.map((each, j) => (i === j ? each + step : each)));
        return ((moved(1e-5) - moved(-1e-5)) / 2e-5) * activation;
      });
      expect(relativeDifference(slopes, results.get('reconstruction')!.data)).toBeLessThan(1e-6);
    });

  it('a mean over windows of unlike size is left as it is', async () => {
    const net = new Net([2, 8, 9]);
    const squares = net.add('Mul', [net.picture, net.picture]);
    const mean = net.add('AveragePool', [squares], { ...pool, pads: [1, 1, 1, 1] });
    const out = net.relu(net.conv(net.add('Sqrt', [mean]), 2, 2, 1));
    const network = await openNetwork(net.graph(out));
    expect(network.graph.nodes.some((node) => node.opType === 'LpPool')).toBe(false);
  });
});

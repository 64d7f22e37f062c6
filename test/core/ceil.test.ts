import { describe, expect, it } from 'vitest';
import { fromTensor } from '../../main/core/ops/nd';
import { openNetwork } from '../../main/core/program/network';
import { layerOfValue } from '../../main/core/program/layers';
import { buildDeconvnet, feedsFor } from '../../main/core/program/deconvnet';
import { runReference } from '../../main/core/runtime/reference';
import { onnxRuntime } from './linear';
import { Net, relativeDifference } from './support';

/**
 * With ceil_mode, runtimes leave out a window that would start in the end padding; shape inference of operator set 17 counts
 * it. A graph that multiplies maps by what has our shape must load all the same.
 */
describe('a last window that would start in the padding', () => {
  const plain = { ceil_mode: 1, strides: [2, 3], kernel_shape: [2, 3], pads: [0, 1, 0, 1] };
  const pools: Record<string, [string, Parameters<Net['add']>[2]]> = {
    'average pool': ['AveragePool', plain],
    'average pool that counts padding': ['AveragePool', { ...plain, count_include_pad: 1 }],
    'max pool': ['MaxPool', plain],
  };
  for (const [name, [opType, attributes]] of Object.entries(pools))
    it(name, async () => {
      const net = new Net([2, 7, 8]);
      const out = net.add(opType, [net.relu(net.conv(net.picture, 2, 3, 3, { pads: [1, 1, 1, 1] }))], attributes);
      const network = await openNetwork(net.graph(out));
      const layer = layerOfValue(network, out);
      expect(layer.map).toEqual([4, 3]);
      const choice = { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' } as const;
      const deconvnet = buildDeconvnet(network, layer, choice, false, 'picture');
      const feeds = feedsFor(network, deconvnet, layer.units, layer.map, [
        { picture: net.pictures(1), unit: 1, y: 3, x: 2 },
      ]);
      const arrays = new Map(Object.entries(feeds).map(([key, tensor]) => [key, fromTensor(tensor)]));
      const expected = runReference(deconvnet.graph, arrays).get('reconstruction')!;
      const program = await onnxRuntime.compile(deconvnet.graph);
      const actual = (await program.run(feeds))['reconstruction']!;
      await program.dispose();
      expect(relativeDifference(expected.data, actual.data as Float32Array)).toBeLessThan(1e-5);
    });
});

import { describe, expect, it } from 'vitest';
import { fromTensor, type Nd } from '../../../main/core/ops/nd';
import { openNetwork } from '../../../main/core/program/network';
import { buildDeconvnet, feedsFor, type Request } from '../../../main/core/program/deconvnet';
import { runReference } from '../../../main/core/runtime/reference';
import { onnxRuntime } from '../linear';
import { Net, relativeDifference } from '../support';

const same = { pads: [1, 1, 1, 1] };
const choice = { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' } as const;

/** Reconstructions of three pictures at once, and one by one. */
async function togetherAndApart(make: (net: Net) => string): Promise<[Nd, Nd[]]> {
  const net = new Net([2, 8, 10]);
  const network = await openNetwork(net.graph(make(net)));
  expect(network.batchOne).toBeNull();
  const layer = network.layers.at(-1)!;
  const deconvnet = buildDeconvnet(network, layer, choice, false, 'picture');
  const requests = [0, 1, 2].map((unit): Request => ({ picture: net.pictures(1), unit, y: 3, x: 4 }));
  const run = (some: Request[]): Nd => {
    const feeds = feedsFor(network, deconvnet, layer.units, layer.map, some);
    const arrays = new Map(Object.entries(feeds).map(([key, tensor]) => [key, fromTensor(tensor)]));
    return runReference(deconvnet.graph, arrays).get('reconstruction')!;
  };
  const feeds = feedsFor(network, deconvnet, layer.units, layer.map, requests);
  const program = await onnxRuntime.compile(deconvnet.graph);
  const actual = (await program.run(feeds))['reconstruction']!;
  await program.dispose();
  const together = run(requests);
  expect(relativeDifference(together.data, actual.data as Float32Array)).toBeLessThan(1e-5);
  return [together, requests.map((request) => run([request]))];
}

const nets: Record<string, (net: Net) => string> = {
  'a Resize to sizes': (net) => {
    const x = net.relu(net.conv(net.picture, 2, 3, 3, same));
    const larger = net.add('Resize', [x, '', '', net.builder.ints([1, 3, 17, 13])], { mode: 'linear' });
    return net.relu(net.conv(larger, 3, 3, 3, same));
  },
  'a Resize by a factor that single precision rounds': (net) => {
    const x = net.relu(net.conv(net.picture, 2, 3, 3, same));
    const sizes = net.builder.ints([1, 3, 15, 22]);
    const plain = { mode: 'nearest', nearest_mode: 'floor', coordinate_transformation_mode: 'asymmetric' };
    const larger = net.add('Resize', [net.add('MaxPool', [x], { kernel_shape: [2, 4] }), '', '', sizes], plain);
    return net.relu(net.conv(larger, 3, 3, 3, same));
  },
  'a Reshape whose zeros would be zeros, and has none': (net) => {
    const x = net.relu(net.conv(net.picture, 2, 3, 3, same));
    const turned = net.add('Reshape', [x, net.builder.ints([1, 3, 10, 8])], { allowzero: 1 });
    return net.relu(net.conv(turned, 3, 3, 3, same));
  },
  'a Reshape that says one': (net) => {
    const x = net.relu(net.conv(net.picture, 2, 3, 3, same));
    const turned = net.add('Reshape', [x, net.builder.ints([1, 3, 10, 8])]);
    return net.relu(net.conv(turned, 3, 3, 3, same));
  },
};

describe('a batch of one that a file writes down is set free', () => {
  for (const [name, make] of Object.entries(nets))
    it(name, async () => {
      const [together, apart] = await togetherAndApart(make);
      const joined = apart.flatMap((each) => Array.from(each.data));
      expect(Array.from(together.data)).toEqual(joined);
      expect(joined.some((value) => value !== 0)).toBe(true);
    });

  it('sizes stay what they are, whatever single precision makes of the factors', async () => {
    for (let size = 1; size < 60; size++) {
      const net = new Net([2, 7, 11]);
      const x = net.conv(net.picture, 2, 3, 1);
      const larger = net.add('Resize', [x, '', '', net.builder.ints([1, 3, size, 60 - size])], { mode: 'nearest' });
      const network = await openNetwork(net.graph(net.relu(net.conv(larger, 3, 2, 1))));
      expect(network.layers.at(-1)!.map).toEqual([size, 60 - size]);
    }
  });
});

describe('channel shuffles', () => {
  const shuffled = async (shape: number[], perm: number[]) => {
    const net = new Net([6, 8, 10]);
    const x = net.relu(net.conv(net.picture, 6, 6, 3, same));
    const groups = net.add('Reshape', [x, net.builder.ints(shape)]);
    const back = net.add('Reshape', [net.add('Transpose', [groups], { perm }), net.builder.ints([-1, 6, 8, 10])]);
    return openNetwork(net.graph(net.relu(net.conv(back, 6, 2, 3, same))));
  };

  it('become a permutation that the cone can follow', async () => {
    for (const [shape, perm] of [
      [
        [1, 2, 3, 8, 10],
        [0, 2, 1, 3, 4],
      ],
      [
        [1, 2, 3, 80],
        [0, 2, 1, 3],
      ],
    ] as const) {
      const network = await shuffled([...shape], [...perm]);
      const gather = network.graph.nodes.find((node) => node.opType === 'Gather')!;
      expect(Array.from(network.analysis.constant(gather.inputs[1]!)!.data)).toEqual([0, 3, 1, 4, 2, 5]);
      expect(network.graph.nodes.some((node) => node.opType === 'Transpose')).toBe(false);
      expect(network.layers.at(-1)!.field?.size).toEqual([5, 5]);
    }
  });

  it('are nothing that moves places', async () => {
    const network = await shuffled([1, 6, 10, 8], [0, 1, 3, 2]);
    expect(network.graph.nodes.some((node) => node.opType === 'Gather')).toBe(false);
    expect(network.layers.at(-1)!.field).toBeNull();
  });
});

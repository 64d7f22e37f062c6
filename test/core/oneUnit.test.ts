import { describe, expect, it } from 'vitest';
import { buildDeconvnet } from '../../main/core/program/deconvnet';
import { openNetwork } from '../../main/core/program/network';
import { Net } from './support';

const method = { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' } as const;
const same = { pads: [1, 1, 1, 1] };

/** The program of the last scanned layer on its cone: how the unit is picked, and how many filter banks it convolves with. */
async function programOf(make: (net: Net) => string) {
  const net = new Net([3, 16, 16]);
  const network = await openNetwork(net.graph(make(net)));
  const layer = network.layers.filter((each) => each.scanned).at(-1)!;
  const { graph, pick } = buildDeconvnet(network, layer, method, false, 'cone');
  return {
    pick: graph.inputs.find(({ name }) => name === pick.channel)!.type,
    convolutions: graph.nodes.filter(({ opType }) => opType === 'Conv').length,
  };
}

// That they give what the whole picture gives is tested with the cone.
describe('a unit at one place', () => {
  it('takes its own filter, forward and back, instead of the whole bank', async () => {
    const made = await programOf((net) => net.relu(net.conv(net.relu(net.conv(net.picture, 3, 4, 3, same)), 4, 6, 3)));
    expect(made).toEqual({ pick: 'int64', convolutions: 2 });
  });

  it('sees through a rectifier of one slope', async () => {
    const made = await programOf((net) =>
      net.add('LeakyRelu', [net.conv(net.relu(net.conv(net.picture, 3, 4, 3, same)), 4, 6, 3)], {
        alpha: { float: 0.1 },
      }),
    );
    expect(made.pick).toBe('int64');
  });

  it.each<[string, (net: Net, x: string) => string]>([
    ['groups', (net, x) => net.relu(net.conv(x, 4, 6, 3, { group: 2 }))],
    ['dilation', (net, x) => net.relu(net.conv(x, 4, 6, 3, { dilations: [2, 2] }))],
    ['a slope for each channel', (net, x) => net.add('PRelu', [net.conv(x, 4, 6, 3), net.weights([6, 1, 1])])],
    ['a sum', (net, x) => net.relu(net.add('Add', [net.conv(x, 4, 4, 3, same), x]))],
  ])('computes all channels where it has %s', async (_, tail) => {
    const made = await programOf((net) => tail(net, net.relu(net.conv(net.picture, 3, 4, 3, same))));
    expect(made).toEqual({ pick: 'float32', convolutions: 4 });
  });
});

import { describe, expect, it } from 'vitest';
import type { MethodId } from '../../preload/contract';
import { analyse } from '../../main/core/graph/analyse';
import type { Graph } from '../../main/core/graph/graph';
import type { Tensor } from '../../main/core/graph/tensor';
import { fromTensor, toTensor, type Nd } from '../../main/core/ops/nd';
import { buildDeconvnet, feedsFor, type Deconvnet, type Request } from '../../main/core/program/deconvnet';
import { backFeeds, backOf, forwardOf, type Scratch } from '../../main/core/program/halves';
import { openNetwork, type Layer, type Network } from '../../main/core/program/network';
import { cutInStages } from '../../main/core/program/stages';
import { runReference } from '../../main/core/runtime/reference';
import { cases, placesIn, unclipped } from './coneCases';
import { Net } from './support';

const methods: MethodId[] = ['deconvnet', 'guided', 'gradient'];

const run = (graph: Graph, feeds: Readonly<Record<string, Tensor>>): Map<string, Nd> =>
  runReference(graph, new Map(Object.entries(feeds).map(([name, tensor]) => [name, fromTensor(tensor)])));

/** Calls `check` for each layer, method and tap of a network, with the deconvnet and requests that share a run, in one picture. */
async function each(
  name: string,
  extent: Deconvnet['extent'],
  /** Every method, or one. */
  ids: readonly MethodId[],
  check: (network: Network, layer: Layer, deconvnet: Deconvnet, requests: Request[], what: string) => void,
): Promise<void> {
  const { shape, make } = cases[name]!;
  const net = new Net(shape, 7);
  const network = await openNetwork(net.graph(make(net)));
  const picture = net.pictures(1);
  for (const layer of network.layers.filter((one) => one.scanned))
    for (const id of ids)
      for (const before of [false, true]) {
        const choice = { id, leaky: 'strict', smooth: 'rectify' } as const;
        const deconvnet = buildDeconvnet(network, layer, choice, before, extent);
        const groups = new Map<string, Request[]>();
        // A whole picture is the same for every place.
        const places = placesIn(layer.map).slice(0, extent === 'picture' ? 2 : 9);
        places.forEach(([y, x], i) => {
          const key = extent === 'picture' ? String(i) : deconvnet.key(y, x);
          groups.set(key, [...(groups.get(key) ?? []), { picture, unit: i % layer.units, y, x }]);
        });
        for (const requests of groups.values())
          check(network, layer, deconvnet, requests, `${layer.name}, ${id}, before: ${before}`);
      }
}

const possible = (extent: Deconvnet['extent']): string[] =>
  Object.keys(cases).filter((name) => extent !== 'clip' || !unclipped.has(name));

describe.each(['cone', 'clip', 'picture'] as const)('%s: walks back from parts of one forward pass', (extent) => {
  it.each(possible(extent))('%s', async (name) => {
    const scratch: Scratch = new Map();
    await each(name, extent, methods, (network, layer, deconvnet, requests, what) => {
      const back = backOf(deconvnet)!;
      expect(back, what).not.toBeNull();
      // Nothing of the forward pass is computed again.
      expect(back.graph.nodes.length).toBeLessThan(deconvnet.graph.nodes.length);
      expect(back.graph.nodes.some(({ opType }) => opType === 'MaxPool')).toBe(false);
      const forward = forwardOf(network, [back]);
      const { channels, size } = network.input;
      const feeds = { [network.input.name]: { type: 'float32', dims: [1, channels, ...size], data: requests[0]!.picture } as const }; // prettier-ignore
      const maps = run(forward.graph, feeds);
      const kept = (value: Parameters<typeof forward.nameOf>[0]): Tensor => {
        const wanted = forward.nameOf(value);
        return wanted === network.input.name ? feeds[wanted]! : toTensor(maps.get(wanted)!);
      };
      // The maps are as the forward pass left them in float32, the others hold them in float64: it shows where a unit's sum nearly cancels.
      const made = run(back.graph, backFeeds(network, back, layer, kept, requests, scratch));
      const expected = run(deconvnet.graph, feedsFor(network, deconvnet, layer.units, layer.map, requests));
      for (const output of ['activation', 'reconstruction']) {
        const [a, b] = [made.get(output)!, expected.get(output)!];
        expect(a.dims).toEqual(b.dims);
        let [worst, scale] = [0, 1e-12];
        b.data.forEach((value, i) => {
          worst = Math.max(worst, Math.abs(value - a.data[i]!));
          scale = Math.max(scale, Math.abs(value));
        });
        expect(worst / scale, `${what}, ${output}`).toBeLessThan(2e-4);
      }
    });
  });
});

describe.each(['cone', 'clip', 'picture'] as const)('%s: cut in stages', (extent) => {
  it.each(possible(extent))('%s', async (name) => {
    let cuts = 0;
    const ids = extent === 'cone' ? methods : (['deconvnet'] as const);
    await each(name, extent, ids, (network, layer, deconvnet, [request], what) => {
      const feeds = feedsFor(network, deconvnet, layer.units, layer.map, [request!]);
      const stages = cutInStages(deconvnet.graph, feeds, 4);
      cuts += stages.length - 1;
      expect(stages.reduce((sum, { nodes }) => sum + nodes.length, 0)).toBe(deconvnet.graph.nodes.length);
      const values = new Map<string, Nd>();
      for (const stage of stages) {
        const given = new Map(
          stage.inputs.map(({ name: input }) => [input, values.get(input) ?? fromTensor(feeds[input]!)]),
        );
        analyse(stage, new Map([...given].map(([input, { dims }]) => [input, dims])));
        for (const [output, value] of runReference(stage, given)) values.set(output, value);
      }
      const expected = run(deconvnet.graph, feeds);
      for (const [output, value] of expected) expect(values.get(output), `${what}, ${output}`).toEqual(value);
    });
    expect(cuts).toBeGreaterThan(3);
  });
});

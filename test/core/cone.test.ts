import { describe, expect, it } from 'vitest';
import type { MethodId } from '../../preload/contract';
import { openNetwork } from '../../main/core/program/network';
import { buildDeconvnet, feedsFor, type Request } from '../../main/core/program/deconvnet';
import { fromTensor } from '../../main/core/ops/nd';
import { runReference } from '../../main/core/runtime/reference';
import { cases, placesIn, unclipped } from './coneCases';
import { Net } from './support';

const methods: MethodId[] = ['deconvnet', 'guided', 'gradient'];

describe.each(['cone', 'clip'] as const)('the %s equals the whole picture', (extent) => {
  const possible = Object.entries(cases).filter(([name]) => extent === 'cone' || !unclipped.has(name));
  for (const [name, { shape, make }] of possible)
    it(name, async () => {
      const net = new Net(shape, 7);
      const network = await openNetwork(net.graph(make(net)));
      for (const layer of network.layers.filter((each) => each.scanned)) {
        // Nine requests of unlike units, places and pictures in one batch.
        const places = placesIn(layer.map);
        const requests: Request[] = places.map(([y, x], i) => ({
          picture: net.pictures(1),
          unit: i % layer.units,
          y,
          x,
        }));
        for (const id of methods)
          for (const before of [false, true]) {
            const choice = { id, leaky: 'strict', smooth: 'rectify' } as const;
            const cone = buildDeconvnet(network, layer, choice, before, extent);
            const whole = buildDeconvnet(network, layer, choice, before, 'picture');
            expect(cone.extent).toBe(extent);
            const run = (deconvnet: typeof cone, some: readonly Request[]) => {
              const feeds = feedsFor(network, deconvnet, layer.units, layer.map, some);
              return runReference(
                deconvnet.graph,
                new Map(Object.entries(feeds).map(([key, tensor]) => [key, fromTensor(tensor)])),
              );
            };
            const full = run(whole, requests);
            const expected = full.get('reconstruction')!;
            let scale = 1e-12;
            for (const value of expected.data) scale = Math.max(scale, Math.abs(value));
            const placed = new Float64Array(expected.data.length);
            let outside = 0;
            const keys = new Set(requests.map(({ y, x }) => cone.key(y, x)));
            for (const key of keys) {
              const indices = [...requests.keys()].filter((i) => cone.key(requests[i]!.y, requests[i]!.x) === key);
              const small = run(
                cone,
                indices.map((i) => requests[i]!),
              );
              const actual = small.get('reconstruction')!;
              const [, channels = 0, height = 0, width = 0] = actual.dims;
              indices.forEach((n, i) => {
                expect(small.get('activation')!.data[i]).toBeCloseTo(full.get('activation')!.data[n]!, 12);
                const { top, left, ...size } = cone.frame(requests[n]!.y, requests[n]!.x);
                expect(size).toEqual({ height, width });
                for (let c = 0; c < channels; c++)
                  for (let y = 0; y < height; y++)
                    for (let x = 0; x < width; x++) {
                      const value = actual.data[((i * channels + c) * height + y) * width + x]!;
                      const [row, column] = [top + y, left + x];
                      if (row < 0 || row >= shape[1] || column < 0 || column >= shape[2])
                        outside = Math.max(outside, Math.abs(value));
                      else placed[((n * channels + c) * shape[1] + row) * shape[2] + column] = value;
                    }
              });
            }
            // Nothing outside the picture, everything inside as in the whole picture, zero where the cone does not reach.
            expect(outside).toBe(0);
            let worst = 0;
            placed.forEach((value, i) => (worst = Math.max(worst, Math.abs(value - expected.data[i]!))));
            expect(worst / scale, `${layer.name}, ${id}, before: ${before}`).toBeLessThan(1e-7); // constants such as 1/9 are float32
          }
      }
    });
});

it('leaves the masks out where the cone lies inside the picture, and only there', async () => {
  let covered = 0;
  for (const { shape, make } of Object.values(cases)) {
    const net = new Net(shape, 7);
    const network = await openNetwork(net.graph(make(net)));
    const choice = { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' } as const;
    for (const layer of network.layers.filter((each) => each.scanned)) {
      const outer = buildDeconvnet(network, layer, choice, false);
      const { inner } = outer;
      if (!inner) continue;
      expect(inner.deconvnet.graph.nodes.length).toBeLessThan(outer.graph.nodes.length);
      expect(inner.deconvnet.feeds).toEqual([]);
      const places = Array.from({ length: layer.map[0] }, (_, y) =>
        Array.from({ length: layer.map[1] }, (_, x) => [y, x] as const),
      ).flat();
      for (const [y, x] of places) {
        const { top, left, height, width } = outer.frame(y, x);
        const inside = top >= 0 && left >= 0 && top + height <= shape[1] && left + width <= shape[2];
        if (inner.covers(y, x)) expect(inside).toBe(true);
      }
      const request = places.filter(([y, x]) => inner.covers(y, x))[0];
      if (!request || outer.extent !== 'cone') continue;
      covered++;
      const [y, x] = request;
      const requests: Request[] = [{ picture: net.pictures(1), unit: 0, y, x }];
      const [plain, masked] = [inner.deconvnet, outer].map((each) =>
        runReference(
          each.graph,
          new Map(
            Object.entries(feedsFor(network, each, layer.units, layer.map, requests)).map(([key, tensor]) => [
              key,
              fromTensor(tensor),
            ]),
          ),
        ),
      );
      const expected = masked!.get('reconstruction')!.data;
      plain!.get('reconstruction')!.data.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 12));
    }
  }
  expect(covered).toBeGreaterThan(20);
});

import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import type { MethodId } from '../../preload/contract';
import { CancelledError } from '../../main/core/errors';
import { buildDeconvnet, feedsFor, type Request } from '../../main/core/program/deconvnet';
import { openNetwork, type Layer, type Network } from '../../main/core/program/network';
import { createReconstructor, type Reconstruction } from '../../main/core/program/reconstructor';
import { atOnce, createSteps, type Turn } from '../../main/core/program/steps';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';
import type { Runtime } from '../../main/core/runtime/runtime';
import { cases, placesIn } from './coneCases';
import { Net } from './support';

const plain = createOrtRuntime(ort as unknown as Ort, { threads: 1 });

async function made(name: string): Promise<{ network: Network; layer: Layer; requests: Request[] }> {
  const { shape, make } = cases[name]!;
  const net = new Net(shape, 7);
  const network = await openNetwork(net.graph(make(net)));
  const layer = network.layers.filter((each) => each.scanned).at(-1)!;
  const picture = net.pictures(1);
  const places = placesIn(layer.map);
  const requests = [...places, ...places].map(([y, x], i) => ({ picture, unit: (5 * i) % layer.units, y, x }));
  return { network, layer, requests };
}

/** What was compiled and is not let go of, and how often something ran. */
function counted(): { runtime: Runtime; open(): number; runs(): number } {
  let [open, runs] = [0, 0];
  return {
    open: () => open,
    runs: () => runs,
    runtime: {
      ...plain,
      async compile(graph) {
        const program = await plain.compile(graph);
        open++;
        return {
          run: (feeds) => (runs++, program.run(feeds)),
          dispose: () => (open--, program.dispose()),
        };
      },
    },
  };
}

const asWhole = 1;
const inStages = 200;

it('a run in stages gives what one run gives, stops between two of them, and goes on after it was let go of', async () => {
  const { network, layer, requests } = await made('strides and overlapping pools');
  const method = { id: 'guided', leaky: 'strict', smooth: 'rectify' } as const;
  const deconvnet = buildDeconvnet(network, layer, method, false);
  const feeds = feedsFor(network, deconvnet, layer.units, layer.map, requests.slice(0, 1));
  const { runtime, open, runs } = counted();
  const whole = createSteps(runtime, deconvnet.graph, asWhole);
  const expected = await whole.run(feeds, 1, atOnce);
  expect(runs()).toBe(1);
  const steps = createSteps(runtime, deconvnet.graph, inStages);
  expect(await steps.run(feeds, 1, atOnce)).toEqual(expected);
  const stages = runs() - 1;
  expect(stages).toBeGreaterThan(3);
  expect(open()).toBe(1 + stages);

  let turns = 0;
  const twice: Turn = (task) => (turns++ < 2 ? task() : Promise.reject(new CancelledError()));
  const before = runs();
  await expect(steps.run(feeds, 1, twice)).rejects.toBeInstanceOf(CancelledError);
  expect(runs() - before).toBe(2);

  // Let go of while it is between two stages, as where other layers were wanted meanwhile.
  let turn = 0;
  const interrupted: Turn = async (task) => {
    if (turn++ === 2) await steps.dispose();
    return task();
  };
  expect(await steps.run(feeds, 1, interrupted)).toEqual(expected);
  await steps.dispose();
  await whole.dispose();
  expect(open()).toBe(0);
});

it.each(['strides and overlapping pools', 'inception branches of unlike field', 'residual branches with strides'])(
  'one forward pass for all requests in a picture gives what each by itself gives: %s',
  async (name) => {
    const { network, layer, requests } = await made(name);
    for (const id of ['deconvnet', 'guided', 'gradient'] satisfies MethodId[]) {
      const method = { id, leaky: 'strict', smooth: 'rectify' } as const;
      const { runtime, open, runs } = counted();
      const reconstructor = createReconstructor(runtime, network);
      const expected = await reconstructor.run(layer, method, false, requests);
      const before = runs();
      const shared: Reconstruction[] = [];
      await reconstructor.runShared(layer, method, false, requests, (index, each) => void (shared[index] = each));
      expect(runs()).toBeGreaterThan(before);
      expect(shared.length).toBe(requests.length);
      for (const [i, { activation, signal }] of expected.entries()) {
        const other = shared[i]!;
        expect(other.activation).toBeCloseTo(activation, 5);
        const { data, ...size } = signal;
        expect(other.signal).toMatchObject(size);
        const scale = data.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12);
        data.forEach((value, at) => expect(Math.abs(other.signal.data[at]! - value) / scale).toBeLessThan(1e-5));
      }
      await reconstructor.dispose();
      expect(open()).toBe(0);
    }
  },
);

it('shares a forward pass where the requests together would compute more than the whole picture', async () => {
  const net = new Net([3, 32, 32], 3);
  const maps = net.relu(net.conv(net.picture, 3, 8, 3, { pads: [1, 1, 1, 1] }));
  const flat = net.add('Flatten', [maps], { axis: 1 });
  const network = await openNetwork(
    net.graph(net.add('Gemm', [flat, net.weights([8 * 32 * 32, 4]), net.weights([4])])),
  );
  const [convolution, dense] = network.layers.filter((layer) => layer.scanned);
  const method = { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' } as const;
  const reconstructor = createReconstructor(plain, network);
  const shares = (layer: Layer, count: number): boolean => reconstructor.shares(layer, method, false, count);
  // A dense unit sees the whole picture, one of the convolution 3 x 3 of 32 x 32.
  expect([1, 2, 3].map((count) => shares(dense!, count))).toEqual([false, true, true]);
  expect([1, 2, 32 * 32].map((count) => shares(convolution!, count))).toEqual([false, false, false]);
  await reconstructor.dispose();
});

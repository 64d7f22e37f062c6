import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { writeOnnx, writeSplitOnnx, readOnnx } from '../../../main/core/formats/onnx/index';
import { float32, toFloat32 } from '../../../main/core/graph/tensor';
import { openNetwork } from '../../../main/core/program/network';
import { buildDeconvnet, feedsFor } from '../../../main/core/program/deconvnet';
import { createOrtRuntime, type Ort } from '../../../main/core/runtime/ort';
import { Net } from '../support';

function wide(): Net & { out: string } {
  const net = new Net([3, 20, 20], 5) as Net & { out: string };
  const one = net.add('MaxPool', [net.relu(net.conv(net.picture, 3, 32, 3))], {
    kernel_shape: [2, 2],
    strides: [2, 2],
  });
  net.out = net.relu(net.conv(one, 32, 64, 3));
  return net;
}

it('weights beside the model are the graph’s own arrays, and read back the same', () => {
  const net = wide();
  const graph = net.graph(net.out);
  const { model, weights } = writeSplitOnnx(graph);
  const large = [...graph.initializers.values()].filter(({ data }) => data.byteLength >= 4096);
  expect([...weights.values()].map(({ buffer }) => buffer)).toEqual(large.map(({ data }) => data.buffer));
  expect(large.length).toBe(1);
  const described = 100; // where the weights lie, in words
  expect(model.length).toBeLessThan(writeOnnx(graph).length - large[0]!.data.byteLength + described);
  const back = readOnnx(model, {
    external: (location, offset, length) => weights.get(location)!.subarray(offset, offset + length!),
  });
  expect([...back.initializers]).toEqual([...graph.initializers]);
});

it('a network that is too large for one file runs, and is walked back through, the same', async () => {
  const net = wide();
  const network = await openNetwork(net.graph(net.out));
  const layer = network.layers.at(-1)!;
  const walk = buildDeconvnet(network, layer, { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' }, false);
  const requests = [{ picture: net.pictures(1), unit: 3, y: 2, x: 4 }];
  const feeds = feedsFor(network, walk, layer.units, layer.map, requests);
  const handed: (number | undefined)[] = [];
  const spy: Ort = {
    ...(ort as unknown as Ort),
    InferenceSession: {
      create: (model, options) => {
        handed.push((options['externalData'] as unknown[] | undefined)?.length);
        return (ort as unknown as Ort).InferenceSession.create(model, options);
      },
    },
  };
  const results = [];
  for (const largest of [1000, 10 ** 9]) {
    const program = await createOrtRuntime(spy, { threads: 1, largest }).compile(walk.graph);
    results.push(await program.run(feeds));
    await program.dispose();
  }
  expect(handed[0]).toBeGreaterThan(0);
  expect(handed[1]).toBeUndefined();
  expect(results[0]).toEqual(results[1]);
});

it('the weights of a large dense layer are fed where they lie, and the network is the same', async () => {
  const net = new Net([3, 12, 12], 7);
  const maps = net.relu(net.conv(net.picture, 3, 16, 3));
  const flat = net.add('Flatten', [maps], { axis: 1 });
  const width = (2 ** 23 / 4 / 512) * 2;
  const wide = net.relu(net.add('Gemm', [flat, net.weights([width, 16 * 100]), net.weights([width])], { transB: 1 }));
  const scores = net.add('MatMul', [wide, net.weights([width, 10])]);
  const network = await openNetwork(net.graph(scores));
  const sizes: number[] = [];
  const spy: Ort = {
    ...(ort as unknown as Ort),
    InferenceSession: {
      create: (model, options) => {
        const beside = (options['externalData'] as { data: Uint8Array }[] | undefined) ?? [];
        sizes.push(beside.reduce((total, { data }) => total + data.length, model.length));
        return (ort as unknown as Ort).InferenceSession.create(model, options);
      },
    },
  };
  const feeds = { [network.input.name]: float32([1, 3, 12, 12], net.pictures(1)) };
  const results: Float32Array[] = [];
  for (const largest of [1000, 10 ** 9]) {
    const program = await createOrtRuntime(spy, { threads: 1, largest }).compile(network.graph);
    results.push(toFloat32(Object.values(await program.run(feeds))[0]!));
    await program.dispose();
  }
  expect(sizes[1]! - sizes[0]!).toBeGreaterThan(4 * width * 1600 - 2000);
  const largest = Math.max(...results[1]!.map(Math.abs));
  results[0]!.forEach((value, i) => expect(Math.abs(value - results[1]![i]!)).toBeLessThan(1e-5 * largest));
});

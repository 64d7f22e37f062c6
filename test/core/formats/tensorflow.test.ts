import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { UnpoolError } from '../../../main/core/errors';
import { readModel } from '../../../main/core/formats/index';
import type { Graph } from '../../../main/core/graph/graph';
import { float32, type Tensor } from '../../../main/core/graph/tensor';
import { openNetwork } from '../../../main/core/program/network';
import { createOrtRuntime } from '../../../main/core/runtime/ort';
import { relativeDifference } from '../support';

const folder = path.resolve(import.meta.dirname, '../../golden/tfjs');
const external = (name: string) => (location: string) =>
  new Uint8Array(readFileSync(path.join(folder, name, location)));
const bytesOf = (name: string) => new Uint8Array(readFileSync(path.join(folder, name, 'model.json')));
const floats = ({ shape, data }: { shape: number[]; data: string }) => {
  const bytes = Uint8Array.from(Buffer.from(data, 'base64'));
  return float32(shape, new Float32Array(bytes.buffer));
};

interface Expected {
  input: { shape: number[]; data: string };
  outputs: { shape: number[]; data: string }[];
}

/** [n, h, w, c] to [n, c, h, w]. */
function channelsFirst({ dims, data }: Tensor): Tensor {
  const [n, h, w, c] = dims as [number, number, number, number];
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) {
    const [picture, place, channel] = [Math.floor(i / (h * w * c)), Math.floor(i / c) % (h * w), i % c];
    out[(picture * c + channel) * h * w + place] = Number(data[i]);
  }
  return float32([n, c, h, w], out);
}

describe.each(readdirSync(folder))('TensorFlow.js graph model %s', (name) => {
  const runtime = createOrtRuntime(ort as never, { threads: 1 });
  const expected = JSON.parse(readFileSync(path.join(folder, name, 'expected.json'), 'utf8')) as Expected;
  const picture = floats(expected.input);

  async function check(graph: Graph, input: Tensor): Promise<void> {
    const results = await (await runtime.compile(graph)).run({ [graph.inputs[0]!.name]: input });
    expected.outputs.forEach((output, i) => {
      const result = results[graph.outputs[i]!.name]!;
      expect([...result.dims]).toEqual(output.shape);
      expect(relativeDifference(floats(output).data as Float32Array, result.data as Float32Array)).toBeLessThan(1e-5);
    });
  }

  test('computes what TensorFlow computes', async () => {
    await check(await readModel(bytesOf(name), { external: external(name) }), picture);
  });

  test('opens as a network of maps with channels first, which computes the same', async () => {
    const graph = await readModel(bytesOf(name), { external: external(name) });
    const [, height, width] = picture.dims as [number, number, number, number];
    const network = await openNetwork(graph, { runtime, size: [height, width] });
    expect(network.input).toMatchObject({ channels: 3, size: [height, width] });
    expect(network.layers.filter((layer) => layer.scanned).length).toBeGreaterThan(0);
    expect(network.graph.nodes.filter((node) => node.opType === 'Transpose').length).toBeLessThan(8);
    await check(network.graph, channelsFirst(picture));
  });
});

const vgg = () => JSON.parse(readFileSync(path.join(folder, 'vgg', 'model.json'), 'utf8')) as Model;
interface Model {
  modelTopology: { node: { name: string; op: string; input?: string[] }[] };
  weightsManifest: { paths: string[]; weights: { name: string; shape: number[]; quantization?: unknown }[] }[];
}
const encode = (model: unknown) => new TextEncoder().encode(JSON.stringify(model));
const shards = external('vgg');

describe('a damaged graph model says what is wrong', () => {
  const cases: [string, (model: Model) => void, RegExp][] = [
    [
      'an unknown op',
      (m) => (m.modelTopology.node.find((n) => /Conv/.test(n.op))!.op = 'Bitcast'),
      /^Bitcast ".+" is an op/,
    ],
    [
      'an input that is not there',
      (m) => (m.modelTopology.node.find((n) => /Conv/.test(n.op))!.input![0] = 'no'),
      /reads "no"/,
    ],
    [
      'a path out of the folder',
      (m) => (m.weightsManifest[0]!.paths[0] = '../../secret'),
      /outside the model's folder/,
    ],
    [
      'a shape that is too large',
      (m) => (m.weightsManifest[0]!.weights[0]!.shape = [2 ** 20, 2 ** 20]),
      /ends at byte/,
    ],
    ['a negative shape', (m) => (m.weightsManifest[0]!.weights[0]!.shape = [-1]), /list of weights is not/],
    [
      'an unknown quantisation',
      (m) => (m.weightsManifest[0]!.weights[0]!.quantization = { dtype: 'int3' }),
      /list of weights/,
    ],
    ['fewer weights than bytes', (m) => m.weightsManifest[0]!.weights.pop(), /bytes, but/],
    ['nodes without names', (m) => m.modelTopology.node.push({} as never), /graph is not as/],
  ];
  test.each(cases)('%s', async (_name, damage, message) => {
    const model = vgg();
    damage(model);
    const reading = readModel(encode(model), { external: shards });
    await expect(reading).rejects.toBeInstanceOf(UnpoolError);
    await expect(reading).rejects.toThrow(message);
  });

  test('a loop', async () => {
    const model = vgg();
    const conv = model.modelTopology.node.find((node) => /Conv/.test(node.op))!;
    conv.input![0] = model.modelTopology.node.find((node) => node.op === 'Softmax')!.name;
    await expect(readModel(encode(model), { external: shards })).rejects.toThrow(
      /A loop of \d+ nodes, from ".*" to ".*", is not run/,
    );
  });

  test('a file that breaks off, and shards that do', async () => {
    const bytes = bytesOf('vgg');
    await expect(readModel(bytes.subarray(0, bytes.length / 2), { external: shards })).rejects.toThrow(/not whole/);
    const short = (location: string) => shards(location).subarray(10);
    await expect(readModel(bytes, { external: short })).rejects.toThrow(/ends at byte/);
    await expect(readModel(bytes, {})).rejects.toThrow(/beside the model/);
  });
});

describe('operations that are not known', () => {
  const source = JSON.parse(Buffer.from(bytesOf('vgg')).toString()) as {
    modelTopology: { node: { name: string; op: string; input?: string[] }[] };
    signature?: unknown;
  };
  const { signature: _signature, ...plain } = source;
  const nodes = source.modelTopology.node;
  const changed = (of: (node: (typeof nodes)[number], at: number) => (typeof nodes)[number]) => {
    const model = { ...plain, modelTopology: { ...source.modelTopology, node: nodes.map(of) } };
    return readModel(new Uint8Array(Buffer.from(JSON.stringify(model))), { external: external('vgg') });
  };
  const convolutions = nodes.filter(({ op }) => /Conv2D/.test(op));

  test('are left out, with all behind them; what they read becomes the output, and the layers before work', async () => {
    const at = convolutions.at(-1)!;
    const graph = await changed((node) => (node === at ? { ...node, op: 'NonMaxSuppressionV5' } : node));
    expect(graph.outputs.length).toBe(1);
    const network = await openNetwork(graph, { size: [32, 32] });
    const convs = network.layers.filter(({ kind }) => kind === 'conv');
    expect(convs.length).toBe(convolutions.length - 1);
    expect(convs.every(({ refused }) => refused === null)).toBe(true);
    expect(network.notes.join(' ')).toContain(`NonMaxSuppressionV5 "${at.name}" is an operation that is not known`);
  });

  test('at the very beginning, with nothing before them, are an error', async () => {
    const first = convolutions[0]!;
    await expect(changed((node) => (node === first ? { ...node, op: 'Fft' } : node))).rejects.toThrow(/Fft.*not known/);
  });
});

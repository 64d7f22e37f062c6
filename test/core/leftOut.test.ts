import { readFileSync } from 'node:fs';
import path from 'node:path';
import { unzipSync, zipSync } from 'fflate';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import type { UnpoolError } from '../../main/core/errors';
import { readModel } from '../../main/core/formats/index';
import type { Graph } from '../../main/core/graph/graph';
import { openNetwork, type Network } from '../../main/core/program/network';
import { createScanner } from '../../main/core/program/scanner';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';
import { Net, node } from './support';

/** Models with something in them that cannot be computed here: what lies before it opens and scans, what is left out is named. */
const runtime = createOrtRuntime(ort as unknown as Ort, { threads: 1 });
const golden = path.join(import.meta.dirname, '../golden');
const same = { pads: [1, 1, 1, 1] };

async function scans(graph: Graph, size?: [number, number]): Promise<Network> {
  const network = await openNetwork(graph, { runtime, ...(size && { size }) });
  const scanner = await createScanner(runtime, network, { before: false, perPicture: 1 });
  const [height, width] = network.input.size;
  const picture = Float32Array.from({ length: network.input.channels * height * width }, (_, i) => Math.sin(i));
  const maxima = await scanner.run(picture, 1);
  await scanner.dispose();
  expect(maxima.every(({ max }) => max.every(Number.isFinite))).toBe(true);
  return network;
}
const scanned = (network: Network) => network.layers.filter((layer) => layer.scanned);

describe('ONNX', () => {
  it('a node of a domain that no runtime has: the layers before it, and beside it', async () => {
    const net = new Net([2, 8, 8]);
    const one = net.relu(net.conv(net.picture, 2, 3, 3, same));
    const odd = { ...node('Capsule', [one], ['caps']), domain: 'com.example' };
    net.builder.addNode(odd);
    const other = net.relu(net.conv(one, 3, 4, 3, same));
    const joined = net.conv(net.add('Concat', ['caps', other], { axis: 1 }), 7, 2, 1);
    const network = await scans(net.graph(joined));
    expect(scanned(network).map((layer) => layer.units)).toEqual([3, 4]);
    expect(network.notes.join()).toMatch(/Left out.*Capsule "caps" does not run here/);
  });

  it('of several nodes of a kind, the first is named', async () => {
    const net = new Net([2, 8, 8]);
    const one = net.relu(net.conv(net.picture, 2, 3, 3, same));
    const odd = ['a', 'b', 'c'].map((name) => ({ ...node('Capsule', [one], [name], {}), domain: 'com.example', name }));
    for (const each of odd) net.builder.addNode(each);
    const network = await scans(net.graph(one, 'a', 'b', 'c'));
    expect(network.notes.join()).toMatch(
      /Left out.*: Capsule "a" \(and 2 more\) does not run here \([^)]*\)\. The layers/,
    );
  });

  it('nothing before it: an error that names it', async () => {
    const net = new Net([2, 8, 8]);
    net.builder.addNode({ ...node('Capsule', [net.picture], ['caps']), domain: 'com.example' });
    const opening = openNetwork(net.graph(net.conv('caps', 2, 3, 3)), { runtime });
    const error = (await opening.catch((thrown: unknown) => thrown)) as UnpoolError;
    expect(error).toMatchObject({ code: 'no-layers' });
    expect(error.hint).toMatch(/Capsule "caps"/);
  });

  it('an op that ONNX Runtime knows and this program does not runs forward; layers behind it are refused', async () => {
    const net = new Net([2, 8, 8]);
    const one = net.relu(net.conv(net.picture, 2, 3, 3, same));
    const hard = net.add('Hardmax', [one], { axis: 1 });
    const network = await scans(net.graph(net.conv(hard, 3, 4, 3)));
    expect(scanned(network).map(({ refused }) => refused)).toEqual([null, expect.stringMatching(/Hardmax/)]);
    expect(network.notes.join()).toMatch(/run forward only: Hardmax/);
  });

  it('a shape that the picture decides, or places that it counts: the layers behind are refused by its name', async () => {
    const behind = async (make: (net: Net, one: string, number: (value: number) => string) => string) => {
      const net = new Net([2, 8, 8]);
      const one = net.relu(net.conv(net.picture, 2, 3, 3, same));
      const peak = net.add('Cast', [net.add('ReduceMax', [one], { keepdims: 0 })], { to: 7 });
      const scalar = (value: number) => net.add('Squeeze', [net.builder.ints([value])]);
      const number = (value: number) => net.add('Add', [net.add('Mul', [peak, scalar(0)]), scalar(value)]);
      const network = await scans(net.graph(net.conv(make(net, one, number), 3, 4, 3)));
      return scanned(network).map(({ refused }) => refused);
    };
    const size = (net: Net, value: string) => net.add('Unsqueeze', [value, net.builder.ints([0])]);
    expect(
      await behind((net, one, number) => {
        const sides = [size(net, number(8)), size(net, number(8))];
        return net.add('Reshape', [one, net.add('Concat', [net.builder.ints([1, 3]), ...sides], { axis: 0 })]);
      }),
    ).toEqual([null, expect.stringMatching(/^Reshape "reshape.*is not constant/)]);
    expect(
      await behind((net, one, number) => {
        const [zero, step] = [net.builder.ints([0]), net.builder.ints([1])].map((name) => net.add('Squeeze', [name]));
        return net.add('Gather', [one, net.add('Range', [zero!, number(3), step!])], { axis: 1 });
      }),
    ).toEqual([null, expect.stringMatching(/^Gather .*its indices depend on the picture/)]);
  });

  it('further inputs: what needs only the picture', async () => {
    const net = new Net([3, 8, 8]);
    const memory = net.builder.input({ name: 'memory', type: 'float32', shape: ['N', 5, 8, 8] });
    const one = net.relu(net.conv(net.picture, 3, 5, 3, same));
    const two = net.conv(net.add('Add', [one, memory]), 5, 4, 3);
    const network = await scans(net.graph(two));
    expect(scanned(network).map((layer) => layer.units)).toEqual([5]);
    expect(network.notes.join()).toMatch(/another input: memory/);
  });

  it('two pictures: no telling which', async () => {
    const net = new Net([3, 8, 8]);
    const other = net.builder.input({ name: 'other', type: 'float32', shape: ['N', 3, 8, 8] });
    const sum = net.add('Add', [net.conv(net.picture, 3, 5, 3), net.conv(other, 3, 5, 3)]);
    await expect(openNetwork(net.graph(sum), { runtime })).rejects.toThrow(/2 inputs/);
  });
});

describe('PyTorch archives', () => {
  const changed = (from: RegExp, to: string): Uint8Array => {
    const files = unzipSync(new Uint8Array(readFileSync(path.join(golden, 'pt2/residual.pt2'))));
    const name = Object.keys(files).find((each) => each.endsWith('models/model.json'))!;
    files[name] = new Uint8Array(Buffer.from(Buffer.from(files[name]!).toString().replace(from, to)));
    return zipSync(files, { level: 0 });
  };
  it('an operation that is not known', async () => {
    const whole = scanned(await scans(await readModel(changed(/$^/, ''))));
    const network = await scans(await readModel(changed(/aten\.add\.Tensor/, 'aten.fft_fft2.default')));
    expect(scanned(network).length).toBeGreaterThan(2);
    expect(scanned(network).length).toBeLessThan(whole.length);
    expect(network.notes.join()).toMatch(/fft_fft2.*not known/);
  });
});

describe('Keras', () => {
  /** A small functional model of the tests, its layers as a list. */
  const model = (change: (layers: Layer[]) => void): Promise<Graph> => {
    const folder = path.join(golden, 'keras/chain-tfjs');
    const json = JSON.parse(readFileSync(path.join(folder, 'model.json'), 'utf8')) as {
      modelTopology: { model_config: { config: { layers: Layer[] } } };
    };
    change(json.modelTopology.model_config.config.layers);
    return readModel(new Uint8Array(Buffer.from(JSON.stringify(json))), {
      external: (name) => new Uint8Array(readFileSync(path.join(folder, name))),
    });
  };
  interface Layer {
    class_name: string;
    config: Record<string, unknown>;
  }
  it.each(['Lambda', 'CapsuleLayer'])('a layer of the kind %s', async (kind) => {
    const whole = scanned(await openNetwork(await model(() => undefined)));
    const graph = await model((layers) => {
      const at = layers.findLastIndex((layer) => layer.class_name === 'Conv2D');
      layers.splice(at, 0, { class_name: kind, config: { name: 'odd', trainable: true } });
    });
    const network = await scans(graph);
    expect(scanned(network).length).toBeGreaterThan(1);
    expect(scanned(network).length).toBeLessThan(whole.length);
    expect(network.notes.join()).toMatch(new RegExp(`"odd" \\(${kind}\\)`));
  });
});

describe('TensorFlow.js graphs', () => {
  interface TfNode {
    name: string;
    op: string;
    input?: string[];
    attr?: object;
  }
  const folder = path.join(golden, 'tfjs/vgg');
  const graph = (change: (nodes: TfNode[]) => TfNode[]): Promise<Graph> => {
    const json = JSON.parse(readFileSync(path.join(folder, 'model.json'), 'utf8')) as {
      modelTopology: { node: TfNode[] };
    };
    json.modelTopology.node = change(json.modelTopology.node);
    return readModel(new Uint8Array(Buffer.from(JSON.stringify(json))), {
      external: (name) => new Uint8Array(readFileSync(path.join(folder, name))),
    });
  };
  const reading = (nodes: TfNode[], name: string) => nodes.filter(({ input }) => input?.includes(name));
  const convolutions = (nodes: TfNode[]) => nodes.filter(({ op }) => /Conv2D/.test(op));
  /** Puts nodes between a node and its readers. */
  const between = (nodes: TfNode[], name: string, made: TfNode[]): TfNode[] => {
    for (const reader of reading(nodes, name))
      reader.input = reader.input!.map((input) => (input === name ? made.at(-1)!.name : input));
    return [...nodes, ...made];
  };
  const loop = (name: string): TfNode[] => [
    { name: 'enter', op: 'Enter', input: [name] },
    { name: 'merge', op: 'Merge', input: ['enter', 'next'] },
    { name: 'switch', op: 'Switch', input: ['merge'] },
    { name: 'next', op: 'NextIteration', input: ['switch'] },
    { name: 'exit', op: 'Exit', input: ['switch'] },
  ];

  it('a loop behind layers', async () => {
    const all = scanned(await scans(await graph((nodes) => nodes), [32, 32])).length;
    const network = await scans(
      await graph((nodes) => {
        const last = convolutions(nodes).at(-1)!;
        return between(nodes, last.input![0]!, loop(last.input![0]!));
      }),
      [32, 32],
    );
    expect(scanned(network).length).toBeGreaterThan(0);
    expect(scanned(network).length).toBeLessThan(all);
    expect(network.notes.join()).toMatch(/Left out.*: A loop of 4 nodes, from ".*" to "exit", is not run\. The layers/);
  });

  it('a loop before all layers: the picture is fed behind it, and a note says so', async () => {
    const plain = await scans(await graph((nodes) => nodes), [32, 32]);
    const network = await scans(
      await graph((nodes) => {
        const { name } = nodes.find(({ op }) => op === 'Placeholder')!;
        return between(nodes, name, loop(name));
      }),
      [32, 32],
    );
    expect(scanned(network).length).toBe(scanned(plain).length);
    expect(network.notes.join()).toMatch(/The picture is fed at "exit".*Set it in the preprocessing/);
  });

  it('an unknown operation on constants', async () => {
    const network = await scans(
      await graph((nodes) => {
        const last = convolutions(nodes).at(-1)!;
        last.input![1] = 'sparse';
        return [...nodes, { name: 'sparse', op: 'SparseToDense', input: [], attr: {} }];
      }),
      [32, 32],
    );
    expect(network.notes.join()).toMatch(/SparseToDense "sparse" is an operation that is not known/);
  });
});

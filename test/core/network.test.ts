import { describe, expect, it } from 'vitest';
import { UnpoolError } from '../../main/core/errors';
import type { Graph } from '../../main/core/graph/graph';
import { float32, int64 } from '../../main/core/graph/tensor';
import { upgrade } from '../../main/core/graph/upgrade';
import { fromTensor, nd } from '../../main/core/ops/nd';
import { layerName } from '../../main/core/program/layerNames';
import { fieldBox, openNetwork } from '../../main/core/program/network';
import { buildDeconvnet, feedsFor } from '../../main/core/program/deconvnet';
import { createScanner } from '../../main/core/program/scanner';
import { referenceRuntime, runReference } from '../../main/core/runtime/reference';
import { Net, node, relativeDifference } from './support';

const runPicture = (graph: Graph, input: string, shape: number[], data: Float32Array, output: string) =>
  runReference(
    graph,
    new Map([[input, nd([data.length / shape.reduce((a, b) => a * b), ...shape], Float64Array.from(data))]]),
  ).get(output)!;

function batchNormNet(): Net & { out: string } {
  const net = new Net([3, 10, 10], 4) as Net & { out: string };
  const variance = () => net.builder.constant(float32([4], [0.5, 1, 2, 3]), 'variance');
  const norm = (x: string) =>
    net.add('BatchNormalization', [x, net.weights([4]), net.weights([4]), net.weights([4]), variance()], {
      epsilon: { float: 1e-3 },
    });
  const one = net.relu(norm(net.conv(net.picture, 3, 4, 3, { pads: [1, 1, 1, 1] })));
  const two = norm(net.conv(one, 4, 4, 3, { pads: [1, 1, 1, 1] }, false));
  net.out = net.relu(net.add('Add', [two, one]));
  return net;
}

describe('a size that the model leaves free', () => {
  /** Dense layers behind flattened maps: only pictures of 48 × 48 fit. */
  const freeNet = (): Graph => {
    const net = new Net([3, 48, 48]);
    const maps = net.relu(net.conv(net.picture, 3, 2, 3, { pads: [1, 1, 1, 1], strides: [4, 4] }));
    const graph = net.graph(net.add('Gemm', [net.add('Flatten', [maps]), net.weights([2 * 12 * 12, 5])], {}, 'dense'));
    return { ...graph, inputs: [{ ...graph.inputs[0]!, shape: ['N', 3, null, 'width'] }] };
  };

  it('is one that fits, where the usual one does not, and a note says so', async () => {
    const network = await openNetwork(freeNet(), { runtime: referenceRuntime });
    expect(network.input).toMatchObject({ size: [48, 48], freeSize: true });
    expect(network.notes.join()).toMatch(/224 × 224 does not fit it, 48 × 48 does/);
  });

  it('is the one that was given: an error says to set another', async () => {
    const error = await openNetwork(freeNet(), { size: [64, 96] }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnpoolError);
    expect(error).toMatchObject({ code: 'bad-node', place: { node: expect.stringContaining('dense') as string } });
    expect((error as UnpoolError).hint).toMatch(/64 × 96 .* was tried: set the size/);
  });

  it('an error where none fits names the usual one', async () => {
    const graph = freeNet();
    const wrong = {
      ...graph,
      initializers: new Map(
        [...graph.initializers].map(([name, tensor]) => [name, tensor.dims[0] === 288 ? float32([287, 5]) : tensor]),
      ),
    };
    const error = (await openNetwork(wrong).catch((thrown: unknown) => thrown)) as UnpoolError;
    expect(error.hint).toMatch(/224 × 224/);
  });
});

describe('preparing', () => {
  it('folds batch norms and computes the same', async () => {
    const net = batchNormNet();
    const graph = net.graph(net.out);
    const network = await openNetwork(graph);
    expect(network.graph.nodes.map((each) => each.opType)).not.toContain('BatchNormalization');
    expect(network.notes.join()).toMatch(/2 batch norms folded/);
    const data = net.pictures(2);
    const [before, after] = [graph, network.graph].map((each) =>
      runPicture(each, net.picture, [3, 10, 10], data, net.out),
    );
    expect(relativeDifference(before!.data, after!.data)).toBeLessThan(1e-6);
  });

  it('leaves a batch norm that something else reads through, or that stands first', async () => {
    const net = new Net([4, 6, 6]);
    const variance = net.builder.constant(float32([4], [0.5, 1, 2, 3]), 'variance');
    const norm = net.add('BatchNormalization', [
      net.picture,
      net.weights([4]),
      net.weights([4]),
      net.weights([4]),
      variance,
    ]);
    const network = await openNetwork(net.graph(net.relu(net.conv(net.relu(norm), 4, 3, 3))));
    expect(network.graph.nodes.map((each) => each.opType)).toContain('BatchNormalization');
    expect(network.layers[0]!.refused).toBeNull();
  });

  it('makes a fixed batch free, through a Reshape to [1, -1] too', async () => {
    const net = new Net([2, 4, 4]);
    const flat = net.add('Reshape', [net.relu(net.conv(net.picture, 2, 3, 3)), net.builder.ints([1, -1])]);
    const out = net.add('Gemm', [flat, net.weights([12, 5])]);
    const graph = net.graph(out);
    const network = await openNetwork({ ...graph, inputs: [{ ...graph.inputs[0]!, shape: [1, 2, 4, 4] }] });
    expect(network.batchOne).toBeNull();
    expect(runPicture(network.graph, net.picture, [2, 4, 4], net.pictures(3), out).dims).toEqual([3, 5]);
    expect([network.outputLayer, network.outputUnits]).toEqual([out, 5]);
  });

  it('runs one picture at a time where the batch cannot be freed, and says so', async () => {
    const net = new Net([2, 4, 4]);
    const flat = net.add('Reshape', [net.relu(net.conv(net.picture, 2, 3, 3)), net.builder.ints([12])]);
    const matrix = net.add('Unsqueeze', [flat, net.builder.ints([0])]);
    const network = await openNetwork(net.graph(net.add('Gemm', [matrix, net.weights([12, 5])])));
    expect(network.batchOne).toMatch(/one picture/);
    const scanner = await createScanner(referenceRuntime, network, { before: false, perPicture: 1 });
    const batch = net.pictures(3);
    const together = await scanner.run(batch, 3);
    const alone = await scanner.run(batch.slice(32, 64), 1);
    expect([...together[0]!.max.slice(3, 6)]).toEqual([...alone[0]!.max]);
  });

  it('says what is wrong with an input that is no picture', async () => {
    const net = new Net([2, 4, 4]);
    const graph = net.graph(net.conv(net.picture, 2, 3, 3));
    await expect(openNetwork({ ...graph, inputs: [{ ...graph.inputs[0]!, shape: ['N', 16] }] })).rejects.toThrow(
      /batch of pictures/,
    );
    await expect(
      openNetwork({ ...graph, inputs: [{ ...graph.inputs[0]!, shape: ['N', 224, 224, 3] }] }),
    ).rejects.toThrow(/channels/);
    await expect(
      openNetwork({ ...graph, inputs: [{ ...graph.inputs[0]!, shape: ['N', 3, 8, 8] }] }),
    ).rejects.toBeInstanceOf(UnpoolError);
  });
});

it('values of the network may have the names of what a reconstruction hands out', async () => {
  const net = new Net([2, 6, 6]);
  const reconstruction = net.add('Relu', [net.conv(net.picture, 2, 3, 3)], {}, 'reconstruction');
  const activation = net.add('Relu', [net.conv(reconstruction, 3, 2, 3)], {}, 'activation');
  const network = await openNetwork(net.graph(activation));
  const layer = network.layers.at(-1)!;
  const picture = net.pictures(1);
  for (const extent of ['cone', 'picture'] as const) {
    const walk = buildDeconvnet(network, layer, { id: 'gradient', leaky: 'strict', smooth: 'rectify' }, false, extent);
    const program = await referenceRuntime.compile(walk.graph);
    const results = await program.run(feedsFor(network, walk, 2, layer.map, [{ picture, unit: 1, y: 1, x: 1 }]));
    const map = runPicture(network.graph, net.picture, [2, 6, 6], picture, activation).data;
    expect(results['activation']!.data[0]).toBeCloseTo(map[4 + 2 + 1]!, 5);
    expect([...results['reconstruction']!.dims].slice(0, 2)).toEqual([1, 2]);
  }
});

describe('the classes', () => {
  /** Features of 6 numbers from the map, and a classifier of 4 behind them. */
  const twoHeads = () => {
    const net = new Net([2, 4, 4]);
    const map = net.relu(net.conv(net.picture, 2, 3, 3));
    const features = net.relu(net.add('Gemm', [net.add('Flatten', [map]), net.weights([12, 6])], {}, 'output_0'));
    const logits = net.add('Gemm', [features, net.weights([6, 4])], {}, 'output_1');
    return { net, map, features, logits };
  };
  const opened = async (graph: Graph) => {
    const network = await openNetwork(graph);
    return { ...network, note: network.notes.find((note) => note.includes('outputs:')) };
  };

  it('are read from the deepest of several outputs, wherever it stands', async () => {
    const { net, features, logits } = twoHeads();
    for (const outputs of [
      [features, logits],
      [logits, features],
    ]) {
      const network = await opened(net.graph(...outputs));
      expect([network.classes, network.outputLayer, network.outputUnits]).toEqual([logits, logits, 4]);
      expect(network.note).toContain(`The model has 2 outputs: ${outputs[0]} [`);
      expect(network.note).toContain(`Classes are read from ${logits}.`);
    }
    expect((await opened(net.graph(logits))).note).toBeUndefined();
  });

  it('are read from behind a softmax, though something deeper has as many units; by name, of two alike', async () => {
    const { net, features, logits } = twoHeads();
    const probabilities = net.add('Softmax', [net.add('Gemm', [features, net.weights([6, 5])])], { axis: 1 });
    const deeper = net.add('Gemm', [net.relu(logits), net.weights([4, 7])], {}, 'boxes');
    expect((await opened(net.graph(deeper, probabilities))).outputUnits).toBe(5);
    const other = net.add('Gemm', [features, net.weights([6, 9])], {}, 'embedding');
    const named = net.add('Gemm', [features, net.weights([6, 8])], {}, 'class_logits');
    expect((await opened(net.graph(other, named))).classes).toBe(named);
  });

  it('are not a map, nor what two layers make together, nor a single number', async () => {
    const { net, map, features } = twoHeads();
    const single = net.add('Gemm', [features, net.weights([6, 1])]);
    const both = net.add('Concat', [features, single], { axis: 1 });
    const network = await opened(net.graph(map, single, both));
    expect([network.classes, network.outputLayer, network.outputUnits]).toEqual([null, null, 0]);
    expect(network.note).toContain('None of them answers with classes.');
  });

  it('may be pooled from the map of the last convolution', async () => {
    const { net, map, features } = twoHeads();
    const pooled = net.add('Flatten', [net.add('GlobalAveragePool', [map])], {}, 'scores');
    const network = await opened(net.graph(features, pooled));
    expect([network.classes, network.outputLayer, network.outputUnits]).toEqual([pooled, map, 3]);
  });
});

describe('layers', () => {
  it('a rectifier behind steps of quantisation belongs to the convolution; steps alone do not', async () => {
    const net = new Net([3, 10, 10]);
    const zero = net.builder.constant({ type: 'int8', dims: [], data: Int8Array.of(0) }, 'zero');
    const steps = (x: string) => {
      const ends = [net.builder.scalar(0.05), zero];
      return net.add('DequantizeLinear', [net.add('QuantizeLinear', [x, ...ends]), ...ends]);
    };
    const first = net.conv(net.picture, 3, 4, 3);
    const middle = net.add('LeakyRelu', [steps(first)], { alpha: { float: 0.1 } });
    const last = net.conv(middle, 4, 2, 3);
    const { layers } = await openNetwork(net.graph(steps(last)));
    expect(layers.map(({ after, nodes }) => [after, nodes])).toEqual([
      [middle, ['Conv', 'QuantizeLinear', 'DequantizeLinear', 'LeakyRelu']],
      [last, ['Conv']],
    ]);
  });

  it('a convolution with its batch norm and rectifier is one; a residual join is one', async () => {
    const net = batchNormNet();
    const { layers } = await openNetwork(net.graph(net.out));
    expect(layers.map(({ kind, units, map, nodes }) => ({ kind, units, map, nodes }))).toEqual([
      { kind: 'conv', units: 4, map: [10, 10], nodes: ['Conv', 'Relu'] },
      { kind: 'conv', units: 4, map: [10, 10], nodes: ['Conv'] },
      { kind: 'join', units: 4, map: [10, 10], nodes: ['Add', 'Relu'] },
    ]);
    expect(layers[2]!.field).toEqual({ size: [5, 5], stride: [1, 1], start: [-2, -2] });
    expect(layers[2]!.macs).toBe(10 * 10 * 9 * (12 + 16));
  });

  it('receptive fields of AlexNet’s first layers, as published', async () => {
    const net = new Net([3, 227, 227]);
    let x = net.relu(net.conv(net.picture, 3, 2, 11, { strides: [4, 4] }));
    x = net.add('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2] });
    x = net.relu(net.conv(x, 2, 2, 5, { pads: [2, 2, 2, 2] }));
    x = net.add('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2] });
    const network = await openNetwork(net.graph(net.relu(net.conv(x, 2, 2, 3, { pads: [1, 1, 1, 1] }))));
    expect(network.layers.map((layer) => layer.field?.size[0])).toEqual([11, 19, 51, 67, 99]);
    expect(fieldBox(network, network.layers[2]!, 0, 3)).toEqual([-16, 8, 35, 59]);
  });

  it.each([
    ['/layer1/layer1.0/conv1/Conv', 'onnx::Conv_497', 'conv', 'layer1.0.conv1'],
    ['/features/features.3/Conv', 'features.3.weight', 'conv', 'features.3'],
    ['fire2_concat', '', 'join', 'fire2'],
    ['conv1_1', 'conv1_1_w_0', 'conv', 'conv1_1'],
    ['fire2/squeeze1x1_1', 'w', 'conv', 'fire2/squeeze1x1_1'],
    ['/layer2/layer2.1/Add', '', 'join', 'layer2.1'],
  ] as const)('%s (%s) is called %s', (name, weight, kind, expected) => {
    expect(
      layerName({ ...node('Conv', ['x', weight], ['y']), name, opType: name.endsWith('/Add') ? 'Add' : 'Conv' }, kind),
    ).toBe(expected);
  });
});

describe('older operator sets', () => {
  it('attributes that became inputs are rewritten, and mean the same', () => {
    const base = new Net([2, 6, 6]).graph();
    const graph: Graph = {
      ...base,
      opsets: new Map([['', 7]]),
      inputs: [{ name: 'x', type: 'float32', shape: [1, 2, 6, 6] }],
      nodes: [
        {
          ...node('Clip', ['x'], ['a']),
          attributes: { min: { kind: 'float', value: 0 }, max: { kind: 'float', value: 0.5 } },
        },
        { ...node('Pad', ['a'], ['b'], { pads: [0, 0, 1, 1, 0, 0, 0, 0], mode: 'constant' }) },
        node('Slice', ['b'], ['c'], { starts: [1, 0], ends: [6, 6], axes: [2, 3] }),
        node('Dropout', ['c'], ['d'], { ratio: { float: 0.5 } }),
        node('Unsqueeze', ['d'], ['e'], { axes: [0] }),
        node('Squeeze', ['e'], ['f'], { axes: [0] }),
        node('Softmax', ['f'], ['g']),
      ],
      outputs: [{ name: 'g', type: 'float32', shape: null }],
    };
    const next = upgrade(graph);
    expect(next.opsets.get('')).toBe(17);
    const x = nd(
      [1, 2, 6, 6],
      Float64Array.from({ length: 72 }, (_, i) => Math.sin(i)),
    );
    const out = runReference(next, new Map([['x', x]])).get('g')!;
    expect(out.dims).toEqual([1, 2, 5, 6]);
    // Softmax of old flattens from axis 1 on: everything sums to one.
    expect(out.data.reduce((total, value) => total + value, 0)).toBeCloseTo(1, 10);
    const at = (c: number, i: number, j: number) =>
      j === 0 ? 0 : Math.min(0.5, Math.max(0, Math.sin((c * 6 + i) * 6 + j - 1)));
    const values = [0, 1].flatMap((c) =>
      [0, 1, 2, 3, 4].flatMap((i) => [0, 1, 2, 3, 4, 5].map((j) => Math.exp(at(c, i, j)))),
    );
    const total = values.reduce((sum, value) => sum + value, 0);
    expect(
      relativeDifference(
        values.map((value) => value / total),
        out.data,
      ),
    ).toBeLessThan(1e-9);
  });

  it('half precision becomes single', async () => {
    const net = new Net([1, 3, 3]);
    const filters = net.builder.constant({ type: 'float16', dims: [1, 1, 1, 1], data: Uint16Array.of(0x4200) }, 'half'); // 3
    const network = await openNetwork(net.graph(net.add('Conv', [net.picture, filters], { kernel_shape: [1, 1] })));
    expect(fromTensor(network.graph.initializers.get('half')!).data[0]).toBe(3);
    expect(network.graph.initializers.get('half')!.type).toBe('float32');
  });
});

describe('scanning', () => {
  it.each([1, 3])(
    'keeps the %i strongest places per picture, the first of equals, against a sort of the maps',
    async (perPicture) => {
      const net = batchNormNet();
      const network = await openNetwork(net.graph(net.out));
      const scanner = await createScanner(referenceRuntime, network, { before: false, perPicture });
      const batch = net.pictures(3);
      batch.fill(0, 300, 450); // a flat part: ties
      const results = await scanner.run(batch, 3);
      scanner.layers.forEach((layer, index) => {
        const maps = runPicture(
          { ...network.graph, outputs: [{ name: layer.id, type: 'float32', shape: null }] },
          net.picture,
          [3, 10, 10],
          batch,
          layer.id,
        );
        const area = layer.map[0] * layer.map[1];
        for (let unit = 0; unit < 3 * layer.units; unit++) {
          const values = Array.from(maps.data.slice(unit * area, (unit + 1) * area), (value, place) => ({
            value: Math.fround(value),
            place,
            exact: value,
          }));
          values.sort((a, b) => b.exact - a.exact || a.place - b.place);
          for (let k = 0; k < perPicture; k++) {
            expect(results[index]!.max[unit * perPicture + k]).toBe(values[k]!.value);
            expect(results[index]!.place[unit * perPicture + k]).toBe(values[k]!.place);
          }
        }
      });
    },
  );

  it('reads constants of any int64', () => {
    expect(fromTensor(int64([2], [5, -7])).data).toEqual(Float64Array.of(5, -7));
  });
});

describe('branches', () => {
  it('that end in a join are listed, and scanned as parts of it', async () => {
    const net = new Net([3, 12, 12]);
    const stem = net.relu(net.conv(net.picture, 3, 4, 3));
    const one = net.relu(net.conv(stem, 4, 2, 1, {}, true, 'one'));
    const both = net.relu(net.conv(stem, 4, 3, 3, { pads: [1, 1, 1, 1] }, true, 'both'));
    const joined = net.add('Concat', [one, both], { axis: 1 });
    const out = net.add(
      'Concat',
      [net.relu(net.conv(joined, 5, 2, 1)), net.add('AveragePool', [both], { kernel_shape: [1, 1] })],
      { axis: 1 },
    );
    const { layers } = await openNetwork(net.graph(out));
    expect(layers.map(({ kind, units, scanned }) => `${kind} ${units} ${scanned}`)).toEqual([
      'conv 4 true',
      'conv 2 false', // only in the join
      'conv 3 true', // read elsewhere too
      'join 5 true',
      'conv 2 false',
      'pool 3 false',
      'join 5 true',
    ]);
  });
});

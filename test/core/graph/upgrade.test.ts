import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { UnpoolError } from '../../../main/core/errors';
import type { Attribute, Graph } from '../../../main/core/graph/graph';
import { float32, toFloat32, type Tensor } from '../../../main/core/graph/tensor';
import { targetOpset, upgrade } from '../../../main/core/graph/upgrade';
import { createOrtRuntime } from '../../../main/core/runtime/ort';
import { Net, relativeDifference } from '../support';

const runtime = createOrtRuntime(ort as never, { threads: 1 });
const picture: Tensor = float32([2, 4, 6, 6], new Net([4, 6, 6], 8).pictures(2));

async function run(graph: Graph): Promise<Tensor> {
  const program = await runtime.compile(graph);
  const results = await program.run({ picture });
  await program.dispose();
  return results['y']!;
}

const float = (value: number): Attribute => ({ kind: 'float', value });
const floats = (...value: number[]): Attribute => ({ kind: 'floats', value });
const ints = (...value: number[]): Attribute => ({ kind: 'ints', value });
const int = (value: number): Attribute => ({ kind: 'int', value });
const text = (value: string): Attribute => ({ kind: 'string', value });

type Constants = Record<string, Tensor>;
function graphOf(
  opset: number,
  opType: string,
  attributes: Record<string, Attribute>,
  constants: Constants = {},
  more: Partial<{ outputs: string[]; inputs: string[] }> = {},
): Graph {
  const net = new Net([4, 6, 6]);
  const inputs = more.inputs ?? ['picture', ...Object.keys(constants)];
  net.builder.addNode({ opType, inputs, outputs: ['y', ...(more.outputs ?? [])], attributes });
  for (const [name, tensor] of Object.entries(constants)) net.builder.initializers.set(name, tensor);
  const graph = net.graph('y');
  return { ...graph, outputs: [{ name: 'y', type: null, shape: null }], opsets: new Map([['', opset]]), irVersion: 8 };
}

const perChannel = (values: number[]): Tensor => float32([4], values);
const norms: Constants = {
  scale: perChannel([1, 2, 0.5, -1]),
  bias: perChannel([0, 1, -1, 0.5]),
  mean: perChannel([0.1, 0, -0.1, 0.2]),
  variance: perChannel([1, 0.5, 2, 1]),
};
const whole = (...values: number[]): Tensor => ({
  type: 'int64',
  dims: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

/** [what, the graph in its own operator set]: ONNX Runtime runs it as it is written and as it is brought to 17. */
const cases: [string, Graph][] = [
  [
    'BatchNormalization 7',
    graphOf(7, 'BatchNormalization', { epsilon: float(1e-3), momentum: float(0.9), spatial: int(1) }, norms),
  ],
  ['BatchNormalization 9', graphOf(9, 'BatchNormalization', { momentum: float(0.9) }, norms)],
  ['Clip 6', graphOf(7, 'Clip', { min: float(-0.3), max: float(0.5) })],
  ['Clip 6, one end', graphOf(10, 'Clip', { min: float(0) })],
  ['Clip 12', graphOf(12, 'Clip', {}, { low: float32([], [0]), high: float32([], [0.5]) })],
  ['Dropout 7', graphOf(7, 'Dropout', { ratio: float(0.4) }, {}, { outputs: ['mask'] })],
  ['Dropout 10', graphOf(10, 'Dropout', { ratio: float(0.4) })],
  ['Pad 2', graphOf(9, 'Pad', { mode: text('constant'), pads: ints(0, 0, 1, 2, 0, 0, 0, 1), value: float(0.5) })],
  ['Pad 2, reflected', graphOf(10, 'Pad', { mode: text('reflect'), pads: ints(0, 0, 1, 2, 0, 0, 0, 1) })],
  ['Slice 1', graphOf(9, 'Slice', { axes: ints(2, 3), starts: ints(1, -4), ends: ints(2 ** 31 - 1, -1) })],
  ['Slice 1, no axes', graphOf(7, 'Slice', { starts: ints(0, 1), ends: ints(2, 3) })],
  ['Squeeze 1', graphOf(9, 'Unsqueeze', { axes: ints(1, 5) })],
  ['ReduceSum 1', graphOf(12, 'ReduceSum', { axes: ints(2, 3), keepdims: int(0) })],
  ['ReduceMean 1', graphOf(9, 'ReduceMean', { axes: ints(2, 3), keepdims: int(1) })],
  ['Split 2', graphOf(11, 'Split', { axis: int(1), split: ints(1, 3) }, {}, { outputs: ['rest'] })],
  ['Split 2, equal', graphOf(9, 'Split', { axis: int(1) }, {}, { outputs: ['rest'] })],
  ['TopK 1', graphOf(9, 'TopK', { axis: int(1), k: int(2) }, {}, { outputs: ['places'] })],
  ['Softmax 1', graphOf(9, 'Softmax', { axis: int(1) })],
  ['Softmax 11', graphOf(11, 'Softmax', { axis: int(2) })],
  ['LogSoftmax 11', graphOf(12, 'LogSoftmax', {})],
  ['Hardmax 11', graphOf(11, 'Hardmax', { axis: int(1) })],
  ['Softmax 13', graphOf(13, 'Softmax', { axis: int(1) })],
  ['Upsample 7', graphOf(7, 'Upsample', { mode: text('nearest'), scales: floats(1, 1, 2, 3) })],
  ['Upsample 9', graphOf(9, 'Upsample', { mode: text('linear') }, { scales: float32([4], [1, 1, 2, 2]) })],
  ['Resize 10', graphOf(10, 'Resize', { mode: text('nearest') }, { scales: float32([4], [1, 1, 2, 1.5]) })],
  ['Resize 10, linear', graphOf(10, 'Resize', { mode: text('linear') }, { scales: float32([4], [1, 1, 2, 2]) })],
  [
    'Resize 11',
    graphOf(
      11,
      'Resize',
      { mode: text('linear'), coordinate_transformation_mode: text('align_corners') },
      { roi: float32([0], []), scales: float32([4], [1, 1, 2, 2]) },
    ),
  ],
  ['MaxPool 8', graphOf(8, 'MaxPool', { kernel_shape: ints(3, 3), strides: ints(2, 2), pads: ints(1, 1, 0, 0) })],
  [
    'AveragePool 7',
    graphOf(7, 'AveragePool', { kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1), count_include_pad: int(1) }),
  ],
  ['LpPool 2', graphOf(9, 'LpPool', { kernel_shape: ints(2, 2), strides: ints(2, 2), p: int(2) })],
  ['PRelu 7', graphOf(7, 'PRelu', {}, { slope: float32([4, 1, 1], [0.1, 0.2, 0.3, 0.4]) })],
  ['Flatten 1', graphOf(7, 'Flatten', { axis: int(1) })],
  ['Concat 4', graphOf(7, 'Concat', { axis: int(1) }, {}, { inputs: ['picture', 'picture'] })],
  ['Sum of one', graphOf(8, 'Sum', {})],
  ['Reshape 5', graphOf(7, 'Reshape', {}, { shape: whole(0, -1) })],
  ['ArgMax 1', graphOf(9, 'ArgMax', { axis: int(1), keepdims: int(0) })],
  ['LRN 1', graphOf(7, 'LRN', { size: int(3), alpha: float(0.1) })],
  [
    'InstanceNormalization 6',
    graphOf(7, 'InstanceNormalization', {}, { scale: norms['scale']!, bias: norms['bias']! }),
  ],
  ['Elu 6', graphOf(7, 'Elu', { alpha: float(0.7) })],
  ['Gelu 20', graphOf(20, 'Gelu', { approximate: text('tanh') })],
  ['ReduceMean 18', graphOf(18, 'ReduceMean', { keepdims: int(0) }, { axes: whole(2, 3) })],
  [
    'GroupNormalization 21',
    graphOf(21, 'GroupNormalization', { num_groups: int(2) }, { scale: norms['scale']!, bias: norms['bias']! }),
  ],
];

describe('operator sets', () => {
  it.each(cases)('%s', async (_, graph) => {
    const upgraded = upgrade(graph);
    expect(upgraded.opsets.get('')).toBe(Math.max(graph.opsets.get('')!, targetOpset));
    const [before, after] = await Promise.all([run(graph), run(upgraded)]);
    expect(after.dims).toEqual(before.dims);
    expect(relativeDifference(toFloat32(before), toFloat32(after))).toBeLessThan(1e-6);
  });

  it('ImageScaler: a factor, and a shift per channel', async () => {
    const graph = graphOf(7, 'ImageScaler', { scale: float(2), bias: floats(1, 2, 3, 4) });
    const y = toFloat32(await run(upgrade(graph)));
    const x = toFloat32(picture);
    expect(Array.from(y)).toEqual(Array.from(x, (value, i) => Math.fround(2 * value + 1 + (Math.floor(i / 36) % 4))));
  });

  it('old spellings: consumed inputs, a slope per channel, shapes in attributes, types by name', async () => {
    const x = toFloat32(picture);
    const relu = upgrade(graphOf(1, 'Relu', { consumed_inputs: ints(0) }));
    expect(relu.nodes[0]!.attributes).toEqual({});
    const slope = toFloat32(await run(upgrade(graphOf(6, 'PRelu', {}, { slope: perChannel([1, 2, 3, 4]) }))));
    expect(Array.from(slope)).toEqual(
      Array.from(x, (v, i) => (v > 0 ? v : Math.fround(v * (1 + (Math.floor(i / 36) % 4))))),
    );
    expect((await run(upgrade(graphOf(4, 'Reshape', { shape: ints(0, 2, -1) })))).dims).toEqual([2, 2, 72]);
    expect((await run(upgrade(graphOf(5, 'Cast', { to: text('FLOAT') })))).dims).toEqual([2, 4, 6, 6]);
    expect((await run(upgrade(graphOf(3, 'Concat', {}, {}, { inputs: ['picture', 'picture'] })))).dims[1]).toBe(8);
    expect((await run(upgrade(graphOf(6, 'Add', { broadcast: int(1) }, { one: float32([1], [1]) })))).dims).toEqual([
      2, 4, 6, 6,
    ]);
  });

  it.each([
    [
      'a second input repeated along an axis',
      graphOf(6, 'Add', { broadcast: int(1), axis: int(1) }, { b: perChannel([1, 2, 3, 4]) }),
      /Add.*axis/,
    ],
    ['statistics per place', graphOf(7, 'BatchNormalization', { spatial: int(0) }, norms), /spatial = 0/],
    [
      'a batch norm as in training',
      graphOf(15, 'BatchNormalization', { training_mode: int(1) }, norms),
      /as in training/,
    ],
    ['a Slice that does not say where', graphOf(9, 'Slice', {}), /lacks its attribute "starts"/],
  ])('refused in words: %s', (_, graph, words) => {
    let error: unknown;
    try {
      upgrade(graph);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UnpoolError);
    expect((error as UnpoolError).message).toMatch(words);
    expect((error as UnpoolError).hint).toBeTruthy();
  });

  it('subgraphs are brought along', async () => {
    const branch = (name: string, min: number): Graph => ({
      ...graphOf(9, 'Clip', { min: float(min) }),
      name,
      inputs: [],
      outputs: [{ name: 'out', type: 'float32', shape: null }],
      nodes: [
        { name, opType: 'Clip', domain: '', inputs: ['picture'], outputs: ['out'], attributes: { min: float(min) } },
      ],
    });
    const flag: Tensor = { type: 'bool', dims: [], data: Uint8Array.of(1) };
    const attributes: Record<string, Attribute> = {
      then_branch: { kind: 'graph', value: branch('then', 0.25) },
      else_branch: { kind: 'graph', value: branch('else', 0) },
    };
    const graph = graphOf(9, 'If', attributes, { flag }, { inputs: ['flag'] });
    const whole: Graph = { ...graph, inputs: [{ name: 'picture', type: 'float32', shape: ['N', 4, 6, 6] }] };
    const [before, after] = await Promise.all([run(whole), run(upgrade(whole))]);
    expect(toFloat32(after)).toEqual(toFloat32(before));
    expect(Math.min(...toFloat32(after))).toBe(0.25);
  });
});

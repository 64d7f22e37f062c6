import { readdirSync } from 'node:fs';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { readModel } from '../../main/core/formats/index';
import { readOnnx } from '../../main/core/formats/onnx/index';
import { stringAttribute, intAttribute, intsAttribute, type Node } from '../../main/core/graph/graph';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';
import { referenceRuntime } from '../../main/core/runtime/reference';
import { differences, readPack } from './differential';

/**
 * Many small networks, as PyTorch's two exporters write them, against its autograd (README.md): on the cone and on the
 * whole picture, all units of a layer in one run. CI and UNPOOL_TEST_ALL=1 run every network on ONNX Runtime, by the deconvnet
 * and one of the other methods in turn, and every eighth on the float64 reference; else every eighth, and every fortieth on
 * the reference. UNPOOL_DIFFERENTIAL=all: every network by every method.
 */
const complete = process.env['UNPOOL_DIFFERENTIAL'] === 'all';
const whole = complete || Boolean(process.env['CI']) || process.env['UNPOOL_TEST_ALL'] === '1';

/** Networks that do not agree, by number: what may be said of them, and why. What is not of these words fails. */
const open: Record<string, { words: RegExp; why: string }> = {
  5018: {
    words: /layer 18\.b, gradient, /,
    why: 'a sum in front of a leaky ReLU is exactly zero in PyTorch and 1e-9 in ONNX Runtime, where the derivative changes',
  },
};

const onnxRuntime = createOrtRuntime(ort as unknown as Ort, { threads: 1 });
const packs = readdirSync(path.join(import.meta.dirname, 'differential'))
  .filter((name) => name.startsWith('random-'))
  .sort()
  .map((name) => ({ file: name.replace('.gz', ''), pack: readPack(name.replace('.gz', '')) }));
const networks = packs.flatMap(({ file, pack }) => pack.cases.map((golden) => ({ file, pack, golden })));

describe.each(packs)('$file', ({ file }) => {
  const chosen = [...networks.entries()]
    .filter(([i, each]) => each.file === file && i % (whole ? 1 : 8) === 0)
    .map(([index, each]) => ({ name: each.golden.name, index, ...each }));

  it.each(chosen.filter(({ name }) => !open[name]))('network $name', async ({ index, pack, golden }) => {
    const exact = index % (whole ? 8 : 40) === 0;
    const turn = complete ? undefined : index;
    const wrong: string[] = [];
    for (const [exporter, segments] of Object.entries(golden.models)) {
      const graph = await readModel(pack.file(segments));
      wrong.push(...(await differences(pack, golden, exporter, graph, onnxRuntime, { turn })));
      if (exact)
        wrong.push(...(await differences(pack, golden, exporter, graph, referenceRuntime, { coneMacs: 2e6, turn })));
    }
    expect(wrong).toEqual([]);
  });

  const rest = networks.filter((each) => each.file === file && open[each.golden.name]);
  it.each(rest.map((each) => ({ name: each.golden.name, ...each })))(
    'network $name, which does not agree in one known way',
    async ({ name, pack, golden }) => {
      const wrong: string[] = [];
      for (const [exporter, segments] of Object.entries(golden.models))
        wrong.push(...(await differences(pack, golden, exporter, await readModel(pack.file(segments)), onnxRuntime)));
      expect(wrong).not.toEqual([]); // when it agrees, it goes from the list
      for (const words of wrong) expect(words).toMatch(open[name]!.words);
    },
  );
});

describe('what is in the networks', () => {
  const models = networks.flatMap(({ pack, golden }) =>
    Object.values(golden.models).map((segments) => readOnnx(pack.file(segments)).nodes),
  );
  const nodes = models.flat();
  const holds = (test: (node: Node) => boolean) => models.filter((each) => each.some(test)).length;

  it('two hundred and more, by both exporters, each with a layer and its units', () => {
    expect(networks.filter(({ golden }) => !open[golden.name]).length).toBeGreaterThanOrEqual(200);
    for (const { golden } of networks) {
      expect(Object.keys(golden.models)).toEqual(['old', 'new']);
      expect(golden.layers.every((layer) => layer.units.length > 0)).toBe(true);
      expect(golden.layers.length).toBeGreaterThan(0);
    }
    expect(networks.filter(({ golden }) => golden.layers.length >= 2).length).toBeGreaterThan(0.9 * networks.length);
  });

  const ops = [
    ...['Conv', 'ConvTranspose', 'BatchNormalization', 'MaxPool', 'AveragePool', 'LpPool', 'GlobalAveragePool'],
    ...[
      'GlobalMaxPool',
      'GlobalLpPool',
      'Relu',
      'LeakyRelu',
      'PRelu',
      'ThresholdedRelu',
      'Clip',
      'Elu',
      'Selu',
      'Celu',
    ],
    ...['HardSwish', 'HardSigmoid', 'Sigmoid', 'Tanh', 'Gelu', 'Erf', 'Mish', 'Softplus', 'LRN', 'Max'],
    ...['InstanceNormalization', 'LayerNormalization', 'Add', 'Sub', 'Mul', 'Div', 'Split', 'Slice', 'Concat', 'Pad'],
    ...['Resize', 'DepthToSpace', 'SpaceToDepth', 'ReduceMean', 'ReduceMax', 'ReduceSum', 'MatMul', 'Gemm', 'Einsum'],
    ...['Reshape', 'Transpose', 'Flatten', 'Cast', 'Identity', 'Dropout'],
  ];
  it.each(ops)('%s, in several', (op) => expect(holds((node) => node.opType === op)).toBeGreaterThan(2));

  const words = ['GroupNorm', 'InstanceNorm', 'LayerNorm', 'Gated', 'Residual', 'Branches', 'Parted', 'Maxout'];
  const steps = ['silu', 'gelu', 'gelu-tanh', 'channel shuffle', 'weighted pooling', 'einsum', 'matmul', '+ mean'];
  it.each([...words, ...steps])('%s, in several', (word) =>
    expect(networks.filter(({ golden }) => golden.made?.includes(word)).length).toBeGreaterThan(2),
  );

  it.each([
    ['Pad', ['constant', 'reflect', 'edge', 'wrap'], 'constant'],
    ['Resize', ['nearest', 'linear'], 'nearest'],
  ] as const)('%s in the modes %s', (op, modes, fallback) => {
    const seen = nodes.filter((node) => node.opType === op).map((node) => stringAttribute(node, 'mode', fallback));
    expect([...new Set(seen)].sort()).toEqual([...modes].sort());
  });

  it('grouped, strided and dilated filters; dilated pools, and with ceil_mode', () => {
    const above = (op: string, name: string) => (node: Node) =>
      node.opType === op && (intsAttribute(node, name) ?? [1]).some((value) => value > 1);
    for (const name of ['strides', 'dilations'])
      for (const op of ['Conv', 'ConvTranspose', 'MaxPool'])
        expect(holds(above(op, name)), `${op} ${name}`).toBeGreaterThan(2);
    for (const op of ['Conv', 'ConvTranspose'])
      expect(holds((node) => node.opType === op && intAttribute(node, 'group', 1) > 1)).toBeGreaterThan(2);
    for (const op of ['MaxPool', 'AveragePool'])
      expect(holds((node) => node.opType === op && intAttribute(node, 'ceil_mode', 0) === 1)).toBeGreaterThan(2);
  });
});

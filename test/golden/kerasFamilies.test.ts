import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { float32, toFloat32 } from '../../main/core/graph/tensor';
import { openNetwork } from '../../main/core/program/network';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';
import { relativeDifference } from '../core/support';
import { differences, modes as everyMode } from './differential';
import { families, impossible, merged, readFamily } from './kerasFamilies';

/**
 * The CNN families of keras.applications in every format of Keras, against Keras: the output, and the reconstructions on the
 * cone and on the whole picture (README.md). CI and UNPOOL_TEST_ALL=1 compare every layer and method in every format; else that
 * is done for .keras, and for the others the deepest layer by deconvnet and gradient.
 */
const whole = Boolean(process.env['CI']) || process.env['UNPOOL_TEST_ALL'] === '1';
// What is read and walked is tested, not how ONNX Runtime folds it: its folded batch norms alone move ResNet v2 by 2e-4.
const runtime = createOrtRuntime(ort as unknown as Ort, { threads: 1 });
const everyFormat = ['keras', 'h5', 'h5-keras3', 'tfjs', 'tfjs-graph', 'onnx', 'tf2onnx'];

it('holds every family, in every format', () => {
  expect(families()).toHaveLength(13);
  for (const name of families()) {
    const possible = everyFormat.filter((format) => !impossible[name]?.includes(format));
    expect([name, ...readFamily(name).formats]).toEqual([name, ...possible]);
  }
});

describe.each(families())('%s', (name) => {
  const { family, pack, formats, read } = readFamily(name);

  it.each(formats)('as %s', async (format) => {
    const graph = await read(format);
    const network = await openNetwork(graph, { runtime });
    const [at, shape] = family.input;
    const [count, channels, height, width] = shape;
    expect(network.input).toMatchObject({ channels, size: [height, width] });

    const program = await runtime.compile(network.graph);
    const length = channels * height * width;
    const outputs: number[] = [];
    for (let i = 0; i < count; i++) {
      const picture = pack.floats(at + 4 * i * length, length);
      const result = await program.run({ [network.input.name]: float32([1, channels, height, width], picture) });
      outputs.push(...toFloat32(result[network.graph.outputs[0]!.name]!));
    }
    await program.dispose();
    const wanted = pack.floats(family.output[0], family.output[1][0] * family.output[1][1]);
    expect(relativeDifference(wanted, Float32Array.from(outputs))).toBeLessThan(1e-4);

    // Where a value's own name went with a change of layout, the layer is known by the name that it is listed under.
    const made = new Set(network.graph.nodes.flatMap((node) => node.outputs));
    const layers = family.layers.map((layer) => {
      const value = layer.values[format];
      const listed = network.layers.find(({ name }) => name === layer.module)?.after;
      return { ...layer, values: { [format]: value && made.has(value) ? value : listed! } };
    });
    const few = { layers: layers.slice(-1), modes: ['deconvnet', 'gradient'] as const };
    const { layers: compared, modes } = whole || format === 'keras' ? { layers, modes: everyMode } : few;
    const kept = modes.filter((mode) => mode === 'gradient' || !merged(name, format));
    expect(await differences(pack, { ...family, layers: compared }, format, graph, runtime, { only: kept })).toEqual(
      [],
    );
  });
});

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readOnnx } from '../../main/core/formats/onnx/index';
import { layerOfValue } from '../../main/core/program/layers';
import { openNetwork } from '../../main/core/program/network';
import { buildDeconvnet, feedsFor } from '../../main/core/program/deconvnet';
import { referenceRuntime } from '../../main/core/runtime/reference';
import { onnxRuntime } from '../core/linear';
import { relativeDifference } from '../core/support';

const folder = path.join(import.meta.dirname, 'moves');
const file = (name: string) => new Uint8Array(readFileSync(path.join(folder, name)));
const [length, count] = [3 * 16 * 16, 5];

/** moves.py: what its ops send back must be PyTorch's derivative, for all units at once and whatever the exporter wrote. */
describe.each(['old', 'new'])('ops that move, resize and spread values, %s exporter', (exporter) => {
  it.each([onnxRuntime, referenceRuntime])('on $name', async (runtime) => {
    const numbers = new Float32Array(file('expected.bin').slice().buffer);
    const network = await openNetwork(readOnnx(file(`${exporter}.onnx`)));
    expect(network.batchOne).toBeNull();
    expect(network.layers.filter((layer) => layer.refused)).toEqual([]);
    const layer = layerOfValue(network, 'units');
    const method = { id: 'gradient', leaky: 'strict', smooth: 'derivative' } as const;
    const deconvnet = buildDeconvnet(network, layer, method, false, 'picture');
    const picture = numbers.slice(0, length);
    const requests = Array.from({ length: count }, (_, unit) => ({ picture, unit, y: 0, x: 0 }));
    const program = await runtime.compile(deconvnet.graph);
    const results = await program.run(feedsFor(network, deconvnet, layer.units, layer.map, requests));
    await program.dispose();
    const part = (from: number, to: number) => numbers.slice(from, to);
    const [activation, signals] = [results['activation']!, results['reconstruction']!];
    expect(relativeDifference(part(length, length + count), activation.data as Float32Array)).toBeLessThan(1e-5);
    expect(relativeDifference(part(length + count, numbers.length), signals.data as Float32Array)).toBeLessThan(1e-5);
  });
});

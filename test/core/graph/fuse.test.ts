import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import type { MethodChoice } from '../../../preload/contract';
import { readOnnx } from '../../../main/core/formats/onnx/index';
import { analyse } from '../../../main/core/graph/analyse';
import { fuse } from '../../../main/core/graph/fuse';
import type { Graph } from '../../../main/core/graph/graph';
import { ruleAt } from '../../../main/core/program/walk';
import { methodOf } from '../../../main/core/methods/index';
import { openNetwork } from '../../../main/core/program/network';
import { buildDeconvnet, feedsFor } from '../../../main/core/program/deconvnet';
import { createOrtRuntime, type Ort } from '../../../main/core/runtime/ort';
import { referenceRuntime } from '../../../main/core/runtime/reference';
import { Net, relativeDifference } from '../support';

type Exporter = 'torchscript' | 'dynamo';
interface Case {
  name: string;
  op: string | Record<Exporter, string>;
  models: Partial<Record<Exporter, string>>;
  picture: number[];
  activation: number;
  gradient: number[];
}
const cases = JSON.parse(
  gunzipSync(readFileSync(path.join(import.meta.dirname, 'pieces.json.gz'))).toString(),
) as Case[];
const gradient: MethodChoice = { id: 'gradient', leaky: 'strict', smooth: 'rectify' };
const deconvnet: MethodChoice = { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' };

describe.each(['torchscript', 'dynamo'] as const)('as the %s exporter of PyTorch writes it', (exporter) => {
  it.each(cases.filter(({ models }) => models[exporter]))('$name', async ({ op, models, ...given }) => {
    const { picture, activation, gradient: expected } = given;
    const network = await openNetwork(readOnnx(new Uint8Array(Buffer.from(models[exporter]!, 'base64'))));
    const ops = (typeof op === 'string' ? op : op[exporter]).split(' ');
    expect(network.graph.nodes.map((node) => node.opType)).toEqual(['Conv', ...ops, 'Conv']);
    const layer = network.layers.at(-1)!;
    const request = { picture: Float32Array.from(picture), unit: 1, y: 2, x: 3 };
    for (const extent of ['cone', 'picture'] as const)
      for (const runtime of [referenceRuntime, createOrtRuntime(ort as unknown as Ort, { threads: 1 })]) {
        const walk = buildDeconvnet(network, layer, gradient, false, extent);
        if (walk.extent !== extent) continue;
        const program = await runtime.compile(walk.graph);
        const results = await program.run(feedsFor(network, walk, layer.units, layer.map, [request]));
        await program.dispose();
        expect(Math.abs(Number(results['activation']!.data[0]) / activation - 1)).toBeLessThan(1e-4);
        const whole = new Float32Array(expected.length);
        const [channels = 0, height = 0, width = 0] = results['reconstruction']!.dims.slice(1);
        const { top, left } = walk.frame(2, 3);
        for (let c = 0; c < channels; c++)
          for (let y = Math.max(0, -top); y < height && top + y < 7; y++)
            for (let x = Math.max(0, -left); x < width && left + x < 8; x++)
              whole[(c * 7 + top + y) * 8 + left + x] = Number(
                results['reconstruction']!.data[(c * height + y) * width + x],
              );
        expect(relativeDifference(expected, whole), `${extent}, ${runtime.name}`).toBeLessThan(1e-4);
      }
    const node = network.graph.nodes.at(-2)!;
    const { rule } = ruleAt(node, network.analysis, methodOf(deconvnet));
    if (/Normalization$|^LRN$/.test(node.opType)) expect(rule).toMatch(/^passed straight through/);
    else expect(rule).toMatch(/^rectify the signal/);
  });
});

describe('what is not one', () => {
  const shape = [1, 2, 4, 4];
  const fused = (net: Net, ...outputs: string[]): Graph => {
    const graph = net.graph(...outputs);
    return fuse(graph, analyse(graph, new Map([[net.picture, shape]]))).graph;
  };
  const types = (graph: Graph) => graph.nodes.map((node) => node.opType);

  it('a piece that something else reads stays', () => {
    const net = new Net([2, 4, 4]);
    const gate = net.add('Sigmoid', [net.picture]);
    const product = net.add('Mul', [net.picture, gate]);
    expect(types(fused(net, net.add('Concat', [product, gate], { axis: 1 })))).toEqual(['Sigmoid', 'Mul', 'Concat']);
    expect(types(fused(net, product, gate))).toEqual(['Sigmoid', 'Mul']);
    expect(types(fused(net, product))).toEqual(['Swish']);
  });

  it('nearly a GELU is none', () => {
    const make = (factor: number) => {
      const net = new Net([2, 4, 4]);
      const bell = net.add('Erf', [net.add('Mul', [net.picture, net.builder.scalar(factor)])]);
      const share = net.add('Add', [bell, net.builder.scalar(1)]);
      return types(fused(net, net.add('Mul', [net.add('Mul', [share, net.picture]), net.builder.scalar(0.5)])));
    };
    expect(make(0.707)).not.toContain('Gelu');
    expect(make(Math.SQRT1_2)).toEqual(['Gelu']);
    expect(make(0.70703125)).toEqual(['Gelu']); // as half precision has it
  });

  it('a gate by another signal is none, nor statistics over unlike axes a layer norm', () => {
    const net = new Net([2, 4, 4]);
    const gated = net.add('Mul', [net.picture, net.add('Sigmoid', [net.conv(net.picture, 2, 2, 1)])]);
    expect(types(fused(net, gated))).toEqual(['Conv', 'Sigmoid', 'Mul']);
    const other = new Net([2, 4, 4]);
    const mean = other.add('ReduceMean', [other.picture], { axes: [1] });
    const centred = other.add('Sub', [other.picture, mean]);
    const variance = other.add('ReduceMean', [other.add('Mul', [centred, centred])], { axes: [2, 3] });
    expect(types(fused(other, other.add('Div', [centred, other.add('Sqrt', [variance])])))).toEqual([
      'ReduceMean',
      'Sub',
      'RMSNormalization',
    ]);
  });

  it('a rectifier and a factor are no SELU and no hard sigmoid: the factor is walked back through', () => {
    const net = new Net([2, 4, 4]);
    expect(types(fused(net, net.add('Mul', [net.relu(net.picture), net.builder.scalar(1.25)])))).toEqual([
      'Relu',
      'Mul',
    ]);
    const six = new Net([2, 4, 4]);
    const clipped = six.add('Clip', [six.picture, six.builder.scalar(0), six.builder.scalar(6)]);
    expect(types(fused(six, six.add('Div', [clipped, six.builder.scalar(6)])))).toEqual(['Clip', 'Div']);
  });

  it('an ELU and a factor are no SELU, unless the numbers are its own', () => {
    const make = (alpha: number, factor: number) => {
      const net = new Net([2, 4, 4]);
      const elu = net.add('Elu', [net.picture], { alpha: { float: alpha } });
      return types(fused(net, net.add('Mul', [elu, net.builder.scalar(factor)])));
    };
    expect(make(0.75, 0.875)).toEqual(['Elu', 'Mul']);
    expect(make(1.6732632, 1.050701)).toEqual(['Selu']);
    expect(make(1.6728515625, 1.05078125)).toEqual(['Selu']); // as half precision has it
  });

  it('a half and a cast are no Swish of slope zero, nor two casts a leaky rectifier of slope one', () => {
    const half = new Net([2, 4, 4]);
    const product = half.add('Mul', [half.picture, half.builder.scalar(0.5)]);
    expect(types(fused(half, half.add('Cast', [product], { to: 1 })))).toEqual(['Mul', 'Cast']);
    const idle = new Net([2, 4, 4]);
    expect(types(fused(idle, idle.add('Cast', [idle.add('Identity', [idle.picture])], { to: 1 })))).toEqual([
      'Identity',
      'Cast',
    ]);
  });

  it('one rectifier by another name', () => {
    const net = new Net([2, 4, 4]);
    expect(types(fused(net, net.add('Max', [net.builder.scalar(0), net.picture])))).toEqual(['Relu']);
    const mean = new Net([2, 4, 4]);
    const parts = mean.add('MeanVarianceNormalization', [mean.picture]);
    expect(fused(mean, parts).nodes[0]!.attributes['axes']).toEqual({ kind: 'ints', value: [2, 3] });
  });
});

import { describe, expect, it } from 'vitest';
import { nd } from '../../main/core/ops/nd';
import { openNetwork } from '../../main/core/program/network';
import { buildCam, camLayer, camOf, createObserver } from '../../main/core/program/observer';
import { referenceRuntime, runReference } from '../../main/core/runtime/reference';
import { Net, relativeDifference } from './support';

const classes = 4;

/** Two convolutions and a sum around the second, whose value can be shifted from outside; mean, dense layer, softmax. */
function build(shifted: boolean) {
  const net = new Net([3, 9, 8], 17);
  const first = net.relu(net.conv(net.picture, 3, 6, 3, { pads: [1, 1, 1, 1], strides: [2, 2] }, true, 'first'));
  let second = net.relu(net.conv(first, 6, 6, 3, { pads: [1, 1, 1, 1] }, true, 'second'));
  if (shifted)
    second = net.add('Add', [second, net.builder.input({ name: 'shift', type: 'float32', shape: [1, 6, 1, 1] })]);
  const sum = net.add('Add', [second, first], {}, 'sum');
  const third = net.relu(net.conv(sum, 6, 6, 3, { pads: [1, 1, 1, 1] }, true, 'third'));
  const flat = net.add('Flatten', [net.add('GlobalAveragePool', [third])], { axis: 1 });
  const scores = net.add('Gemm', [flat, net.weights([6, classes]), net.weights([classes])], {}, 'scores');
  return {
    graph: net.graph(shifted ? scores : net.add('Softmax', [scores], { axis: 1 })),
    second,
    picture: net.pictures(1),
  };
}

describe('Grad-CAM', () => {
  const plain = build(false);
  const shifted = build(true);
  const picture = plain.picture;
  const asNd = (data: ArrayLike<number>, dims: number[]) => nd(dims, Float64Array.from(data));

  it('weighs each map by the derivative of the class score, found by shifting that map', async () => {
    const network = await openNetwork(plain.graph);
    const layer = network.layers.find(({ after }) => after === plain.second)!;
    const observer = createObserver(referenceRuntime, network);
    const maps = (await observer.run(picture, false)).maps.get(layer.id)!.data as Float32Array;
    const area = layer.map[0] * layer.map[1];
    const score = (unit: number, by: number, of: number): number => {
      const shift = nd([1, 6, 1, 1]);
      shift.data[unit] = by;
      const feeds = new Map([
        ['picture', asNd(picture, [1, 3, 9, 8])],
        ['shift', shift],
      ]);
      return [...runReference(shifted.graph, feeds).values()][0]!.data[of]!;
    };
    const step = 1e-6;
    let answered = 0;
    for (let of = 0; of < classes; of++) {
      const expected = new Float64Array(area);
      for (let unit = 0; unit < layer.units; unit++) {
        const weight = (score(unit, step, of) - score(unit, -step, of)) / (2 * step) / area;
        for (let i = 0; i < area; i++) expected[i]! += weight * maps[unit * area + i]!;
      }
      const made = await observer.cam(picture, layer, of);
      expect([made.height, made.width]).toEqual(layer.map);
      expect(
        relativeDifference(
          expected.map((value) => Math.max(0, value)),
          made.data,
        ),
      ).toBeLessThan(1e-5);
      answered += Number(Math.max(...made.data) > 0);
    }
    expect(answered).toBeGreaterThan(1);
    await observer.dispose();
  });

  it('is taken at the last layer with places before the classes', async () => {
    const network = await openNetwork(plain.graph);
    expect(camLayer(network)).toMatchObject({ before: 'third', kind: 'conv' });
    // The walk ends at the maps: nothing below them is in its graph but the forward pass.
    const { graph, maps } = buildCam(network, camLayer(network));
    const at = graph.nodes.findIndex(({ outputs }) => outputs.includes(maps));
    expect(graph.nodes.slice(0, at).every(({ name }) => network.graph.nodes.some((node) => node.name === name))).toBe(
      true,
    );
  });

  it('is zero where everything speaks against the class', () => {
    expect([...camOf(Float32Array.of(1, 2, 3, 4), Float32Array.of(-1, -1, 1, -1), 2)]).toEqual([0, 0]);
    expect([...camOf(Float32Array.of(1, 2, 3, 4), Float32Array.of(1, 1, 2, 0), 2)]).toEqual([4, 6]);
  });
});

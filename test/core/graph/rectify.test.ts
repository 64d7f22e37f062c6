import { describe, expect, it } from 'vitest';
import { rectifyFirst } from '../../../main/core/graph/rectify';
import { nd } from '../../../main/core/ops/nd';
import { runReference } from '../../../main/core/runtime/reference';
import { Net, node } from '../support';

/** Unpooled, masked, cut and then rectified, as in a walk back. */
function walk() {
  const net = new Net([1, 4, 4]);
  const size = net.add('Shape', [net.picture]);
  net.builder.addNode(node('MaxPool', [net.picture], ['pooled', 'at'], { kernel_shape: [2, 2], strides: [2, 2] }));
  const mask = net.builder.input({ name: 'mask', type: 'float32', shape: ['N', 1, 2, 2] });
  const shifted = net.add('Sub', ['pooled', net.builder.scalar(0.3)]);
  const masked = net.add('Mul', [shifted, mask]);
  const unpooled = net.add('MaxUnpool', [masked, 'at', size], { kernel_shape: [2, 2], strides: [2, 2] });
  const cut = net.add('Pad', [unpooled, net.builder.ints([0, 0, -1, 0, 0, 0, 0, 1])]);
  return { net, masked, graph: net.graph(net.relu(cut)) };
}

describe('rectifyFirst', () => {
  it('rectifies before masks, unpooling and cuts, and gives the same', () => {
    const { net, graph } = walk();
    const early = rectifyFirst(graph, new Set(['mask']));
    const order = (nodes: typeof graph.nodes) =>
      nodes.map(({ opType }) => opType).filter((op) => !['Shape', 'MaxPool', 'Sub'].includes(op));
    expect(order(graph.nodes)).toEqual(['Mul', 'MaxUnpool', 'Pad', 'Relu']);
    expect(order(early.nodes)).toEqual(['Relu', 'Mul', 'MaxUnpool', 'Pad']);
    const picture = nd([2, 1, 4, 4], Float64Array.from(net.pictures(2)));
    const feeds = new Map([
      ['picture', picture],
      ['mask', nd([2, 1, 2, 2], Float64Array.of(1, 0, 1, 1, 0, 1, 1, 0))],
    ]);
    const [output] = graph.outputs;
    const values = Array.from(runReference(early, feeds).get(output!.name)!.data, (value) => value + 0);
    expect(values).toEqual(Array.from(runReference(graph, feeds).get(output!.name)!.data, (value) => value + 0));
    expect(values.some((value) => value > 0)).toBe(true);
  });

  it('moves no further than a factor that may be negative', () => {
    const { nodes } = rectifyFirst(walk().graph);
    expect(nodes.map(({ opType }) => opType).slice(-4)).toEqual(['Mul', 'Relu', 'MaxUnpool', 'Pad']);
  });

  it('leaves a value that another reads', () => {
    const { net } = walk();
    const cut = net.add('Pad', [net.picture, net.builder.ints([0, 0, -1, 0, 0, 0, 0, 0])]);
    const graph = net.graph(net.add('Add', [net.relu(cut), cut]));
    expect(rectifyFirst(graph).nodes).toEqual(graph.nodes);
  });
});

import { describe, expect, it } from 'vitest';
import { findBlocks, passages } from '../../main/core/program/blocks';
import { openNetwork } from '../../main/core/program/network';
import { outlineOf } from '../../main/core/program/outline';
import { Net } from './support';

const deconvnet = { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' } as const;

/** Parts one after another; "a>b" in `more` are further links. */
function blocksOf(names: string[], more: string[] = [], joins: string[] = []): Record<string, string[]> {
  const at = (name: string): number => names.indexOf(name);
  const links = names.slice(1).map((_, i) => [i, i + 1] as const);
  const extra = more.map((each) => each.split('>').map(at) as unknown as [number, number]);
  const blocks = findBlocks(
    names.map((name) => ({ name, join: joins.includes(name) })),
    [...links, ...extra],
  );
  return Object.fromEntries(
    blocks.names.map((block, index) => [block, names.filter((_, i) => blocks.of[i] === index)]),
  );
}

describe('blocks', () => {
  it('by paths: the blocks of a stage, not the stage; a sum without a name is its block’s', () => {
    const block = (name: string): string[] => [`${name}.conv1`, `${name}.conv2`, `sum ${name}`];
    const names = ['x', 'stem', ...block('layer1.0'), ...block('layer1.1'), ...block('layer2.0'), 'fc'];
    const more = ['stem>sum layer1.0', 'sum layer1.0>sum layer1.1', 'sum layer1.1>sum layer2.0'];
    const joins = names.filter((name) => name.startsWith('sum'));
    expect(blocksOf(names, more, joins)).toEqual({
      'layer1.0': block('layer1.0'),
      'layer1.1': block('layer1.1'),
      layer2: block('layer2.0'), // a stage of one block is that block
    });
  });

  it('by underscores where there are no paths, and none where one would hold nearly everything', () => {
    expect(blocksOf(['x', 'block1_conv1', 'block1_conv2', 'block2_conv1', 'block2_conv2', 'fc'])).toEqual({
      block1: ['block1_conv1', 'block1_conv2'],
      block2: ['block2_conv1', 'block2_conv2'],
    });
    expect(blocksOf(['x', 'conv_1', 'conv_2', 'conv_3', 'conv_4'])).toEqual({});
  });

  it('branches are no blocks of their own, and a name that is spread over the network is none', () => {
    const names = ['x', 'in3a.b1.0', 'in3a.b2.0', 'in3a.b2.1', 'cat', 'in3b.b1.0', 'in3b.b2.0', 'in3b.b2.1', 'end'];
    const link = (pairs: [string, string][]) => pairs.map(([a, b]) => [names.indexOf(a), names.indexOf(b)] as const);
    const module = (name: string, from: string, to: string): [string, string][] => [
      ...([
        [from, `${name}.b1.0`],
        [from, `${name}.b2.0`],
        [`${name}.b2.0`, `${name}.b2.1`],
      ] as [string, string][]),
      ...([
        [`${name}.b1.0`, to],
        [`${name}.b2.1`, to],
      ] as [string, string][]),
    ];
    const blocks = findBlocks(
      names.map((name) => ({ name, join: name === 'cat' || name === 'end' })),
      link([...module('in3a', 'x', 'cat'), ...module('in3b', 'cat', 'end')]),
    );
    expect(blocks.names).toEqual(['in3a', 'in3b']);
    expect(blocks.of).toEqual([null, 0, 0, 0, 0, 1, 1, 1, 1]);
    expect(blocksOf(['x', 'pool.a', 'c1', 'c2', 'c3', 'c4', 'pool.b', 'y'])).toEqual({});
  });

  it('by shape where names say nothing: from fork to join', () => {
    const names = ['x', 'a', 'b', 'c', 'sum', 'd', 'e', 'f', 'sum2'];
    expect(blocksOf(names, ['a>sum', 'sum>sum2'], ['sum', 'sum2'])).toEqual({
      sum: ['b', 'c', 'sum'],
      sum2: ['d', 'e', 'f', 'sum2'],
    });
    expect(
      passages(5, [
        [0, 1],
        [1, 2],
        [1, 3],
        [2, 3],
        [3, 4],
      ]),
    ).toEqual([0, 1, 3, 4]);
  });
});

describe('the outline', () => {
  it('has a node for each layer with its rectifier, the ways between them, and says what refuses', async () => {
    const net = new Net([3, 16, 16]);
    const stem = net.relu(net.conv(net.picture, 3, 4, 3, { pads: [1, 1, 1, 1] }, true, 'stem'));
    const pooled = net.add('MaxPool', [stem], { kernel_shape: [2, 2], strides: [2, 2] }, 'pool');
    const left = net.relu(net.conv(pooled, 4, 4, 1, {}, true, 'm/left'));
    const right = net.relu(net.conv(pooled, 4, 4, 3, { pads: [1, 1, 1, 1] }, true, 'm/right'));
    const join = net.add('Concat', [left, right], { axis: 1 }, 'm/join');
    const flat = net.add('Flatten', [join], {}, 'flat');
    const scores = net.add('Softmax', [net.add('MatMul', [flat, net.weights([512, 5])], {}, 'fc')], {}, 'prob');
    const network = await openNetwork(net.graph(scores));
    const { nodes, edges, blocks } = outlineOf(network, deconvnet);
    expect(nodes.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
      ...['input picture', 'conv stem', 'pool pool', 'conv m/left', 'conv m/right', 'join m/join', 'op flat'],
      ...['dense fc', 'op prob'],
    ]);
    expect(nodes[1]).toMatchObject({ ops: ['Conv', 'Relu'], shape: [4, 16, 16], refused: null });
    expect(nodes[1]!.rule).toMatch(/^rectify the signal; transposed filters/);
    expect(edges.map(({ from, to, back }) => [from, to, back])).toEqual(
      [
        [0, 1],
        [1, 2],
        [2, 3],
        [2, 4],
        [3, 5],
        [4, 5],
        [5, 6],
        [6, 7],
        [7, 8],
      ].map(([a, b]) => [a, b, true]),
    );
    expect(blocks).toEqual(['m']);
    expect(nodes.map(({ block }) => block)).toEqual([null, null, null, 0, 0, 0, null, null, null]);
    const ids = new Set(network.layers.map(({ id }) => id));
    expect(nodes.filter(({ layer }) => layer !== null).every(({ layer }) => ids.has(layer!))).toBe(true);
    expect(nodes.at(-1)!.refused).toBe('Softmax: the deconvnet has no rule for it');
  });

  it('no signal comes back into a gate that the deconvnet holds; the gradient’s does', async () => {
    const net = new Net([3, 8, 8]);
    const x = net.conv(net.picture, 3, 4, 1, {}, true, 'x');
    const squeezed = net.add('GlobalAveragePool', [x], {}, 'squeeze');
    const gate = net.add('Sigmoid', [net.conv(squeezed, 4, 4, 1, {}, true, 'excite')], {}, 'gate');
    const network = await openNetwork(
      net.graph(net.conv(net.add('Mul', [x, gate], {}, 'gated'), 4, 5, 3, {}, true, 'y')),
    );
    const into = (id: 'deconvnet' | 'gradient'): unknown => {
      const { nodes, edges } = outlineOf(network, { ...deconvnet, id });
      const gated = nodes.findIndex(({ ops }) => ops.includes('Mul'));
      return Object.fromEntries(
        edges.filter(({ to }) => to === gated).map(({ from, back }) => [nodes[from]!.name, back]),
      );
    };
    expect(into('deconvnet')).toEqual({ x: true, excite: false });
    expect(into('gradient')).toEqual({ x: true, excite: true });
  });
});

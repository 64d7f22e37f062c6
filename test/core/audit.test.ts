import { describe, expect, it } from 'vitest';
import { Builder } from '../../main/core/graph/builder';
import { emptyGraph } from '../../main/core/graph/graph';
import { float32 } from '../../main/core/graph/tensor';
import { stampOf } from '../../main/core/methods/index';
import { auditNetwork } from '../../main/core/program/audit';
import { openNetwork } from '../../main/core/program/network';

const filters = (builder: Builder, out: number, into: number, side: number) =>
  builder.constant(
    float32(
      [out, into, side, side],
      Float32Array.from({ length: out * into * side * side }, (_, i) => Math.sin(i)),
    ),
    'w',
  );

/** conv, batch norm, ReLU, [max pool | strided conv], squeeze and excitation, conv. */
function network(pool: boolean): Promise<Awaited<ReturnType<typeof openNetwork>>> {
  const b = new Builder({
    ...emptyGraph('test'),
    inputs: [{ name: 'x', type: 'float32', shape: ['N', 3, 16, 16] }],
  });
  const vector = (value: number) => b.constant(float32([4], [value, value, value, value]), 'v');
  let x = b.add('Conv', ['x', filters(b, 4, 3, 3)], { pads: [1, 1, 1, 1] }, 'c1');
  x = b.add('BatchNormalization', [x, vector(2), vector(0), vector(0), vector(1)], {}, 'bn');
  x = b.add('Relu', [x], {}, 'r1');
  x = pool
    ? b.add('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] }, 'p')
    : b.add('Conv', [x, filters(b, 4, 4, 2)], { strides: [2, 2] }, 'p');
  const squeezed = b.add('GlobalAveragePool', [x], {}, 'squeeze');
  const gate = b.add('Sigmoid', [b.add('Conv', [squeezed, filters(b, 4, 4, 1)], {}, 'excite')], {}, 'gate');
  x = b.add('Mul', [x, gate], {}, 'gated');
  x = b.add('Conv', [x, filters(b, 5, 4, 3)], {}, 'c2');
  return openNetwork(b.build([{ name: x, type: 'float32', shape: null }]));
}
const choice = { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' } as const;

describe('the audit', () => {
  it('names every node on the way, the folded batch norm, and the gate as this program’s own choice', async () => {
    const net = await network(true);
    const audit = auditNetwork(net, choice);
    // The squeezing branch has rows as a way of its own layer, not of the gated one.
    expect(audit.rows.map((row) => row.op).filter((op) => op !== 'Sigmoid')).toEqual([
      'Conv',
      'Relu',
      'MaxPool',
      'GlobalAveragePool',
      'Conv',
      'Mul',
      'Conv',
    ]);
    expect(audit.rows[0]!.parts).toHaveLength(2);
    const squeeze = audit.rows.find((row) => row.op === 'GlobalAveragePool')!;
    expect([audit.rows[0]!.role, squeeze.role, squeeze.rule]).toEqual([
      'filter',
      'average',
      expect.stringMatching(/^shared out evenly over the map/),
    ]);
    expect(audit.rows.filter((row) => row.assumed).map((row) => row.op)).toContain('Mul');
    expect(audit.layers.refused).toEqual([]);
    expect(stampOf(choice, net.layers.at(-1)!)).toMatch(/gates rectified/);
    expect(stampOf(choice, net.layers[0]!)).toBe('deconvnet');
  });

  it('the gradient has a rule for everything: nothing is made up', async () => {
    const audit = auditNetwork(await network(true), { ...choice, id: 'gradient' });
    expect(audit.rows.filter((row) => row.assumed)).toEqual([]);
    expect(audit.rows.some((row) => row.role === 'gate')).toBe(true);
  });

  it('"refuse" refuses behind the gate only, with the reason at the node', async () => {
    const net = await network(true);
    const audit = auditNetwork(net, { ...choice, smooth: 'refuse' });
    expect(audit.rows.find((row) => row.op === 'Mul')!.refused).toMatch(/no rule/);
    expect(audit.layers.refused.length).toBeGreaterThan(0);
    expect(audit.layers.exact).toBeGreaterThan(0);
  });

  it('says that a network without switches gives the same picture for every input', async () => {
    expect((await network(true)).notes.join()).not.toMatch(/switches/);
    expect((await network(false)).notes.join()).toMatch(/No pool with switches/);
  });
});

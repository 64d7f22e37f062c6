import { describe, expect, it } from 'vitest';
import { foldBatchNorms } from '../../../main/core/graph/batchNorms';
import { runReference } from '../../../main/core/runtime/reference';
import { fromTensor } from '../../../main/core/ops/nd';
import { float32 } from '../../../main/core/graph/tensor';
import { Net, relativeDifference } from '../support';

/** A convolution of 4 channels with steps behind it: "mul", "div", "add" and "sub" by a constant for each channel, "norm". */
function behind(steps: readonly string[], also?: (net: Net, conv: string) => string) {
  const net = new Net([3, 6, 5]);
  const conv = net.conv(net.picture, 3, 4, 3);
  const positive = () => net.builder.constant(float32([4], [0.5, 1.5, 2, 0.25]), `p${net.builder.initializers.size}`);
  let x = conv;
  for (const step of steps)
    if (step === 'norm')
      x = net.add('BatchNormalization', [x, positive(), net.weights([4]), net.weights([4]), positive()]);
    else {
      const opType = { mul: 'Mul', div: 'Div', add: 'Add', sub: 'Sub' }[step]!;
      const constant =
        step === 'div' ? net.builder.constant(float32([4, 1, 1], [0.5, -2, 1, 4]), 'd') : net.weights([1, 4, 1, 1]);
      x = net.add(opType, [x, constant]);
    }
  const out = net.relu(x);
  const graph = net.graph(out, ...(also ? [also(net, conv)] : []));
  const folded = foldBatchNorms(graph);
  const picture = new Map([[net.picture, fromTensor(float32([1, 3, 6, 5], net.pictures(1)))]]);
  const values = [graph, folded.graph].map((each) => runReference(each, picture).get(out)!.data);
  return {
    ...folded,
    ops: folded.graph.nodes.map((node) => node.opType),
    error: relativeDifference(values[0]!, values[1]!),
  };
}

describe('batch norms behind a convolution', () => {
  it.each([
    [['norm'], 1],
    [['mul', 'add'], 1],
    [['sub', 'div', 'mul', 'add'], 1],
    [['add', 'norm'], 1],
    [['mul', 'add', 'norm'], 2],
    [['mul', 'sub', 'mul', 'sub'], 2],
  ])('%j are folded', (steps, count) => {
    const folded = behind(steps);
    expect([folded.ops, folded.count]).toEqual([['Conv', 'Relu'], count]);
    expect([...folded.parts.values()].map((parts) => parts.length)).toEqual([steps.length + 1]);
    expect(folded.error).toBeLessThan(1e-6);
  });

  it('a factor alone is a layer scale, and a sum alone a bias: they stay', () => {
    expect(behind(['add', 'mul'])).toMatchObject({ ops: ['Conv', 'Add', 'Mul', 'Relu'], count: 0 });
    expect(behind(['mul', 'add', 'mul'])).toMatchObject({ ops: ['Conv', 'Mul', 'Relu'], count: 1 });
  });

  it('where something else reads between, they stay', () => {
    const folded = behind(['mul', 'add'], (net, conv) => net.add('Sigmoid', [conv]));
    expect(folded.count).toBe(0);
    expect(folded.error).toBe(0);
  });
});

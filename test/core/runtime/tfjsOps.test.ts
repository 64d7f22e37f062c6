import { describe, expect, it } from 'vitest';
import { float32, toNumbers } from '../../../main/core/graph/tensor';
import { opNames } from '../../../main/core/ops/index';
import { referenceRuntime } from '../../../main/core/runtime/reference';
import { tfjsBackends } from '../../../main/engine/tfjs';
import { relativeDifference } from '../support';
import { backendsToTest } from './backends';
import { graphOf, opCases, type OpCase } from './tfjsOps';

/** Every op of the registry, alone, on every backend of TensorFlow.js, against the float64 reference. */

it('has a case for every op that the reference runs', () => {
  expect(Object.keys(opCases).sort()).toEqual([...opNames].sort());
});

it('knows every backend', () => expect(backendsToTest.map(({ backend }) => backend)).toEqual([...tfjsBackends]));

const all = Object.entries(opCases).flatMap(([opType, cases]) =>
  cases.map((each) => ({ title: each.what ? `${opType}, ${each.what}` : opType, opType, each })),
);

describe.each(backendsToTest)('TensorFlow.js, backend $title', ({ runtime }) => {
  it.skipIf(!runtime).each(all)('$title', async ({ opType, each }) => {
    const { graph, feeds } = graphOf(opType, each);
    const [ours, theirs] = await Promise.all(
      [runtime!, referenceRuntime].map(async (one) => {
        const program = await one.compile(graph);
        const results = await program.run(feeds);
        await program.dispose();
        return results;
      }),
    );
    for (const [name, expected] of Object.entries(theirs!)) {
      const made = ours![name]!;
      expect(made.dims, name).toEqual(expected.dims);
      expect(relativeDifference(toNumbers(expected), toNumbers(made)), name).toBeLessThan(2e-5);
    }
  });
  it.skipIf(!runtime)('average pools of the same values at other places are equal to the last bit', async () => {
    // Every way to put three values, in this order, into a window of nine.
    const nine = Array.from({ length: 9 }, (_, i) => i);
    const ways = nine.flatMap((a) => nine.flatMap((b) => nine.flatMap((c) => (a < b && b < c ? [[a, b, c]] : []))));
    const triples = [
      [0.1, 0.7, 0.3],
      [1.3, 0.017, 0.9],
      [0.55, 2.1, 0.21],
    ];
    const x = new Float32Array(triples.length * ways.length * 9);
    triples.forEach((triple, t) =>
      ways.forEach((way, w) => way.forEach((at, i) => (x[(t * ways.length + w) * 9 + at] = triple[i]!))),
    );
    const pool: OpCase = {
      inputs: [{ fed: float32([triples.length * ways.length, 1, 3, 3], x) }],
      plain: { kernel_shape: [3, 3] },
    };
    const { graph, feeds } = graphOf('AveragePool', pool);
    const program = await runtime!.compile(graph);
    const values = toNumbers((await program.run(feeds))['y0']!);
    await program.dispose();
    triples.forEach((_, t) =>
      expect(new Set(values.slice(t * ways.length, (t + 1) * ways.length)).size, `triple ${t}`).toBe(1),
    );
  });
});

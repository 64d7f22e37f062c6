import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { readModel } from '../../main/core/formats/index';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';
import { referenceRuntime } from '../../main/core/runtime/reference';
import { differences, readPack } from './differential';

/**
 * Many small networks, as PyTorch's two exporters write them, against its autograd (README.md): on the cone and on the
 * whole picture, all units of a layer in one run. CI and UNPOOL_TEST_ALL=1 run every network on ONNX Runtime and every
 * eighth on the float64 reference; else every eighth, and every fortieth on the reference.
 */
const whole = Boolean(process.env['CI']) || process.env['UNPOOL_TEST_ALL'] === '1';
const onnxRuntime = createOrtRuntime(ort as unknown as Ort, { threads: 1 });

describe.each(['random-all'])('%s', (file) => {
  const pack = readPack(file);
  const every = file.startsWith('random') && !whole ? 8 : 1;
  const chosen = pack.cases.filter((_case, i) => i % every === 0);

  it('holds enough', () => expect(pack.cases.length).toBeGreaterThanOrEqual(40));

  it.each(chosen)('$name', async (golden) => {
    const index = pack.cases.indexOf(golden);
    const runtimes = index % (8 * (whole ? 1 : 5)) === 0 ? [onnxRuntime, referenceRuntime] : [onnxRuntime];
    const wrong: string[] = [];
    for (const [exporter, segments] of Object.entries(golden.models)) {
      const graph = await readModel(pack.file(segments));
      for (const runtime of runtimes) {
        const coneMacs = runtime === referenceRuntime ? 2e6 : Infinity;
        wrong.push(...(await differences(pack, golden, exporter, graph, runtime, { coneMacs })));
      }
    }
    expect(wrong).toEqual([]);
  });
});

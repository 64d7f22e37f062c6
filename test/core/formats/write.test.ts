import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { readOnnx, writeOnnx } from '../../../main/core/formats/onnx/index';
import type { Graph } from '../../../main/core/graph/graph';
import { float32 } from '../../../main/core/graph/tensor';
import { random } from '../support';
import { bytesOf, goldenModels, realModels, wholeGraph } from './support';

/** The graph with its weights as digests (millions of numbers are slow to compare one by one). */
const digested = (graph: Graph): unknown => ({
  ...graph,
  initializers: [...graph.initializers].map(([name, { data, ...rest }]) => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return [name, rest, data.constructor.name, createHash('sha256').update(bytes).digest('hex')];
  }),
});

describe('read, write, read', () => {
  it('every kind of tensor, attribute and dimension', () => {
    const graph = wholeGraph();
    const again = readOnnx(writeOnnx(graph));
    expect(again).toEqual(graph);
    expect([...again.initializers.keys()]).toEqual([...graph.initializers.keys()]);
    expect(Object.is((again.initializers.get('float32')!.data as Float32Array)[1], -0)).toBe(true);
  });

  it.each([...goldenModels(), ...realModels()])('%s', (_, file) => {
    const graph = readOnnx(bytesOf(file));
    // Models older than IR version 8 are written as 8; all else stays.
    const expected = { ...graph, irVersion: Math.max(8, graph.irVersion) };
    expect(digested(readOnnx(writeOnnx(graph)))).toEqual(digested(expected));
  });

  it.each(goldenModels())(
    '%s computes in ONNX Runtime what the file that was read does, bit for bit',
    async (_, file) => {
      const graph = readOnnx(bytesOf(file));
      const [input] = graph.inputs;
      const dims = input!.shape!.map((dim) => (typeof dim === 'number' ? dim : 1));
      const next = random(5);
      const picture = Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () => next() * 2 - 1);
      const [before, after] = await Promise.all(
        [bytesOf(file), writeOnnx(graph)].map(async (bytes) => {
          const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });
          const values = await session.run({ [input!.name]: new ort.Tensor('float32', picture, dims) });
          const result = Object.entries(values).map(([name, { dims, data }]) => [name, dims, data]);
          await session.release();
          return result;
        }),
      );
      expect(before!.length).toBeGreaterThan(0);
      expect(after).toEqual(before);
    },
  );

  it('the same graph gives the same bytes, whatever memory its weights lie in', () => {
    const padded = new Float32Array(60).fill(1, 3);
    const graph = (data: Float32Array): Graph => {
      const whole = wholeGraph();
      return { ...whole, initializers: new Map([...whole.initializers, ['weights', float32([2, 3, 3, 3], data)]]) };
    };
    const bytes = writeOnnx(graph(padded.subarray(3, 57)));
    expect(bytes).toEqual(writeOnnx(graph(new Float32Array(54).fill(1))));
    expect(writeOnnx(readOnnx(bytes))).toEqual(bytes);
  });

  it('weights are written once: the file is hardly longer than they are', () => {
    const whole = wholeGraph();
    const more = { ...whole, initializers: new Map([...whole.initializers, ['big', float32([1_000_000])]]) };
    expect(writeOnnx(more).length - writeOnnx(whole).length).toBeLessThan(4_000_100);
  });
});

const python = process.env['UNPOOL_PYTHON'];
const noPython = !python && process.env['UNPOOL_TEST_ALL'] !== '1';
if (noPython) console.warn('skipped: UNPOOL_PYTHON names no Python with onnx');

const check = `
import json, sys, onnx
from onnx import numpy_helper
model = onnx.load(sys.argv[1])
onnx.checker.check_model(model)
print(json.dumps({t.name: [onnx.TensorProto.DataType.Name(t.data_type), list(t.dims)] for t in model.graph.initializer}))
`;

describe.skipIf(noPython)("ONNX's own checker", () => {
  function checked(graph: Graph): Record<string, [string, number[]]> {
    const folder = mkdtempSync(path.join(tmpdir(), 'unpool-'));
    try {
      const file = path.join(folder, 'model.onnx');
      writeFileSync(file, writeOnnx(graph));
      return JSON.parse(execFileSync(python ?? 'python3', ['-c', check, file], { encoding: 'utf8' }));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  it('accepts what is written, and sees the same tensors', () => {
    const seen = checked(wholeGraph(true));
    expect(seen['float32']).toEqual(['FLOAT', [2, 2]]);
    expect(seen['bfloat16']).toEqual(['BFLOAT16', [1, 2]]);
    expect(seen['string']).toEqual(['STRING', [2]]);
    expect(seen['scalar']).toEqual(['INT64', []]);
  });

  it('accepts a real network that was read and written', () => {
    const [, file] = goldenModels().find(([name]) => name === 'inception')!;
    checked(readOnnx(bytesOf(file)));
  });
});

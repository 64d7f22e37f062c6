import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { readModel } from '../../main/core/formats/index';
import { writeOnnx } from '../../main/core/formats/onnx/index';
import { Builder } from '../../main/core/graph/builder';
import { relativeDifference } from '../core/support';

const root = process.env['UNPOOL_KERAS_CASES'] ?? path.join(import.meta.dirname, 'keras');

interface Expected {
  file: string;
  input: number[];
  outputs: { layer: string; offset: number; shape: number[] }[];
}

/** The picture of keras_layers.py. */
function picture(shape: readonly number[]): Float32Array {
  const size = shape.reduce((a, b) => a * b, 1);
  return Float32Array.from({ length: size }, (_, i) => ((i * 7919 + 13 * (i % 101) * (i % 37)) % 256) / 128 - 1);
}

describe('Keras networks give what Keras itself gives', () => {
  const cases = readdirSync(root).filter((name) => existsSync(path.join(root, name, 'expected.json')));
  it.each(cases)('%s', async (name) => {
    const folder = path.join(root, name);
    const expected = JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8')) as Expected;
    const numbers = readFileSync(path.join(folder, 'expected.bin'));
    const graph = await readModel(readFileSync(path.join(folder, expected.file)), {
      external: (location) => readFileSync(path.join(folder, location)),
    });
    const made = new Set(graph.nodes.flatMap((node) => node.outputs));
    // The last layer is an output whatever its name; the others are named as in Keras.
    const names = expected.outputs.map(({ layer }, i) =>
      i === expected.outputs.length - 1 ? graph.outputs[0]!.name : layer,
    );
    expect(names.filter((each) => !made.has(each))).toEqual([]);
    const whole = new Builder(graph).build(names.map((each) => ({ name: each, type: 'float32', shape: null })));
    const session = await ort.InferenceSession.create(writeOnnx(whole), {
      intraOpNumThreads: 1,
      logSeverityLevel: 3,
      // What is translated is tested, not how ONNX Runtime folds it: its folded batch norms alone move ResNet v2 by 2e-4.
      graphOptimizationLevel: 'disabled',
    });
    const input = new ort.Tensor('float32', picture(expected.input), expected.input);
    const values = await session.run({ [graph.inputs[0]!.name]: input });
    await session.release();
    expected.outputs.forEach(({ offset, shape }, i) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const wanted = new Float32Array(numbers.buffer.slice(numbers.byteOffset)).subarray(offset, offset + size);
      const got = values[names[i]!]!;
      expect(got.dims).toEqual(shape);
      expect(Math.max(...wanted.map(Math.abs))).toBeGreaterThan(1e-6);
      expect(relativeDifference(wanted, got.data as Float32Array), names[i]).toBeLessThan(1e-4);
    });
  });
});

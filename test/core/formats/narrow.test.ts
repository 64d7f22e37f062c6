import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { TensorProto, type TensorMessage } from '../../../main/core/formats/onnx/schema';
import { readTensor } from '../../../main/core/formats/onnx/tensor';
import { readOnnx } from '../../../main/core/formats/onnx/index';
import { float32, toNumbers } from '../../../main/core/graph/tensor';
import { openNetwork } from '../../../main/core/program/network';
import { createOrtRuntime, type Ort } from '../../../main/core/runtime/ort';
import { referenceRuntime } from '../../../main/core/runtime/reference';
import { relativeDifference } from '../support';
import { model, node, tensor } from './encode';

interface Golden {
  tensors: { type: string; tensors: Record<'raw' | 'typed', string>; values: (number | string)[] }[];
  nets: { type: string; model: string; picture: number[]; result: number[] }[];
}
const golden = JSON.parse(readFileSync(path.join(import.meta.dirname, 'narrow.json'), 'utf8')) as Golden;
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));

describe('weights of less than a byte, of eight-bit floats, of bfloat16', () => {
  it.each(golden.tensors)('$type: every code as onnx reads it', ({ tensors, values }) => {
    const numbers = values.map((value) =>
      typeof value === 'string' ? Number(value.replace('inf', 'Infinity')) : value,
    );
    for (const spelling of ['raw', 'typed'] as const) {
      const message = TensorProto.decode(bytesOf(tensors[spelling])) as unknown as TensorMessage;
      expect([...toNumbers(readTensor(message, undefined))]).toEqual(numbers);
    }
  });

  it.each(golden.nets)('$type: filters that are dequantised, as ONNX Runtime computes', async (net) => {
    const network = await openNetwork(readOnnx(bytesOf(net.model)));
    expect(network.graph.nodes.map(({ opType }) => opType)).toEqual(['Conv', 'Relu']);
    expect(network.layers[0]!.refused).toBeNull();
    for (const runtime of [referenceRuntime, createOrtRuntime(ort as unknown as Ort, { threads: 1 })]) {
      const program = await runtime.compile(network.graph);
      const { y } = await program.run({ x: float32([1, 2, 5, 5], net.picture) });
      await program.dispose();
      expect(relativeDifference(net.result, y!.data as Float32Array)).toBeLessThan(1e-5);
    }
  });

  const quantising = (type: number) =>
    model({
      nodes: [node('QuantizeLinear', ['x', 's', 'z'], ['q']), node('DequantizeLinear', ['q', 's', 'z'], ['y'])],
      initializers: [tensor('s', 1, [], [0x4a, 4, 0, 0, 0x80, 0x3f]), tensor('z', type, [], [0x4a, 1, 0])],
      opset: 21,
      ir: 10,
    });

  it('a picture that is quantised to them is refused by name', () => {
    expect(() => readOnnx(quantising(22))).toThrow(/QuantizeLinear.*"z".*int4/);
    expect(() => readOnnx(quantising(17))).toThrow(/QuantizeLinear.*"z".*float8e4m3fn/);
    expect(() => readOnnx(quantising(3))).not.toThrow();
  });

  it('too few bytes, and complex numbers, are said with the name and the type', () => {
    const int4 = tensor('w', 22, [5], [0x4a, 2, 0, 0]);
    expect(() => readOnnx(model({ nodes: [node('Add', ['x', 'w'], ['y'])], initializers: [int4] }))).toThrow(
      /"w" holds 2 bytes of int4.*\[5\] wants 3/,
    );
    const complex = tensor('w', 14, [1], [0x4a, 8, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(() => readOnnx(model({ nodes: [node('Add', ['x', 'w'], ['y'])], initializers: [complex] }))).toThrow(
      /"w" has the element type complex64/,
    );
  });
});

import { writeFileSync } from 'node:fs';
import { attributes } from '../../main/core/graph/builder';
import type { Graph, Node } from '../../main/core/graph/graph';
import type { Tensor } from '../../main/core/graph/tensor';
import { writeOnnx } from '../../main/core/formats/onnx/index';
import { inputSide, type Weights } from './network.ts';

/** Writes the network as ONNX with the app's own writer; as half precision, each weight is followed by a Cast. */
export function exportOnnx(weights: Weights, file: string, precision: 'float32' | 'float16' = 'float32'): void {
  const nodes: Node[] = [];
  const initializers = new Map<string, Tensor>();
  const add = (opType: string, name: string, inputs: string[], plain: Parameters<typeof attributes>[0] = {}): string => {
    nodes.push({ name, opType, domain: '', inputs, outputs: [name], attributes: attributes(plain) });
    return name;
  };
  const weight = (name: string, dims: number[], data: Float32Array): string => {
    if (precision === 'float32') {
      initializers.set(name, { type: 'float32', dims, data });
      return name;
    }
    initializers.set(`${name}.half`, { type: 'float16', dims, data: Uint16Array.from(data, halfBits) });
    return add('Cast', name, [`${name}.half`], { to: 1 });
  };
  let x = 'input';
  weights.convolutions.forEach(({ filters, shape, bias }, index) => {
    const stage = index + 1;
    const inputs = [x, weight(`conv${stage}.weight`, shape, filters), weight(`conv${stage}.bias`, [bias.length], bias)];
    const pad = (shape[2] - 1) / 2;
    x = add('Conv', `conv${stage}`, inputs, { kernel_shape: shape.slice(2), pads: [pad, pad, pad, pad] });
    x = add('Relu', `relu${stage}`, [x]);
    x = add('MaxPool', `pool${stage}`, [x], { kernel_shape: [2, 2], strides: [2, 2] });
  });
  x = add('Flatten', 'features', [add('GlobalMaxPool', 'strongest', [x])]);
  const { dense } = weights;
  const inputs = [x, weight('classes.weight', dense.shape, dense.weights), weight('classes.bias', [dense.bias.length], dense.bias)];
  const output = add('Gemm', 'classes', inputs, { transB: 1 });
  const graph: Graph = {
    name: 'emoji',
    inputs: [{ name: 'input', type: 'float32', shape: ['N', 3, inputSide, inputSide] }],
    outputs: [{ name: output, type: 'float32', shape: ['N', dense.bias.length] }],
    nodes,
    initializers,
    values: [],
    opsets: new Map([['', 17]]),
    irVersion: 8,
    producer: 'unpool demo',
    metadata: new Map([['preprocessing', 'RGB / 255']]),
  };
  writeFileSync(file, writeOnnx(graph));
}

/** The bits of the nearest half-precision number (ties to even). */
function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65520) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | roundEven(size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  return sign | (((exponent + 15) << 10) + roundEven((size / 2 ** exponent - 1) * 1024));
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { attributes } from '../../../main/core/graph/builder';
import type { Attribute, Graph, Node } from '../../../main/core/graph/graph';
import { float32, int64, type Tensor } from '../../../main/core/graph/tensor';

const everything = process.env['UNPOOL_TEST_ALL'] === '1';
const shared = path.join(
  process.env['UNPOOL_SHARED'] ?? path.resolve(import.meta.dirname, '../../../../shared'),
  'models',
);
const golden = path.resolve(import.meta.dirname, '../../golden/cases');

/** Real models that are not part of the project, [name, path]: none where they are not there, unless all are asked for. */
export function realModels(): [string, string][] {
  if (!existsSync(shared) && !everything) {
    console.warn(`skipped: ${shared} not there (UNPOOL_SHARED names another place)`);
    return [];
  }
  const names = readdirSync(shared).filter((name) => name.endsWith('.onnx'));
  return names.map((name) => [name, path.join(shared, name)]);
}

export const goldenModels = (): [string, string][] =>
  readdirSync(golden).map((name) => [name, path.join(golden, name, 'model.onnx')]);

export const bytesOf = (file: string): Uint8Array => readFileSync(file);

const base: Graph = {
  name: 'whole',
  inputs: [
    { name: 'x', type: 'float32', shape: ['N', 3, null, 8] },
    { name: 'flag', type: 'bool', shape: [] },
  ],
  outputs: [{ name: 'y', type: 'float32', shape: null }],
  nodes: [],
  initializers: new Map(),
  values: [],
  opsets: new Map([
    ['', 17],
    ['own.domain', 3],
  ]),
  irVersion: 9,
  producer: 'test 1.0',
  metadata: new Map([
    ['key', 'wert ü'],
    ['', ''],
  ]),
};

const node = (opType: string, inputs: string[], output: string, given: Record<string, Attribute>): Node => ({
  name: `n:${output}`,
  opType,
  domain: '',
  inputs,
  outputs: [output],
  attributes: given,
});

/** Versions belong to the whole model: a subgraph says none. */
const subgraph = (output: string): Graph => ({
  ...base,
  opsets: new Map(),
  irVersion: 0,
  name: `branch ${output}`,
  inputs: [],
  outputs: [{ name: output, type: 'float32', shape: ['N', 3, null, 8] }],
  nodes: [node('Mul', ['x', `half:${output}`], output, {})],
  initializers: new Map([[`half:${output}`, float32([], [0.5])]]),
  producer: '',
  metadata: new Map(),
});

/** One tensor of each element type. */
export const everyTensor: [string, Tensor][] = [
  ['float32', float32([2, 2], [0, -0, NaN, 1e-45])],
  ['float64', { type: 'float64', dims: [2], data: Float64Array.of(Math.PI, -Infinity) }],
  ['float16', { type: 'float16', dims: [2], data: Uint16Array.of(0x3c00, 0x7c00) }],
  ['bfloat16', { type: 'bfloat16', dims: [1, 2], data: Uint16Array.of(0x3f80, 0xff80) }],
  ['int8', { type: 'int8', dims: [2], data: Int8Array.of(-128, 127) }],
  ['uint8', { type: 'uint8', dims: [2], data: Uint8Array.of(0, 255) }],
  ['int16', { type: 'int16', dims: [2], data: Int16Array.of(-32768, 32767) }],
  ['uint16', { type: 'uint16', dims: [2], data: Uint16Array.of(0, 65535) }],
  ['int32', { type: 'int32', dims: [2], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) }],
  ['uint32', { type: 'uint32', dims: [2], data: Uint32Array.of(0, 2 ** 32 - 1) }],
  ['int64', { type: 'int64', dims: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) }],
  ['uint64', { type: 'uint64', dims: [2], data: BigUint64Array.of(0n, 2n ** 64n - 1n) }],
  ['bool', { type: 'bool', dims: [3], data: Uint8Array.of(0, 1, 0) }],
  ['string', { type: 'string', dims: [2], data: new Uint8Array(0), strings: ['', 'Größe 🦓'] }],
  ['empty', float32([0, 4], [])],
  ['scalar', int64([], [7])],
];

/** A graph with every kind of tensor, attribute and dimension; valid by ONNX's own checker where `plain`. */
export function wholeGraph(plain = false): Graph {
  const choice = node('If', ['flag'], 'chosen', {
    then_branch: { kind: 'graph', value: subgraph('t') },
    else_branch: { kind: 'graph', value: subgraph('e') },
  });
  const rare: Node = {
    ...node('Anything', ['chosen', '', 'float32'], 'rare', {
      graphs: { kind: 'graphs', value: [subgraph('p'), subgraph('q')] },
      tensors: { kind: 'tensors', value: everyTensor.map(([, tensor]) => tensor) },
      strings: { kind: 'strings', value: ['', 'ä', 'b'] },
      none: { kind: 'ints', value: [] },
      // A type_protos attribute as its bytes: name "raw", type 14, one empty TypeProto.
      raw: { kind: 'raw', value: Uint8Array.of(0x0a, 3, 0x72, 0x61, 0x77, 0x7a, 0, 0xa0, 1, 14) },
      ...attributes({ alpha: { float: 0.25 }, beta: { float: -Infinity }, axis: -1, zero: 0, far: 2 ** 40, mode: 'é' }),
      ends: { kind: 'ints', value: [2 ** 63, -(2 ** 63), 0, -1, 2 ** 53 - 1] },
      scales: { kind: 'floats', value: [1, 0, -0.5, NaN] },
      tensor: { kind: 'tensor', value: float32([1], [3]) },
    }),
    domain: 'own.domain',
  };
  const conv = node(
    'Conv',
    [plain ? 'chosen' : 'rare', 'weights'],
    'c',
    attributes({ kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
  );
  return {
    ...base,
    ...(plain && { outputs: [{ name: 'y', type: 'float32', shape: ['N', 3, null, 8] }] }),
    nodes: [choice, ...(plain ? [] : [rare]), conv, node('Relu', ['c'], 'y', {})],
    initializers: new Map([...everyTensor, ['weights', float32([2, 3, 3, 3])]]),
    values: [
      { name: 'chosen', type: 'float32', shape: ['N', 3, null, 8] },
      { name: 'c', type: null, shape: null },
    ],
  };
}

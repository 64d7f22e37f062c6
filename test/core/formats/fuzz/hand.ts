import { zipSync } from 'fflate';
import { bytes, int, model, node, packed, tensor, text, type ModelParts } from '../encode';

/** Files that ask for more than they are worth: [what it is, its bytes]. Each has to be refused. */
export type Hostile = [string, Uint8Array];

const weights = tensor('w', 1, [2, 4, 1, 1], bytes(9, new Uint8Array(32)));
const attribute = (name: string, type: number, ...value: number[][]): number[] => [
  ...text(1, name),
  ...value.flat(),
  ...int(20, type),
];
const ints = (name: string, ...values: (number | bigint)[]): number[] => attribute(name, 7, packed(8, values));
const whole = (name: string, ...values: (number | bigint)[]): number[] =>
  tensor(name, 7, [values.length], packed(7, values));
const net = (parts: ModelParts): Uint8Array => model({ initializers: [weights], ...parts });
const conv = (x: string, y: string, attributes: number[][] = []) => node('Conv', [x, 'w'], [y], attributes);

/** FunctionProto in the domain "f": its nodes from "a" to "b". */
const called = (name: string, nodes: number[][]): number[] => [
  ...text(1, name),
  ...text(4, 'a'),
  ...text(5, 'b'),
  ...nodes.flatMap((each) => bytes(7, each)),
  ...bytes(9, [...text(1, ''), ...int(2, 17)]),
  ...text(10, 'f'),
];
const call = (name: string, x: string, y: string) => node(name, [x], [y], [], 'f');

const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value);
const tfjs = (topology: unknown, manifest: unknown): Uint8Array =>
  utf8(JSON.stringify({ format: 'graph-model', modelTopology: topology, weightsManifest: manifest }));
const listed = (dtype: string, ...shape: number[]) =>
  tfjs({ node: [{ name: 'w', op: 'Const' }] }, [{ paths: ['shard'], weights: [{ name: 'w', shape, dtype }] }]);

export function hostileFiles(): Hostile[] {
  const huge = 2 ** 31;
  const zeros = new Uint8Array(64 * 2 ** 20);
  return [
    ['a tensor of 2^62 values', net({ nodes: [conv('x', 'y')], initializers: [tensor('w', 1, [huge, huge])] })],
    ['a tensor of 2^40 values in 4 bytes', net({ nodes: [conv('x', 'y')], initializers: [tensor('w', 1, [2 ** 40], bytes(9, [0, 0, 0, 0]))] })], // prettier-ignore
    ['4-bit weights that are not there', net({ nodes: [conv('x', 'y')], initializers: [tensor('w', 22, [2 ** 33], bytes(9, [0]))] })], // prettier-ignore
    ['a constant blown up by ConstantOfShape', net({ nodes: [node('ConstantOfShape', ['s'], ['v']), node('Add', ['x', 'v'], ['y'])], initializers: [weights, whole('s', huge, huge)] })], // prettier-ignore
    ['a constant blown up by Expand', net({ nodes: [node('Expand', ['w', 's'], ['v']), conv('v', 'y')], initializers: [weights, whole('s', 2 ** 20, 4, 2 ** 20, 1)] })], // prettier-ignore
    ['a constant blown up by Tile', net({ nodes: [node('Tile', ['w', 's'], ['v']), conv('v', 'y')], initializers: [weights, whole('s', huge, 1, huge, 1)] })], // prettier-ignore
    ['a kernel of 2^31', net({ nodes: [conv('x', 'y', [ints('kernel_shape', huge, huge)])] })],
    ['pads of 2^62', net({ nodes: [conv('x', 'y', [ints('pads', 2n ** 62n, 2n ** 62n, 2n ** 62n, 2n ** 62n)])] })],
    ['functions that call each other', net({ nodes: [call('p', 'x', 'y')], functions: [called('p', [call('q', 'a', 'b')]), called('q', [call('p', 'a', 'b')])] })], // prettier-ignore
    [
      'functions that double 40 times: 2^40 nodes',
      net({
        nodes: [call('f0', 'x', 'y')],
        functions: Array.from({ length: 40 }, (_, i) =>
          called(`f${i}`, [call(`f${i + 1}`, 'a', 'm'), call(`f${i + 1}`, 'm', 'b')]),
        ).concat([called('f40', [node('Relu', ['a'], ['b'])])]),
      }),
    ],
    ['a field that ends a gigabyte behind the file', Uint8Array.from([8, 8, 0x3a, 0xff, 0xff, 0xff, 0xff, 3, 0x0a, 4])],
    ['an archive that unpacks to 64 times a megabyte', zipSync({ 'config.json': zeros, 'model.weights.h5': zeros }, { level: 9 })], // prettier-ignore
    ['JSON nested 200,000 deep', utf8(`{"modelTopology":{"node":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`)],
    ['shards of 2^40 values', listed('float32', 2 ** 20, 2 ** 20)],
    ['2^31 strings', listed('string', huge)],
    ['shapes beyond any number', listed('float32', 2 ** 50, 2 ** 50)],
  ];
}

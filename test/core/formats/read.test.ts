import { describe, expect, it } from 'vitest';
import { UnpoolError } from '../../../main/core/errors';
import { readOnnx, writeOnnx } from '../../../main/core/formats/onnx/index';
import type { Tensor } from '../../../main/core/graph/tensor';
import { bytes, float, int, memory, model, node, packed, tensor, text, value, type ModelParts } from './encode';
import { Net } from '../support';

const relu = node('Relu', ['x'], ['y']);

function read(parts: ModelParts, options: Parameters<typeof readOnnx>[1] = {}) {
  return readOnnx(model({ nodes: [relu], ...parts }), options);
}

/** Reads one initialiser. */
function initializer(bytes: number[], options: Parameters<typeof readOnnx>[1] = {}): Tensor {
  return read({ initializers: [bytes] }, options).initializers.get('w')!;
}

function errorOf(task: () => unknown): UnpoolError {
  try {
    task();
  } catch (error) {
    expect(error).toBeInstanceOf(UnpoolError);
    return error as UnpoolError;
  }
  throw new Error('nothing was thrown');
}

/** [type, its number, an array of its elements, the field that holds it when it is not raw]. */
const kinds: [string, number, Exclude<Tensor['data'], never>, number[]][] = [
  ['float32', 1, Float32Array.of(1.5, -2, 3e30), bytes(4, memory(Float32Array.of(1.5, -2, 3e30)))],
  ['uint8', 2, Uint8Array.of(0, 7, 255), packed(5, [0, 7, 255])],
  ['int8', 3, Int8Array.of(-128, 0, 127), packed(5, [-128, 0, 127])],
  ['uint16', 4, Uint16Array.of(0, 1, 65535), packed(5, [0, 1, 65535])],
  ['int16', 5, Int16Array.of(-32768, 0, 32767), packed(5, [-32768, 0, 32767])],
  ['int32', 6, Int32Array.of(-(2 ** 31), 0, 2 ** 31 - 1), packed(5, [-(2 ** 31), 0, 2 ** 31 - 1])],
  ['int64', 7, BigInt64Array.of(-(2n ** 63n), 0n, 2n ** 63n - 1n), packed(7, [-(2n ** 63n), 0n, 2n ** 63n - 1n])],
  ['bool', 9, Uint8Array.of(0, 1, 1), packed(5, [0, 1, 1])],
  ['float16', 10, Uint16Array.of(0x3c00, 0xc000, 0x7bff), packed(5, [0x3c00, 0xc000, 0x7bff])],
  ['float64', 11, Float64Array.of(0.1, -1e300, 0), bytes(10, memory(Float64Array.of(0.1, -1e300, 0)))],
  ['uint32', 12, Uint32Array.of(0, 1, 2 ** 32 - 1), packed(11, [0, 1, 2 ** 32 - 1])],
  ['uint64', 13, BigUint64Array.of(0n, 1n, 2n ** 64n - 1n), packed(11, [0n, 1n, 2n ** 64n - 1n])],
  ['bfloat16', 16, Uint16Array.of(0x3f80, 0xc000, 0x7f7f), packed(5, [0x3f80, 0xc000, 0x7f7f])],
];

describe('tensors', () => {
  it.each(kinds)('%s, raw and in its own field', (type, number, data, typed) => {
    const expected = { type, dims: [3], data };
    expect(initializer(tensor('w', number, [3], bytes(9, memory(data))))).toEqual(expected);
    expect(initializer(tensor('w', number, [3], typed))).toEqual(expected);
  });

  it('values one by one instead of packed', () => {
    expect(initializer(tensor('w', 1, [2], float(4, 1.5), float(4, -2))).data).toEqual(Float32Array.of(1.5, -2));
    expect(initializer(tensor('w', 7, [2], int(7, -1), int(7, 5))).data).toEqual(BigInt64Array.of(-1n, 5n));
  });

  it('strings, scalars and empty ones', () => {
    const strings = initializer(tensor('w', 8, [2], text(6, 'Ünit'), text(6, '')));
    expect(strings).toEqual({ type: 'string', dims: [2], data: new Uint8Array(0), strings: ['Ünit', ''] });
    expect(initializer(tensor('w', 1, [], float(4, 3))).dims).toEqual([]);
    expect(initializer(tensor('w', 1, [0, 3])).data).toHaveLength(0);
  });

  it('raw values are a view onto the file where they are aligned, and right wherever they lie', () => {
    const data = Float32Array.of(1, 2, 3);
    const file = model({ nodes: [relu], initializers: [tensor('w', 1, [3], bytes(9, memory(data)))] });
    let views = 0;
    for (let shift = 0; shift < 4; shift++) {
      const moved = Buffer.alloc(file.length + shift).subarray(shift);
      moved.set(file);
      const { data: got } = readOnnx(moved).initializers.get('w')!;
      expect(got).toEqual(data);
      if (got.buffer === moved.buffer) views++;
    }
    expect(views).toBe(1);
  });

  it.each([
    ['too few values', tensor('w', 1, [3], float(4, 1))],
    ['too few bytes', tensor('w', 1, [3], bytes(9, [1, 2, 3, 4]))],
    ['a negative dimension', tensor('w', 1, [-3], bytes(9, []))],
    ['more elements than memory has', tensor('w', 1, [2 ** 40, 2 ** 40], bytes(9, [1, 2, 3, 4]))],
    ['an element type that is none of ours', tensor('w', 99, [1], bytes(9, [1]))],
  ])('%s: an error that names the tensor', (_, bytes) => {
    const error = errorOf(() => initializer(bytes));
    expect(error.message).toContain('"w"');
  });

  it('a huge declared length is refused before memory is asked for', () => {
    const before = process.memoryUsage().arrayBuffers;
    for (const type of [1, 7, 8, 11]) errorOf(() => initializer(tensor('w', type, [2 ** 33])));
    const cut = Uint8Array.from([...int(1, 8), ...text(2, 't'), (7 << 3) | 2, 0xff, 0xff, 0xff, 0xff, 0x07, 1, 2]);
    errorOf(() => readOnnx(cut));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24);
  });
});

describe('weights beside the model', () => {
  const entry = (key: string, content: string) => bytes(13, [...text(1, key), ...text(2, content)]);
  const outside = (...entries: number[][]) => tensor('w', 1, [2], ...entries, int(14, 1));

  it('are asked for by place', () => {
    const asked: unknown[] = [];
    const external = (...place: unknown[]) => {
      asked.push(place);
      return memory(Float32Array.of(5, 6));
    };
    const whole = outside(entry('location', 'model.data'), entry('offset', '4096'), entry('length', '8'));
    expect(initializer(whole, { external }).data).toEqual(Float32Array.of(5, 6));
    initializer(outside(entry('location', 'rest.data')), { external });
    expect(asked).toEqual([
      ['model.data', 4096, 8],
      ['rest.data', 0, null],
    ]);
  });

  it('without the file, too short, or at an impossible place: an error that says so', () => {
    const here = outside(entry('location', 'model.data'));
    expect(errorOf(() => initializer(here)).message).toContain('model.data');
    expect(errorOf(() => initializer(here, { external: () => new Uint8Array(4) })).message).toContain('"w"');
    const external = () => new Uint8Array(8);
    for (const offset of ['-1', 'x', '1e99'])
      errorOf(() => initializer(outside(entry('location', 'model.data'), entry('offset', offset)), { external }));
  });

  it.each(['../secret', '/etc/passwd', 'a/../../b', 'C:\\weights', '..\\b', 'file:///b', ''])(
    'never outside the model\'s folder: "%s"',
    (location) => {
      const external = () => {
        throw new Error('was asked');
      };
      errorOf(() => initializer(outside(entry('location', location), entry('length', '8')), { external }));
    },
  );

  it('a declared length other than the tensor needs is refused before it is read', () => {
    const external = () => {
      throw new Error('was asked');
    };
    errorOf(() => initializer(outside(entry('location', 'm'), entry('length', String(2 ** 40))), { external }));
  });
});

describe('graph', () => {
  it('initialisers listed as inputs are no inputs', () => {
    const graph = read({ initializers: [tensor('w', 1, [1], float(4, 1))], inputs: ['x', 'w'] });
    expect(graph.inputs.map((input) => input.name)).toEqual(['x']);
  });

  it('Constant nodes in each spelling become initialisers', () => {
    const attribute = (name: string, type: number, ...content: number[][]) => [
      ...text(1, name),
      ...content.flat(),
      ...int(20, type),
    ];
    const constants: [string, number[], Partial<Tensor>][] = [
      ['a', attribute('value', 4, bytes(5, tensor('', 1, [1], float(4, 2)))), { data: Float32Array.of(2) }],
      ['b', attribute('value_float', 1, float(2, 0.5)), { dims: [], data: Float32Array.of(0.5) }],
      ['c', attribute('value_floats', 6, float(7, 1), float(7, 2)), { dims: [2], data: Float32Array.of(1, 2) }],
      ['d', attribute('value_int', 2, int(3, -7)), { dims: [], data: BigInt64Array.of(-7n) }],
      ['e', attribute('value_ints', 7, int(8, 1), int(8, -1)), { dims: [2], data: BigInt64Array.of(1n, -1n) }],
      ['f', attribute('value_string', 3, text(4, 'é')), { dims: [], strings: ['é'] }],
      ['g', attribute('value_strings', 8, text(9, 'p'), text(9, 'q')), { dims: [2], strings: ['p', 'q'] }],
    ];
    const graph = read({
      nodes: [...constants.map(([name, content]) => node('Constant', [], [name], [content])), relu],
    });
    expect(graph.nodes.map((each) => each.opType)).toEqual(['Relu']);
    for (const [name, , expected] of constants) expect(graph.initializers.get(name)).toMatchObject(expected);
  });

  it('the largest int64 stays large: slices run to it', () => {
    const end = [...text(1, 'value_int'), ...int(3, 2n ** 63n - 1n), ...int(20, 2)];
    const data = read({ nodes: [node('Constant', [], ['end'], [end]), relu] }).initializers.get('end')!.data;
    expect(Number(data[0])).toBeGreaterThan(2 ** 62);
    const ends = [...text(1, 'ends'), ...int(8, 2n ** 63n - 1n), ...int(8, -(2n ** 63n)), ...int(20, 7)];
    const graph = read({ nodes: [node('Slice', ['x'], ['y'], [ends])], opset: 9 });
    expect(graph.nodes[0]!.attributes['ends']).toEqual({ kind: 'ints', value: [2 ** 63, -(2 ** 63)] });
    expect(readOnnx(writeOnnx(graph)).nodes[0]!.attributes).toEqual(graph.nodes[0]!.attributes);
  });

  it('a node with an attribute of a type that is none of ours comes along whole', () => {
    const odd = [...text(1, 'scale'), ...bytes(5, tensor('', 99, [1], bytes(9, [56]))), ...int(20, 4)];
    const graph = read({ nodes: [node('Odd', ['x'], ['y'], [odd], 'vendor')] });
    expect(graph.nodes[0]).toMatchObject({ opType: 'Odd', domain: 'vendor', attributes: { scale: { kind: 'raw' } } });
    expect(readOnnx(writeOnnx(graph)).nodes).toEqual(graph.nodes);
  });

  it('nodes are sorted as near to the file as can be, also by what subgraphs read', () => {
    const a = node('Relu', ['x'], ['a']);
    const b = node('Relu', ['a'], ['b']);
    const branch = [...bytes(1, node('Relu', ['b'], ['z'])), ...text(2, 's'), ...bytes(12, value('z', 1))];
    const choice = node('If', ['c'], ['y'], [[...text(1, 'then_branch'), ...bytes(6, branch), ...int(20, 5)]]);
    const free = node('Relu', ['x'], ['free']);
    const graph = read({ nodes: [choice, free, b, a], inputs: ['x', 'c'] });
    expect(graph.nodes.map((each) => each.outputs[0])).toEqual(['a', 'b', 'y', 'free']);
    expect(read({ nodes: [free, a, b, relu] }).nodes.map((each) => each.outputs[0])).toEqual(['free', 'a', 'b', 'y']);
  });

  it('a chain of twenty thousand nodes written backwards', () => {
    const chain = Array.from({ length: 20_000 }, (_, i) => node('Relu', [i ? `v${i - 1}` : 'x'], [`v${i}`])).reverse();
    const graph = read({ nodes: chain, outputs: ['v19999'] });
    expect(graph.nodes.every((each, i) => each.outputs[0] === `v${i}`)).toBe(true);
  });

  it.each([
    ['in a circle', [node('Relu', ['b'], ['a']), node('Relu', ['a'], ['b']), relu]],
    ['by itself', [node('Add', ['x', 'y'], ['y'])]],
    ['twice', [relu, node('Tanh', ['x'], ['y'])]],
    ['by nothing', [node('Add', ['x', 'lost'], ['y'])]],
  ])('a value made %s is an error that names it', (_, nodes) => {
    expect(errorOf(() => read({ nodes })).message).toMatch(/"(a|b|y|lost)"/);
  });

  it('an output that nothing makes is an error', () => {
    expect(errorOf(() => read({ outputs: ['nowhere'] })).message).toContain('"nowhere"');
  });

  it('versions', () => {
    expect(errorOf(() => read({ opset: 99 })).message).toMatch(/99.*up to \d+/);
    expect(errorOf(() => read({ ir: 99 })).message).toMatch(/99.*up to \d+/);
    expect(read({ opset: 9, ir: 3 }).opsets.get('')).toBe(9);
  });
});

describe("the model's own functions", () => {
  const define = (name: string, inputs: string[], outputs: string[], nodes: number[][], more: number[] = []) => [
    ...text(1, name),
    ...inputs.flatMap((input) => text(4, input)),
    ...outputs.flatMap((output) => text(5, output)),
    ...nodes.flatMap((each) => bytes(7, each)),
    ...bytes(9, [...text(1, ''), ...int(2, 17)]),
    ...text(10, 'own'),
    ...more,
  ];
  const call = (name: string, inputs: string[], outputs: string[], attributes: number[][] = []) =>
    node(name, inputs, outputs, attributes, 'own');
  const alpha = [...text(1, 'alpha'), ...int(20, 1), ...text(21, 'slope')];
  const slope = (value: number) => [...text(1, 'slope'), ...float(2, value), ...int(20, 1)];
  const leaky = define(
    'Twice',
    ['p'],
    ['q'],
    [node('LeakyRelu', ['p'], ['inner'], [alpha]), node('LeakyRelu', ['inner'], ['q'], [alpha])],
    bytes(11, slope(0.25)),
  );

  it('are inlined with names of their own, attributes passed on and defaults kept', () => {
    const graph = read({
      nodes: [call('Twice', ['x'], ['m'], [slope(0.5)]), call('Twice', ['m'], ['y'])],
      functions: [leaky],
    });
    expect(graph.nodes.map((each) => each.opType)).toEqual(Array(4).fill('LeakyRelu'));
    expect(graph.nodes.map((each) => each.attributes['alpha'])).toEqual(
      [0.5, 0.5, 0.25, 0.25].map((value) => ({ kind: 'float', value })),
    );
    const [a, b, c, d] = graph.nodes;
    expect([a!.inputs[0], b!.outputs[0], c!.inputs[0], d!.outputs[0]]).toEqual(['x', 'm', 'm', 'y']);
    expect(a!.outputs).toEqual(b!.inputs);
    expect(a!.outputs).not.toEqual(c!.outputs);
  });

  it('rename what their subgraphs read', () => {
    const branch = (of: string) => [
      ...bytes(1, node('Relu', [of], ['z'])),
      ...text(2, 's'),
      ...bytes(12, value('z', 1)),
    ];
    const choice = node(
      'If',
      ['c'],
      ['q'],
      [
        [...text(1, 'then_branch'), ...bytes(6, branch('p')), ...int(20, 5)],
        [...text(1, 'else_branch'), ...bytes(6, branch('inner')), ...int(20, 5)],
      ],
    );
    const graph = read({
      nodes: [call('Choose', ['x', 'c'], ['y'])],
      inputs: ['x', 'c'],
      functions: [define('Choose', ['p', 'c'], ['q'], [node('Relu', ['p'], ['inner']), choice])],
    });
    const inner = graph.nodes[0]!.outputs[0];
    const reads = ['then_branch', 'else_branch'].map((name) => {
      const attribute = graph.nodes[1]!.attributes[name];
      return attribute?.kind === 'graph' ? attribute.value.nodes[0]!.inputs[0] : undefined;
    });
    expect(reads).toEqual(['x', inner]);
  });

  it('that call themselves, or each other without end, are refused by name', () => {
    const loop = define('Loop', ['p'], ['q'], [call('Loop', ['p'], ['q'])]);
    expect(errorOf(() => read({ nodes: [call('Loop', ['x'], ['y'])], functions: [loop] })).message).toContain('"Loop"');
    // Thirty functions, each calling the next twice: a billion nodes if they were written out.
    const tower = Array.from({ length: 30 }, (_, i) =>
      define(
        `F${i}`,
        ['p'],
        ['q'],
        [
          i === 29 ? node('Relu', ['p'], ['m']) : call(`F${i + 1}`, ['p'], ['m']),
          i === 29 ? node('Relu', ['m'], ['q']) : call(`F${i + 1}`, ['m'], ['q']),
        ],
      ),
    );
    expect(errorOf(() => read({ nodes: [call('F0', ['x'], ['y'])], functions: tower })).message).toContain('"F');
  });

  it('written in another operator set than the model are refused by name', () => {
    expect(
      errorOf(() => read({ nodes: [call('Twice', ['x'], ['y'])], functions: [leaky], opset: 13 })).message,
    ).toContain('"Twice"');
  });
});

it('weights are windows on bytes that are its own, moved to where they are aligned, and are the same', () => {
  for (let shift = 0; shift < 4; shift++) {
    const net = new Net([3, 8, 8], shift + 1);
    const maps = net.relu(net.conv(net.relu(net.conv(net.picture, 3, 32, 3)), 32, 64, 3));
    const graph = net.graph(net.add('Identity', [maps], {}, `out${'x'.repeat(shift)}`));
    const bytes = writeOnnx(graph);
    const own = new Uint8Array(bytes);
    const read = readOnnx(own, { own: true });
    expect([...read.initializers]).toEqual([...readOnnx(bytes).initializers]);
    const large = [...read.initializers.values()].filter(({ data }) => data.byteLength >= 2 ** 14);
    expect(large.length).toBe(1);
    expect(large[0]!.data.buffer).toBe(own.buffer);
  }
});

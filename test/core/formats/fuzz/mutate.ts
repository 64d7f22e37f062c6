import { readFileSync } from 'node:fs';
import { readOnnx, writeOnnx } from '../../../../main/core/formats/onnx/index';
import type { Attribute, Graph, Node } from '../../../../main/core/graph/graph';
import { random } from '../../support';

type Pick = (below: number) => number;

/** Words that readers look for, and numbers at the ends of their ranges. */
const words = [
  ...['Conv', 'Reshape', 'Transpose', 'Gemm', 'MatMul', 'MaxPool', 'Pad', 'Slice', 'Concat', 'If', 'Resize', 'Expand'],
  ...['Squeeze', 'Unsqueeze', 'BatchNormalization', 'DequantizeLinear', 'QLinearConv', 'Tile', 'Gather', 'Split'],
  ...[
    'kernel_shape',
    'pads',
    'strides',
    'axes',
    'perm',
    'group',
    'auto_pad',
    'SAME_UPPER',
    'external',
    '../../x',
    '/x',
  ],
  ...['{"', '"]', 'null', '1e999', '__proto__', 'constructor', 'toString', 'PK\u0003\u0004', 'data.pkl', '\u0089HDF'],
];
const numbers = [0, 1, -1, 2, 3, 7, 64, 255, 2 ** 15, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 53, 2 ** 63, -(2 ** 63)];
/** Lengths and counts as protobuf writes them, the last ones longer than any file. */
const varints = [
  [0],
  [1],
  [0x7f],
  [0xff, 1],
  [0xff, 0xff, 3],
  [0xff, 0xff, 0xff, 0xff, 7],
  [0xff, 0xff, 0xff, 0xff, 15],
];
const endless = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];

const replace = (bytes: Uint8Array, at: number, cut: number, put: ArrayLike<number>): Uint8Array => {
  const end = Math.min(bytes.length, at + cut);
  const out = new Uint8Array(bytes.length - (end - at) + put.length);
  out.set(bytes.subarray(0, at));
  out.set(put, at);
  out.set(bytes.subarray(end), at + put.length);
  return out;
};

type Mutation = (bytes: Uint8Array, pick: Pick, other: Uint8Array) => Uint8Array;

/** Heads and descriptions are small beside weights: half of all places are near an end. */
const place = (bytes: Uint8Array, pick: Pick): number => {
  const near = Math.min(bytes.length, 400);
  const kind = pick(4);
  return kind === 0 ? pick(near) : kind === 1 ? bytes.length - near + pick(near) : pick(bytes.length);
};

const mutations: readonly Mutation[] = [
  // Bits and bytes.
  (bytes, pick) => {
    const out = Uint8Array.from(bytes);
    for (let n = 1 + pick(4); n > 0; n--) out[place(out, pick)]! ^= 1 << pick(8);
    return out;
  },
  (bytes, pick) => {
    const out = Uint8Array.from(bytes);
    for (let n = 1 + pick(4); n > 0; n--) out[place(out, pick)] = pick(256);
    return out;
  },
  // Cut off.
  (bytes, pick) => bytes.slice(0, place(bytes, pick)),
  // A part left out, doubled, or from another file.
  (bytes, pick) => replace(bytes, place(bytes, pick), 1 + pick(64), []),
  (bytes, pick) => {
    const from = place(bytes, pick);
    return replace(bytes, place(bytes, pick), 0, bytes.subarray(from, from + pick(200)));
  },
  (bytes, pick, other) => {
    const from = pick(Math.max(1, other.length));
    return replace(bytes, place(bytes, pick), pick(200), other.subarray(from, from + pick(400)));
  },
  // Lengths.
  (bytes, pick) => {
    const varint = pick(8) ? varints[pick(varints.length)]! : endless;
    return replace(bytes, place(bytes, pick), 1, varint);
  },
  (bytes, pick) => {
    const out = Uint8Array.from(bytes);
    if (out.length < 8) return out;
    const at = Math.min(place(out, pick), out.length - 8);
    const view = new DataView(out.buffer);
    const value = numbers[pick(numbers.length)]!;
    if (pick(2)) view.setUint32(at, value >>> 0, true);
    else view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
    return out;
  },
  // Words of the language.
  (bytes, pick) => {
    const word = new TextEncoder().encode(words[pick(words.length)]!);
    return replace(bytes, place(bytes, pick), pick(2) ? word.length : 0, word);
  },
];

/** Whole messages that say nonsense: what bytes alone seldom hit. */
function nonsense(bytes: Uint8Array, pick: Pick): Uint8Array {
  const graph = readOnnx(bytes);
  const nodes = graph.nodes.map((node) => ({ ...node }));
  const initializers = new Map(graph.initializers);
  const inputs = graph.inputs.map((input) => ({ ...input }));
  const types = [...new Set([...graph.nodes.map((node) => node.opType), ...words.slice(0, 20)])];
  const values = graph.nodes.flatMap((node) => [...node.inputs, ...node.outputs]);
  let opset = graph.opsets.get('') ?? 17;
  for (let n = 1 + pick(3); n > 0; n--) {
    const node: Node = nodes[pick(nodes.length)]!;
    const names = Object.keys(node.attributes);
    const name = names[pick(names.length)];
    switch (pick(9)) {
      case 0:
        node.opType = types[pick(types.length)]!;
        break;
      case 1:
        node.inputs = node.inputs.slice(0, pick(node.inputs.length + 1));
        break;
      case 2:
        node.inputs = node.inputs.map((each) => (pick(2) ? each : values[pick(values.length)]!));
        break;
      case 3:
        node.attributes = Object.fromEntries(Object.entries(node.attributes).filter(([each]) => each !== name));
        break;
      case 4:
        if (name) node.attributes = { ...node.attributes, [name]: twisted(node.attributes[name]!, pick) };
        break;
      case 5: {
        const [key, tensor] = [...initializers][pick(initializers.size)] ?? [];
        if (key && tensor)
          initializers.set(key, {
            ...tensor,
            dims: tensor.dims.length > 1 ? [...tensor.dims].reverse() : [1, ...tensor.dims],
          });
        break;
      }
      case 6: {
        const input = inputs[pick(inputs.length)]!;
        input.shape = (input.shape ?? []).map((dim) => (pick(2) ? dim : numbers[pick(numbers.length)]!));
        break;
      }
      case 7:
        opset = [1, 6, 7, 9, 11, 13, 18, 21, 26][pick(9)]!;
        break;
      default:
        node.outputs = node.outputs.slice(0, pick(node.outputs.length + 1));
    }
  }
  const twistedGraph: Graph = { ...graph, nodes, initializers, inputs, opsets: new Map(graph.opsets).set('', opset) };
  return writeOnnx(twistedGraph);
}

function twisted(attribute: Attribute, pick: Pick): Attribute {
  const number = () => numbers[pick(numbers.length)]!;
  if (attribute.kind === 'int') return { kind: 'int', value: number() };
  if (attribute.kind === 'ints') {
    const value = attribute.value.map((each) => (pick(2) ? each : number()));
    return { kind: 'ints', value: pick(3) ? value : value.slice(1) };
  }
  return pick(2)
    ? { kind: 'ints', value: [number(), number()] }
    : { kind: 'string', value: words[pick(words.length)]! };
}

function mutant(next: () => number, bytes: Uint8Array, other: Uint8Array, isOnnx: boolean): Uint8Array {
  const pick: Pick = (below) => Math.floor(next() * below);
  if (isOnnx && pick(3) === 0) return nonsense(bytes, pick);
  let out = bytes;
  for (let n = 1 + pick(3); n > 0; n--) out = out.length ? mutations[pick(mutations.length)]!(out, pick, other) : out;
  return out;
}

/** A mutant of one of the files: the same for the same number and the same files. */
export function mutantOf(files: readonly string[], number: number): { file: string; bytes: Uint8Array } {
  const next = random(number);
  const at = () => files[Math.floor(next() * files.length)]!;
  const [file, other] = [at(), at()];
  return { file, bytes: mutant(next, contentOf(file), contentOf(other), file.endsWith('.onnx')) };
}

const contents = new Map<string, Uint8Array>();
function contentOf(file: string): Uint8Array {
  const bytes = contents.get(file) ?? new Uint8Array(readFileSync(file));
  contents.set(file, bytes);
  return bytes;
}

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { strToU8, unzipSync, zipSync } from 'fflate';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { UnpoolError } from '../../../main/core/errors';
import { readModel } from '../../../main/core/formats/index';
import type { Graph } from '../../../main/core/graph/graph';
import { float32 } from '../../../main/core/graph/tensor';
import { openNetwork } from '../../../main/core/program/network';
import { createOrtRuntime } from '../../../main/core/runtime/ort';
import { relativeDifference } from '../support';

const folder = path.resolve(import.meta.dirname, '../../golden/pt2');
const archive = (name: string) => new Uint8Array(readFileSync(path.join(folder, `${name}.pt2`)));
interface Packed {
  shape: number[];
  data: string;
}
const floats = ({ shape, data }: Packed) =>
  float32(shape, new Float32Array(Uint8Array.from(Buffer.from(data, 'base64')).buffer));
const names = readdirSync(folder).flatMap((file) => (file.endsWith('.pt2') ? [file.slice(0, -4)] : []));

describe.each(names)('PyTorch export archive %s', (name) => {
  const runtime = createOrtRuntime(ort as never, { threads: 1 });
  const expected = JSON.parse(readFileSync(path.join(folder, `${name}.json`), 'utf8')) as {
    input: Packed;
    outputs: Packed[];
  };

  async function check(graph: Graph): Promise<void> {
    const results = await (await runtime.compile(graph)).run({ [graph.inputs[0]!.name]: floats(expected.input) });
    expected.outputs.forEach((output, i) => {
      const result = results[graph.outputs[i]!.name]!;
      expect([...result.dims]).toEqual(output.shape);
      expect(relativeDifference(floats(output).data as Float32Array, result.data as Float32Array)).toBeLessThan(1e-5);
    });
  }

  test('computes what PyTorch computes', async () => {
    await check(await readModel(archive(name)));
  });

  test('opens as a network that computes the same', async () => {
    const network = await openNetwork(await readModel(archive(name)), { runtime });
    expect(network.input.channels).toBe(3);
    expect(network.layers.filter((layer) => layer.scanned).length).toBeGreaterThan(0);
    await check(network.graph);
  });
});

test('layers are called as in the model', async () => {
  const graph = await readModel(archive('residual'));
  const convolutions = graph.nodes.filter((node) => node.opType === 'Conv').map((node) => node.outputs[0]);
  expect(convolutions).toEqual(['stem.0', 'conv1.0', 'conv2.0', 'conv3', 'down']);
  const { layers } = await openNetwork(graph);
  expect(layers.flatMap((layer) => (layer.kind === 'pool' ? [] : [layer.name]))).toEqual([
    ...['stem.0', 'conv1.0', 'conv2.0', 'add_', 'conv3', 'down', 'add', 'fc'],
  ]);
});

/** The archive with some of its files changed; null takes a file away. */
function changed(changes: Record<string, (old: string) => string | Uint8Array<ArrayBuffer> | null>): Uint8Array {
  const files = unzipSync(archive('residual'));
  for (const [end, change] of Object.entries(changes)) {
    const name = Object.keys(files).find((each) => each.endsWith(end))!;
    const content = change(Buffer.from(files[name]!).toString('utf8'));
    if (content === null) delete files[name];
    else files[name] = typeof content === 'string' ? strToU8(content) : content;
  }
  return zipSync(files, { level: 0 });
}

describe('a PyTorch archive that cannot be read says why', () => {
  const weights = 'weights_config.json';
  const cases: [string, () => Uint8Array, RegExp][] = [
    [
      'a pickled weight',
      () => changed({ [weights]: (s) => s.replace('"use_pickle": false', '"use_pickle": true') }),
      /never runs code/,
    ],
    [
      'an older archive',
      () =>
        zipSync({
          version: strToU8('1'),
          'serialized_exported_program.json': strToU8('{}'),
          'serialized_state_dict.pt': strToU8('x'),
        }),
      /older torch.+never runs code/,
    ],
    [
      'a newer schema',
      () => changed({ 'models/model.json': (s) => s.replace(/"major": \d+/, '"major": 99') }),
      /schema 99/,
    ],
    ['a weight that is too short', () => changed({ weight_0: () => new Uint8Array(8) }), /does not lie within/],
    ['a weight that is gone', () => changed({ weight_0: () => null }), /not in the archive/],
    [
      'a huge shape',
      () => changed({ [weights]: (s) => s.replace('"as_int": 8', '"as_int": 900000000') }),
      /does not lie within/,
    ],
    ['JSON that breaks off', () => changed({ 'models/model.json': (s) => s.slice(0, 900) }), /not whole/],
    [
      'a value that is not there',
      () =>
        changed({
          'models/model.json': (s) =>
            s.replace('"outputs": [{"as_tensor": {"name": "sub"}}]', '"outputs": [{"as_tensor": {"name": "gone"}}]'),
        }),
      /reads "sub", which is not there/,
    ],
    ['an archive that breaks off', () => archive('residual').subarray(3000), /not a model|ZIP|unpacked/],
  ];
  test.each(cases)('%s', async (_name, make, message) => {
    const reading = Promise.resolve().then(() => readModel(make()));
    await expect(reading).rejects.toBeInstanceOf(UnpoolError);
    await expect(reading).rejects.toThrow(message);
  });

  test('sizes that deflate cannot reach', async () => {
    const bytes = changed({});
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + 46 < bytes.length; at++)
      if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 0x7fffffff, true);
    await expect(readModel(bytes)).rejects.toThrow(/claims 2147483647 bytes/);
  });
});

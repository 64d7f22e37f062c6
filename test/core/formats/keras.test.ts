import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { UnpoolError } from '../../../main/core/errors';
import { readModel } from '../../../main/core/formats/index';
import { openNetwork } from '../../../main/core/program/network';
import { random } from '../support';

const golden = path.join(import.meta.dirname, '../../golden/keras');
const file = (name: string): Uint8Array => readFileSync(path.join(golden, name));
const beside = (folder: string) => ({
  external: (location: string): Uint8Array => {
    if (existsSync(path.join(golden, folder, location))) return file(`${folder}/${location}`);
    throw new UnpoolError('no-file', `There is no "${location}".`);
  },
});

/** True where the file is read, false where it is refused in words; anything else is thrown. */
async function survives(bytes: Uint8Array, folder = ''): Promise<boolean> {
  try {
    await readModel(bytes, beside(folder));
    return true;
  } catch (error) {
    if (error instanceof UnpoolError) return false;
    throw error;
  }
}

async function errorOf(bytes: Uint8Array, folder = ''): Promise<UnpoolError> {
  const error: unknown = await readModel(bytes, beside(folder)).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UnpoolError);
  return error as UnpoolError;
}

/** A TensorFlow.js layers model without weights, of these layers in a chain. */
function chain(layers: { class_name: string; config: Record<string, unknown> }[]): Uint8Array {
  const input = { class_name: 'InputLayer', config: { name: 'in', batch_input_shape: [null, 6, 6, 2] } };
  const config = { name: 'net', layers: [input, ...layers] };
  const modelTopology = { keras_version: '2.15.0', model_config: { class_name: 'Sequential', config } };
  return strToU8(JSON.stringify({ format: 'layers-model', modelTopology, weightsManifest: [] }));
}

describe('Keras networks', () => {
  it.each([
    ['chain-keras/model.keras', 'strided'],
    ['chain-h5/model.h5', 'strided'],
    ['chain-tfjs/model.json', 'strided'],
    ['vgg16-h5/model.h5', 'block1_conv1'],
    ['resnet50-tfjs/model.json', 'conv1_conv'],
  ])('%s opens with the names that its layers have, channels first', async (name, first) => {
    const network = await openNetwork(await readModel(file(name), beside(path.dirname(name))));
    expect(network.input.channels).toBe(3);
    expect(network.layers[0]).toMatchObject({ name: first, kind: 'conv' });
    expect(network.layers[0]!.map[0]).toBeGreaterThan(1);
  });

  it('a layer that is not translated is named', async () => {
    const lambda = await errorOf(chain([{ class_name: 'Lambda', config: { name: 'own', trainable: true } }]));
    expect(lambda.message).toMatch(/"own" \(Lambda\).*never runs/);
    const other = await errorOf(chain([{ class_name: 'CapsuleLayer', config: { name: 'caps', trainable: true } }]));
    expect(other).toMatchObject({ place: { node: 'caps' } });
    expect(other.message).toMatch(/"caps" \(CapsuleLayer\)/);
  });

  it('a wrong field is named', async () => {
    const pool = { class_name: 'MaxPooling2D', config: { name: 'pool', trainable: true, pool_size: [2, 'two'] } };
    expect(await errorOf(chain([pool]))).toMatchObject({ place: { node: 'pool', field: 'pool_size' } });
    const conv = { class_name: 'Conv2D', config: { name: 'conv', trainable: true, filters: 4, kernel_size: [3, 3] } };
    expect((await errorOf(chain([conv]))).message).toMatch(/"conv".*has 0 of its 2 weights/);
  });

  it('an activation of its own is named', async () => {
    const own = { class_name: 'Activation', config: { name: 'act', trainable: true, activation: 'mine' } };
    expect((await errorOf(chain([own]))).message).toMatch(/"act".*"mine"/);
  });

  it('an archive that would fill the memory is refused before it is unpacked', async () => {
    const zip = zipSync({
      'metadata.json': strToU8('{}'),
      'config.json': strToU8('{}'),
      'model.weights.h5': new Uint8Array(64 * 2 ** 20),
    });
    expect((await errorOf(zip)).message).toMatch(/claims 67108864 bytes/);
  });

  it.each(['free-keras/model.keras', 'free-h5/model.h5', 'free-tfjs/model.json'])(
    '%s cut off or changed ends in a graph or an error in words',
    async (name) => {
      const whole = file(name);
      const folder = path.dirname(name);
      const next = random(3);
      const pick = (below: number) => Math.floor(next() * below);
      let refused = 0;
      for (let i = 0; i < 25; i++) if (!(await survives(whole.subarray(0, pick(whole.length)), folder))) refused++;
      expect(refused).toBe(25);
      for (let i = 0; i < 80; i++) {
        const bytes = Uint8Array.from(whole);
        for (let changes = 1 + pick(4); changes > 0; changes--) bytes[pick(bytes.length)] = pick(256);
        await survives(bytes, folder);
      }
    },
  );
});

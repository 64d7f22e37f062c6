import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Preprocessing } from '../../preload/contract';
import { writeOnnx } from '../../main/core/formats/onnx/index';
import type { Graph } from '../../main/core/graph/graph';
import { Net, random } from '../core/support';

/** A small classifier of 24 x 24 pictures: two convolutions, a pool between, global average, five classes. */
export function smallNetwork(seed = 3): Graph {
  const net = new Net([3, 24, 24], seed);
  const first = net.relu(net.conv(net.picture, 3, 6, 3, { pads: [1, 1, 1, 1] }, true, 'first'));
  const pool = net.add('MaxPool', [first], { kernel_shape: [2, 2], strides: [2, 2] });
  const second = net.relu(net.conv(pool, 6, 8, 3, {}, true, 'second'));
  const flat = net.add('Flatten', [net.add('GlobalAveragePool', [second])], { axis: 1 });
  return net.graph(net.add('Gemm', [flat, net.weights([8, 5]), net.weights([5])], {}, 'scores'));
}

export const preprocessing: Preprocessing = {
  size: [24, 24],
  resize: { rule: 'stretch' },
  channels: 'rgb',
  scale: 1 / 127.5,
  mean: [1, 1, 1],
  std: [1, 1, 1],
  background: [128, 128, 128],
};

export interface Place {
  folder: string;
  model: string;
  pictures: string;
  remove(): Promise<void>;
}

/** A folder with a model and seeded pictures in three classes; `broken` of them are not pictures inside. */
export async function makePlace(count: number, broken: readonly number[] = [], graph = smallNetwork()): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'unpool-test-'));
  const model = join(folder, 'model.onnx');
  const pictures = join(folder, 'pictures');
  await writeFile(model, writeOnnx(graph));
  await writeFile(join(folder, 'model.labels.txt'), 'ape\nbat\ncat\ndog\neel\n');
  const next = random(11);
  for (let i = 0; i < count; i++) {
    const file = join(pictures, ['ants', 'bees', 'crabs'][i % 3]!, `${String(i).padStart(3, '0')}.png`);
    await mkdir(join(file, '..'), { recursive: true });
    if (broken.includes(i)) {
      await writeFile(file, 'this is no picture');
      continue;
    }
    const [width, height] = [20 + Math.floor(next() * 20), 20 + Math.floor(next() * 20)];
    const rgb = Uint8Array.from({ length: width * height * 3 }, () => Math.floor(next() * 256));
    await sharp(rgb, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(file);
  }
  return { folder, model, pictures, remove: () => rm(folder, { recursive: true, force: true }) };
}

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { MethodChoice } from '../../preload/contract';
import { readOnnx } from '../../main/core/formats/onnx/index';
import type { Graph } from '../../main/core/graph/graph';
import { openNetwork } from '../../main/core/program/network';
import { buildDeconvnet, feedsFor } from '../../main/core/program/deconvnet';
import { createReconstructor, type Reconstruction } from '../../main/core/program/reconstructor';
import type { Runtime } from '../../main/core/runtime/runtime';
import { resnet18 } from './resnet';
import { alternate, type Bench } from './measure';
import { distance, strongest } from './compare';
import { python, startPeer, writeForPeer, type Peer } from './peer';
import { allTiles, requestsOf } from './tiles';
import { picture, vgg16 } from './vgg';

const method: MethodChoice = { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' };
const aims: Record<string, number> = { conv2_2: 1000, conv3_3: 150, conv4_3: 20, conv5_3: 4 };

/** Nine tiles of one unit: by what the unit sees, against PyTorch on whole pictures, and against our own. */
export async function benchUnits(bench: Bench, runtime: Runtime): Promise<void> {
  const graph = vgg16();
  const network = await openNetwork(graph);
  const pictures = Array.from({ length: 9 }, (_, seed) => picture(seed));
  const folder = mkdtempSync(path.join(tmpdir(), 'unpool-bench-'));
  const rounds = bench.quick ? 3 : 5;
  let peer: Peer | null = null;
  try {
    bench.heading('Nine tiles of one unit, deconvnet, VGG-16, places over the whole map');
    peer = python ? await startPeer('deconvnet.py', [String(bench.threads)]) : null;
    if (!peer) bench.skip('PyTorch on whole pictures', 'UNPOOL_PYTHON names no Python with PyTorch');
    await peer?.ask(`load ${writeForPeer(folder, graph.initializers, pictures)}`);
    for (const name of ['conv1_2', 'conv2_2', 'conv3_3', 'conv4_3', 'conv5_3'])
      for (const where of ['anywhere', 'rim'] as const) {
        const layer = network.layers.find((each) => each.name === name)!;
        const requests = await strongest(runtime, network, layer, requestsOf(layer, pictures, where));
        const reconstructor = createReconstructor(runtime, network);
        let made: Reconstruction[] = [];
        const ours = async () => {
          made = await allTiles(reconstructor, layer, method, requests);
        };
        const what = `${name}, ${where === 'rim' ? 'corners, edges, centre' : 'places drawn at random'}`;
        const other = peer;
        if (other) {
          const units = requests.map(({ unit, y, x }) => `${unit}:${y}:${x}`).join(',');
          const against = async () => Number((await other.ask(`unit ${name} ${units}`))['ms']);
          const times = await alternate(rounds, ours, against);
          await other.ask(`keep ${path.join(folder, 'signals.bin')}`);
          const { buffer, byteOffset, byteLength } = readFileSync(path.join(folder, 'signals.bin'));
          const far = distance(network, layer, requests, made, new Float32Array(buffer, byteOffset, byteLength / 4));
          if (!(far < 0.01)) throw new Error(`${name}: PyTorch gives other pictures (they differ by ${far})`);
          bench.add({
            part: 'unit',
            what,
            unit: 'ms',
            peer: `PyTorch ${String(other.about['torch'])}, whole pictures`,
            aim: where === 'anywhere' ? (aims[name] ?? null) : null,
            // There and back; at the rim it is less, by how much lies outside.
            ...(where === 'anywhere' && { macs: 18 * buildDeconvnet(network, layer, method, false).macs }),
            ...times,
          });
        }
        await reconstructor.dispose();
      }
    peer?.end();
    peer = null;
    await benchOthers(bench, runtime, pictures);
  } finally {
    peer?.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Other networks, against our own whole pictures in one run: what the field alone gives. */
async function benchOthers(bench: Bench, runtime: Runtime, pictures: readonly Float32Array[]): Promise<void> {
  bench.heading('Nine tiles of one unit, by what the unit sees, against our own whole pictures');
  const squeezenet = path.resolve(import.meta.dirname, '../../../shared/models/squeezenet1.0.onnx');
  const networks: [string, Graph | null, number, readonly string[]][] = [
    ['VGG-16', vgg16(), 224, ['conv2_2', 'conv3_3', 'conv4_3', 'conv5_3']],
    ['ResNet-18', resnet18(), 224, ['conv1', 'layer1.1.conv2', 'layer2.1.conv2', 'layer3.1.conv2', 'layer4.1.conv2']],
    ['SqueezeNet', existsSync(squeezenet) ? readOnnx(readFileSync(squeezenet)) : null, 227, []],
  ];
  for (const [title, graph, size, names] of networks) {
    if (!graph) {
      bench.skip(title, `${squeezenet} is not there`);
      continue;
    }
    const network = await openNetwork(graph);
    const fitting = size === 224 ? pictures : pictures.map((_, seed) => picture(seed, size));
    const scanned = network.layers.filter((layer) => layer.scanned && layer.field);
    const layers = names.length
      ? scanned.filter((layer) => names.includes(layer.name) || names.includes(layer.nodes[0]!))
      : scanned.filter((_, i) => i % 3 === 0);
    for (const layer of layers) {
      const requests = requestsOf(layer, fitting, 'anywhere');
      const reconstructor = createReconstructor(runtime, network);
      const whole = buildDeconvnet(network, layer, method, false, 'picture');
      const program = await runtime.compile(whole.graph);
      const feeds = requests.map((request) => feedsFor(network, whole, layer.units, layer.map, [request]));
      const times = await alternate(
        bench.quick ? 1 : 3,
        async () => void (await allTiles(reconstructor, layer, method, requests)),
        async () => {
          for (const feed of feeds) await program.run(feed);
        },
      );
      bench.add({
        part: 'unit',
        what: `${title} ${layer.name}`,
        unit: 'ms',
        peer: 'whole pictures',
        aim: null,
        ...times,
      });
      await program.dispose();
      await reconstructor.dispose();
    }
  }
}

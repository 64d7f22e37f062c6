import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { float32 } from '../../main/core/graph/tensor';
import { openNetwork } from '../../main/core/program/network';
import { createScanner } from '../../main/core/program/scanner';
import type { Runtime } from '../../main/core/runtime/runtime';
import { alternate, type Bench } from './measure';
import { python, startPeer, writeForPeer } from './peer';
import { picture, vgg16 } from './vgg';

/** A scan of all layers against the bare forward pass; tensors in memory. */
export async function benchScans(bench: Bench, runtime: Runtime): Promise<void> {
  bench.heading('A scan of all layers (maximum and place of each unit), tensors in memory, pictures a second');
  const network = await openNetwork(vgg16());
  const batch = 8;
  const pictures = Array.from({ length: batch }, (_, seed) => picture(seed));
  const data = new Float32Array(batch * pictures[0]!.length);
  pictures.forEach((one, i) => data.set(one, i * one.length));
  const scanner = await createScanner(runtime, network, { before: false, perPicture: 1 });
  const bare = await runtime.compile(network.graph);
  const feed = { [network.input.name]: float32([batch, 3, 224, 224], data) };
  const times = await alternate(
    bench.quick ? 1 : 7,
    () => scanner.run(data, batch),
    () => bare.run(feed),
  );
  bench.add({ part: 'scan', what: 'VGG-16', unit: 'ms', peer: 'the bare forward pass', aim: 0.93, ...times });
  await bare.dispose();
  if (python) {
    const folder = mkdtempSync(path.join(tmpdir(), 'unpool-bench-'));
    const peer = await startPeer('scan.py', [String(bench.threads)]);
    await peer.ask(`load ${writeForPeer(folder, network.graph.initializers, pictures)} ${batch}`);
    const against = await alternate(
      bench.quick ? 1 : 5,
      () => scanner.run(data, batch),
      async () => Number((await peer.ask('scan'))['ms']),
    );
    const name = `PyTorch ${String(peer.about['torch'])}, hooks`;
    bench.add({ part: 'scan', what: 'VGG-16', unit: 'ms', peer: name, aim: 1.3, ...against });
    peer.end();
    rmSync(folder, { recursive: true, force: true });
  } else bench.skip('a scan by hooks in PyTorch', 'UNPOOL_PYTHON names no Python with PyTorch');
  await scanner.dispose();
}

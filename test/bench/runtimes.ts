import type { MethodChoice, RuntimeChoice } from '../../preload/contract';
import { float32, toFloat32 } from '../../main/core/graph/tensor';
import { buildDeconvnet } from '../../main/core/program/deconvnet';
import { openNetwork, type Layer, type Network } from '../../main/core/program/network';
import { createReconstructor, type Reconstruction } from '../../main/core/program/reconstructor';
import { createScanner } from '../../main/core/program/scanner';
import type { Runtime } from '../../main/core/runtime/runtime';
import { loadRuntime } from '../../main/engine/runtimes';
import { alternate, type Bench, type Spread } from './measure';
import { allTiles, requestsOf } from './tiles';
import { picture, vgg16 } from './vgg';

const method: MethodChoice = { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' };
const others: readonly RuntimeChoice[] = ['tfjs-node', 'tfjs-wasm', 'tfjs-cpu'];
const scanned = 4;
/** What would take longer than this, by the pace of the task before, is left out. */
const bearable = 60_000;

/** One thing to do, ready to be done again and again; gives what is compared between runtimes. */
interface Task {
  what: string;
  macs: number;
  start(runtime: Runtime): Promise<{ run(): Promise<Float32Array>; dispose(): Promise<void> }>;
}

/** VGG-16 on ONNX Runtime against each backend of TensorFlow.js: a picture forward, a small scan, nine tiles of a unit. */
export async function benchRuntimes(bench: Bench, runtime: Runtime): Promise<void> {
  bench.heading(`Runtimes on VGG-16 at 224 x 224: ${runtime.name} against the others`);
  const network = await openNetwork(vgg16());
  const tasks = tasksOf(network);
  const named = others.filter((each) => bench.args.includes(each));
  for (const choice of named.length ? named : others) {
    const loaded = await loadRuntime(choice, bench.threads).catch((error: unknown) => {
      bench.skip(choice, (error as Error).message);
    });
    if (!loaded) continue;
    /** Milliseconds of a multiply-add, by the task before. */
    let pace = 0;
    for (const task of [...tasks].sort((a, b) => a.macs - b.macs)) {
      const expected = pace * task.macs;
      if (expected > bearable) {
        bench.skip(`${loaded.runtime.name}: ${task.what}`, `it would take ${Math.round(expected / 1000)} s a run`);
        continue;
      }
      try {
        const against = await compare(bench, task, runtime, loaded.runtime, expected);
        pace = against.low / task.macs;
      } catch (error) {
        bench.skip(`${loaded.runtime.name}: ${task.what}`, (error as Error).message);
      }
    }
  }
}

async function compare(bench: Bench, task: Task, runtime: Runtime, other: Runtime, expected: number): Promise<Spread> {
  const ours = await task.start(runtime);
  try {
    const theirs = await task.start(other);
    try {
      const far = distance(await ours.run(), await theirs.run());
      if (far > 1e-4) throw new Error(`the two differ by ${far.toExponential(1)} of the largest value`);
      const rounds = bench.quick || expected > 10_000 ? 1 : expected > 1000 ? 3 : 5;
      // A run's own result is what it made, not its time.
      const timed = (each: { run(): Promise<unknown> }) => async () => void (await each.run());
      const times = await alternate(rounds, timed(ours), timed(theirs));
      const threads = other.threads === 1 ? '1 thread' : `${other.threads} threads`;
      bench.add({
        part: 'runtime',
        what: task.what,
        unit: 'ms',
        peer: `${other.name}, ${threads}`,
        aim: null,
        macs: task.macs,
        ...times,
      });
      return times.against;
    } finally {
      await theirs.dispose();
    }
  } finally {
    await ours.dispose();
  }
}

function tasksOf(network: Network): Task[] {
  const layers = network.layers.filter((layer) => layer.scanned);
  const macs = layers.at(-1)!.macs;
  const size = network.input.channels * network.input.size[0] * network.input.size[1];
  return [
    {
      what: 'one picture forward',
      macs,
      async start(runtime) {
        const program = await runtime.compile(network.graph);
        const feed = { [network.input.name]: float32([1, network.input.channels, ...network.input.size], picture(0)) };
        const [output] = network.graph.outputs;
        return {
          run: async () => toFloat32((await program.run(feed))[output!.name]!),
          dispose: () => program.dispose(),
        };
      },
    },
    {
      what: `a scan of ${scanned} pictures, all layers`,
      macs: macs * scanned,
      async start(runtime) {
        const data = new Float32Array(scanned * size);
        for (let i = 0; i < scanned; i++) data.set(picture(i), i * size);
        const scanner = await createScanner(runtime, network, { before: false, perPicture: 1 });
        return {
          run: async () => (await scanner.run(data, scanned)).at(-1)!.max,
          dispose: () => scanner.dispose(),
        };
      },
    },
    ...['conv2_2', 'conv5_3'].map((name) =>
      tilesTask(
        network,
        network.layers.find((each) => each.name === name)!,
      ),
    ),
  ];
}

function tilesTask(network: Network, layer: Layer): Task {
  const requests = requestsOf(
    layer,
    Array.from({ length: 9 }, (_, seed) => picture(seed)),
    'anywhere',
  );
  return {
    what: `nine tiles of one unit, ${layer.name}`,
    macs: 9 * buildDeconvnet(network, layer, method, false).macs,
    start(runtime) {
      const reconstructor = createReconstructor(runtime, network);
      return Promise.resolve({
        run: async () => joined(await allTiles(reconstructor, layer, method, requests)),
        dispose: () => reconstructor.dispose(),
      });
    },
  };
}

function joined(made: readonly Reconstruction[]): Float32Array {
  const out = new Float32Array(made.reduce((total, { signal }) => total + signal.data.length, 0));
  let at = 0;
  for (const { signal } of made) {
    out.set(signal.data, at);
    at += signal.data.length;
  }
  return out;
}

function distance(a: Float32Array, b: Float32Array): number {
  let [worst, largest] = [0, 0];
  a.forEach((value, i) => {
    worst = Math.max(worst, Math.abs(value - b[i]!));
    largest = Math.max(largest, Math.abs(value));
  });
  return worst / largest;
}

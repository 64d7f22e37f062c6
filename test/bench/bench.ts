import { availableParallelism, cpus } from 'node:os';
import { writeFileSync } from 'node:fs';
import * as ort from 'onnxruntime-node';
import { float32 } from '../../main/core/graph/tensor';
import { openNetwork } from '../../main/core/program/network';
import { buildDeconvnet, createReconstructor, feedsFor, type Request } from '../../main/core/program/reconstructor';
import { createScanner } from '../../main/core/program/scanner';
import { createOrtRuntime, type Ort } from '../../main/core/runtime/ort';
import { picture, vgg16 } from './vgg';

interface Row {
  what: string;
  ours: Spread;
  against: Spread;
  /** Median of the ratios of neighbouring runs: against / ours. */
  ratio: number;
}
interface Spread {
  median: number;
  low: number;
  high: number;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
const spread = (values: number[]): Spread => ({
  median: median(values),
  low: Math.min(...values),
  high: Math.max(...values),
});

/** Runs the two in turn, A B A B, after one warm-up of each; milliseconds. */
async function alternate(
  what: string,
  rounds: number,
  ours: () => Promise<unknown>,
  against: () => Promise<unknown>,
): Promise<Row> {
  const time = async (work: () => Promise<unknown>): Promise<number> => {
    const start = performance.now();
    await work();
    return performance.now() - start;
  };
  await ours();
  await against();
  const [a, b]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    a.push(await time(ours));
    b.push(await time(against));
  }
  return { what, ours: spread(a), against: spread(b), ratio: median(a.map((value, i) => b[i]! / value)) };
}

export async function main(args: readonly string[]): Promise<void> {
  const threads = availableParallelism();
  const runtime = createOrtRuntime(ort as unknown as Ort, { threads });
  const quick = args.includes('--quick');
  console.log(
    `VGG-16, random weights, 224 x 224; ${runtime.name}, ${threads} threads; ${cpus()[0]?.model ?? 'processor not named'}; Node ${process.version}`,
  );
  const network = await openNetwork(vgg16());
  const rows: Row[] = [];
  const print = (row: Row, unit: (value: number) => string) => {
    rows.push(row);
    const show = ({ median, low, high }: Spread) => `${unit(median)} (${unit(low)} to ${unit(high)})`;
    console.log(
      `${row.what.padEnd(44)} ${show(row.ours).padEnd(30)} against ${show(row.against).padEnd(32)} ratio ${row.ratio.toFixed(2)}`,
    );
  };
  const milliseconds = (value: number) => `${value < 100 ? value.toFixed(1) : value.toFixed(0)} ms`;

  console.log('\nNine tiles of one unit, deconvnet: by the cone, against the whole picture');
  const method = { id: 'deconvnet', leaky: 'strict', smooth: 'rectify' } as const;
  const pictures = Array.from({ length: 9 }, (_, seed) => picture(seed));
  const reconstructor = createReconstructor(runtime, network);
  for (const name of ['conv1_2', 'conv2_2', 'conv3_3', 'conv4_3', 'conv5_3']) {
    const layer = network.layers.find((each) => each.name === name)!;
    // Places over the whole map, corners and edges among them.
    const [h, w] = layer.map;
    const requests: Request[] = pictures.map((one, i) => ({
      picture: one,
      unit: 7 * i + 3,
      y: Math.round(((i % 3) * (h - 1)) / 2),
      x: Math.round((Math.floor(i / 3) * (w - 1)) / 2),
    }));
    const { batch } = reconstructor.plan(layer, method, false);
    const cone = async () => {
      for (let i = 0; i < 9; i += batch) await reconstructor.run(layer, method, false, requests.slice(i, i + batch));
    };
    const whole = buildDeconvnet(network, layer, method, false, 'picture');
    const program = await runtime.compile(whole.graph);
    const feeds = feedsFor(network, whole, layer.units, layer.map, requests);
    print(
      await alternate(`${name}, ${batch} tiles a run`, quick ? 1 : 5, cone, () => program.run(feeds)),
      milliseconds,
    );
    await program.dispose();
  }
  await reconstructor.dispose();

  console.log(
    '\nScan of all layers (maximum and place of each unit), against the bare forward pass; tensors in memory',
  );
  const batch = 8;
  const data = new Float32Array(batch * pictures[0]!.length);
  for (let i = 0; i < batch; i++) data.set(pictures[i]!, i * pictures[0]!.length);
  const scanner = await createScanner(runtime, network, { before: false, perPicture: 1 });
  const bare = await runtime.compile(network.graph);
  const feed = { [network.input.name]: float32([batch, 3, 224, 224], data) };
  const row = await alternate(
    `batches of ${batch}`,
    quick ? 1 : 7,
    () => scanner.run(data, batch),
    () => bare.run(feed),
  );
  print(row, (value) => `${((1000 * batch) / value).toFixed(2)} pictures/s`);
  console.log(`The scan keeps ${row.ratio.toFixed(3)} of the bare forward throughput.`);
  await scanner.dispose();
  await bare.dispose();

  const at = args.indexOf('--json');
  if (at >= 0)
    writeFileSync(
      args[at + 1] ?? 'bench.json',
      JSON.stringify({ runtime: runtime.name, threads, node: process.version, rows }, null, 2),
    );
}

import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeOnnx } from '../../main/core/formats/onnx/index';
import { Builder } from '../../main/core/graph/builder';
import type { Graph } from '../../main/core/graph/graph';
import type { LayerInfo } from '../../preload/contract';
import type { Client } from '../../preload/rpc';
import { builtEngine, scanned } from '../endurance/support';
import { median, spread, type Bench } from './measure';
import { shared } from './scans';
import { vgg16 } from './vgg';

const method = { id: 'deconvnet' } as const;
const root = path.resolve(import.meta.dirname, '../..');

type EngineOn = (home?: string) => ReturnType<typeof builtEngine>;

/** How long a user waits for a unit: the engine's own calls, pictures decoded and caches included. */
export async function benchAnswers(bench: Bench): Promise<void> {
  const out = mkdtempSync(path.join(tmpdir(), 'unpool-bench-'));
  let homes = 0;
  const engineOn: EngineOn = (home = path.join(out, `home-${homes++}`)) => builtEngine(home);
  try {
    bench.heading('A unit on the screen: nine tiles by the engine’s own calls, pictures decoded');
    /** Each with some of its layers, by their places among those that are scanned or by their names. */
    const studies: [string, string, (number | string)[]][] = [];
    const demo = path.join(out, 'demo');
    cpSync(path.join(root, 'assets/demo-study'), demo, { recursive: true });
    studies.push(['demo', demo, [2, 3]]);
    const pictures = path.join(shared, 'photos/grocery');
    const scan = async (model: string): Promise<string> => {
      const engine = engineOn();
      const { presets, proposed } = await engine.client.call('model.inspect', { path: model });
      const { preprocessing } = presets.find(({ id }) => id === proposed.preset)!;
      const folder = path.join(out, `study ${studies.length}`);
      await scanned(engine.client, { model, pictures, preprocessing, folder });
      await engine.stop();
      return folder;
    };
    const squeezenet = path.join(shared, 'models/squeezenet1.0.onnx');
    if (existsSync(squeezenet) && existsSync(pictures))
      studies.push(['SqueezeNet', await scan(squeezenet), [3, 9, 15]]);
    else bench.skip('SqueezeNet', `its model or the photographs are not in ${shared}`);
    if (existsSync(pictures)) {
      const vgg = path.join(out, 'vgg16.onnx');
      writeFileSync(vgg, writeOnnx(convolutions(vgg16())));
      studies.push(['VGG-16', await scan(vgg), ['conv5_3']]);
    } else bench.skip('VGG-16', `the photographs are not in ${shared}`);
    for (const [name, study, picked] of studies) {
      const engine = engineOn();
      const { layers } = await engine.client.call('study.open', { path: study });
      await engine.stop();
      const usable = layers.filter((layer) => layer.scanned && layer.field !== null);
      for (const at of picked) {
        const layer = typeof at === 'number' ? usable[at]! : usable.find((each) => each.name === at)!;
        await waits(bench, engineOn, out, name, study, layer);
      }
    }
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** The network without its dense layers, which hold nine tenths of its weights. */
const convolutions = (graph: Graph): Graph =>
  new Builder(graph).build([{ name: graph.nodes.find(({ opType }) => opType === 'Flatten')!.inputs[0]!, type: 'float32', shape: null }]); // prettier-ignore

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

async function waits(
  bench: Bench,
  engineOn: EngineOn,
  out: string,
  name: string,
  study: string,
  { id: layer, name: layerName, units }: LayerInfo,
): Promise<void> {
  const what = `${name} ${layerName}`;
  const rounds = bench.quick ? 5 : 11;
  const home = path.join(out, `kept-${name}-${layerName}`);
  let engine = engineOn(home);
  const ask = (unit: number) => ({ study, layer, unit, method });
  const [first, nine, cancelled, seen]: [number[], number[], number[], number[]] = [[], [], [], []];
  // The first unit compiles what the others use.
  await engine.client.call('unit.reconstructions', ask(0));
  for (let round = 1; round <= rounds; round++) {
    const start = performance.now();
    let at = 0;
    nine.push(
      await timed(() =>
        engine.client.call('unit.reconstructions', ask(round % units), {
          onItem: () => {
            if (at === 0) at = performance.now() - start;
          },
        }),
      ),
    );
    first.push(at);
    seen.push(await timed(() => engine.client.call('unit.reconstructions', ask(round % units))));
  }
  for (let round = 0; round < rounds; round++) {
    const stop = new AbortController();
    const unit = (rounds + 1 + round) % units;
    let from = 0;
    // Given up as soon as a tile is there, as a user does who goes on to the next unit; the engine is free when it answers again.
    await engine.client
      .call('unit.reconstructions', ask(unit), {
        signal: stop.signal,
        onItem: () => {
          from ||= performance.now();
          stop.abort();
        },
      })
      .catch(() => undefined);
    await engine.client.call('recent.list', {});
    cancelled.push(performance.now() - from);
  }
  await engine.stop();
  engine = engineOn(home);
  await engine.client.call('study.open', { path: study });
  const kept: number[] = [];
  for (let round = 1; round <= rounds; round++)
    kept.push(await timed(() => engine.client.call('unit.reconstructions', ask(round % units))));
  await engine.stop();
  const row = { part: 'answers', unit: 'ms', peer: 'all nine', against: spread(nine), aim: null } as const;
  const against = (ours: number[]) => ({ ours: spread(ours), ratio: median(nine.map((all, i) => all / ours[i]!)) });
  bench.add({ ...row, what: `${what}, the first tile`, ...against(first), aim: 3 });
  bench.add({ ...row, what: `${what}, given up after a tile`, ...against(cancelled) });
  bench.add({ ...row, what: `${what}, seen before`, ...against(seen) });
  bench.add({ ...row, what: `${what}, seen before a restart`, ...against(kept) });
  await rendered(bench, engineOn, what, study, layer, Math.min(units, bench.quick ? 64 : 128));
}

/** The whole layer ahead against its units one by one, each from an empty cache. */
async function rendered(
  bench: Bench,
  engineOn: EngineOn,
  what: string,
  study: string,
  layer: string,
  most: number,
): Promise<void> {
  const [ahead, single]: [number[], number[]] = [[], []];
  for (let round = 0; round < (bench.quick ? 1 : 3); round++) {
    for (const [times, work] of [
      [ahead, (engine: Client) => engine.call('layer.render', { study, layer, method })],
      [
        single,
        async (engine: Client, units: number) => {
          for (let unit = 0; unit < units; unit++)
            await engine.call('unit.reconstructions', { study, layer, unit, method });
        },
      ],
    ] as const) {
      const engine = engineOn();
      const { layers } = await engine.client.call('study.open', { path: study });
      const { units } = layers.find(({ id }) => id === layer)!;
      if (units > most) {
        await engine.stop();
        return bench.skip(`${what}, the layer ahead`, `its ${units} units take too long`);
      }
      // The first unit loads the library and compiles what a unit by itself needs.
      await engine.client.call('unit.reconstructions', { study, layer, unit: 0, method });
      times.push((await timed(() => work(engine.client, units))) / (units - 1));
      await engine.stop();
    }
  }
  bench.add({
    ...{ part: 'answers', what: `${what}, a unit of the layer ahead`, unit: 'ms', peer: 'one by one', aim: null },
    ...{ ours: spread(ahead), against: spread(single), ratio: median(ahead.map((time, i) => single[i]! / time)) },
  });
}

import { UnpoolError } from '../errors';
import { analyse } from '../graph/analyse';
import { Builder } from '../graph/builder';
import type { Graph } from '../graph/graph';
import { float32, toFloat32, type Tensor } from '../graph/tensor';
import { methodOf } from '../methods/index';
import type { Program, Runtime } from '../runtime/runtime';
import { classScore } from './classifier';
import type { Layer, Network } from './network';
import { knownShapes } from './deconvnet';
import { walkBack } from './walk';

/** What one picture's forward pass left: each layer's maps [1, units, height, width] (dense: [1, units]) by its id. */
export interface Observation {
  maps: ReadonlyMap<string, Tensor>;
  /** The output that answers with classes; null where the network is no classifier. */
  classes: Float32Array | null;
}

/** Grad-CAM on a layer's map, row-major. */
export interface Cam {
  height: number;
  width: number;
  data: Float32Array;
}

export interface Observer {
  /** One picture [channels, height, width] through the network. `before`: maps before the layers' rectifiers. */
  run(picture: Float32Array, before: boolean): Promise<Observation>;
  cam(picture: Float32Array, layer: Layer, unit: number): Promise<Cam>;
  dispose(): Promise<void>;
}

const outputs = (names: readonly string[]) => names.map((name) => ({ name, type: 'float32' as const, shape: null }));

/** The layer that Grad-CAM is taken at where none is named: the last with places that the classes are made from. */
export function camLayer(network: Network): Layer {
  const last = network.layers.find(({ id }) => id === network.outputLayer);
  const behind = (layer: Layer): boolean =>
    layer.id !== last?.id && layer.kind !== 'pool' && layer.map[0] * layer.map[1] > 1 && layer.macs < last!.macs;
  const found = last && network.layers.findLast(behind);
  if (!found) throw notClassified();
  return found;
}

const notClassified = (): UnpoolError =>
  new UnpoolError('no-classes', 'Grad-CAM needs classes, and a layer with places before them; this network has none.', {
    hint: 'Choose another method.',
  });

/**
 * The forward pass with the gradient of a class's score (before its softmax) at a layer's maps. Feeds: the picture and
 * `seed`, one-hot over the classes. Source: R. Selvaraju et al. (1610.02391), equation 1.
 */
export function buildCam(
  network: Network,
  layer: Layer,
): { graph: Graph; seed: string; maps: string; gradient: string } {
  const last = network.layers.find(({ id }) => id === network.outputLayer);
  if (!last || network.classes === null) throw notClassified();
  const { value: score } = classScore(network.analysis, network.classes, last);
  const builder = new Builder(new Builder(network.graph).build(outputs([score, layer.after])));
  const analysis = analyse(
    builder.build(outputs([score, layer.after])),
    new Map([[network.input.name, [1, network.input.channels, ...network.input.size]]]),
    knownShapes(network),
  );
  const seed = builder.input({
    name: builder.fresh('class'),
    type: 'float32',
    shape: ['N', ...analysis.shape(score)!.slice(1)],
  });
  const gradient = walkBack(builder, analysis, methodOf({ id: 'gradient', leaky: 'strict', smooth: 'derivative' }), {
    tap: score,
    seed,
    picture: layer.after,
  });
  return { graph: builder.build(outputs([layer.after, gradient])), seed, maps: layer.after, gradient };
}

/** Maps [units, height, width] weighted by the means of their gradients, summed, rectified (equations 1 and 2). */
export function camOf(maps: Float32Array, gradient: Float32Array, units: number): Float32Array {
  const area = maps.length / units;
  const out = new Float64Array(area);
  for (let unit = 0; unit < units; unit++) {
    let weight = 0;
    for (let i = 0; i < area; i++) weight += gradient[unit * area + i]!;
    weight /= area;
    for (let i = 0; i < area; i++) out[i]! += weight * maps[unit * area + i]!;
  }
  return Float32Array.from(out, (value) => Math.max(0, value));
}

/** Runs single pictures of a network; its programs are made when they are first needed. */
export function createObserver(runtime: Runtime, network: Network): Observer {
  const programs = new Map<string, Promise<Program>>();
  const compiled = (key: string, graph: () => Graph): Promise<Program> => {
    let program = programs.get(key);
    if (!program) {
      program = Promise.resolve().then(() => runtime.compile(graph()));
      programs.set(key, program);
      program.catch(() => programs.delete(key)); // a failure is not kept; the caller sees it
    }
    return program;
  };
  const { name, channels, size } = network.input;
  const feed = (picture: Float32Array): [string, Tensor] => [name, float32([1, channels, ...size], picture)];

  return {
    async run(picture, before) {
      const taps = network.layers.map((layer) => [layer.id, before ? layer.before : layer.after] as const);
      const wanted = [
        ...new Set([...taps.map(([, tap]) => tap), ...(network.classes === null ? [] : [network.classes])]),
      ];
      const program = await compiled(`maps ${before}`, () => new Builder(network.graph).build(outputs(wanted)));
      const results = await program.run(Object.fromEntries([feed(picture)]));
      return {
        maps: new Map(taps.map(([id, tap]) => [id, results[tap]!])),
        classes: network.classes === null ? null : toFloat32(results[network.classes]!),
      };
    },

    async cam(picture, layer, unit) {
      const { graph, seed, maps, gradient } = buildCam(network, layer);
      const program = await compiled(`cam ${layer.id}`, () => graph);
      const shape = graph.inputs.find((input) => input.name === seed)!.shape!.slice(1) as number[];
      const picked = float32([1, ...shape]);
      picked.data[unit] = 1;
      const results = await program.run(Object.fromEntries([feed(picture), [seed, picked] as [string, Tensor]]));
      return {
        height: layer.map[0],
        width: layer.map[1],
        data: camOf(toFloat32(results[maps]!), toFloat32(results[gradient]!), layer.units),
      };
    },

    async dispose() {
      const all = [...programs.values()];
      programs.clear();
      for (const program of all) await (await program).dispose();
    },
  };
}

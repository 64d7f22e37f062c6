import { Builder } from '../graph/builder';
import type { Graph } from '../graph/graph';
import { concatenate, float32, toFloat32, type Tensor } from '../graph/tensor';
import type { Runtime } from '../runtime/runtime';
import type { Layer, Network } from './network';

/** Of one layer: [n, units, perPicture] maxima, largest first, and where they are: row * map width + column. */
export interface Maxima {
  max: Float32Array;
  place: Int32Array;
}

export interface Scanner {
  layers: Layer[];
  run(batch: Float32Array, n: number): Promise<Maxima[]>;
  dispose(): Promise<void>;
}

/** Names of the outputs of a scan graph for the layer at this index. */
const maxName = (index: number): string => `max:${index}`;
const placeName = (index: number): string => `place:${index}`;

/**
 * The forward graph with reductions appended: per layer and unit only the maximum and its place leave the runtime, never a
 * map. Of equal maxima the first in row-major order counts. Larger `perPicture`: that many per unit, by TopK.
 */
export function buildScan(network: Network, layers: readonly Layer[], before: boolean, perPicture: number): Graph {
  const builder = new Builder(network.graph);
  const major = network.graph.opsets.get('') ?? 17;
  const reduceMax = (x: string, axis: number): string =>
    major >= 18
      ? builder.add('ReduceMax', [x, builder.ints([axis])], { keepdims: 0 })
      : builder.add('ReduceMax', [x], { axes: [axis], keepdims: 0 });
  const outputs = layers.flatMap((layer, index) => {
    const value = before ? layer.before : layer.after;
    const [height, width] = layer.map;
    const named = (opType: string, inputs: string[], name: string) =>
      builder.addNode({ opType, inputs, outputs: [name], attributes: {} });
    const int32 = (x: string, name: string) =>
      builder.addNode({ opType: 'Cast', inputs: [x], outputs: [name], attributes: { to: { kind: 'int', value: 6 } } });
    if (height * width === 1) {
      named('Identity', [value], maxName(index));
      return [maxName(index)];
    }
    if (perPicture > 1) {
      const flat = builder.add('Reshape', [value, builder.ints([0, 0, -1])]);
      const indices = builder.fresh('indices');
      const k = builder.ints([Math.min(perPicture, height * width)]);
      builder.addNode({
        opType: 'TopK',
        inputs: [flat, k],
        outputs: [maxName(index), indices],
        attributes: { axis: { kind: 'int', value: 2 } },
      });
      int32(indices, placeName(index));
      return [maxName(index), placeName(index)];
    }
    // One pass over the maps (the maximum of each row), then only rows: cheaper than an ArgMax over the map.
    const rows = reduceMax(value, 3);
    const row = builder.add('ArgMax', [rows], { axis: 2, keepdims: 1 });
    const line = builder.add('GatherND', [value, row], { batch_dims: 2 });
    const column = builder.add('ArgMax', [line], { axis: 2, keepdims: 1 });
    const widthName = builder.ints([width]);
    const place = builder.add('Add', [builder.add('Mul', [row, widthName]), column]);
    named('Identity', [reduceMax(rows, 2)], maxName(index));
    int32(place, placeName(index));
    return [maxName(index), placeName(index)];
  });
  return builder.build(
    outputs.map((name) => ({ name, type: name.startsWith('place:') ? 'int32' : 'float32', shape: null })),
  );
}

/** Compiles the scan of all scanned layers of a network. */
export async function createScanner(
  runtime: Runtime,
  network: Network,
  options: { before: boolean; perPicture: number },
): Promise<Scanner> {
  const layers = network.layers.filter((layer) => layer.scanned);
  const program = await runtime.compile(buildScan(network, layers, options.before, options.perPicture));
  const { channels, size } = network.input;
  const length = channels * size[0] * size[1];

  async function runOnce(batch: Float32Array, n: number): Promise<Maxima[]> {
    const results = await program.run({
      [network.input.name]: float32(
        [n, channels, ...size],
        batch.length === n * length ? batch : batch.subarray(0, n * length),
      ),
    });
    return layers.map((layer, index) =>
      widen(results[maxName(index)]!, results[placeName(index)], n * layer.units, options.perPicture),
    );
  }

  return {
    layers,
    async run(batch, n) {
      if (!network.batchOne || n === 1) return runOnce(batch, n);
      const parts: Maxima[][] = [];
      for (let i = 0; i < n; i++) parts.push(await runOnce(batch.slice(i * length, (i + 1) * length), 1));
      return layers.map((_, index) => ({
        max: concatenate(
          Float32Array,
          parts.map((part) => part[index]!.max),
        ),
        place: concatenate(
          Int32Array,
          parts.map((part) => part[index]!.place),
        ),
      }));
    },
    dispose: () => program.dispose(),
  };
}

/** To `perPicture` columns: a map smaller than that leaves the rest at minus infinity. */
function widen(max: Tensor, place: Tensor | undefined, rows: number, perPicture: number): Maxima {
  const values = toFloat32(max);
  const places = (place?.data as Int32Array | undefined) ?? new Int32Array(values.length);
  const columns = values.length / rows;
  if (columns === perPicture) return { max: values, place: places };
  const out = { max: new Float32Array(rows * perPicture).fill(-Infinity), place: new Int32Array(rows * perPicture) };
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) {
      out.max[r * perPicture + c] = values[r * columns + c]!;
      out.place[r * perPicture + c] = places[r * columns + c]!;
    }
  return out;
}

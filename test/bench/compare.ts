import { Builder } from '../../main/core/graph/builder';
import { float32, toFloat32 } from '../../main/core/graph/tensor';
import type { Request } from '../../main/core/program/deconvnet';
import { fieldBox, type Layer, type Network } from '../../main/core/program/network';
import type { Reconstruction } from '../../main/core/program/reconstructor';
import type { Runtime } from '../../main/core/runtime/runtime';

/** The same places, each with the unit that is strongest there: a unit that is silent would have an empty picture. */
export async function strongest(
  runtime: Runtime,
  network: Network,
  layer: Layer,
  requests: readonly Request[],
): Promise<Request[]> {
  const tapped = new Builder(network.graph).build([{ name: layer.after, type: 'float32', shape: null }]);
  const program = await runtime.compile(tapped);
  const { name, channels, size } = network.input;
  const [height, width] = layer.map;
  const out: Request[] = [];
  for (const request of requests) {
    const results = await program.run({ [name]: float32([1, channels, ...size], request.picture) });
    const maps = toFloat32(results[layer.after]!);
    const at = (unit: number): number => maps[(unit * height + request.y) * width + request.x]!;
    let unit = 0;
    for (let other = 1; other < layer.units; other++) if (at(other) > at(unit)) unit = other;
    out.push({ ...request, unit });
  }
  await program.dispose();
  return out;
}

/**
 * How far what was made is from whole pictures' signals [n, channels, height, width], in the units' fields: the length of the
 * difference by the length of the signals. Another order of additions moves a switch now and then where two values are equal
 * but for their last bits, and with it a few px.
 */
export function distance(
  network: Network,
  layer: Layer,
  requests: readonly Request[],
  made: readonly Pick<Reconstruction, 'signal'>[],
  signals: Float32Array,
): number {
  const [height, width] = network.input.size;
  let [off, all] = [0, 0];
  requests.forEach(({ y, x }, n) => {
    const { signal } = made[n]!;
    const [top, left] = fieldBox(network, layer, y, x);
    for (let c = 0; c < signal.channels; c++)
      for (let row = Math.max(0, top); row < Math.min(height, top + signal.height); row++)
        for (let column = Math.max(0, left); column < Math.min(width, left + signal.width); column++) {
          const expected = signals[((n * signal.channels + c) * height + row) * width + column]!;
          const ours = signal.data[(c * signal.height + row - top) * signal.width + column - left]!;
          all += expected ** 2;
          off += (expected - ours) ** 2;
        }
  });
  return Math.sqrt(off / all);
}

import type { MethodChoice } from '../../preload/contract';
import type { Request } from '../../main/core/program/deconvnet';
import type { Layer } from '../../main/core/program/network';
import type { Reconstruction, Reconstructor } from '../../main/core/program/reconstructor';

/** Nine units and places: drawn evenly over the map (the same at each call), or its corners, edges and centre. */
export function requestsOf(layer: Layer, pictures: readonly Float32Array[], where: 'anywhere' | 'rim'): Request[] {
  let state = 12345;
  const draw = (length: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * length);
  };
  return pictures.map((one, i) => {
    const place = (at: number, length: number) =>
      where === 'rim' ? Math.round((at * (length - 1)) / 2) : draw(length);
    return {
      picture: one,
      unit: (7 * i + 3) % layer.units,
      y: place(i % 3, layer.map[0]),
      x: place(Math.floor(i / 3), layer.map[1]),
    };
  });
}

/** All that was asked for, in runs as large as the reconstructor takes them, as the engine does. */
export async function allTiles(
  reconstructor: Reconstructor,
  layer: Layer,
  method: MethodChoice,
  requests: readonly Request[],
): Promise<Reconstruction[]> {
  const made: Reconstruction[] = [];
  while (made.length < requests.length) {
    const batch = requests.slice(made.length, made.length + reconstructor.batch(layer, method, false));
    made.push(...(await reconstructor.run(layer, method, false, batch)));
  }
  return made;
}

import type { Figure, FigureTile } from '../../../main/core/figures/figure';
import { random } from '../support';

/** A tile with a signal of `side` px whose values lie within `peak`, and a patch of random colours. */
export function tileOf(rank: number, side: number, peak: number): FigureTile {
  const next = random(rank + 1);
  const data = Float32Array.from({ length: 3 * side * side }, () => (next() * 2 - 1) * peak);
  data[0] = -peak;
  return {
    signal: { channels: 3, height: side, width: side, data },
    patch: {
      width: side,
      height: side,
      rgba: Uint8Array.from({ length: 4 * side * side }, (_, i) => (i % 4 === 3 ? 255 : next() * 256)),
    },
    activation: 10 - rank,
    file: `class/picture ${rank}.jpg`,
    class: 'class',
    picture: rank,
    y: rank,
    x: 2 * rank,
    box: [0, 0, side, side],
  };
}

export const figureOf = (count: number, more: Partial<Figure> = {}, side = 16): Figure => ({
  layer: 'conv4',
  unit: 17,
  label: null,
  method: 'deconvnet, LeakyRelu rectified',
  scale: 'shared',
  contrast: 1,
  channels: 'rgb',
  tiles: Array.from({ length: count }, (_, rank) => tileOf(rank, side, 1 / (rank + 1))),
  tile: 112,
  provenance: { model: 'a'.repeat(64) },
  ...more,
});

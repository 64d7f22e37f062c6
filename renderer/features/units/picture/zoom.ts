import { shallowReactive } from 'vue';

/** Where one looks at a tile: how many times it is enlarged beyond fitting, and which point of it (0..1) is in the middle. */
export interface Zoom {
  factor: number;
  x: number;
  y: number;
}

/** Most CSS px of one px of the network's input. */
export const largest = 32;

export const wholeTile = (): Zoom => shallowReactive({ factor: 1, x: 0.5, y: 0.5 });

export interface Sizes {
  /** Of the place on the screen, and of the tile when it fits there, in CSS px. */
  place: readonly [height: number, width: number];
  fitted: readonly [height: number, width: number];
  /** Of the tile in px of the network's input. */
  tile: readonly [height: number, width: number];
}

/** A tile's size where it fits into a place. */
export function fit(place: readonly [number, number], tile: readonly [number, number]): [number, number] {
  const scale = Math.min(place[0] / tile[0], place[1] / tile[1]);
  return [tile[0] * scale, tile[1] * scale];
}

/** Left, top, width and height of the tile in its place, in CSS px. */
export function frame({ factor, x, y }: Zoom, { place, fitted }: Pick<Sizes, 'place' | 'fitted'>) {
  const [height, width] = [fitted[0] * factor, fitted[1] * factor];
  return { left: place[1] / 2 - x * width, top: place[0] / 2 - y * height, width, height };
}

/** The middle such that no edge of the tile comes into the place, where the tile is larger than it. */
function kept(middle: number, length: number, place: number): number {
  if (length <= place) return 0.5;
  const half = place / 2 / length;
  return Math.min(1 - half, Math.max(half, middle));
}

function settle(zoom: Zoom, { place, fitted }: Sizes): void {
  zoom.x = kept(zoom.x, fitted[1] * zoom.factor, place[1]);
  zoom.y = kept(zoom.y, fitted[0] * zoom.factor, place[0]);
}

/** Enlarges by a factor; what lies at this point of the place (CSS px from its corner; left out: its middle) stays there. */
export function zoomBy(zoom: Zoom, by: number, sizes: Sizes, at?: readonly [y: number, x: number]): void {
  const [y, x] = at ?? [sizes.place[0] / 2, sizes.place[1] / 2];
  const before = frame(zoom, sizes);
  const point = [(y - before.top) / before.height, (x - before.left) / before.width] as const;
  const most = Math.max(1, (largest * sizes.tile[0]) / sizes.fitted[0]);
  zoom.factor = Math.min(most, Math.max(1, zoom.factor * by));
  const [height, width] = [sizes.fitted[0] * zoom.factor, sizes.fitted[1] * zoom.factor];
  zoom.y = point[0] - (y - sizes.place[0] / 2) / height;
  zoom.x = point[1] - (x - sizes.place[1] / 2) / width;
  settle(zoom, sizes);
}

/** Moves the tile by so many CSS px. */
export function pan(zoom: Zoom, dy: number, dx: number, sizes: Sizes): void {
  zoom.y -= dy / (sizes.fitted[0] * zoom.factor);
  zoom.x -= dx / (sizes.fitted[1] * zoom.factor);
  settle(zoom, sizes);
}

/** Brings a px of the tile into sight. */
export function reveal(zoom: Zoom, y: number, x: number, sizes: Sizes): void {
  const { left, top, width, height } = frame(zoom, sizes);
  const [py, px] = [top + ((y + 0.5) / sizes.tile[0]) * height, left + ((x + 0.5) / sizes.tile[1]) * width];
  if (py < 0 || py > sizes.place[0]) zoom.y = (y + 0.5) / sizes.tile[0];
  if (px < 0 || px > sizes.place[1]) zoom.x = (x + 0.5) / sizes.tile[1];
  settle(zoom, sizes);
}

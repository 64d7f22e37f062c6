import sharp from 'sharp';
import { mayMirror, type Emoji, type Style } from './data.ts';
import type { Random } from './random.ts';

/**
 * Scenes: a background and a few emoji on it, at random places, sizes and angles. A scene knows no pixels: it can be
 * drawn small for training and large for looking at.
 */

type Colour = [red: number, green: number, blue: number];

interface Background {
  kind: 'plain' | 'gradient' | 'stripes' | 'checks' | 'dots' | 'clouds';
  colours: [Colour, Colour];
  angle: number;
  /** Length of one repetition, in parts of the picture's side. */
  period: number;
  phase: [number, number];
}

interface Placement {
  drawing: Drawing;
  /** Centre and size, in parts of the picture's side. */
  x: number;
  y: number;
  size: number;
  angle: number;
  mirrored: boolean;
}

export interface Scene {
  classIndex: number;
  background: Background;
  placements: Placement[];
  /** Gain of each colour, and what is added to all. */
  gain: Colour;
  lift: number;
}

/** One style's picture of one emoji. */
export interface Drawing {
  emoji: Emoji;
  style: Style;
}

export function listDrawings(emoji: readonly Emoji[], styles: readonly Style[]): Drawing[] {
  return emoji.flatMap((e) => styles.filter((style) => e.drawings.has(style)).map((style) => ({ emoji: e, style })));
}

/** Premultiplied RGBA, square, with its halved copies (each a mean of four pixels) behind it. */
export interface Raster {
  side: number;
  pixels: Uint8Array;
  half?: Raster;
}

export async function rasterise(svg: string, side: number): Promise<Raster> {
  const { data } = await sharp(Buffer.from(svg), { density: 144 })
    .resize(side, side, { fit: 'contain', background: { r: 0, g: 0, b: 0, alpha: 0 } })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const pixels = new Uint8Array(data);
  for (let i = 0; i < pixels.length; i += 4)
    for (let c = 0; c < 3; c++) pixels[i + c] = Math.round((pixels[i + c] * pixels[i + 3]) / 255);
  return withHalves({ side, pixels });
}

function withHalves(raster: Raster, smallest = 16): Raster {
  if (raster.side <= smallest || raster.side % 2) return raster;
  const side = raster.side / 2;
  const pixels = new Uint8Array(side * side * 4);
  const row = raster.side * 4;
  for (let y = 0, to = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      for (let c = 0; c < 4; c++, to++) {
        const from = y * 2 * row + x * 8 + c;
        const { pixels: p } = raster;
        pixels[to] = (p[from] + p[from + 4] + p[from + row] + p[from + row + 4] + 2) >> 2;
      }
    }
  }
  raster.half = withHalves({ side, pixels }, smallest);
  return raster;
}

const kinds: readonly Background['kind'][] = [
  ...Array<'plain'>(7).fill('plain'),
  ...Array<'gradient'>(7).fill('gradient'),
  'stripes',
  'checks',
  'dots',
  'clouds',
  'clouds',
];

function randomColour(random: Random): Colour {
  const hue = random.between(0, 6);
  const saturation = random.next();
  const lightness = random.between(0.15, 0.97);
  const chroma = (1 - Math.abs(2 * lightness - 1)) * saturation;
  const part = (offset: number): number => {
    const h = (hue + offset) % 6;
    return lightness + chroma * (Math.min(Math.max(Math.abs(h - 3) - 1, 0), 1) - 0.5);
  };
  return [part(0), part(4), part(2)];
}

function randomBackground(random: Random): Background {
  const first = randomColour(random);
  const other = randomColour(random);
  const contrast = random.between(0.1, 0.6);
  const second = first.map((value, i) => value + contrast * (other[i] - value)) as Colour;
  return {
    kind: random.pick(kinds),
    colours: [first, second],
    angle: random.between(0, 2 * Math.PI),
    period: random.between(0.12, 0.4),
    phase: [random.next(), random.next()],
  };
}

/** One scene of the class: mostly one emoji, sometimes two or three smaller ones. */
export function randomScene(random: Random, classIndex: number, drawings: readonly Drawing[]): Scene {
  const count = random.chance(0.75) ? 1 : random.chance(0.6) ? 2 : 3;
  const placements: Placement[] = [];
  const turn = random.chance(0.5) ? 0.12 : 0.6;
  for (let i = 0; i < count; i++) {
    const size = count === 1 ? random.between(0.55, 1) : random.between(0.4, 0.6);
    const slack = Math.max(0.04, (1 - size) / 2 + 0.04);
    // Several share the picture: each is pushed from the middle in its own direction.
    const direction = (2 * Math.PI * (i + random.between(-0.2, 0.2))) / count;
    const push = count === 1 ? 0 : slack * 0.8;
    placements.push({
      drawing: random.pick(drawings),
      x: 0.5 + push * Math.cos(direction) + random.between(-slack, slack) * (count === 1 ? 1 : 0.3),
      y: 0.5 + push * Math.sin(direction) + random.between(-slack, slack) * (count === 1 ? 1 : 0.3),
      size,
      angle: random.normal() * turn * 0.7,
      mirrored: mayMirror(classIndex) && random.chance(0.5),
    });
  }
  const gain = random.between(0.9, 1.08);
  return {
    classIndex,
    background: randomBackground(random),
    placements,
    gain: [gain * random.between(0.95, 1.05), gain * random.between(0.95, 1.05), gain * random.between(0.95, 1.05)],
    lift: random.between(-0.03, 0.03),
  };
}

/** Draws into `out` at `offset`: RGB, row by row, 0 to 1. */
export function drawScene(
  scene: Scene,
  side: number,
  rasterOf: (drawing: Drawing) => Raster,
  out: Float32Array,
  offset = 0,
): void {
  drawBackground(scene.background, side, out, offset);
  for (const placement of scene.placements) drawPlacement(placement, side, rasterOf(placement.drawing), out, offset);
  for (let i = offset, end = offset + side * side * 3; i < end; i += 3) {
    for (let c = 0; c < 3; c++) out[i + c] = Math.min(1, Math.max(0, out[i + c] * scene.gain[c] + scene.lift));
  }
}

function drawBackground(background: Background, side: number, out: Float32Array, offset: number): void {
  const { kind, colours, angle, period, phase } = background;
  const [[r0, g0, b0], [r1, g1, b1]] = colours;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const sharpness = (side * period) / 2; // edges are one pixel wide at every size
  const step = (value: number): number => Math.min(1, Math.max(0, 0.5 + value * sharpness));
  const wave = (t: number): number => 1 - 4 * Math.abs(t - Math.floor(t) - 0.5); // triangle, -1 to 1
  for (let y = 0, to = offset; y < side; y++) {
    for (let x = 0; x < side; x++, to += 3) {
      const px = (x + 0.5) / side - 0.5;
      const py = (y + 0.5) / side - 0.5;
      const u = px * cos + py * sin;
      const v = py * cos - px * sin;
      const a = u / period + phase[0];
      const b = v / period + phase[1];
      let mix = 0;
      if (kind === 'gradient') mix = Math.min(1, Math.max(0, u + 0.5));
      else if (kind === 'stripes') mix = step(wave(a));
      else if (kind === 'checks') mix = step(wave(a)) * step(wave(b)) + (1 - step(wave(a))) * (1 - step(wave(b)));
      else if (kind === 'dots') mix = step(1 - Math.hypot(a - Math.round(a), b - Math.round(b)) * 4);
      else if (kind === 'clouds') mix = 0.5 + 0.25 * (Math.sin(2.2 * a + Math.sin(1.7 * b)) + Math.sin(1.9 * b + 1.3 * a));
      out[to] = r0 + mix * (r1 - r0);
      out[to + 1] = g0 + mix * (g1 - g0);
      out[to + 2] = b0 + mix * (b1 - b0);
    }
  }
}

function drawPlacement(placement: Placement, side: number, raster: Raster, out: Float32Array, offset: number): void {
  const pixelSize = placement.size * side;
  let level = raster;
  while (level.half && level.half.side >= pixelSize) level = level.half;
  const scale = level.side / pixelSize;
  const cos = Math.cos(placement.angle) * scale;
  const sin = Math.sin(placement.angle) * scale;
  const mirror = placement.mirrored ? -1 : 1;
  const reach = pixelSize * 0.75; // covers the corners of a turned square
  const cx = placement.x * side;
  const cy = placement.y * side;
  const middle = level.side / 2 - 0.5;
  const n = level.side;
  const pixels = level.pixels;
  for (let y = Math.max(0, Math.floor(cy - reach)); y < Math.min(side, cy + reach); y++) {
    for (let x = Math.max(0, Math.floor(cx - reach)); x < Math.min(side, cx + reach); x++) {
      const dx = x + 0.5 - cx;
      const dy = y + 0.5 - cy;
      const sx = mirror * (dx * cos + dy * sin) + middle;
      const sy = dy * cos - dx * sin + middle;
      if (sx <= -1 || sy <= -1 || sx >= n || sy >= n) continue;
      const x0 = Math.floor(sx);
      const y0 = Math.floor(sy);
      const fx = sx - x0;
      const fy = sy - y0;
      let r = 0;
      let g = 0;
      let b = 0;
      let alpha = 0;
      for (let k = 0; k < 4; k++) {
        const xk = x0 + (k & 1);
        const yk = y0 + (k >> 1);
        if (xk < 0 || yk < 0 || xk >= n || yk >= n) continue;
        const weight = ((k & 1 ? fx : 1 - fx) * (k >> 1 ? fy : 1 - fy)) / 255;
        const from = (yk * n + xk) * 4;
        r += weight * pixels[from];
        g += weight * pixels[from + 1];
        b += weight * pixels[from + 2];
        alpha += weight * pixels[from + 3];
      }
      const to = offset + (y * side + x) * 3;
      out[to] = out[to] * (1 - alpha) + r;
      out[to + 1] = out[to + 1] * (1 - alpha) + g;
      out[to + 2] = out[to + 2] * (1 - alpha) + b;
    }
  }
}

import { midGrey } from '../../main/core/figures/display';
import type { Pixels, Preprocessing, Signal } from '../../preload/contract';

/**
 * How a reconstruction is shown: in its colours, or one number for each pixel on a scale of two colours: the mean of the
 * channels, one channel, or the largest |value| of the channels.
 */
export const signalViews = ['colours', 'mean', 'first', 'second', 'third', 'size'] as const;
export type SignalView = (typeof signalViews)[number];

/** Above zero, and below: equally far from mid-grey, which is zero. */
const warm = [255, 106, 43] as const;
const cool = [52, 138, 255] as const;
const channelOf = { first: 0, second: 1, third: 2 } as const;

/** Names of the channels in the network's order. */
export const channelNames = (channels: Preprocessing['channels']): readonly string[] =>
  ({ rgb: ['R', 'G', 'B'], bgr: ['B', 'G', 'R'], gray: ['Y'], rgba: ['R', 'G', 'B', 'A'] })[channels];

/** The views that a network of so many channels has: of one channel there is nothing to choose from. */
export const viewsOf = (channels: number): readonly SignalView[] =>
  channels >= 3 ? signalViews : channels === 1 ? ['colours', 'mean'] : ['colours', 'mean', 'first', 'second', 'size'];

const planes = new WeakMap<Signal, Map<SignalView, Signal>>();

/** A signal's one number for each pixel: [1, height, width]. It is kept, for it is asked for at every move of a slider. */
export function planeOf(signal: Signal, view: Exclude<SignalView, 'colours'>): Signal {
  const kept = planes.get(signal) ?? new Map<SignalView, Signal>();
  planes.set(signal, kept);
  const known = kept.get(view);
  if (known) return known;
  const { channels, height, width, data } = signal;
  const area = height * width;
  const out = new Float32Array(area);
  for (let i = 0; i < area; i++) out[i] = numberAt(data, channels, area, i, view);
  const plane = { channels: 1, height, width, data: out };
  kept.set(view, plane);
  return plane;
}

function numberAt(
  data: Float32Array,
  channels: number,
  area: number,
  i: number,
  view: Exclude<SignalView, 'colours'>,
): number {
  if (view !== 'mean' && view !== 'size') return data[Math.min(channels - 1, channelOf[view]) * area + i]!;
  let [sum, most] = [0, 0];
  for (let c = 0; c < channels; c++) {
    const value = data[c * area + i]!;
    sum += value;
    most = Math.max(most, Math.abs(value));
  }
  return view === 'mean' ? sum / channels : most;
}

/** The colour of a share of the scale, -1 .. 1. */
function colourAt(share: number): [number, number, number] {
  const size = Math.min(1, Math.abs(share));
  const end = share < 0 ? cool : warm;
  return [0, 1, 2].map((c) => Math.round(midGrey + (end[c]! - midGrey) * size)) as [number, number, number];
}

/** One number for each pixel as colours: `level` / `contrast` and beyond is the end of the scale. */
export function divergingPixels(plane: Signal, { level, contrast }: { level: number; contrast: number }): Pixels {
  const { width, height, data } = plane;
  const rgba = new Uint8Array(4 * width * height).fill(255);
  const gain = level > 0 ? contrast / level : 0;
  data.forEach((value, i) => rgba.set(colourAt(value * gain), 4 * i));
  return { width, height, rgba };
}

/** The scale from its lower end to its upper one as a row of pixels; of sizes it begins at zero. */
export function scalePixels(view: Exclude<SignalView, 'colours'>): Pixels {
  const width = 255;
  const from = view === 'size' ? 0 : -1;
  const data = Float32Array.from({ length: width }, (_, i) => from + ((1 - from) * i) / (width - 1));
  return divergingPixels({ channels: 1, height: 1, width, data }, { level: 1, contrast: 1 });
}

import type { Signal } from '../../../preload/contract';

/** Makes a signal smaller by averaging (each output px over exactly the area it covers), so that no side is over `size`. */
export function shrink(signal: Signal, size: number): Signal {
  const longest = Math.max(signal.height, signal.width);
  if (longest <= size) return signal;
  const height = Math.max(1, Math.round((signal.height * size) / longest));
  const width = Math.max(1, Math.round((signal.width * size) / longest));
  const rows = shares(signal.height, height);
  const columns = shares(signal.width, width);
  const data = new Float32Array(signal.channels * height * width);
  for (let c = 0; c < signal.channels; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (const [row, tall] of rows[y]!)
          for (const [column, wide] of columns[x]!)
            sum += tall * wide * signal.data[(c * signal.height + row) * signal.width + column]!;
        data[(c * height + y) * width + x] = sum;
      }
  return { channels: signal.channels, height, width, data };
}

/** For each output px the input px that it covers, with their shares (which add up to 1). */
function shares(from: number, to: number): [index: number, share: number][][] {
  const step = from / to;
  return Array.from({ length: to }, (_, i) => {
    const [start, end] = [i * step, (i + 1) * step];
    const covered: [number, number][] = [];
    for (let at = Math.floor(start); at < Math.min(from, Math.ceil(end)); at++) {
      const share = (Math.min(end, at + 1) - Math.max(start, at)) / step;
      if (share > 1e-9) covered.push([at, share]);
    }
    return covered;
  });
}

import { intsAttribute, type Node } from '../../graph/graph';
import { sizeOf } from '../../graph/tensor';
import { powerOf } from '../../ops/lp';
import { need } from '../../ops/op';
import { averageCounts, includesPad } from '../../ops/pool';
import { windowsOf, type Window } from '../../ops/windows';
import { padded } from './conv';
import { result, type Env, type Kernel } from './kernel';
import type { TfTensor } from './library';
import { physicalDims, Value } from './value';

const windowsFor = (node: Node, x: Value): Window[] =>
  windowsOf(node, x.dims, need(intsAttribute(node, 'kernel_shape'), 'kernel_shape'));

/** Two axes without dilation are what TensorFlow.js' own pools take. */
const native = (windows: readonly Window[]): boolean =>
  windows.length === 2 && windows.every((window) => window.dilation === 1);

const overWindows = (
  pool: 'maxPool' | 'avgPool',
  x: Value,
  [h, w]: readonly Window[],
  env: Env,
  padding = 0,
): TfTensor => {
  const input = padded(env.tf, x.in('last'), [h!, w!], padding);
  return env.tf[pool](input, [h!.kernel, w!.kernel], [h!.stride, w!.stride], 'valid');
};

/**
 * Calls visit for each output place of a map, row-major, with the places of the input map that its window reads, row-major:
 * the first `count` of `places`. `size`: the input's spatial size.
 */
function eachWindow(
  windows: readonly Window[],
  size: readonly number[],
  visit: (out: number, places: Int32Array, count: number) => void,
): void {
  const length = windows.reduce((product, window) => product * window.kernel, 1);
  let [places, next] = [new Int32Array(length), new Int32Array(length)];
  const counts = windows.map((window) => window.count);
  const at = windows.map(() => 0);
  for (let out = 0; out < sizeOf(counts); out++) {
    let count = 1;
    places[0] = 0;
    for (let axis = 0; axis < windows.length; axis++) {
      const { stride, begin, dilation, kernel } = windows[axis]!;
      const start = at[axis]! * stride - begin;
      let grown = 0;
      for (let i = 0; i < count; i++)
        for (let k = 0; k < kernel; k++) {
          const place = start + k * dilation;
          if (place >= 0 && place < size[axis]!) next[grown++] = places[i]! * size[axis]! + place;
        }
      count = grown;
      [places, next] = [next, places];
    }
    visit(out, places, count);
    for (let axis = at.length - 1; axis >= 0; axis--) {
      at[axis] = at[axis]! + 1;
      if (at[axis]! < counts[axis]!) break;
      at[axis] = 0;
    }
  }
}

/** One window of one map, as a loop of its own reads it; the same object each time. */
interface Reading {
  values: Float32Array;
  /** Where the map's first value lies, and how far its places are apart. */
  start: number;
  step: number;
  /** The window's places in the map, row-major: the first `count` of them. */
  places: Int32Array;
  count: number;
  /** Which map [N * C], which place of the output map, and where in memory the output lies. */
  map: number;
  out: number;
  at: number;
}

/** A pool as a loop of its own, over any number of axes, in the layout that its input has. */
function folded(x: Value, windows: readonly Window[], env: Env, fold: (reading: Reading) => number): Value {
  const { layout } = x;
  const [n = 0, channels = 0, ...size] = x.dims;
  const dims = [n, channels, ...windows.map((window) => window.count)];
  const [area, outArea] = [sizeOf(size), sizeOf(dims.slice(2))];
  const last = layout === 'last' && x.rank > 2;
  const step = last ? channels : 1;
  const first = (map: number, places: number) =>
    last ? Math.floor(map / channels) * channels * places + (map % channels) : map * places;
  const data = new Float32Array(sizeOf(dims));
  const values = x.in(layout).dataSync() as Float32Array;
  const reading: Reading = { values, start: 0, step, places: new Int32Array(0), count: 0, map: 0, out: 0, at: 0 };
  eachWindow(windows, size, (out, places, count) => {
    reading.out = out;
    reading.places = places;
    reading.count = count;
    for (let map = 0; map < n * channels; map++) {
      reading.map = map;
      reading.start = first(map, area);
      reading.at = first(map, outArea) + out * step;
      data[reading.at] = fold(reading);
    }
  });
  return Value.ofResult(env.tf, env.tf.tensor(data, physicalDims(dims, layout), 'float32'), layout);
}

export const maxPool: Kernel = (node, [x], env) => {
  const windows = windowsFor(node, x!);
  if (node.outputs[1] || !native(windows)) return withSwitches(node, x!, windows, env);
  return result(env, overWindows('maxPool', x!, windows, env, -Infinity), 'last');
};

/**
 * With switches, as flat row-major indices into [N, C, H, W] whatever the layout; of equal maxima the first. TensorFlow.js
 * has them on some backends only and with other ties, so this is a loop of its own.
 */
function withSwitches(node: Node, x: Value, windows: readonly Window[], env: Env): Value[] {
  const area = sizeOf(x.dims.slice(2));
  const switches = new Int32Array(sizeOf(x.dims.slice(0, 2)) * windows.reduce((all, { count }) => all * count, 1));
  const maxima = folded(x, windows, env, ({ values, start, step, places, count, map, at }) => {
    let best = -Infinity;
    let place = -1;
    for (let i = 0; i < count; i++) {
      const value = values[start + places[i]! * step]!;
      if (value > best || place < 0) {
        best = value;
        place = places[i]!;
      }
    }
    switches[at] = map * area + place;
    return best;
  });
  if (!node.outputs[1]) return [maxima];
  const shape = physicalDims(maxima.dims, x.layout);
  return [maxima, Value.ofResult(env.tf, env.tf.tensor(switches, shape, 'int32'), x.layout)];
}

export const maxUnpool: Kernel = (_node, [x, indices, shape], env) => {
  const dims = Array.from(need(shape!.host ?? undefined, 'the shape of the output').data);
  const layout = x!.layout;
  const values = x!.in(layout).dataSync();
  const places = indices!.in(layout).dataSync();
  const [, channels = 0, ...size] = dims;
  const out = new Float32Array(sizeOf(dims));
  const area = sizeOf(size);
  for (let i = 0; i < values.length; i++) {
    const place = places[i]!;
    if (layout === 'plain') out[place] = values[i]!;
    else {
      const map = Math.floor(place / area);
      out[(Math.floor(map / channels) * area + (place % area)) * channels + (map % channels)] = values[i]!;
    }
  }
  return result(env, env.tf.tensor(out, physicalDims(dims, layout), 'float32'), layout);
};

/**
 * Each window is summed row by row, or by the library where it does the same. The order matters: a max pool behind it meets
 * windows that hold the same few values at other places, whose sums are equal only if they are added in one order. The
 * WebAssembly backend adds them as a tree, and its switches came out at other places.
 */
export const averagePool: Kernel = (node, [x], env) => {
  const { tf } = env;
  const windows = windowsFor(node, x!);
  const counts = windows.map((window, axis) => averageCounts(window, x!.dims[axis + 2]!, includesPad(node)));
  const perPlace = counts.reduce<number[]>((all, axis) => all.flatMap((a) => axis.map((b) => a * b)), [1]);
  if (env.backend === 'wasm' || !native(windows)) {
    const mean = ({ values, start, step, places, count, out }: Reading): number => {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += values[start + places[i]! * step]!;
      return sum / perPlace[out]!;
    };
    return [folded(x!, windows, env, mean)];
  }
  const mean = overWindows('avgPool', x!, windows, env);
  if (windows.every((window) => window.begin === 0 && window.end === 0)) return result(env, mean, 'last');
  const elements = windows.reduce((product, window) => product * window.kernel, 1);
  const factors = Float32Array.from(perPlace, (count) => elements / count);
  return result(env, tf.mul(mean, tf.tensor(factors, [1, ...counts.map((axis) => axis.length), 1], 'float32')), 'last');
};

export const lpPool: Kernel = (node, [x], env) => {
  const p = powerOf(node);
  const norm = ({ values, start, step, places, count }: Reading): number => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += Math.abs(values[start + places[i]! * step]!) ** p;
    return sum ** (1 / p);
  };
  return [folded(x!, windowsFor(node, x!), env, norm)];
};

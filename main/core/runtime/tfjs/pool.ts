import { intsAttribute, type Node } from '../../graph/graph';
import { sizeOf } from '../../graph/tensor';
import { need } from '../../ops/op';
import { averageCounts, includesPad } from '../../ops/pool';
import { windowsOf, type Window } from '../../ops/windows';
import { padded } from './conv';
import { result, type Env, type Kernel } from './kernel';
import { Value, type Layout } from './value';

function windowsFor(node: Node, x: Value): readonly [Window, Window] {
  const windows = windowsOf(node, x.dims, need(intsAttribute(node, 'kernel_shape'), 'kernel_shape'));
  if (windows.length !== 2) throw new RangeError('pooling over other than two axes');
  return windows as [Window, Window];
}

/** Elements to step over for one step along batch, channel, row and column. */
export function stepsOf(dims: readonly number[], layout: Layout): [number, number, number, number] {
  const [, channels = 0, height = 0, width = 0] = dims;
  return layout === 'last'
    ? [channels * height * width, 1, width * channels, channels]
    : [channels * height * width, height * width, width, 1];
}

export const maxPool: Kernel = (node, [x], env) => {
  const windows = windowsFor(node, x!);
  if (node.outputs[1] || windows.some((window) => window.dilation > 1)) return withSwitches(node, x!, windows, env);
  const [h, w] = windows;
  const input = padded(env.tf, x!.in('last'), windows, -Infinity);
  return result(env, env.tf.maxPool(input, [h.kernel, w.kernel], [h.stride, w.stride], 'valid'), 'last');
};

/**
 * With switches, as flat row-major indices into [N, C, H, W] whatever the layout; of equal maxima the first. TensorFlow.js
 * has them on some backends only and with other ties, so this is a loop of its own.
 */
function withSwitches(node: Node, x: Value, [h, w]: readonly [Window, Window], env: Env): Value[] {
  const layout = x.layout;
  const data = x.in(layout).dataSync() as Float32Array;
  const [n = 0, channels = 0, height = 0, width = 0] = x.dims;
  const dims = [n, channels, h.count, w.count];
  const [from, to] = [stepsOf(x.dims, layout), stepsOf(dims, layout)];
  const maxima = new Float32Array(sizeOf(dims));
  const switches = new Int32Array(maxima.length);
  for (let b = 0; b < n; b++)
    for (let oy = 0; oy < h.count; oy++)
      for (let ox = 0; ox < w.count; ox++) {
        const [top, left] = [oy * h.stride - h.begin, ox * w.stride - w.begin];
        for (let c = 0; c < channels; c++) {
          const start = b * from[0] + c * from[1];
          let best = -Infinity;
          let place = -1;
          for (let y = top; y < top + h.kernel * h.dilation; y += h.dilation) {
            if (y < 0 || y >= height) continue;
            for (let xx = left; xx < left + w.kernel * w.dilation; xx += w.dilation) {
              if (xx < 0 || xx >= width) continue;
              const value = data[start + y * from[2] + xx * from[3]]!;
              if (value > best || place < 0) {
                best = value;
                place = y * width + xx;
              }
            }
          }
          const at = b * to[0] + c * to[1] + oy * to[2] + ox * to[3];
          maxima[at] = best;
          switches[at] = (b * channels + c) * height * width + place;
        }
      }
  const shape = layout === 'last' ? [n, h.count, w.count, channels] : dims;
  const { tf } = env;
  const values = [Value.ofResult(tf, tf.tensor(maxima, shape, 'float32'), layout)];
  if (node.outputs[1]) values.push(Value.ofResult(tf, tf.tensor(switches, shape, 'int32'), layout));
  return values;
}

export const maxUnpool: Kernel = (_node, [x, indices, shape], env) => {
  const dims = Array.from(need(shape!.host ?? undefined, 'the shape of the output').data);
  const layout = x!.layout;
  const values = x!.in(layout).dataSync();
  const places = indices!.in(layout).dataSync();
  const [, channels = 0, height = 0, width = 0] = dims;
  const out = new Float32Array(sizeOf(dims));
  const area = height * width;
  for (let i = 0; i < values.length; i++) {
    const place = places[i]!;
    if (layout === 'plain') out[place] = values[i]!;
    else {
      const map = Math.floor(place / area);
      out[(Math.floor(map / channels) * area + (place % area)) * channels + (map % channels)] = values[i]!;
    }
  }
  const { tf } = env;
  const physical = layout === 'last' ? [dims[0]!, height, width, channels] : dims;
  return result(env, tf.tensor(out, physical, 'float32'), layout);
};

export const averagePool: Kernel = (node, [x], env) => {
  const { tf } = env;
  const windows = windowsFor(node, x!);
  const [h, w] = windows;
  if (windows.some((window) => window.dilation > 1)) throw new RangeError('an average pool with dilation');
  const input = padded(tf, x!.in('last'), windows);
  const mean = tf.avgPool(input, [h.kernel, w.kernel], [h.stride, w.stride], 'valid');
  if (windows.every((window) => window.begin === 0 && window.end === 0)) return result(env, mean, 'last');
  const [rows, columns] = windows.map((window, axis) => averageCounts(window, x!.dims[axis + 2]!, includesPad(node)));
  const factors = rows!.flatMap((r) => columns!.map((c) => (h.kernel * w.kernel) / (r * c)));
  const shape = [1, rows!.length, columns!.length, 1];
  return result(env, tf.mul(mean, tf.tensor(Float32Array.from(factors), shape, 'float32')), 'last');
};

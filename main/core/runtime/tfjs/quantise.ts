import { ranges, roundHalfToEven, scaleIndex } from '../../graph/quantised';
import { need } from '../../ops/op';
import { result, type Kernel } from './kernel';
import type { Value } from './value';

/** Values in steps of a scale, and back; in single precision, as ONNX Runtime computes them. */

const parts = (x: Value, scale: Value, zero: Value | undefined) => ({
  data: x.in('plain').dataSync(),
  scales: scale.in('plain').dataSync(),
  zeros: zero?.in('plain').dataSync(),
});

export const quantizeLinear: Kernel = (node, [x, scale, zero], env) => {
  const at = need(scaleIndex(node, x!.dims, scale!.dims) ?? undefined, 'the axis of the scales');
  const [low, high] = need(ranges[zero?.element ?? 'uint8'], 'the range of the zero point');
  const { data, scales, zeros } = parts(x!, scale!, zero);
  const out = Int32Array.from(data, (value, i) => {
    const whole = roundHalfToEven(Math.fround(value / scales[at(i)]!)) + (zeros?.[at(i)] ?? 0);
    return Math.max(low, Math.min(high, whole));
  });
  return result(env, env.tf.tensor(out, x!.dims, 'int32'));
};

export const dequantizeLinear: Kernel = (node, [x, scale, zero], env) => {
  const at = need(scaleIndex(node, x!.dims, scale!.dims) ?? undefined, 'the axis of the scales');
  const { data, scales, zeros } = parts(x!, scale!, zero);
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = (data[i]! - (zeros?.[at(i)] ?? 0)) * scales[at(i)]!;
  return result(env, env.tf.tensor(out, x!.dims, 'float32'));
};

import type { LayerCall, Shape, Translate, Value } from '../call';

const same: Translate = (call) => call.input;

export function reshape(call: LayerCall, input: Value, target: readonly number[]): Value {
  const size = call.known(input.shape.slice(1));
  const rest = target.filter((dim) => dim !== -1).reduce((a, b) => a * b, 1);
  const shape = target.map((dim) => (dim === -1 ? (size === null ? null : size / rest) : dim));
  const whole = call.known(shape);
  if (target.filter((dim) => dim === -1).length > 1 || (size !== null && whole !== size))
    throw call.fail(
      `makes [${target.join(', ')}] of [${input.shape
        .slice(1)
        .map((dim) => dim ?? '?')
        .join(', ')}]`,
    );
  return {
    name: call.emit('Reshape', [input.name, call.ints([0, ...target])]),
    shape: [input.shape[0] ?? null, ...shape],
  };
}

const flatten: Translate = (call) => {
  const { input } = call;
  const rank = input.shape.length;
  if (rank === 2) return input;
  // Keras flattens with the channels last, wherever they are.
  const perm = [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
  const value = call.channelsFirst && rank > 2 ? call.transpose(input, perm) : input;
  const shape: Shape = [input.shape[0] ?? null, call.known(input.shape.slice(1))];
  return { name: call.emit('Flatten', [value.name], { axis: 1 }), shape };
};

const wholeNumbers = (call: LayerCall, field: string): number[] => {
  const value = call.layer.config[field];
  if (!Array.isArray(value) || !value.every(Number.isSafeInteger)) throw call.fail(`has no ${field}`, undefined, field);
  return value as number[];
};

export const shapeLayers: Record<string, Translate> = {
  Flatten: flatten,
  Reshape: (call) => reshape(call, call.input, wholeNumbers(call, 'target_shape')),
  Permute: (call) => {
    const dims = wholeNumbers(call, 'dims');
    const rank = call.input.shape.length;
    if (dims.length !== rank - 1 || new Set(dims).size !== rank - 1 || dims.some((dim) => dim < 1 || dim >= rank))
      throw call.fail(`has dims = [${dims.join(', ')}]`, undefined, 'dims');
    return call.transpose(call.input, [0, ...dims]);
  },
  // In a trained network these do nothing.
  Dropout: same,
  SpatialDropout1D: same,
  SpatialDropout2D: same,
  AlphaDropout: same,
  GaussianDropout: same,
  GaussianNoise: same,
  ActivityRegularization: same,
  StochasticDepth: same,
  Identity: same,
  RandomFlip: same,
  RandomRotation: same,
  RandomZoom: same,
  RandomTranslation: same,
  RandomContrast: same,
  RandomBrightness: same,
};

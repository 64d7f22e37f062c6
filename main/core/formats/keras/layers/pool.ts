import { float32 } from '../../../graph/tensor';
import type { Translate, Value } from '../call';
import { slide } from './conv';

/** Averages leave the padding out, as TensorFlow's do. */
const pool =
  (opType: 'MaxPool' | 'AveragePool', rank: number): Translate =>
  (call) => {
    const { input } = call;
    if (input.shape.length !== rank + 2) throw call.fail(`is called on a value of ${input.shape.length} axes`);
    const kernel = call.sizes('pool_size', rank, 2);
    const windows = {
      kernel,
      strides: call.layer.config['strides'] == null ? kernel : call.sizes('strides', rank),
      dilations: kernel.map(() => 1),
      padding: call.text('padding', 'valid'),
    };
    return call.channelsFirstly(input, call.channelsFirst, (value) => {
      const { plain, sizes } = slide(call, value.shape.slice(2), windows);
      return { name: call.emit(opType, [value.name], plain), shape: [...value.shape.slice(0, 2), ...sizes] };
    });
  };

const globalPool =
  (opType: 'GlobalMaxPool' | 'GlobalAveragePool', rank: number): Translate =>
  (call) => {
    const { input } = call;
    if (input.shape.length !== rank + 2) throw call.fail(`is called on a value of ${input.shape.length} axes`);
    const keep = call.flag('keepdims', false);
    return call.channelsFirstly(input, call.channelsFirst, (value): Value => {
      const name = call.emit(opType, [value.name]);
      const ones = new Array<number>(rank).fill(1);
      if (keep) return { name, shape: [...value.shape.slice(0, 2), ...ones] };
      return { name: call.emit('Flatten', [name], { axis: 1 }), shape: value.shape.slice(0, 2) };
    });
  };

/** Margins along the spatial axes: one number, one per axis, or [before, after] per axis. */
function margins(call: Parameters<Translate>[0], field: string, rank: number): [number, number][] {
  const given = call.layer.config[field] ?? 1;
  const list: unknown[] =
    Array.isArray(given) && (rank > 1 || Array.isArray(given[0])) ? given : rank > 1 ? [given, given] : [given];
  const flat = list.map((each): unknown[] => (Array.isArray(each) ? each : [each, each]));
  const whole = flat.every(
    (each) => each.length === 2 && each.every((size) => Number.isSafeInteger(size) && Number(size) >= 0),
  );
  if (flat.length !== rank || !whole)
    throw call.fail(`has ${field} = ${JSON.stringify(given).slice(0, 80)}`, undefined, field);
  return flat as [number, number][];
}

const zeroPadding =
  (rank: number): Translate =>
  (call) => {
    const { input } = call;
    if (input.shape.length !== rank + 2) throw call.fail(`is called on a value of ${input.shape.length} axes`);
    const sides = margins(call, 'padding', rank);
    const lead: [number, number][] = call.channelsFirst
      ? [
          [0, 0],
          [0, 0],
        ]
      : [[0, 0]];
    const all: [number, number][] = [...lead, ...sides, ...(call.channelsFirst ? [] : [[0, 0] as [number, number]])];
    const pads = call.ints([...all.map(([before]) => before), ...all.map(([, after]) => after)]);
    return {
      name: call.emit('Pad', [input.name, pads], { mode: 'constant' }),
      shape: input.shape.map((dim, i) => (dim === null ? null : dim + all[i]![0] + all[i]![1])),
    };
  };

const cropping =
  (rank: number): Translate =>
  (call) => {
    const { input } = call;
    if (input.shape.length !== rank + 2) throw call.fail(`is called on a value of ${input.shape.length} axes`);
    const sides = margins(call, 'cropping', rank);
    const first = call.channelsFirst ? 2 : 1;
    const inputs = [
      input.name,
      call.ints(sides.map(([before]) => before)),
      call.ints(sides.map(([, after]) => (after ? -after : 2 ** 31 - 1))),
      call.ints(sides.map((_, i) => i + first)),
    ];
    const shape = input.shape.map((dim, axis) => {
      const side = sides[axis - first];
      if (dim === null || !side) return dim;
      if (dim <= side[0] + side[1])
        throw call.fail(`cuts ${side[0]} + ${side[1]} off ${dim} elements`, undefined, 'cropping');
      return dim - side[0] - side[1];
    });
    return { name: call.emit('Slice', inputs), shape };
  };

const upSampling =
  (rank: number): Translate =>
  (call) => {
    const factors = call.sizes('size', rank, 2);
    const kind = call.text('interpolation', 'nearest');
    if (kind !== 'nearest' && kind !== 'bilinear') throw call.fail(`samples by "${kind}"`, undefined, 'interpolation');
    return call.channelsFirstly(call.input, call.channelsFirst, (value) => {
      const scales = call.constant(float32([rank + 2], [1, 1, ...factors]), 'scales');
      const plain =
        kind === 'nearest'
          ? { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }
          : { mode: 'linear', coordinate_transformation_mode: 'half_pixel' };
      const shape = value.shape.map((dim, i) => (dim === null ? null : i < 2 ? dim : dim * factors[i - 2]!));
      return { name: call.emit('Resize', [value.name, '', scales], plain), shape };
    });
  };

export const poolLayers: Record<string, Translate> = {
  MaxPooling1D: pool('MaxPool', 1),
  MaxPooling2D: pool('MaxPool', 2),
  AveragePooling1D: pool('AveragePool', 1),
  AveragePooling2D: pool('AveragePool', 2),
  GlobalMaxPooling1D: globalPool('GlobalMaxPool', 1),
  GlobalMaxPooling2D: globalPool('GlobalMaxPool', 2),
  GlobalAveragePooling1D: globalPool('GlobalAveragePool', 1),
  GlobalAveragePooling2D: globalPool('GlobalAveragePool', 2),
  ZeroPadding1D: zeroPadding(1),
  ZeroPadding2D: zeroPadding(2),
  Cropping1D: cropping(1),
  Cropping2D: cropping(2),
  UpSampling1D: upSampling(1),
  UpSampling2D: upSampling(2),
};

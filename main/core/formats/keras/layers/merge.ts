import { isValue, type LayerCall, type Shape, type Translate, type Value } from '../call';

/** The shape of an elementwise result. */
export function broadcast(call: LayerCall, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [x, y] = [a, b].map((shape) => (i < rank - shape.length ? 1 : (shape[i - rank + shape.length] ?? null)));
    if (x === 1) return y!;
    if (y === 1 || y === x) return x!;
    if (x === null || y === null) return x ?? y!;
    throw call.fail(`joins [${a.join(', ')}] and [${b.join(', ')}]`);
  });
}

function operands(call: LayerCall, least = 1): [Value, ...Value[]] {
  const [first, ...others] = call.inputs;
  if (call.args.flatMap((each) => ('list' in each ? each.list : [each])).some((each) => !isValue(each)))
    throw call.fail('is called on something that is no value of the network');
  if (!first || others.length + 1 < least) throw call.fail(`is called on ${call.inputs.length} values`);
  // Keras would put new axes behind the batch; that order of axes is not ONNX's.
  if (others.some((other) => other.shape.length !== first.shape.length))
    throw call.fail('joins values with different numbers of axes');
  return [first, ...others];
}

export function elementwise(call: LayerCall, opType: string, values: readonly [Value, ...Value[]]): Value {
  const [first, ...others] = values;
  return others.reduce(
    (sum, each) => ({ name: call.emit(opType, [sum.name, each.name]), shape: broadcast(call, sum.shape, each.shape) }),
    first,
  );
}

const merge =
  (opType: string): Translate =>
  (call) =>
    elementwise(call, opType, operands(call));

export function concatenate(call: LayerCall, values: readonly Value[], given: number): Value {
  const [first] = values;
  if (!first) throw call.fail('joins nothing');
  const axis = call.axis(given, first.shape.length);
  const along = values.map((value) => value.shape[axis] ?? null);
  const shape = first.shape.map((dim, i) =>
    i === axis ? (along.includes(null) ? null : along.reduce<number>((sum, each) => sum + each!, 0)) : dim,
  );
  for (const value of values)
    if (
      value.shape.length !== shape.length ||
      value.shape.some((dim, i) => i !== axis && dim !== null && shape[i] !== null && dim !== shape[i])
    )
      throw call.fail(`joins values of different shapes along axis ${axis}`);
  return {
    name: call.emit(
      'Concat',
      values.map((value) => value.name),
      { axis },
    ),
    shape,
  };
}

export const mergeLayers: Record<string, Translate> = {
  Add: merge('Add'),
  Multiply: merge('Mul'),
  Subtract: (call) => elementwise(call, 'Sub', operands(call, 2)),
  Maximum: merge('Max'),
  Minimum: merge('Min'),
  Average: (call) => {
    const values = operands(call);
    const sum = elementwise(call, 'Add', values);
    return { name: call.emit('Mul', [sum.name, call.scalar(1 / values.length)]), shape: sum.shape };
  },
  Concatenate: (call) => concatenate(call, operands(call), call.number('axis', -1)),
};

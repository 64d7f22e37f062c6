import { float32 } from '../../../graph/tensor';
import { isValue, type Given, type LayerCall, type Translate, type Value } from '../call';
import { activate, gelu, isActivation } from './activation';
import { broadcast, concatenate } from './merge';
import { reshape } from './shape';

/** The argument of that place or name. */
const argument = (call: LayerCall, index: number, ...names: string[]): Given | undefined =>
  call.args[index] ?? names.map((name) => call.kwargs[name]).find((each) => each !== undefined);

function tensorOf(call: LayerCall, argument: Given | undefined): Value {
  if (argument && isValue(argument)) return argument;
  const value = argument && 'value' in argument ? argument.value : undefined;
  const flat = Array.isArray(value) ? (value.flat(8) as unknown[]) : [value];
  if (!flat.every((each): each is number => typeof each === 'number'))
    throw call.fail('is called on something that is neither a value of the network nor a number');
  if (!Array.isArray(value)) return { name: call.scalar(flat[0]!), shape: [] };
  return { name: call.constant(float32([flat.length], flat), 'operand'), shape: [flat.length] };
}

const plainOf = (argument: Given | undefined): unknown =>
  argument && 'value' in argument ? argument.value : undefined;

const binary =
  (opType: string): Translate =>
  (call) => {
    const a = tensorOf(call, argument(call, 0, 'x1', 'x', 'a'));
    const b = tensorOf(call, argument(call, call.args.length > 0 ? 1 : 0, 'x2', 'y', 'b'));
    return { name: call.emit(opType, [a.name, b.name]), shape: broadcast(call, a.shape, b.shape) };
  };

const reduce =
  (opType: string): Translate =>
  (call) => {
    const { input } = call;
    const rank = input.shape.length;
    const said = plainOf(argument(call, 1, 'axis')) ?? call.layer.config['axis'];
    const list: unknown[] = said == null ? input.shape.map((_, i) => i) : Array.isArray(said) ? said : [said];
    const axes = list.map((axis) => call.axis(Number(axis), rank));
    const keep = (plainOf(argument(call, 2, 'keepdims')) ?? call.layer.config['keepdims']) === true;
    const shape = input.shape.flatMap((dim, i) => (!axes.includes(i) ? [dim] : keep ? [1] : []));
    const plain = { keepdims: keep ? 1 : 0 };
    const name =
      opType === 'ReduceSum'
        ? call.emit(opType, [input.name, call.ints(axes)], plain)
        : call.emit(opType, [input.name], { ...plain, axes });
    return { name, shape };
  };

const target: Translate = (call) => {
  const said = plainOf(argument(call, 1, 'newshape', 'shape')) ?? call.layer.config['newshape'];
  if (!Array.isArray(said) || said.length < 1 || !said.every((each) => each === null || Number.isSafeInteger(each)))
    throw call.fail('makes a shape that depends on the picture');
  return reshape(
    call,
    call.input,
    said.slice(1).map((each) => (each === null ? -1 : Number(each))),
  );
};

const transpose: Translate = (call) => {
  const said = plainOf(argument(call, 1, 'axes', 'perm')) ?? call.layer.config['axes'];
  const rank = call.input.shape.length;
  if (!Array.isArray(said) || said.length !== rank || new Set(said).size !== rank)
    throw call.fail('turns unknown axes');
  return call.transpose(
    call.input,
    said.map((axis) => call.axis(Number(axis), rank)),
  );
};

/** Operations on values, by the names that Keras 3 and TensorFlow give them, in lower case and without underscores. */
const operations: Record<string, Translate> = {
  add: binary('Add'),
  addv2: binary('Add'),
  biasadd: binary('Add'),
  subtract: binary('Sub'),
  sub: binary('Sub'),
  multiply: binary('Mul'),
  mul: binary('Mul'),
  divide: binary('Div'),
  truedivide: binary('Div'),
  truediv: binary('Div'),
  realdiv: binary('Div'),
  maximum: binary('Max'),
  minimum: binary('Min'),
  mean: reduce('ReduceMean'),
  reducemean: reduce('ReduceMean'),
  sum: reduce('ReduceSum'),
  reducesum: reduce('ReduceSum'),
  max: reduce('ReduceMax'),
  amax: reduce('ReduceMax'),
  reducemax: reduce('ReduceMax'),
  reshape: target,
  transpose,
  concatenate: (call) =>
    concatenate(call, call.inputs, Number(call.layer.config['axis'] ?? plainOf(call.kwargs['axis']) ?? -1)),
  concat: (call) =>
    concatenate(call, call.inputs, Number(plainOf(call.kwargs['axis']) ?? call.layer.config['axis'] ?? -1)),
  identity: (call) => call.input,
  stopgradient: (call) => call.input,
  absolute: (call) => call.keep('Abs'),
  abs: (call) => call.keep('Abs'),
  negative: (call) => call.keep('Neg'),
  sqrt: (call) => call.keep('Sqrt'),
  exp: (call) => call.keep('Exp'),
  square: (call) => call.keep('Mul', {}, [call.input.name]),
  gelu: (call) => {
    const said = call.layer.config['approximate'] ?? plainOf(call.kwargs['approximate']);
    return { name: gelu(call, call.input.name, said !== false), shape: call.input.shape };
  },
};

const activationNames: Record<string, string> = {
  hardsigmoid: 'hard_sigmoid',
  hardsilu: 'hard_silu',
  hardswish: 'hard_swish',
  hardtanh: 'hard_tanh',
  logsoftmax: 'log_softmax',
};

/** The translation of an operation of that name ("Multiply", "math.multiply", "__operators__.add"), if there is one. */
export function operation(name: string): Translate | undefined {
  const plain = name.split('.').at(-1)!.replaceAll('_', '').toLowerCase();
  if (Object.hasOwn(operations, plain)) return operations[plain];
  const known = Object.hasOwn(activationNames, plain) ? activationNames[plain]! : plain;
  return isActivation(known) ? (call) => activate(call, call.input, known) : undefined;
}

/** A function of TensorFlow in a Keras 2 model, named in its configuration. */
export const tensorFlowOperation: Translate = (call) => {
  const name = call.text('function', '');
  const translate = operation(name);
  if (!translate) throw call.fail(`calls ${name || 'an unnamed function'}, which Unpool does not translate`);
  return translate(call);
};

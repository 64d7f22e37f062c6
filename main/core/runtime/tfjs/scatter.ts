import { intAttribute, stringAttribute, type Node } from '../../graph/graph';
import { sizeOf } from '../../graph/tensor';
import { nd, normalAxis, stridesOf, type Nd } from '../../ops/nd';
import { need } from '../../ops/op';
import { placesNamed, reductions } from '../../ops/scatter';
import { result, type Env, type Kernel } from './kernel';
import { physicalAxis, physicalDims, type Value } from './value';

/** Picking and placing by indices that an op computed: loops of their own, for the backends differ in what they can. */

type Numbers = Float32Array | Int32Array | Uint8Array;
const like = (data: Numbers, length: number): Numbers => new (data.constructor as Float32ArrayConstructor)(length);

const upload = (env: Env, data: Numbers, dims: readonly number[]): Value[] =>
  result(
    env,
    env.tf.tensor(data, dims, data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'bool'),
  );

/** Calls visit with each place of `indices` and the place in a tensor with these steps that it names along an axis. */
function eachNamed(
  indices: { dims: readonly number[]; data: ArrayLike<number> },
  axis: number,
  steps: readonly number[],
  length: number,
  visit: (index: number, place: number) => void,
): void {
  const own = stridesOf(indices.dims);
  for (let i = 0; i < indices.data.length; i++) {
    let place = 0;
    for (let a = 0; a < own.length; a++)
      place +=
        steps[a]! * (a === axis ? normalAxis(indices.data[i]!, length) : Math.floor(i / own[a]!) % indices.dims[a]!);
    visit(i, place);
  }
}

export const gatherElements: Kernel = (node, [x, indices], env) => {
  const axis = normalAxis(intAttribute(node, 'axis', 0), x!.rank);
  const layout = x!.layout;
  const data = x!.in(layout).dataSync();
  const physical = stridesOf(physicalDims(x!.dims, layout));
  const steps = x!.dims.map((_, a) => physical[physicalAxis(a, x!.rank, layout)]!);
  const places = { dims: indices!.dims, data: indices!.in('plain').dataSync() };
  const out = like(data, sizeOf(places.dims));
  eachNamed(places, axis, steps, x!.dims[axis]!, (i, place) => (out[i] = data[place]!));
  return upload(env, out, places.dims);
};

const reductionOf = (node: Node) => need(reductions[stringAttribute(node, 'reduction', 'none')], 'the reduction');

export const scatterElements: Kernel = (node, [x, indices, updates], env) => {
  const axis = normalAxis(intAttribute(node, 'axis', 0), x!.rank);
  const reduce = reductionOf(node);
  const out = x!.in('plain').dataSync().slice();
  const values = updates!.in('plain').dataSync();
  const places = { dims: indices!.dims, data: indices!.in('plain').dataSync() };
  eachNamed(places, axis, stridesOf(x!.dims), x!.dims[axis]!, (i, place) => {
    out[place] = reduce(out[place]!, values[i]!);
  });
  return upload(env, out, x!.dims);
};

const indicesOf = (value: Value): Nd => nd(value.dims, Float64Array.from(value.in('plain').dataSync()), 'int');

export const gatherND: Kernel = (node, [x, indices], env) => {
  const data = x!.in('plain').dataSync();
  const places = placesNamed(node, x!.dims, indicesOf(indices!));
  const out = like(data, places.length);
  places.forEach((place, i) => (out[i] = data[place]!));
  return upload(env, out, env.shapes[0]!);
};

export const scatterND: Kernel = (node, [x, indices, updates], env) => {
  const reduce = reductionOf(node);
  const out = x!.in('plain').dataSync().slice();
  const values = updates!.in('plain').dataSync();
  placesNamed(node, x!.dims, indicesOf(indices!)).forEach((place, i) => {
    out[place] = reduce(out[place]!, values[i]!);
  });
  return upload(env, out, x!.dims);
};

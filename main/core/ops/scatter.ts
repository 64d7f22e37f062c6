import { intAttribute, stringAttribute, type Node } from '../graph/graph';
import { sizeOf } from '../graph/tensor';
import { nd, normalAxis, stridesOf, type Nd } from './nd';
import { need, type Op } from './op';

/** Picking and placing by indices that an op computed: forward only. */

/** For each element of the indices, the flat place in an array of these dimensions, `axis` being the one indexed. */
function placesAlong(node: Node, dims: readonly number[], indices: Nd): number[] {
  const axis = normalAxis(intAttribute(node, 'axis', 0), dims.length);
  const strides = stridesOf(dims);
  const own = stridesOf(indices.dims);
  return Array.from(indices.data, (index, i) =>
    own.reduce((place, stride, a) => {
      const at = a === axis ? normalAxis(index, dims[a]!) : Math.floor(i / stride) % indices.dims[a]!;
      return place + at * strides[a]!;
    }, 0),
  );
}

export const gatherElements: Op = {
  role: 'squash',
  shapes: (_node, [, indices]) => [need(indices, 'the shape of the indices')],
  evaluate: (node, [x, indices]) => [
    nd(
      indices!.dims,
      Float64Array.from(placesAlong(node, x!.dims, indices!), (place) => x!.data[place]!),
      x!.type,
    ),
  ],
};

export const reductions: Record<string, (a: number, b: number) => number> = {
  none: (_old, value) => value,
  add: (old, value) => old + value,
  mul: (old, value) => old * value,
  max: Math.max,
  min: Math.min,
};

/** A copy of x with the values put where they belong, one after the other. */
function placed(node: Node, x: Nd, places: readonly number[], values: Nd): Nd {
  const reduce = need(reductions[stringAttribute(node, 'reduction', 'none')], 'the reduction');
  const out = nd(x.dims, Float64Array.from(x.data), x.type);
  places.forEach((place, i) => (out.data[place] = reduce(out.data[place]!, values.data[i]!)));
  return out;
}

export const scatterElements: Op = {
  role: 'squash',
  shapes: (_node, [x]) => [need(x, 'the shape of the input')],
  evaluate: (node, [x, indices, updates]) => [placed(node, x!, placesAlong(node, x!.dims, indices!), updates!)],
};

/** The flat places where the blocks start that tuples of indices name; the first `batch` axes run along with the indices. */
function blocks(dims: readonly number[], indices: Nd, batch: number): { starts: number[]; length: number } {
  const depth = indices.dims.at(-1)!;
  const strides = stridesOf(dims);
  const tuples = sizeOf(indices.dims.slice(0, -1));
  const perBatch = tuples / sizeOf(indices.dims.slice(0, batch));
  const batchStride = batch > 0 ? strides[batch - 1]! : 0;
  const starts = Array.from({ length: tuples }, (_, i) => {
    let start = Math.floor(i / perBatch) * batchStride;
    for (let k = 0; k < depth; k++)
      start += normalAxis(indices.data[i * depth + k]!, dims[batch + k]!) * strides[batch + k]!;
    return start;
  });
  return { starts, length: sizeOf(dims.slice(batch + depth)) };
}

const withinBlocks = ({ starts, length }: { starts: number[]; length: number }): number[] =>
  starts.flatMap((start) => Array.from({ length }, (_, i) => start + i));

/** The flat places that the indices of a GatherND or ScatterND name in an array of these dimensions, one after the other. */
export const placesNamed = (node: Node, dims: readonly number[], indices: Nd): number[] =>
  withinBlocks(blocks(dims, indices, node.opType === 'GatherND' ? intAttribute(node, 'batch_dims', 0) : 0));

const gatheredDims = (node: Node, dims: readonly number[], indices: readonly number[]): number[] => [
  ...indices.slice(0, -1),
  ...dims.slice(intAttribute(node, 'batch_dims', 0) + indices.at(-1)!),
];

export const gatherND: Op = {
  role: 'squash',
  shapes: (node, [x, indices]) => [
    gatheredDims(node, need(x, 'the shape of the input'), need(indices, 'the shape of the indices')),
  ],
  evaluate(node, [x, indices]) {
    const places = placesNamed(node, x!.dims, indices!);
    const dims = gatheredDims(node, x!.dims, indices!.dims);
    return [
      nd(
        dims,
        Float64Array.from(places, (place) => x!.data[place]!),
        x!.type,
      ),
    ];
  },
};

export const scatterND: Op = {
  role: 'squash',
  shapes: (_node, [x]) => [need(x, 'the shape of the input')],
  evaluate: (node, [x, indices, updates]) => [placed(node, x!, placesNamed(node, x!.dims, indices!), updates!)],
};

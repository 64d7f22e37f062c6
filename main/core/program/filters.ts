import type { FilterTable } from '../../../preload/contract';
import { UnpoolError } from '../errors';
import { Builder } from '../graph/builder';
import { floatAttribute, intAttribute, type Node } from '../graph/graph';
import { toFloat32, transposeTensor, type Tensor } from '../graph/tensor';
import { toTensor } from '../ops/nd';
import { runReference } from '../runtime/reference';
import type { Layer, Network } from './network';

/** The filters of a layer as the network runs them: batch norms folded in, quantised weights as the numbers they stand for. */
export interface FilterBank extends Pick<FilterTable, 'op' | 'units' | 'inputs' | 'kernel' | 'groups' | 'first'> {
  /** [units, inputs, height, width]. */
  weights: Float32Array;
}

const filtering = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** Throws UnpoolError where the layer has no filters of its own: joins and pools. */
export function filterBank(network: Network, layer: Layer): FilterBank {
  const node = filterNode(network, layer);
  const weights = node && weightsOf(network, node);
  if (!node || !weights)
    throw new UnpoolError('no-filters', `The layer "${layer.name}" has no filters of its own.`, {
      hint: 'Joins and pools only pass on what convolutions made. Choose one of those.',
      place: { field: 'layer' },
    });
  const groups = intAttribute(node, 'group', 1);
  const first = node.inputs[0] === network.input.name;
  if (node.opType === 'Conv') {
    const [units, inputs, height = 1, width = 1] = weights.dims as [number, number, number, number];
    return { op: node.opType, units, inputs, kernel: [height, width], groups, first, weights: toFloat32(weights) };
  }
  if (node.opType === 'ConvTranspose') return transposed(weights, groups, first);
  const byUnit = node.opType === 'Gemm' && intAttribute(node, 'transB', 0) === 1;
  const rows = byUnit ? weights : transposeTensor(weights, [1, 0]);
  const alpha = node.opType === 'Gemm' ? floatAttribute(node, 'alpha', 1) : 1;
  const values = toFloat32(rows);
  return {
    ...{ op: node.opType, units: rows.dims[0]!, inputs: rows.dims[1]!, kernel: [1, 1], groups: 1, first },
    weights: alpha === 1 ? values : values.map((value) => value * alpha),
  };
}

/** From the layer's value back through bias and scale to the node that filters. */
function filterNode({ analysis }: Network, layer: Layer): Node | null {
  if (layer.kind === 'join' || layer.kind === 'pool') return null;
  for (let node = analysis.producer(layer.before); node;) {
    if (filtering.has(node.opType)) return node;
    const carrying: string[] = node.inputs.filter((name) => analysis.onPath(name));
    node = carrying.length === 1 ? analysis.producer(carrying[0]!) : undefined;
  }
  return null;
}

function weightsOf({ graph, analysis }: Network, node: Node): Tensor | null {
  const name = node.inputs[1] ?? '';
  const stored = graph.initializers.get(name);
  if (stored) return stored;
  if (!analysis.isConstant(name)) return null;
  const made = new Builder(graph).build([{ name, type: null, shape: null }]);
  return toTensor(runReference(made, new Map()).get(name)!);
}

/** ONNX keeps the filters of a transposed convolution by input: [inputs, units / groups, height, width]. */
function transposed(weights: Tensor, groups: number, first: boolean): FilterBank {
  const [all, perGroup, height = 1, width = 1] = weights.dims as [number, number, number, number];
  const [units, inputs, area] = [perGroup * groups, all / groups, height * width];
  const from = toFloat32(weights);
  const out = new Float32Array(units * inputs * area);
  for (let unit = 0; unit < units; unit++) {
    const group = Math.floor(unit / perGroup);
    for (let input = 0; input < inputs; input++) {
      const at = ((group * inputs + input) * perGroup + (unit % perGroup)) * area;
      out.set(from.subarray(at, at + area), (unit * inputs + input) * area);
    }
  }
  return { op: 'ConvTranspose', units, inputs, kernel: [height, width], groups, first, weights: out };
}

/** The Euclidean norm of each filter. */
export function filterNorms({ weights, units }: Pick<FilterBank, 'weights' | 'units'>): Float32Array {
  const length = weights.length / units;
  return Float32Array.from({ length: units }, (_, unit) => {
    let sum = 0;
    for (let i = unit * length; i < (unit + 1) * length; i++) sum += weights[i]! ** 2;
    return Math.sqrt(sum);
  });
}

/** A filter this much shorter than the layer's median one is as good as zero. */
const deadShare = 1e-3;

export function deadFilters(norms: Float32Array): number[] {
  const median = norms.slice().sort()[norms.length >> 1] ?? 0;
  return [...norms.keys()].filter((unit) => norms[unit]! <= deadShare * median);
}

/** From this cosine on two filters are twins. */
export const twinCosine = 0.98;
/** Multiply-adds that finding the nearest filters may take: some seconds. */
const mostWork = 4e9;

/** Of each filter the other one of largest cosine; -1 and 0 for a filter that is zero. */
export interface Nearest {
  unit: Int32Array;
  cosine: Float32Array;
}

/** Compares all pairs, a filter at a step; yields how many are done. Null where they are too many. */
export function* nearestFilters(bank: FilterBank, norms: Float32Array): Generator<number, Nearest | null> {
  const { units, weights } = bank;
  const length = weights.length / units;
  if ((units * units * length) / 2 > mostWork) return null;
  const unit = new Int32Array(units).fill(-1);
  const cosine = new Float32Array(units);
  const better = (a: number, b: number, value: number): void => {
    if (unit[a]! >= 0 && cosine[a]! >= value) return;
    unit[a] = b;
    cosine[a] = value;
  };
  for (let a = 0; a < units; a++) {
    for (let b = a + 1; b < units; b++) {
      const scale = norms[a]! * norms[b]!;
      if (scale === 0) continue;
      const value = dot(weights, a * length, weights, b * length, length) / scale;
      better(a, b, value);
      better(b, a, value);
    }
    yield a + 1;
  }
  return { unit, cosine };
}

/** The cosine of each filter with the same unit's of another bank; null where their shapes differ. NaN beside a zero one. */
export function cosinesTo(bank: FilterBank, other: FilterBank): Float32Array | null {
  const length = bank.weights.length / bank.units;
  const alike =
    bank.units === other.units &&
    bank.inputs === other.inputs &&
    bank.kernel.every((side, axis) => side === other.kernel[axis]);
  if (!alike) return null;
  const [own, others] = [filterNorms(bank), filterNorms(other)];
  return Float32Array.from(
    { length: bank.units },
    (_, unit) => dot(bank.weights, unit * length, other.weights, unit * length, length) / (own[unit]! * others[unit]!),
  );
}

function dot(a: Float32Array, atA: number, b: Float32Array, atB: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += a[atA + i]! * b[atB + i]!;
  return sum;
}

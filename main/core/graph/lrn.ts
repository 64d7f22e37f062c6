import type { Analysis } from './analyse';
import { attributes, Builder, capturedValues } from './builder';
import { intAttribute, intsAttribute, type Graph, type Node } from './graph';

/** What gives a map another shape, or a margin of zeros, and leaves its values alone. */
const moving = new Set(['Reshape', 'Squeeze', 'Unsqueeze', 'Identity', 'Pad']);

/**
 * Local response normalisation as PyTorch's exporters write it: x / (bias + alpha * mean)^beta, the mean of squares being an
 * average pool along the channels of a lifted map, is an LRN again, which the paper passes straight through. (The older
 * exporter asks in an If whether there is an axis to take away.) Windows of an even size lie otherwise in ONNX: they stay.
 */
export function findLocalNorms(graph: Graph, analysis: Analysis): Graph {
  const number = (name: string): number | null => {
    const value = analysis.constant(name);
    return value?.data.length === 1 ? value.data[0]! : null;
  };
  const maker = (value: string, opType: string): Node | null => {
    const node = analysis.producer(value);
    return node?.opType === opType && node.domain === '' ? node : null;
  };
  /** A node's constant and its other input. */
  const split = (node: Node | null): { constant: number; value: string } | null => {
    const at = node ? node.inputs.findIndex((name) => number(name) !== null) : -1;
    return at < 0 ? null : { constant: number(node!.inputs[at]!)!, value: node!.inputs[1 - at]! };
  };
  /** The node behind those that only move values, and the margins that these add. */
  function behind(value: string): { node: Node; pads: (readonly number[])[] } | null {
    const pads: (readonly number[])[] = [];
    for (let node = analysis.producer(value); node;) {
      if (node.opType === 'If') {
        const pools = capturedValues(node).flatMap((name) => maker(name, 'AveragePool') ?? []);
        if (new Set(pools).size !== 1) return null;
        return { node: pools[0]!, pads };
      }
      if (!moving.has(node.opType)) return { node, pads };
      if (node.opType === 'Pad') pads.push(Array.from(analysis.constant(node.inputs[1] ?? '')?.data ?? [NaN]));
      node = analysis.producer(node.inputs[0]!);
    }
    return null;
  }

  function localNorm(node: Node): Node | null {
    if (node.opType !== 'Div' || node.domain !== '') return null;
    const [x, divisor] = node.inputs as [string, string];
    const power = maker(divisor, 'Pow');
    const beta = power && number(power.inputs[1]!);
    const sum = power && split(maker(power.inputs[0]!, 'Add'));
    const scaled = sum && split(maker(sum.value, 'Mul'));
    const pool = scaled && behind(scaled.value);
    if (beta === null || !pool || pool.pads.length > 0 || pool.node.opType !== 'AveragePool') return null;
    const squares = behind(pool.node.inputs[0]!);
    const [first, second] = squares?.node.inputs ?? [];
    const squared =
      squares?.node.opType === 'Pow' ? number(second!) === 2 : squares?.node.opType === 'Mul' && second === x;
    const [size = 0, ...others] = intsAttribute(pool.node, 'kernel_shape') ?? [];
    if (!squares || !squared || first !== x || size % 2 === 0 || others.some((each) => each !== 1)) return null;
    // As many zeros before as after: by a Pad of the lifted map [N, 1, channels, ...], or by the pool.
    const margin = (size - 1) / 2;
    const dims = others.length + 1;
    const wanted = (lead: number) =>
      [0, 1].flatMap(() => Array.from({ length: dims + lead }, (_, i) => (i === lead ? margin : 0)));
    const own = intsAttribute(pool.node, 'pads') ?? new Array<number>(2 * dims).fill(0);
    const padded =
      squares.pads.length === 1
        ? squares.pads[0]!.join() === wanted(2).join() && own.every((each) => each === 0)
        : squares.pads.length === 0 &&
          own.join() === wanted(0).join() &&
          (size === 1 || intAttribute(pool.node, 'count_include_pad', 0) === 1);
    const strides = intsAttribute(pool.node, 'strides') ?? [];
    if (!padded || strides.some((each) => each !== 1)) return null;
    const plain = { size, alpha: { float: scaled.constant }, beta: { float: beta }, bias: { float: sum.constant } };
    return { ...node, opType: 'LRN', inputs: [x], attributes: attributes(plain) };
  }

  const nodes = graph.nodes.map((node) => localNorm(node) ?? node);
  if (nodes.every((node, i) => node === graph.nodes[i])) return graph;
  return new Builder({ ...graph, nodes }).build(graph.outputs);
}

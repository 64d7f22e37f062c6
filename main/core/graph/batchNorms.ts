import { batchNormAffine } from '../ops/normalise';
import { Builder } from './builder';
import type { Graph, Node } from './graph';
import { float32, sizeOf, toFloat32, toNumbers, type Tensor } from './tensor';

/** y = scale x + shift, for each channel; one that is null does nothing. */
interface Affine {
  node: Node;
  scale: Float64Array | null;
  shift: Float64Array | null;
}

/**
 * Folds the batch norms behind each convolution into it, where nothing else reads between: scaled filters, shifted bias.
 * TensorFlow's exporters write a batch norm as a product and a sum with a constant for each channel; that is one too.
 * `parts`: the names of the nodes that a folded convolution's output was made by.
 */
export function foldBatchNorms(graph: Graph): { graph: Graph; count: number; parts: Map<string, string[]> } {
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes)
    for (const name of node.inputs) readers.set(name, [...(readers.get(name) ?? []), node]);
  const outputs = new Set(graph.outputs.map((output) => output.name));
  const initializers = new Map(graph.initializers);
  const replaced = new Map<Node, Node | null>();
  const parts = new Map<string, string[]>();
  let count = 0;
  for (const conv of graph.nodes) {
    if (conv.opType !== 'Conv' || conv.domain !== '') continue;
    const filters = initializers.get(conv.inputs[1]!);
    const bias = conv.inputs[2] ? initializers.get(conv.inputs[2]) : undefined;
    const channels = filters?.dims[0];
    if (!filters || !channels || (conv.inputs[2] && bias?.data.length !== channels)) continue;
    const behind: Affine[] = [];
    for (let value = conv.outputs[0]!; ; value = behind.at(-1)!.node.outputs[0]!) {
      const [next, ...others] = readers.get(value) ?? [];
      const affine = next && !others.length && !outputs.has(value) && affineOf(next, value, channels, initializers);
      if (!affine) break;
      behind.push(affine);
    }
    const { norms, length } = normsIn(behind);
    const chain = behind.slice(0, length);
    const last = chain.at(-1)?.node;
    if (!last) continue;
    const scale = new Float64Array(channels).fill(1);
    const shift = bias ? toNumbers(bias) : new Float64Array(channels);
    for (const affine of chain)
      for (let c = 0; c < channels; c++) {
        scale[c]! *= affine.scale?.[c] ?? 1;
        shift[c] = shift[c]! * (affine.scale?.[c] ?? 1) + (affine.shift?.[c] ?? 0);
      }
    const perOutput = sizeOf(filters.dims.slice(1));
    const weights = toFloat32(filters).map((value, i) => value * scale[Math.floor(i / perOutput)]!);
    const names = [`${conv.inputs[1]}:folded:${count}`, `${last.outputs[0]}:bias`] as const;
    initializers.set(names[0], float32(filters.dims, weights));
    initializers.set(names[1], float32([channels], Float32Array.from(shift)));
    const nodes = [conv, ...chain.map(({ node }) => node)];
    for (const node of nodes) replaced.set(node, null);
    // The convolution takes the place of the last, so that its inputs are there already.
    replaced.set(last, { ...conv, inputs: [conv.inputs[0]!, ...names], outputs: [last.outputs[0]!] });
    parts.set(
      last.outputs[0]!,
      nodes.map((node) => node.name || node.outputs[0]!),
    );
    count += norms;
  }
  const nodes = graph.nodes.flatMap((node) => {
    const other = replaced.get(node);
    return other === undefined ? [node] : other === null ? [] : [other];
  });
  return { graph: new Builder({ ...graph, nodes, initializers }).build(graph.outputs), count, parts };
}

/**
 * How many batch norms these nodes are, and how far the last of them reaches: nodes with scale and shift, and a scale that a
 * shift follows. A scale alone (a layer scale) is none, and a shift alone is a bias.
 */
function normsIn(chain: readonly Affine[]): { norms: number; length: number } {
  let [norms, length, scaled] = [0, 0, false];
  chain.forEach(({ scale, shift }, index) => {
    scaled ||= scale !== null;
    if (!scaled || !shift) return;
    norms++;
    length = index + 1;
    scaled = false;
  });
  return { norms, length };
}

/** What a node that reads `value` does to each of its channels; null where that is something else, or not constant. */
function affineOf(
  node: Node,
  value: string,
  channels: number,
  initializers: ReadonlyMap<string, Tensor>,
): Affine | null {
  if (node.domain !== '' || node.outputs.slice(1).some(Boolean)) return null;
  if (node.opType === 'BatchNormalization') {
    const fits = [1, 2, 3, 4].every((index) => initializers.get(node.inputs[index] ?? '')?.data.length === channels);
    if (!fits || node.inputs[0] !== value) return null;
    return { node, ...batchNormAffine(node, (name) => initializers.get(name)!) };
  }
  const at = node.inputs.indexOf(value);
  const tensor = initializers.get(node.inputs[1 - at] ?? '');
  if (!tensor || node.inputs.length !== 2 || tensor.type === 'string') return null;
  const dims = [...new Array<number>(Math.max(0, 4 - tensor.dims.length)).fill(1), ...tensor.dims];
  if (dims.join() !== [1, channels, 1, 1].join()) return null;
  const constants = toNumbers(tensor);
  switch (node.opType) {
    case 'Mul':
      return { node, scale: constants, shift: null };
    case 'Div':
      return at === 0 ? { node, scale: constants.map((each) => 1 / each), shift: null } : null;
    case 'Add':
      return { node, scale: null, shift: constants };
    case 'Sub':
      return at === 0 ? { node, scale: null, shift: constants.map((each) => -each) } : null;
    default:
      return null;
  }
}

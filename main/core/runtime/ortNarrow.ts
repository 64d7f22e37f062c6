import { analyse, type Analysis } from '../graph/analyse';
import { Builder } from '../graph/builder';
import { intAttribute, intsAttribute, type Graph, type Node } from '../graph/graph';
import { toFloat32, type Tensor } from '../graph/tensor';

/** Output channels up to which a convolution is narrow, and input channels from which it is worth while. */
const [mostOut, leastIn] = [4, 16];
/** Pixels a side that are computed at one place. */
const side = 2;

/**
 * ONNX Runtime's convolution computes eight channels at once at a few places, and is quick where there are several eights: one
 * of three channels, which every walk back ends with, takes more than twice its time. Here the four pixels of a square
 * become channels (filters moved by a pixel, stride 2) and are laid out again. The sums are of the same products.
 */
export function widenNarrow(graph: Graph): Graph {
  if (!graph.nodes.some((node) => isNarrow(node, graph))) return graph;
  const builder = new Builder(graph, false);
  const known = shapesOf(graph);
  for (const node of graph.nodes) {
    if (isNarrow(node, graph)) widen(builder, node, known);
    else builder.nodes.push(node);
  }
  return { ...graph, nodes: builder.nodes, initializers: builder.initializers };
}

function isNarrow(node: Node, { initializers }: Graph): boolean {
  if (node.opType !== 'Conv' || node.domain !== '' || intAttribute(node, 'group', 1) !== 1) return false;
  const filters = initializers.get(node.inputs[1]!);
  const [out = 0, channels = 0] = filters?.dims ?? [];
  return (
    filters?.type === 'float32' &&
    filters.dims.length === 4 &&
    out <= mostOut &&
    channels >= leastIn &&
    isPlain(node) &&
    (!node.inputs[2] || initializers.has(node.inputs[2]))
  );
}

const isPlain = (node: Node): boolean =>
  !node.attributes['auto_pad'] &&
  ['strides', 'dilations'].every((name) => (intsAttribute(node, name) ?? []).every((each) => each === 1));

function widen(builder: Builder, node: Node, known: Analysis | null): void {
  const [x = '', filters = '', bias] = node.inputs;
  const weights = builder.initializers.get(filters)!;
  const [, , height = 0, width = 0] = weights.dims;
  const [top = 0, left = 0, bottom = 0, right = 0] = intsAttribute(node, 'pads') ?? [];
  const added = [top + bottom - height + 1, left + right - width + 1];
  const inputs = [x, builder.constant(moved(weights), `${filters}:moved`)];
  if (bias) inputs.push(builder.constant(repeated(builder.initializers.get(bias)!), `${bias}:repeated`));
  const phases = builder.add('Conv', inputs, {
    kernel_shape: [height + side - 1, width + side - 1],
    strides: [side, side],
    pads: [top, left, bottom + side - 1, right + side - 1],
  });
  const size = known
    ?.shape(x)
    ?.slice(2)
    .map((length, axis) => length + added[axis]!);
  const last = { name: node.name, outputs: node.outputs };
  const layout = { opType: 'DepthToSpace', inputs: [phases], attributes: blocks };
  if (size?.every((length) => length % side === 0)) {
    builder.addNode({ ...layout, ...last });
    return;
  }
  const whole = builder.addNode({ ...layout, outputs: [builder.fresh(`${node.outputs[0]}:whole`)] }).outputs[0]!;
  const ends = size ? builder.ints(size) : sizeAtRun(builder, x, added);
  builder.addNode({
    opType: 'Slice',
    inputs: [whole, builder.ints([0, 0]), ends, builder.ints([2, 3])],
    attributes: {},
    ...last,
  });
}

const blocks: Node['attributes'] = { blocksize: { kind: 'int', value: side }, mode: { kind: 'string', value: 'DCR' } };

/** Height and width of `x` and so much. Not asked of a convolution's result, which would be laid out in rows for that. */
function sizeAtRun(builder: Builder, x: string, added: readonly number[]): string {
  let [from, more] = [x, added];
  for (;;) {
    const maker = builder.nodes.find(({ outputs }) => outputs[0] === from);
    if (maker?.opType === 'Conv') {
      const grown = growth(builder, maker);
      if (!grown) break;
      more = more.map((size, axis) => size + grown[axis]!);
    } else if (maker?.opType !== 'Relu') break;
    from = maker.inputs[0]!;
  }
  const size = builder.add('Slice', [builder.add('Shape', [from]), builder.ints([2]), builder.ints([4])]);
  return builder.add('Add', [size, builder.ints(more)]);
}

/** By how much a convolution without stride changes height and width; null for another. */
function growth({ initializers }: Builder, node: Node): readonly [number, number] | null {
  const dims = initializers.get(node.inputs[1]!)?.dims;
  if (dims?.length !== 4 || !isPlain(node)) return null;
  const [top = 0, left = 0, bottom = 0, right = 0] = intsAttribute(node, 'pads') ?? [];
  return [top + bottom - dims[2]! + 1, left + right - dims[3]! + 1];
}

/** Filters [out, channels, height, width] for each pixel of a square, moved to where it stands. */
function moved({ dims, ...filters }: Tensor): Tensor {
  const [out = 0, channels = 0, height = 0, width = 0] = dims;
  const [rows, columns] = [height + side - 1, width + side - 1];
  const source = toFloat32({ dims, ...filters });
  const data = new Float32Array(side * side * out * channels * rows * columns);
  for (let pixel = 0; pixel < side * side; pixel++)
    for (let map = 0; map < out * channels; map++)
      for (let row = 0; row < height; row++) {
        const from = (map * height + row) * width;
        const to = ((pixel * out * channels + map) * rows + row + Math.floor(pixel / side)) * columns + (pixel % side);
        data.set(source.subarray(from, from + width), to);
      }
  return { type: 'float32', dims: [side * side * out, channels, rows, columns], data };
}

const repeated = (bias: Tensor): Tensor => {
  const values = toFloat32(bias);
  const data = Float32Array.from({ length: side * side * values.length }, (_, i) => values[i % values.length]!);
  return { type: 'float32', dims: [data.length], data };
};

/** Of one picture, where the graph says how large it is. */
function shapesOf(graph: Graph): Analysis | null {
  const shapes = graph.inputs.map(({ name, shape }) => {
    const dims = shape?.map((dim, axis) => (axis === 0 && typeof dim === 'string' ? 1 : dim));
    return [name, dims?.every((dim) => typeof dim === 'number') ? dims : null] as const;
  });
  if (shapes.some(([, dims]) => !dims)) return null;
  return analyse(graph, new Map(shapes.map(([name, dims]) => [name, dims!])));
}

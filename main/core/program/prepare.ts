import { UnpoolError } from '../errors';
import { analyse, type Analysis } from '../graph/analyse';
import { pictureAlone } from '../graph/cut';
import { freeBatches } from '../graph/batch';
import { foldBatchNorms } from '../graph/batchNorms';
import { intAttribute, intsAttribute, stringAttribute, type Dim, type Graph, type Node } from '../graph/graph';
import { foldConstants } from '../graph/fold';
import { firstConvolution, seeThroughLayout } from '../graph/layout/index';
import { float32, toFloat32 } from '../graph/tensor';
import { fuse } from '../graph/fuse';
import { findLocalNorms } from '../graph/lrn';
import { findNorms } from '../graph/norms';
import { unquantise } from '../graph/quantised';
import { findShuffles } from '../graph/shuffle';
import { findStridedViews } from '../graph/strided';
import { findUniforms } from '../graph/uniform';
import { upgrade } from '../graph/upgrade';
import type { Shape } from '../ops/op';
import { explicitPads, windowsOf } from '../ops/windows';

export interface Prepared {
  graph: Graph;
  input: { name: string; channels: number; size: [number, number]; freeSize: boolean };
  /** For one picture. */
  analysis: Analysis;
  batchOne: string | null;
  notes: string[];
  /** The file's nodes that a value of this graph is made by, where several became one: a folded batch norm. */
  parts: ReadonlyMap<string, string[]>;
}

const fallbackSize = 224;

/**
 * Brings a graph into the form that the rest of the program works on: opset 17 or newer, one picture input with a free
 * batch, paddings spelled out, batch norms folded into their convolutions.
 */
export function prepare(
  source: Graph,
  options: { size?: [number, number]; shapes?: ReadonlyMap<string, Shape> } = {},
): Prepared {
  const alone = pictureAlone(foldConstants(unquantise(singlePrecision(upgrade(source)))));
  const notes: string[] = [...(source.notes ?? []), ...alone.notes];
  const { graph } = alone;
  if (graph.nodes.some((node) => node.opType === 'QuantizeLinear' && node.domain === ''))
    notes.push('The model is quantised: it runs so, and the walk back uses the values that its filters stand for.');
  const { last, ...input } = pictureInput(graph, options.size);
  try {
    return arranged(graph, { input, last, notes, ...(options.shapes && { shapes: options.shapes }) });
  } catch (error) {
    if (input.freeSize && error instanceof UnpoolError && error.code === 'bad-node')
      throw new UnfitSize(error, input.size);
    throw error;
  }
}

/** A node cannot work with this size [height, width] of the picture, which the model leaves free. */
export class UnfitSize extends UnpoolError {
  readonly size: [number, number];

  constructor({ code, message, place }: UnpoolError, size: [number, number]) {
    super(code, message, {
      place,
      hint: `The model leaves its input’s size free, and ${size.join(' × ')} (height × width) was tried: set the size that it was made for (on the command line with --size).`,
    });
    this.size = size;
  }
}

function arranged(
  before: Graph,
  options: { input: Prepared['input']; last: boolean; notes: string[]; shapes?: ReadonlyMap<string, Shape> },
): Prepared {
  const { input, last, notes } = options;
  let graph = channelsFirst(before, input, last, options.shapes);
  input.name = graph.inputs[0]?.name ?? input.name; // none is left where the output does not depend on it
  if (last) notes.push('The model has channels last; here its maps are shown, and its picture is fed, channels first.');
  else if (graph !== before && countTransposes(graph) < countTransposes(before))
    notes.push('Changes of layout inside the model are seen through: its maps are shown with channels first.');
  graph = {
    ...graph,
    inputs: [{ name: input.name, type: 'float32', shape: ['N', input.channels, ...input.size] }],
    values: [],
  };
  graph = freeBatches(graph, shapeAt(graph, input, 1, options.shapes));
  graph = findStridedViews(graph, shapeAt(graph, input, 1, options.shapes), () =>
    shapeOfPair(graph, input, options.shapes),
  );
  graph = findUniforms(graph, shapeAt(graph, input, 1, options.shapes));
  graph = findShuffles(graph, shapeAt(graph, input, 1, options.shapes));
  graph = findLocalNorms(graph, shapeAt(graph, input, 1, options.shapes));
  const fused = fuse(graph, shapeAt(graph, input, 1, options.shapes));
  const folded = foldBatchNorms(findNorms(fused.graph, shapeAt(fused.graph, input, 1, options.shapes)));
  graph = folded.graph;
  if (folded.count > 0)
    notes.push(
      `${folded.count} batch norm${folded.count === 1 ? '' : 's'} folded into ${folded.count === 1 ? 'its convolution' : 'their convolutions'}.`,
    );
  graph = spellOutPads(graph, shapeAt(graph, input, 1, options.shapes));
  const analysis = shapeAt(graph, input, 1, options.shapes);
  const batchOne = whyBatchOne(graph, input, options.shapes);
  return { graph, input, analysis, batchOne, notes, parts: new Map([...fused.parts, ...folded.parts]) };
}

function shapeAt(graph: Graph, input: Prepared['input'], batch: number, given?: ReadonlyMap<string, Shape>): Analysis {
  return analyse(graph, new Map([[input.name, [batch, input.channels, ...input.size]]]), given);
}

const countTransposes = (graph: Graph): number => graph.nodes.filter((node) => node.opType === 'Transpose').length;

/** The graph with one input, the picture, and maps with channels first. */
function channelsFirst(
  graph: Graph,
  { name, channels, size }: Prepared['input'],
  last: boolean,
  given?: ReadonlyMap<string, Shape>,
): Graph {
  const shape = last ? [...size, channels] : [channels, ...size];
  const single: Graph = { ...graph, inputs: [{ name, type: 'float32', shape: ['N', ...shape] }] };
  return seeThroughLayout(single, analyse(single, new Map([[name, [1, ...shape]]]), given), last ? name : null);
}

const pictureChannels = [1, 3, 4];

function pictureInput(graph: Graph, size?: [number, number]): Prepared['input'] & { last: boolean } {
  const used = new Set(graph.nodes.flatMap((node) => node.inputs));
  const inputs = graph.inputs.filter((input) => used.has(input.name));
  const [input] = inputs;
  if (!input || inputs.length !== 1)
    throw new UnpoolError(
      'bad-input',
      `The model has ${inputs.length} inputs${inputs.length ? ` (${inputs.map((i) => i.name).join(', ')})` : ''}; one picture is what Unpool feeds.`,
      {
        hint: 'Export the part of the model that takes one picture.',
      },
    );
  const shape = input.shape;
  if (!shape || shape.length !== 4)
    throw new UnpoolError(
      'bad-input',
      `The input "${input.name}" has ${shape ? `the shape [${shape.map((dim) => dim ?? '?').join(', ')}]` : 'no known shape'}; a batch of pictures [N, channels, height, width] is needed.`,
      {
        place: { field: input.name },
      },
    );
  const known = (dim: Dim | undefined): number | null => (typeof dim === 'number' && dim > 0 ? dim : null);
  const isChannels = (dim: Dim | undefined): boolean => pictureChannels.includes(known(dim) ?? 0);
  const first = firstConvolution(graph, input.name);
  const last = first ? first.last : isChannels(shape[3]) && !isChannels(shape[1]);
  const [, c, h, w] = last ? [shape[0], shape[3], shape[1], shape[2]] : shape;
  const channels = known(c) ?? first?.channels ?? null;
  if (channels === null || channels > 64)
    throw new UnpoolError(
      'bad-input',
      `The input "${input.name}" does not say how many channels a picture has ([${shape.map((dim) => dim ?? '?').join(', ')}]).`,
      {
        hint: 'Export the model with the number of channels in the shape of its input.',
        place: { field: input.name },
      },
    );
  const freeSize = known(h) === null || known(w) === null;
  const chosen: [number, number] = [known(h) ?? size?.[0] ?? fallbackSize, known(w) ?? size?.[1] ?? fallbackSize];
  return { name: input.name, channels, size: chosen, freeSize, last };
}

/** Half and double precision become single: what the runtimes are fast and exact in. Casts between them become idle. */
function singlePrecision(graph: Graph): Graph {
  const floats = new Set(['float16', 'bfloat16', 'float64']);
  const onnxNumbers = [10, 11, 16];
  const initializers = new Map(
    [...graph.initializers].map(([name, tensor]) => [
      name,
      floats.has(tensor.type) ? float32(tensor.dims, toFloat32({ ...tensor })) : tensor,
    ]),
  );
  const nodes = graph.nodes.map((node): Node => {
    if (node.opType !== 'Cast' || !onnxNumbers.includes(intAttribute(node, 'to', 1))) return node;
    return { ...node, attributes: { ...node.attributes, to: { kind: 'int', value: 1 } } };
  });
  return { ...graph, initializers, nodes };
}

const padded = ['Conv', 'MaxPool', 'AveragePool', 'LpPool'];

/**
 * auto_pad becomes pads, so that nothing later needs to know the input's size to know them. With ceil_mode, padding that no
 * window reads goes: shape inference of older operator sets counts a window there, that runtimes leave out.
 */
function spellOutPads(graph: Graph, analysis: Analysis): Graph {
  const nodes = graph.nodes.map((node): Node => {
    const auto = stringAttribute(node, 'auto_pad', 'NOTSET') !== 'NOTSET';
    const ceil = intAttribute(node, 'ceil_mode', 0) === 1;
    if (!padded.includes(node.opType) || !(auto || ceil)) return node;
    const input = analysis.shape(node.inputs[0]!);
    const size = intsAttribute(node, 'kernel_shape') ?? analysis.shape(node.inputs[1] ?? '')?.slice(2);
    if (!input || !size) return node;
    const windows = windowsOf(node, input, size);
    const { auto_pad: _auto, ceil_mode, ...rest } = node.attributes;
    const overhangs = windows.some((window) => window.overhang > 0);
    return {
      ...node,
      attributes: {
        ...rest,
        ...(ceil_mode && overhangs && { ceil_mode }),
        pads: { kind: 'ints', value: explicitPads(windows) },
      },
    };
  });
  return { ...graph, nodes };
}

/** For two pictures; null where something takes but one. */
function shapeOfPair(graph: Graph, input: Prepared['input'], given?: ReadonlyMap<string, Shape>): Analysis | null {
  try {
    return shapeAt(graph, input, 2, doubled(given));
  } catch (error) {
    if (error instanceof UnpoolError) return null;
    throw error;
  }
}

const doubled = (given: ReadonlyMap<string, Shape> = new Map()): Map<string, Shape> =>
  new Map([...given].map(([name, shape]) => [name, [2 * (shape[0] ?? 1), ...shape.slice(1)]]));

/** Tries the shapes with two pictures: null where everything that sees the picture keeps them apart, else the reason. */
function whyBatchOne(graph: Graph, input: Prepared['input'], given?: ReadonlyMap<string, Shape>): string | null {
  try {
    const analysis = shapeAt(graph, input, 2, doubled(given));
    for (const node of graph.nodes)
      for (const name of node.outputs) {
        const shape = analysis.shape(name);
        if (analysis.onPath(name) && shape && shape[0] !== 2)
          return `${node.opType} "${node.name || name}" does not keep pictures apart, so that one picture is run at a time.`;
      }
    return null;
  } catch (error) {
    if (error instanceof UnpoolError)
      return `${error.message} With one picture it works, so that one picture is run at a time.`;
    throw error;
  }
}

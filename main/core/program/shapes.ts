import { UnpoolError } from '../errors';
import { Builder, capturedValues } from '../graph/builder';
import { leftOut } from '../graph/cut';
import { describeNode, type Graph, type Node } from '../graph/graph';
import { float32 } from '../graph/tensor';
import { opOf } from '../ops/index';
import type { Shape } from '../ops/op';
import type { Runtime } from '../runtime/runtime';
import { prepare, UnfitSize, type Prepared } from './prepare';

/** Shapes that are learnt may show further nodes that nobody knows, behind the first: so many times at most. */
const mostRounds = 8;
const kindOf = ({ domain, opType }: Node): string => `${domain} ${opType}`;

/**
 * A graph made ready. Where nodes are not known to this program (or computed from the picture, as the places of a crop) and the
 * file says nothing of their shapes, one picture of zeros is run on `runtime` to see. What the runtime cannot run either is
 * left without shapes, with all that lies behind, and a note names it: layers before it work.
 */
export async function withShapes(
  graph: Graph,
  { size, runtime }: { size?: [number, number]; runtime?: Runtime },
): Promise<Prepared> {
  const given = size && { size };
  let prepared = prepare(graph, { ...given });
  if (!runtime || prepared.analysis.unknown.length === 0) return prepared;
  const shapes = new Map<string, Shape>();
  let dead: Node[] = [];
  for (let round = 0; round < mostRounds; round++) {
    const learnt = await learn(prepared, runtime);
    ({ dead } = learnt);
    const fresh = [...learnt.shapes].filter(([name]) => !shapes.has(name));
    if (fresh.length === 0) break;
    for (const [name, shape] of fresh) shapes.set(name, shape);
    prepared = prepare(graph, { ...given, shapes });
    if (prepared.analysis.unknown.length === 0) break;
  }
  const forward = prepared.graph.nodes.filter((node) => !opOf(node) && node.outputs.some((name) => shapes.has(name)));
  if (forward.length)
    prepared.notes.push(
      `Not known to Unpool, run forward only: ${[...new Set(forward.map(describeNode))].join(', ')}.`,
    );
  prepared.notes.push(
    ...leftOut(
      dead.map((node) => ({
        message: `${describeNode(node)} does not run here (${runtime.name})`,
        place: { node: node.name || (node.outputs[0] ?? '') },
      })),
    ),
  );
  return prepared;
}

/** Sides in px that networks are made for. */
const sides = [32, 48, 64, 96, 112, 128, 160, 192, 227, 256, 299, 320, 384, 448, 512, 640];

/** As `withShapes`; where the model leaves its size free, none is given and the usual one does not fit, with one that does. */
export async function withFittingSize(
  graph: Graph,
  options: { size?: [number, number]; runtime?: Runtime },
): Promise<Prepared> {
  try {
    return await withShapes(graph, options);
  } catch (error) {
    if (!(error instanceof UnfitSize) || options.size) throw error;
    for (const side of sides) {
      const prepared = await refused(withShapes(graph, { ...options, size: [side, side] }));
      if (!prepared) continue;
      prepared.notes.push(
        `The model leaves its input’s size free: ${error.size.join(' × ')} does not fit it, ${prepared.input.size.join(' × ')} does. It may be made for another: set that one.`,
      );
      return prepared;
    }
    throw error;
  }
}

/** Shapes of nodes that nobody knows, by a run; and the nodes that the runtime cannot run. */
async function learn(prepared: Prepared, runtime: Runtime): Promise<{ shapes: Map<string, Shape>; dead: Node[] }> {
  const { unknown } = prepared.analysis;
  const all = await probe(prepared, unknown, runtime);
  if (all) return { shapes: all, dead: [] };
  // One of them does not run. The first of each kind tells for the others.
  const works = new Map<string, boolean>();
  const behind = new Set<string>();
  const asked = new Set(unknown);
  const [live, dead]: [Node[], Node[]] = [[], []];
  for (const node of prepared.graph.nodes) {
    const reads = [...node.inputs, ...capturedValues(node)].some((name) => behind.has(name));
    const kind = kindOf(node);
    if (!reads && asked.has(node)) {
      if (!works.has(kind)) works.set(kind, (await probe(prepared, [node], runtime)) !== null);
      (works.get(kind) ? live : dead).push(node);
    }
    if (reads || dead.at(-1) === node) node.outputs.forEach((name) => behind.add(name));
  }
  return { shapes: (live.length > 0 && (await probe(prepared, live, runtime))) || new Map<string, Shape>(), dead };
}

/** The shapes of these nodes' outputs for one picture of zeros; null where they do not run. */
async function probe(
  { graph, input }: Prepared,
  nodes: readonly Node[],
  runtime: Runtime,
): Promise<Map<string, Shape> | null> {
  const outputs = nodes.flatMap((node) => node.outputs.filter(Boolean));
  const program = await refused(
    runtime.compile(new Builder(graph).build(outputs.map((name) => ({ name, type: null, shape: null })))),
  );
  if (!program) return null;
  try {
    const results = await refused(program.run({ [input.name]: float32([1, input.channels, ...input.size]) }));
    return results && new Map(Object.entries(results).map(([name, tensor]) => [name, tensor.dims]));
  } finally {
    await program.dispose();
  }
}

/** Null where a runtime says no. */
const refused = <T>(attempt: Promise<T>): Promise<T | null> =>
  attempt.catch((error: unknown) => {
    if (error instanceof UnpoolError) return null;
    throw error;
  });

import type { Analysis } from '../graph/analyse';
import type { Graph } from '../graph/graph';
import { sizeOf } from '../graph/tensor';
import { opOf } from '../ops/index';
import type { Layer } from './layers';

/** The output that answers with classes, and the layer whose units those are. */
export interface Classifier {
  output: string;
  layer: Layer;
  units: number;
}

/** An output's own name says what it is more often than not. */
const likely = /logit|prob|class|softmax|score|label|pred|dense|\bfc/i;
const unlikely = /feat|embed|hidden|aux|box|loc|landmark|bottleneck|pool/i;
const squashing = new Set(['Softmax', 'LogSoftmax', 'Sigmoid', 'HardSigmoid']);

/**
 * Among the outputs that are made one to one from a layer's units (through pooling, flattening, softmax), the one that
 * answers with classes: behind a softmax, then by its name, then the deepest (features and auxiliary classifiers lie
 * before it), then the first. Null where none is.
 */
export function findClassifier(graph: Graph, analysis: Analysis, layers: readonly Layer[]): Classifier | null {
  const found = graph.outputs.flatMap(({ name }): (Classifier & { rank: number })[] => {
    const shape = analysis.shape(name);
    const units = shape ? sizeOf(shape) : 0;
    const made = units > 1 ? layerBehind(name, analysis, layers) : null;
    if (!made || made.layer.units !== units || !made.layer.scanned) return [];
    const named = Number(likely.test(name)) - Number(unlikely.test(name));
    return [{ output: name, layer: made.layer, units, rank: 2 * Number(made.squashed) + named }];
  });
  const [best] = found.sort((a, b) => b.rank - a.rank || b.layer.macs - a.layer.macs);
  return best ? { output: best.output, layer: best.layer, units: best.units } : null;
}

/** The layer that a value is made from without any other in between; null where several values meet on the way. */
function layerBehind(
  output: string,
  analysis: Analysis,
  layers: readonly Layer[],
): { layer: Layer; squashed: boolean } | null {
  let squashed = false;
  for (let value = output; ;) {
    const node = analysis.producer(value);
    if (!node) return null;
    squashed ||= squashing.has(node.opType);
    const layer = layers.find((each) => each.kind !== 'pool' && (each.after === value || each.before === value));
    if (layer) return { layer, squashed };
    const carrying = [...new Set(node.inputs.filter((name) => analysis.onPath(name)))];
    if (carrying.length !== 1 || !opOf(node)) return null;
    value = carrying[0]!;
  }
}

/**
 * The value that class scores are read from: the output that answers with classes, or what goes into its softmax. `squash`:
 * the op that makes probabilities of them; null where there is none.
 */
export function classScore(
  analysis: Analysis,
  output: string,
  layer: Pick<Layer, 'after' | 'before'>,
): { value: string; squash: string | null } {
  let score: { value: string; squash: string | null } = { value: output, squash: null };
  for (let value = output; value !== layer.after && value !== layer.before;) {
    const node = analysis.producer(value)!;
    value = node.inputs.find((name) => analysis.onPath(name))!;
    if (squashing.has(node.opType)) score = { value, squash: node.opType };
  }
  return score;
}

/** Class scores as probabilities: the network's own where it ends in a softmax or sigmoid, else their softmax. */
export function probabilities(output: Float32Array, squash: string | null): Float32Array {
  if (squash === 'LogSoftmax') return output.map(Math.exp);
  let sum = 0;
  let lowest = 0;
  for (const value of output) {
    sum += value;
    lowest = Math.min(lowest, value);
  }
  if (squash !== null || (lowest >= 0 && Math.abs(sum - 1) < 1e-3)) return output;
  const peak = output.reduce((most, value) => Math.max(most, value), -Infinity);
  const parts = output.map((value) => Math.exp(value - peak));
  const total = parts.reduce((a, b) => a + b, 0);
  return parts.map((value) => value / total);
}

/** Of a model with several outputs: what they are, and which of them is taken for the classes. */
export function outputNote(
  { outputs }: Graph,
  analysis: Analysis,
  classifier: Classifier | null,
  cut: boolean,
): string | null {
  // Where a part is left out, what it reads beside maps (sizes, counts) are outputs too.
  const told = cut ? outputs.filter(({ name }) => (analysis.shape(name)?.length ?? 2) > 1) : outputs;
  if (told.length < 2) return null;
  const most = 8;
  const listed = told
    .slice(0, most)
    .map(({ name }) => `${name} [${analysis.shape(name)?.slice(1).join(' x ') ?? '?'}]`);
  const more = told.length > most ? ` and ${told.length - most} more` : '';
  const which = classifier ? `Classes are read from ${classifier.output}.` : 'None of them answers with classes.';
  return `${cut ? 'What is left of the model' : 'The model'} has ${told.length} outputs: ${listed.join(', ')}${more}. ${which}`;
}

import type { Box } from '../../../preload/contract';
import { UnpoolError } from '../errors';
import { isLeftOut } from '../graph/cut';
import type { Graph } from '../graph/graph';
import type { Runtime } from '../runtime/runtime';
import { switchNotes } from './audit';
import { findClassifier, outputNote } from './classifier';
import { findLayers, type Layer } from './layers';
import type { Prepared } from './prepare';
import { withFittingSize } from './shapes';

export type { Layer } from './layers';

/** A network made ready: prepared graph, its analysis for one picture, its layers. */
export interface Network extends Prepared {
  layers: Layer[];
  /** The layer whose units are the classes, and how many; null and 0 where the network is no classifier. */
  outputLayer: string | null;
  outputUnits: number;
  /** The graph's output that answers with the classes. */
  classes: string | null;
}

/**
 * Opens a graph as a network. `size` [height, width] is used where the model leaves it free; without it, one that fits. Where the graph has nodes that
 * this program does not know and the file says nothing of their shapes, one picture of zeros is run on `runtime` to see.
 */
export async function openNetwork(
  graph: Graph,
  options: { size?: [number, number]; runtime?: Runtime } = {},
): Promise<Network> {
  const prepared = await withFittingSize(graph, options);
  prepared.notes.push(...switchNotes(prepared));
  if (prepared.batchOne) prepared.notes.push(prepared.batchOne);
  const layers = findLayers(prepared);
  if (!layers.some((layer) => layer.scanned))
    throw new UnpoolError('no-layers', 'The model has no convolution or dense layer that reads the picture.', {
      hint: ['Unpool is for convolutional networks.', ...prepared.notes.filter(isLeftOut)].join(' '),
    });
  const classifier = findClassifier(prepared.graph, prepared.analysis, layers);
  const note = outputNote(prepared.graph, prepared.analysis, classifier, prepared.notes.some(isLeftOut));
  if (note) prepared.notes.push(note);
  return {
    ...prepared,
    layers,
    outputLayer: classifier?.layer.id ?? null,
    outputUnits: classifier?.units ?? 0,
    classes: classifier?.output ?? null,
  };
}

/** What the unit at row y, column x sees: [y0, x0, y1, x1) in px of the input; the whole input where it sees everything. */
export function fieldBox(network: Pick<Network, 'input'>, layer: Layer, y: number, x: number): Box {
  const { field } = layer;
  if (!field) return [0, 0, ...network.input.size];
  const top = field.start[0] + y * field.stride[0];
  const left = field.start[1] + x * field.stride[1];
  return [top, left, top + field.size[0], left + field.size[1]];
}

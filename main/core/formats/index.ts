import type { Graph } from '../graph/graph';
import type { Format } from './format';
import { notReadable } from './foreign';
import { kerasH5, kerasZip, tfjsLayers } from './keras/index';
import { onnx } from './onnx/format';
import type { ReadOptions } from './onnx/read';
import { pt2 } from './pt2/format';
import { tensorflowGraph } from './tensorflow/format';

export const formats: readonly Format[] = [onnx, tensorflowGraph, kerasH5, kerasZip, tfjsLayers, pt2];

/** Extensions of all formats, for dialogs and listings. */
export const modelExtensions: readonly string[] = [...new Set(formats.flatMap((format) => format.extensions))];

/** Reads a model, told by its content. Throws UnpoolError: what the file is, what is wrong with it, what to do. */
export async function readModel(bytes: Uint8Array, options: ReadOptions & { name?: string } = {}): Promise<Graph> {
  const format = formats.find((each) => each.probe(bytes));
  if (!format) throw notReadable(bytes, options.name);
  return format.read(bytes, options);
}

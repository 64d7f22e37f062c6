import type { Graph } from '../graph/graph';
import type { ReadOptions } from './onnx/read';

/** A file format of models. Adding one: a file (or folder) and its line in `formats`. */
export interface Format {
  id: string;
  label: string;
  /** Without the dot; dialogs and listings derive from it. */
  extensions: readonly string[];
  /** Whether the file is of this format: by its first bytes, the names in an archive, or the keys of a JSON file. */
  probe(bytes: Uint8Array): boolean;
  /** `external` reads files that lie beside the model. Throws UnpoolError. */
  read(bytes: Uint8Array, options: ReadOptions): Graph | Promise<Graph>;
}

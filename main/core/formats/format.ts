import type { Graph } from '../graph/graph';
import type { External } from './onnx/tensor';

/** A file format of models. Adding one: a file (or folder) and its line in `formats`. */
export interface Format {
  id: string;
  label: string;
  /** Without the dot; dialogs and listings derive from it. */
  extensions: readonly string[];
  /** Whether the first bytes of a file are of this format. */
  probe(head: Uint8Array): boolean;
  read(bytes: Uint8Array, options: { external?: External }): Graph;
}

import { UnpoolError } from '../../errors';
import { decodeText } from '../onnx/text';

/** What a TensorFlow.js `model.json` holds: Keras layers, or a TensorFlow graph. */
export type TfjsKind = 'layers' | 'graph';

export interface TfjsModel {
  format?: unknown;
  modelTopology?: unknown;
  weightsManifest?: unknown;
  generatedBy?: unknown;
  convertedBy?: unknown;
  signature?: unknown;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Which of both a file is, or null where it is no such file (or JSON that is cut off: `parseModel` says so). */
export function tfjsKind(bytes: Uint8Array): TfjsKind | null {
  if (!isObjectText(bytes)) return null;
  const text = decodeText(bytes);
  let model: unknown;
  try {
    model = JSON.parse(text);
  } catch {
    // Cut off or damaged: whoever reads the file says where.
    return /"modelTopology"/.test(text) ? (/"format"\s*:\s*"layers-model"/.test(text) ? 'layers' : 'graph') : null;
  }
  if (!isObject(model) || !isObject(model['modelTopology'])) return null;
  const topology = model['modelTopology'];
  if (model['format'] === 'layers-model' || 'model_config' in topology || 'class_name' in topology) return 'layers';
  return model['format'] === 'graph-model' || 'node' in topology ? 'graph' : null;
}

/** Begins as a JSON object, and is not too long to be parsed: cheap enough to ask of every file. */
function isObjectText(bytes: Uint8Array): boolean {
  let at = 0;
  while (at < 64 && (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09)) at++;
  return bytes[at] === 0x7b && bytes.length < 2 ** 29;
}

/** The parsed file. Throws UnpoolError where it is not whole. */
export function parseModel(bytes: Uint8Array): TfjsModel {
  try {
    return JSON.parse(decodeText(bytes)) as TfjsModel;
  } catch (error) {
    throw new UnpoolError('bad-model', `The model's JSON is not whole: ${(error as Error).message}.`, {
      hint: 'The file may be cut off: export or fetch it again.',
      cause: error,
    });
  }
}

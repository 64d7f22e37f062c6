import * as v from 'valibot';
import { UnpoolError } from '../../errors';
import { sizeOf, toFloat32, type NumberArray, type Tensor } from '../../graph/tensor';
import { isInside, type External } from '../onnx/tensor';
import { decodeText } from '../onnx/text';

const dim = v.pipe(v.number(), v.integer(), v.minValue(0));

const weightSchema = v.object({
  name: v.string(),
  shape: v.array(dim),
  dtype: v.picklist(['float32', 'int32', 'bool', 'string', 'complex64']),
  quantization: v.optional(
    v.object({
      dtype: v.picklist(['uint8', 'uint16', 'float16']),
      scale: v.optional(v.number()),
      min: v.optional(v.number()),
    }),
  ),
});
type Weight = v.InferOutput<typeof weightSchema>;

const manifestSchema = v.array(v.object({ paths: v.array(v.string()), weights: v.array(weightSchema) }));

/**
 * The weights of a TensorFlow.js model by name: shards are read from beside the model, quantised values become float32 (or
 * int32), by value = stored * scale + min. Throws UnpoolError naming the weight or the shard.
 * Source: tfjs-core, io_utils.decodeWeights.
 */
export function readWeights(manifest: unknown, external: External | undefined): Map<string, Tensor> {
  const parsed = v.safeParse(manifestSchema, manifest);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new UnpoolError('bad-model', `The list of weights is not as TensorFlow.js writes it: ${issue.message}.`, {
      hint: 'Convert the model again with tensorflowjs_converter.',
      place: { field: `weightsManifest.${v.getDotPath(issue) ?? ''}` },
    });
  }
  const out = new Map<string, Tensor>();
  for (const group of parsed.output) {
    const bytes = readShards(group.paths, external, group.weights);
    let at = 0;
    for (const weight of group.weights) {
      if (out.has(weight.name)) throw fail(weight, 'is listed twice');
      const size = sizeOf(weight.shape);
      if (weight.dtype === 'string') {
        const [strings, end] = readStrings(weight, bytes, at, size);
        out.set(weight.name, { type: 'string', dims: weight.shape, data: new Uint8Array(0), strings });
        at = end;
        continue;
      }
      const length = size * widthOf(weight);
      if (at + length > bytes.length) throw fail(weight, `ends at byte ${at + length} of ${bytes.length}`, cutOff);
      out.set(weight.name, decode(weight, bytes.subarray(at, at + length), size));
      at += length;
    }
    if (at !== bytes.length)
      throw new UnpoolError(
        'bad-model',
        `${group.paths[0] ?? 'A shard'} holds ${bytes.length} bytes, but ${at} are listed.`,
        {
          hint: 'The shards are of another model, or the list is damaged.',
          place: { field: 'weightsManifest' },
        },
      );
  }
  return out;
}

const cutOff = 'A shard may be cut off: fetch it again.';

const fail = (weight: Weight, what: string, hint?: string): UnpoolError =>
  new UnpoolError('bad-tensor', `The weight "${weight.name}" ${what}.`, {
    place: { field: weight.name },
    ...(hint && { hint }),
  });

/** Bytes of one stored value. */
function widthOf(weight: Weight): number {
  if (weight.dtype === 'complex64') throw fail(weight, 'is complex, which this program does not read');
  const stored = weight.quantization?.dtype ?? weight.dtype;
  return { float32: 4, int32: 4, bool: 1, uint8: 1, uint16: 2, float16: 2, string: 0 }[stored];
}

/** The shards of a group, one after the other. Their number of bytes is known but for strings, and nothing longer is read. */
function readShards(paths: readonly string[], external: External | undefined, weights: readonly Weight[]): Uint8Array {
  for (const path of paths)
    if (!isInside(path))
      throw new UnpoolError('bad-model', `Weights are to be read from "${path}", outside the model's folder.`, {
        hint: 'A model must not name other files of this machine: put its weights beside it.',
        place: { field: 'weightsManifest.paths' },
      });
  if (!external)
    throw new UnpoolError('bad-model', `The weights lie in "${paths[0] ?? ''}", beside the model.`, {
      hint: 'Open the model from its folder, with its shards beside it.',
    });
  let wanted = 0;
  for (const weight of weights) wanted += sizeOf(weight.shape) * widthOf(weight);
  if (!Number.isSafeInteger(wanted))
    throw new UnpoolError('bad-model', 'The weights have impossible shapes.', { place: { field: 'weightsManifest' } });
  const shards = paths.map((path) => external(path, 0, null));
  if (shards.length === 1) return shards[0]!;
  const whole = new Uint8Array(shards.reduce((total, shard) => total + shard.length, 0));
  let at = 0;
  for (const shard of shards) {
    whole.set(shard, at);
    at += shard.length;
  }
  return whole;
}

/** Strings are stored as their length in four bytes, then their bytes. */
function readStrings(weight: Weight, bytes: Uint8Array, start: number, count: number): [string[], number] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const strings: string[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.length) throw fail(weight, 'breaks off', cutOff);
    const end = at + 4 + view.getUint32(at, true);
    if (end > bytes.length) throw fail(weight, 'breaks off', cutOff);
    strings.push(decodeText(bytes.subarray(at + 4, end)));
    at = end;
  }
  return [strings, at];
}

function decode(weight: Weight, stored: Uint8Array, size: number): Tensor {
  const { quantization } = weight;
  const type = weight.dtype as Exclude<Weight['dtype'], 'complex64'>;
  // A copy, so that every value is aligned and the shard can go.
  const { buffer } = new Uint8Array(stored);
  if (quantization?.dtype === 'float16') {
    const half: Tensor = { type: 'float16', dims: weight.shape, data: new Uint16Array(buffer, 0, size) };
    return { type: 'float32', dims: weight.shape, data: toFloat32(half) };
  }
  if (quantization) {
    const { scale, min } = quantization;
    if (scale === undefined || min === undefined) throw fail(weight, 'is quantised, but says no scale or no minimum');
    const values = quantization.dtype === 'uint8' ? new Uint8Array(buffer, 0, size) : new Uint16Array(buffer, 0, size);
    const data: NumberArray =
      type === 'int32'
        ? Int32Array.from(values, (value) => Math.round(value * scale + min))
        : Float32Array.from(values, (value) => value * scale + min);
    return { type, dims: weight.shape, data };
  }
  if (type === 'float32') return { type, dims: weight.shape, data: new Float32Array(buffer, 0, size) };
  if (type === 'int32') return { type, dims: weight.shape, data: new Int32Array(buffer, 0, size) };
  return { type, dims: weight.shape, data: new Uint8Array(buffer, 0, size) };
}

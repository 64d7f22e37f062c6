import { UnpoolError } from '../../errors';
import { stridedCopy, sizeOf, type DataType, type NumberArray, type Tensor } from '../../graph/tensor';
import { json, pickled } from './archive';
import { parsePayloads, type TensorMeta } from './schema';

/** torch/_export/serde/schema.py: ScalarType. */
export const scalarTypes: Readonly<Record<number, DataType>> = {
  1: 'uint8',
  2: 'int8',
  3: 'int16',
  4: 'int32',
  5: 'int64',
  6: 'float16',
  7: 'float32',
  8: 'float64',
  12: 'bool',
  13: 'bfloat16',
};

const arrays = {
  uint8: Uint8Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  float16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
  bool: Uint8Array,
  bfloat16: Uint16Array,
} as const;

type Files = ReadonlyMap<string, Uint8Array>;

/** The tensors of "weights" or "constants" by their names in the model. Values are laid out anew where they were strided. */
export function readTensors(files: Files, model: string, kind: 'weights' | 'constants'): Map<string, Tensor> {
  const file = `data/${kind}/${model}_${kind}_config.json`;
  if (kind === 'constants' && !files.has(file)) return new Map();
  const payloads = parsePayloads(json(files, file), file);
  return new Map(
    Object.entries(payloads).flatMap(([name, { path_name, use_pickle, tensor_meta }]): [string, Tensor][] => {
      if (use_pickle) throw pickled(`"${name}" is stored pickled in this PyTorch archive.`);
      if (!tensor_meta) return []; // an object of Python's own
      const path = `data/${kind}/${path_name}`;
      const bytes = files.get(path);
      if (!bytes) throw bad(name, `is to be read from "${path}", which is not in the archive`);
      return [[name, readTensor(name, bytes, tensor_meta)]];
    }),
  );
}

const bad = (name: string, what: string): UnpoolError =>
  new UnpoolError('bad-tensor', `The tensor "${name}" ${what}.`, {
    hint: 'The archive is damaged: export it again.',
    place: { field: name },
  });

function readTensor(name: string, bytes: Uint8Array, meta: TensorMeta): Tensor {
  const type = scalarTypes[meta.dtype];
  if (!type || type === 'string' || !(type in arrays))
    throw bad(name, `has the element type ${meta.dtype}, which this program does not read`);
  const fixed = (each: TensorMeta['sizes'][number]): number => {
    if (!('as_int' in each) || each.as_int < 0) throw bad(name, 'has no fixed shape');
    return each.as_int;
  };
  const [dims, strides, offset] = [meta.sizes.map(fixed), meta.strides.map(fixed), fixed(meta.storage_offset)];
  const array = arrays[type as keyof typeof arrays];
  const size = sizeOf(dims);
  const last = dims.reduce((at, dim, axis) => at + (dim - 1) * (strides[axis] ?? 0), offset);
  const stored = Math.floor(bytes.length / array.BYTES_PER_ELEMENT);
  if (strides.length !== dims.length || !Number.isSafeInteger(size) || size > stored || (size > 0 && last >= stored))
    throw bad(name, `of [${dims.join(', ')}] does not lie within its ${bytes.length} bytes`);
  const storage = new array(new Uint8Array(bytes).buffer, 0, stored);
  return { type, dims, data: gather(storage, dims, strides, offset, size) };
}

function gather<T extends NumberArray>(
  storage: T,
  dims: readonly number[],
  strides: readonly number[],
  offset: number,
  size: number,
): NumberArray {
  let expected = 1;
  const dense = dims.every((_, i) => {
    const axis = dims.length - 1 - i;
    const fits = dims[axis] === 1 || strides[axis] === expected;
    expected *= dims[axis]!;
    return fits;
  });
  if (dense) return storage.subarray(offset, offset + size);
  return stridedCopy(storage, dims, strides, offset);
}

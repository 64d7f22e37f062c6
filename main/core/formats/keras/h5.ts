import type { Group, h5wasm } from 'h5wasm';
import { UnpoolError } from '../../errors';
import { sizeOf, type DataType, type Tensor } from '../../graph/tensor';
import { checkHeaps } from './heaps';

/** What this program needs of an HDF5 file. Paths are absolute ("/model_weights/conv1"). */
export interface Hdf5 {
  /** The names in a group; none where there is no such group. */
  children(path: string): string[];
  isDataset(path: string): boolean;
  /** An attribute's text or texts, or null where there is none. */
  text(path: string, name: string): string | null;
  texts(path: string, name: string): string[] | null;
  /** The values of a dataset. Throws UnpoolError where they are no numbers or do not fit into the file. */
  tensor(path: string): Tensor;
}

export const isHdf5 = (bytes: Uint8Array): boolean =>
  [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a].every((byte, i) => bytes[i] === byte);

/** Compressed weights are seldom smaller than this share of their size; more is an attack on the memory. */
const largestRatio = 200;
let opened = 0;

/** Reads from an HDF5 file in memory (h5wasm: libhdf5 in WebAssembly). What libhdf5 objects to becomes an UnpoolError. */
export async function withHdf5<T>(bytes: Uint8Array, task: (file: Hdf5) => T): Promise<T> {
  checkHeaps(bytes);
  const library = (await import('h5wasm')).default;
  const module = await library.ready;
  module.activate_throwing_error_handler();
  const name = `/model-${++opened}.h5`;
  // The virtual file is the bytes themselves: nothing is copied, and it is only read.
  module.FS.writeFile(name, bytes, { canOwn: true } as never);
  try {
    const file = new library.File(name, 'r');
    try {
      return task(reader(library, module as unknown as Memory, file, bytes.length));
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof UnpoolError) throw error;
    throw new UnpoolError('bad-model', 'The HDF5 file is damaged or cut off.', {
      hint: 'Save or fetch the model again.',
      cause: error,
    });
  } finally {
    module.FS.unlink(name);
  }
}

function reader(library: typeof h5wasm, module: Memory, file: Group, fileBytes: number): Hdf5 {
  const group = (path: string): Group | null => {
    if (path === '/') return file;
    const parts = path.split('/').slice(1);
    let here: Group = file;
    for (const part of parts) {
      const next = here.keys().includes(part) ? here.get(part) : null;
      if (!(next instanceof library.Group)) return null;
      here = next;
    }
    return here;
  };
  const entity = (path: string) => {
    const at = path.lastIndexOf('/');
    const parent = group(path.slice(0, at) || '/');
    const last = path.slice(at + 1);
    return parent?.keys().includes(last) ? parent.get(last) : null;
  };
  const attribute = (path: string, name: string): unknown => group(path)?.attrs[name]?.value ?? null;
  return {
    children: (path) => group(path)?.keys() ?? [],
    isDataset: (path) => entity(path) instanceof library.Dataset,
    text: (path, name) => {
      const value = attribute(path, name);
      return typeof value === 'string' ? value : null;
    },
    texts: (path, name) => {
      const value = attribute(path, name);
      return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : null;
    },
    tensor: (path) => {
      const dataset = entity(path);
      const fail = (what: string) =>
        new UnpoolError('bad-tensor', `The weight "${path}" ${what}.`, { place: { field: path } });
      if (!(dataset instanceof library.Dataset)) throw fail('is not in the file');
      const { shape, type, size, signed, littleEndian } = dataset.metadata;
      if (!shape || (type !== 0 && type !== 1) || ![1, 2, 4, 8].includes(size)) throw fail('does not hold numbers');
      const bytes = sizeOf(shape) * size;
      if (bytes > fileBytes * (dataset.filters.length > 0 ? largestRatio : 1))
        throw fail(`claims ${bytes} bytes in a file of ${fileBytes}`);
      if (bytes === 0) throw fail('is empty');
      if (type === 1 && size === 2) {
        if (!littleEndian) throw fail('holds half-precision numbers with their bytes turned round');
        return { type: 'float16', dims: shape, data: halves(dataset, bytes) };
      }
      const value = dataset.value;
      // A scalar comes as a number, whatever its type.
      if (typeof value === 'number' || typeof value === 'bigint')
        return { type: 'float64', dims: shape, data: Float64Array.of(Number(value)) };
      if (!ArrayBuffer.isView(value)) throw fail('does not hold numbers');
      const kind = type === 1 ? 'float' : signed ? 'int' : 'uint';
      return { type: `${kind}${size * 8}` as DataType, dims: shape, data: value as Tensor['data'] };
    },
  };

  /** The bits of a half-precision dataset, which h5wasm's own reader does not know. */
  function halves(dataset: { file_id: bigint; path: string }, bytes: number): Uint16Array {
    const at = module._malloc(bytes);
    if (at === 0) throw new RangeError('out of memory');
    try {
      module.get_dataset_data(dataset.file_id, dataset.path, null, null, null, BigInt(at));
      return new Uint16Array(module.HEAPU8.slice(at, at + bytes).buffer);
    } finally {
      module._free(at);
    }
  }
}

interface Memory {
  HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(at: number): void;
  get_dataset_data(file: bigint, path: string, count: null, offset: null, strides: null, at: bigint): void;
}

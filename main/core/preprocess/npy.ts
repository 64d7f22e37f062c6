import { sizeOf, stridedCopy } from '../graph/tensor';
import { UnpoolError } from '../errors';

/** An array of NumPy: row-major, as float64. */
export interface NpyArray {
  shape: number[];
  data: Float64Array;
}

const bytesOf: Record<string, number> = { f4: 4, f8: 8, u1: 1, i1: 1, u2: 2, i2: 2, i4: 4, u4: 4 };
const largest = 1 << 26;

/**
 * Reads a .npy file (versions 1 to 3; real numbers, no pickles). Throws UnpoolError.
 * Source: NumPy's "npy-format" specification.
 */
export function readNpy(bytes: Uint8Array): NpyArray {
  const bad = (what: string) =>
    new UnpoolError('bad-npy', `This is not a .npy file that can be read: ${what}.`, {
      hint: 'Write it with numpy.save(file, array.astype("float32")).',
    });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (bytes.length < 12 || magic.some((value, i) => bytes[i] !== value)) throw bad('it does not begin as one');
  const wide = bytes[6]! >= 2;
  const start = wide ? 12 : 10;
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  if (start + length > bytes.length) throw bad('it ends too early');
  const head = String.fromCharCode(...bytes.subarray(start, Math.min(start + length, start + 4096)));
  const [, order, kind = ''] = /'descr':\s*'([<>|=]?)([a-z]\d+)'/.exec(head) ?? [];
  const dims = /'shape':\s*\(([\d,\sL]*)\)/.exec(head)?.[1];
  const fortran = /'fortran_order':\s*True/.test(head);
  const size = bytesOf[kind];
  if (size === undefined || dims === undefined) throw bad('it holds something else than real numbers');
  const shape = dims.split(',').flatMap((dim) => (dim.trim() ? [parseInt(dim, 10)] : []));
  const count = shape.reduce((product, dim) => product * dim, 1);
  if (count > largest) throw bad('it is larger than a mean picture can be');
  if (start + length + count * size > bytes.length) throw bad('it ends too early');
  const little = order !== '>';
  const read: Record<string, (at: number) => number> = {
    f4: (at) => view.getFloat32(at, little),
    f8: (at) => view.getFloat64(at, little),
    u1: (at) => view.getUint8(at),
    i1: (at) => view.getInt8(at),
    u2: (at) => view.getUint16(at, little),
    i2: (at) => view.getInt16(at, little),
    u4: (at) => view.getUint32(at, little),
    i4: (at) => view.getInt32(at, little),
  };
  const data = new Float64Array(count);
  for (let i = 0; i < count; i++) data[i] = read[kind]!(start + length + i * size);
  return { shape, data: fortran ? rowMajor(data, shape) : data };
}

function rowMajor(data: Float64Array, shape: readonly number[]): Float64Array {
  return stridedCopy(
    data,
    shape,
    shape.map((_, axis) => sizeOf(shape.slice(0, axis))),
  );
}

/** The mean of each channel of a mean file: [channels], [channels, h, w] or [h, w, channels]. Null where it is no such thing. */
export function channelMeans({ shape, data }: NpyArray, channels: number): number[] | null {
  const dims = shape[0] === 1 && shape.length === 4 ? shape.slice(1) : shape;
  if (dims.length === 1 && dims[0] === channels) return Array.from(data);
  if (dims.length === 2 && channels === 1) return [average(data, 0, 1)];
  if (dims.length !== 3) return null;
  const area = data.length / channels;
  if (dims[0] === channels)
    return Array.from({ length: channels }, (_, c) => average(data.subarray(c * area, (c + 1) * area), 0, 1));
  if (dims[2] === channels) return Array.from({ length: channels }, (_, c) => average(data, c, channels));
  return null;
}

function average(data: Float64Array, from: number, step: number): number {
  let [sum, count] = [0, 0];
  for (let i = from; i < data.length; i += step) {
    sum += data[i]!;
    count += 1;
  }
  return sum / count;
}

/**
 * The mean of each pixel as [channels, h, w] for an input of this size: a larger one is cut at its centre, as Caffe does.
 * Null where the file has no pixels or is smaller.
 */
export function pixelMeans(
  { shape, data }: NpyArray,
  channels: number,
  [height, width]: readonly [number, number],
): Float32Array | null {
  let dims = shape[0] === 1 && shape.length === 4 ? shape.slice(1) : shape;
  if (dims.length === 2 && channels === 1) dims = [1, ...dims];
  if (dims.length !== 3) return null;
  const first = dims[0] === channels;
  if (!first && dims[2] !== channels) return null;
  const [h, w] = first ? [dims[1]!, dims[2]!] : [dims[0]!, dims[1]!];
  if (h < height || w < width) return null;
  const [top, left] = [Math.floor((h - height) / 2), Math.floor((w - width) / 2)];
  const out = new Float32Array(channels * height * width);
  for (let c = 0, at = 0; c < channels; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++, at++) {
        const pixel = (top + y) * w + left + x;
        out[at] = data[first ? c * h * w + pixel : pixel * channels + c]!;
      }
  return out;
}

import { unzipSync } from 'fflate';
import { UnpoolError } from '../errors';

export const isZip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;

const entryLength = 46;

/**
 * The list of an archive's files is walked by the number of them that it claims: a number that cannot be is refused before.
 * Throws UnpoolError. Layout: ZIP's end of central directory ("PK" 5 6), of ZIP64 the record that its locator ("PK" 6 7) names.
 */
export function checkDirectory(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u32 = (at: number): number => (at >= 0 && at + 4 <= bytes.length ? view.getUint32(at, true) : 0);
  let end = bytes.length - 22;
  while (end > 0 && bytes.length - end < 65558 && u32(end) !== 0x06054b50) end--;
  if (u32(end) !== 0x06054b50) return;
  const record = u32(end - 20) === 0x07064b50 ? u32(end - 12) : -1;
  const count = u32(record) === 0x06064b50 ? u32(record + 32) : (bytes[end + 8] ?? 0) | ((bytes[end + 9] ?? 0) << 8);
  if (count * entryLength > bytes.length)
    throw new UnpoolError('bad-model', `The archive claims ${count} files, more than it can hold.`, {
      hint: 'The file is damaged: save or fetch it again.',
    });
}

/** No archive may unpack to more than this many times its own size, give or take a megabyte. */
const largestRatio = 50;

/**
 * The names in a ZIP archive and, for those that `wanted` picks, their bytes. Declared sizes are held against the archive's
 * before anything is unpacked. Throws UnpoolError.
 */
export function unzip(bytes: Uint8Array, wanted: (name: string) => boolean): Map<string, Uint8Array | null> {
  const entries = new Map<string, Uint8Array | null>();
  let total = 0;
  checkDirectory(bytes);
  try {
    const unpacked = unzipSync(bytes, {
      filter: ({ name, originalSize, size, compression }) => {
        entries.set(name, null);
        if (!wanted(name)) return false;
        total += originalSize;
        if (total > bytes.length * largestRatio + 2 ** 20 || (compression === 0 && size > bytes.length))
          throw new UnpoolError('bad-model', `"${name}" in the archive claims ${originalSize} bytes.`, {
            hint: 'The file is damaged, or made to fill the memory.',
            place: { field: name },
          });
        return true;
      },
    });
    for (const [name, content] of Object.entries(unpacked)) entries.set(name, content);
  } catch (error) {
    if (error instanceof UnpoolError) throw error;
    throw new UnpoolError('bad-model', 'The ZIP archive is damaged or cut off.', {
      hint: 'Save or fetch the model again.',
      cause: error,
    });
  }
  return entries;
}

/** The names in a ZIP archive; none where it cannot be read. */
export function zipNames(bytes: Uint8Array): string[] {
  if (!isZip(bytes)) return [];
  try {
    return [...unzip(bytes, () => false).keys()];
  } catch (error) {
    if (error instanceof UnpoolError) return [];
    throw error;
  }
}

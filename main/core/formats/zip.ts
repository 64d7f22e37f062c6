import { unzipSync } from 'fflate';
import { UnpoolError } from '../errors';

export const isZip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;

/** No archive may unpack to more than this many times its own size, give or take a megabyte. */
const largestRatio = 50;

/**
 * The names in a ZIP archive and, for those that `wanted` picks, their bytes. Declared sizes are held against the archive's
 * before anything is unpacked. Throws UnpoolError.
 */
export function unzip(bytes: Uint8Array, wanted: (name: string) => boolean): Map<string, Uint8Array | null> {
  const entries = new Map<string, Uint8Array | null>();
  let total = 0;
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

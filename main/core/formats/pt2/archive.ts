import { unzipSync } from 'fflate';
import { UnpoolError } from '../../errors';
import { decodeText } from '../onnx/text';
import { checkDirectory } from '../zip';

const saveAgain =
  'In Python, with torch 2.9 or newer: torch.export.save(torch.export.export(model.eval(), (torch.zeros(1, 3, 224, 224),)), "model.pt2"). Or: torch.onnx.export(model.eval(), torch.zeros(1, 3, 224, 224), "model.onnx", dynamo=True).';

/** The archive holds Python's pickles, which run code when they are read: never read here. */
export const pickled = (what: string): UnpoolError =>
  new UnpoolError('foreign-model', `${what} Unpool never runs code from a file, which opening it would do.`, {
    hint: saveAgain,
  });

const tailLength = 65536;

/** Which of PyTorch's export archives a file is; null where it is none. Told by the list of names at a ZIP's end. */
export function pt2Kind(bytes: Uint8Array): 'raw' | 'pickled' | null {
  if (bytes[0] !== 0x50 || bytes[1] !== 0x4b) return null;
  let tail = '';
  for (const byte of bytes.subarray(Math.max(0, bytes.length - tailLength))) tail += String.fromCharCode(byte);
  if (tail.includes('serialized_exported_program.json')) return 'pickled';
  return tail.includes('/archive_format') && tail.includes('/models/') ? 'raw' : null;
}

/** More than deflate can do: a file that claims it is made to fill the memory. */
const largestRatio = 1040;

/**
 * The files of the archive that a network is read from, without the folder that all lie in. Samples and pickles stay
 * packed. Throws UnpoolError where sizes are impossible or the archive is damaged.
 */
export function unpack(bytes: Uint8Array): Map<string, Uint8Array> {
  checkDirectory(bytes);
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(bytes, {
      filter({ name, size, originalSize, compression }) {
        if (!/^[^/]+\/(models\/|data\/(weights|constants)\/|archive_version$|byteorder$)/.test(name)) return false;
        const most = compression === 0 ? size : size * largestRatio + 1024;
        if (originalSize <= most && size <= bytes.length) return true;
        throw new UnpoolError('bad-model', `"${name}" claims ${originalSize} bytes, packed in ${size}.`, {
          hint: 'The archive is damaged: export it again.',
          place: { field: name },
        });
      },
    });
  } catch (error) {
    if (error instanceof UnpoolError) throw error;
    throw new UnpoolError('bad-model', `The archive cannot be unpacked: ${(error as Error).message}.`, {
      hint: 'The file may be cut off: export or fetch it again.',
      cause: error,
    });
  }
  return new Map(Object.entries(files).map(([name, content]) => [name.slice(name.indexOf('/') + 1), content]));
}

/** A JSON file of the archive, parsed. */
export function json(files: ReadonlyMap<string, Uint8Array>, name: string): unknown {
  const content = files.get(name);
  if (!content)
    throw new UnpoolError('bad-model', `"${name}" is not in the archive.`, {
      hint: 'The archive is damaged: export it again.',
      place: { field: name },
    });
  try {
    return JSON.parse(decodeText(content));
  } catch (error) {
    throw new UnpoolError('bad-model', `"${name}" is not whole: ${(error as Error).message}.`, {
      hint: 'The archive is damaged: export it again.',
      place: { field: name },
      cause: error,
    });
  }
}

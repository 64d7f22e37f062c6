import { UnpoolError } from '../../errors';

/**
 * libhdf5 walks through a global heap (where texts of free length lie) by the lengths in it, and never comes back where one
 * of them is wrong. So the heaps of a file are checked before it sees them: every object has to end within its heap.
 * Layout: HDF5 File Format Specification, "Global Heap": "GCOL", version, 3 reserved, length of the whole; then objects of
 * index (2), count (2), 4 reserved, length (8) and data, padded to 8 bytes; index 0 is free space to the end.
 *
 * @throws UnpoolError
 */
export function checkHeaps(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = (at: number): number => Number(view.getBigUint64(at, true));
  for (let at = bytes.indexOf(0x47); at >= 0 && at + 16 <= bytes.length; at = bytes.indexOf(0x47, at + 1)) {
    if (bytes[at + 1] !== 0x43 || bytes[at + 2] !== 0x4f || bytes[at + 3] !== 0x4c || bytes[at + 4] !== 1) continue;
    const end = at + length(at + 8);
    if (end > bytes.length || end < at + 32) throw damaged();
    for (let object = at + 16; object + 16 <= end;) {
      if (view.getUint16(object, true) === 0) {
        if (object + length(object + 8) !== end) throw damaged();
        break;
      }
      object += 16 + Math.ceil(length(object + 8) / 8) * 8;
      if (object > end) throw damaged();
    }
  }
}

const damaged = (): UnpoolError =>
  new UnpoolError('bad-model', 'The HDF5 file is damaged: a text in it does not end where it should.', {
    hint: 'Save or fetch the model again.',
  });

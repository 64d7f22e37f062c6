/**
 * The difference hash of a picture: 64 bits, each saying whether one cell of an 8 x 9 grid of mean brightness is darker than
 * its right neighbour. Pictures that differ in size, compression or brightness alone have hashes that differ in few bits.
 * Source: N. Krawetz, "Kind of Like That" (2013).
 */
const rows = 8;
const columns = 9;

/** Hashes that differ in at most this many bits are taken for the same picture. */
export const nearBits = 6;

/** The hash of a network's input [channels, height, width] (the first three channels count) as two halves of 32 bits. */
export function differenceHash(
  data: Float32Array,
  channels: number,
  [height, width]: readonly [number, number],
): [number, number] {
  const area = height * width;
  const used = Math.min(3, channels);
  const cells = new Float64Array(rows * columns);
  const edge = (i: number, cells: number, length: number): number => Math.floor((i * length) / cells);
  for (let r = 0; r < rows; r++) {
    const [top, bottom] = [edge(r, rows, height), Math.max(edge(r + 1, rows, height), edge(r, rows, height) + 1)];
    for (let c = 0; c < columns; c++) {
      const [left, right] = [
        edge(c, columns, width),
        Math.max(edge(c + 1, columns, width), edge(c, columns, width) + 1),
      ];
      const [low, high] = [Math.min(bottom, height), Math.min(right, width)];
      let sum = 0;
      for (let channel = 0; channel < used; channel++)
        for (let y = top; y < low; y++) {
          const line = channel * area + y * width;
          for (let at = line + left; at < line + high; at++) sum += data[at]!;
        }
      cells[r * columns + c] = sum / ((bottom - top) * (right - left));
    }
  }
  const halves: [number, number] = [0, 0];
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns - 1; c++)
      if (cells[r * columns + c]! < cells[r * columns + c + 1]!) {
        const bit = r * (columns - 1) + c;
        halves[bit >> 5]! |= 1 << (bit & 31);
      }
  return [halves[0] >>> 0, halves[1] >>> 0];
}

function ones(word: number): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** In how many bits two hashes differ. */
export const hashDistance = (a: readonly [number, number], b: readonly [number, number]): number =>
  ones(a[0] ^ b[0]) + ones(a[1] ^ b[1]);

/**
 * Groups of near-duplicates among entries in order: each entry's group is that of the first entry whose own picture is near
 * its. Null is no hash: a group of its own.
 */
export function groupsOf(hashes: readonly (readonly [number, number] | null)[]): number[] {
  const firsts: number[] = [];
  return hashes.map((hash, i) => {
    const same = hash && firsts.find((first) => hashes[first] && hashDistance(hash, hashes[first]) <= nearBits);
    if (same !== undefined && same !== null) return same;
    firsts.push(i);
    return i;
  });
}

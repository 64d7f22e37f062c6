/** A range of pictures [from, to). */
export interface Range {
  from: number;
  to: number;
}

/**
 * Where the batch that starts at `next` ends. Batches are cut within each part of the picture list (the pictures that the
 * study was made with, then those added each time), so that a picture is always computed beside the same others.
 */
export function batchEnd(next: number, parts: readonly number[], batch: number): number {
  let start = 0;
  for (const count of parts) {
    const end = start + count;
    if (next < end) return Math.min(end, next + batch - ((next - start) % batch));
    start = end;
  }
  return start;
}

/** Shard `index` (1 to `of`) of `total` pictures: as many whole batches as the others, but for one. */
export function shardRange(total: number, batch: number, index: number, of: number): Range {
  const batches = Math.ceil(total / batch);
  const edge = (i: number): number => Math.min(total, Math.floor((batches * i) / of) * batch);
  return { from: edge(index - 1), to: edge(index) };
}

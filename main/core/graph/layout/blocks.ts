import type { Node } from '../graph';
import { reshapeTarget, type LayoutPass } from './pass';
import { sizeOf } from '../tensor';

/** Neighbouring axes that together hold the same elements before and after a Reshape. */
interface Block {
  from: number[];
  to: number[];
}

/** Splits a Reshape into its smallest blocks; axes of one element go with the block before them. */
export function blocksOf(from: readonly number[], to: readonly number[]): Block[] | null {
  const blocks: Block[] = [];
  let i = 0;
  let j = 0;
  while (i < from.length || j < to.length) {
    if (i >= from.length || j >= to.length) {
      const rest = i < from.length ? from.slice(i) : to.slice(j);
      const last = blocks.at(-1);
      if (sizeOf(rest) !== 1 || !last) return null;
      while (i < from.length) last.from.push(i++);
      while (j < to.length) last.to.push(j++);
      break;
    }
    const block: Block = { from: [i], to: [j] };
    let [a, b] = [from[i++]!, to[j++]!];
    while (a !== b) {
      if (a < b && i < from.length) {
        a *= from[i]!;
        block.from.push(i++);
      } else if (b < a && j < to.length) {
        b *= to[j]!;
        block.to.push(j++);
      } else return null;
    }
    blocks.push(block);
  }
  return blocks;
}

/**
 * A Reshape of a transposed value that splits and joins axes: the view is reshaped block by block, the blocks in the order
 * in which the view has them, after a Transpose where the axes of a block lie apart in it (a channel shuffle).
 */
export function mergeAxes(
  pass: LayoutPass,
  node: Node,
  { name, perm, from, to }: { name: string; perm: readonly number[]; from: readonly number[]; to: readonly number[] },
): boolean {
  const blocks = blocksOf(from, to);
  if (!blocks || from[0] !== to[0] || perm[0] !== 0 || blocks[0]!.from.length > 1) return false;
  const place = (block: Block): number => Math.min(...block.from.map((axis) => perm[axis]!));
  const arranged = [...blocks].sort((a, b) => place(a) - place(b));
  const axes = arranged.flatMap((block) => block.from.map((axis) => perm[axis]!));
  const order = arranged.flatMap((block) => block.to);
  const out = to.map((_, axis) => order.indexOf(axis));
  const target = reshapeTarget(pass, node, to, out);
  return target !== null && pass.emit(node, [pass.transposed(name, axes), target], out);
}

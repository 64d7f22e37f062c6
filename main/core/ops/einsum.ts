import { stringAttribute, type Node } from '../graph/graph';
import { inputShape, shapeAtRun } from './axes';
import { nd, stridesOf } from './nd';
import { inputName, need, type Known, type Op, type Shape } from './op';

export interface Equation {
  terms: string[];
  out: string;
}

/**
 * The equation with one letter per axis. An ellipsis becomes letters of its own (digits here), aligned at its end, as
 * broadcasting is; without "->" the output has the letters that occur once, in alphabetical order.
 */
export function equationOf(node: Node, shapes: readonly Shape[]): Equation {
  const text = stringAttribute(node, 'equation', '').replaceAll(' ', '');
  const [left = '', right] = text.split('->');
  const given = left.split(',');
  if (given.length !== shapes.length) throw new RangeError(`"${text}" is not for ${shapes.length} inputs`);
  const hidden = given.map((term, i) => (term.includes('...') ? shapes[i]!.length - (term.length - '...'.length) : 0));
  const most = Math.max(...hidden);
  const ellipsis = (count: number) => '0123456789'.slice(most - count, most);
  const terms = given.map((term, i) => term.replace('...', ellipsis(hidden[i]!)));
  terms.forEach((term, i) => {
    if (term.length !== shapes[i]!.length)
      throw new RangeError(`"${text}" is not for [${shapes.map((shape) => shape.join(', ')).join('] and [')}]`);
  });
  const letters = [...terms.join('')].filter((letter) => /[a-zA-Z]/.test(letter)).sort();
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter)).join('');
  return { terms, out: right === undefined ? ellipsis(most) + once : right.replace('...', ellipsis(most)) };
}

/** The length of each letter; of two lengths one of which is 1 the other, as broadcasting does. */
export function lengthsOf({ terms }: Equation, shapes: readonly Shape[]): Map<string, number> {
  const lengths = new Map<string, number>();
  terms.forEach((term, i) =>
    [...term].forEach((letter, axis) => {
      const dim = shapes[i]![axis]!;
      const other = lengths.get(letter) ?? 1;
      if (dim !== 1 && other !== 1 && dim !== other)
        throw new RangeError(`"${letter}" is ${other} long and ${dim} long`);
      lengths.set(letter, Math.max(dim, other));
    }),
  );
  return lengths;
}

const knownShapes = (node: Node, known: Known): Shape[] =>
  node.inputs.map((_, index) => inputShape(known, node, index));

/** ONNX's equations allow only letters; an ellipsis spelled out takes letters that the rest does not use. */
function written({ terms, out }: Equation): string {
  const free = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].filter((letter) => !`${terms.join('')}${out}`.includes(letter));
  const names = new Map([...'0123456789'].map((digit, i) => [digit, free[i]!]));
  return `${terms.join(',')}->${out}`.replaceAll(/\d/g, (digit) => names.get(digit)!);
}

const repeated = (term: string): boolean => new Set(term).size !== term.length;

/** Sums of products over named axes, of one operand or two. Linear in each. */
export const einsum: Op = {
  role: 'linear',
  words: ['sums of products', 'the same sums with the output in place of the input'],
  shapes(node, inputs) {
    const shapes = inputs.map((shape) => need(shape, 'the shape of an input'));
    const equation = equationOf(node, shapes);
    const lengths = lengthsOf(equation, shapes);
    return [[...equation.out].map((letter) => need(lengths.get(letter), `"${letter}"`))];
  },
  evaluate(node, inputs) {
    const arrays = inputs.map((input) => need(input, 'an input'));
    const shapes = arrays.map((array) => array.dims);
    const equation = equationOf(node, shapes);
    const lengths = lengthsOf(equation, shapes);
    const letters = [...new Set([...equation.out, ...equation.terms.join('')])];
    const dims = letters.map((letter) => lengths.get(letter)!);
    const stepsOf = (term: string, shape: Shape) => {
      const strides = stridesOf(shape);
      return letters.map((letter) =>
        [...term].reduce((step, each, axis) => step + (each === letter && shape[axis] !== 1 ? strides[axis]! : 0), 0),
      );
    };
    const outDims = [...equation.out].map((letter) => lengths.get(letter)!);
    const out = nd(outDims);
    const outSteps = stepsOf(equation.out, outDims);
    const steps = equation.terms.map((term, i) => stepsOf(term, shapes[i]!));
    const visit = (axis: number, at: number, places: readonly number[]): void => {
      if (axis === letters.length) {
        out.data[at] = out.data[at]! + places.reduce((product, place, i) => product * arrays[i]!.data[place]!, 1);
        return;
      }
      for (let i = 0; i < dims[axis]!; i++)
        visit(
          axis + 1,
          at + i * outSteps[axis]!,
          places.map((place, k) => place + i * steps[k]![axis]!),
        );
    };
    visit(
      0,
      0,
      arrays.map(() => 0),
    );
    return [out];
  },
  macs(node, known) {
    const shapes = knownShapes(node, known);
    return [...lengthsOf(equationOf(node, shapes), shapes).values()].reduce((product, length) => product * length, 1);
  },
  refuses(node, known, onPath) {
    if (node.inputs.length > 2) return 'it multiplies more than two values';
    if (node.inputs.filter(onPath).length > 1) return 'both factors depend on the picture';
    const shapes = knownShapes(node, known);
    const equation = equationOf(node, shapes);
    if (equation.terms.some(repeated)) return 'it takes a diagonal';
    const lengths = lengthsOf(equation, shapes);
    const repeats = equation.terms.some((term, i) => [...term].some((l, axis) => shapes[i]![axis] !== lengths.get(l)));
    return repeats ? 'it repeats axes of length 1' : null;
  },
  /** The same sum with the signal in the operand's place; along axes that were summed alone, the signal is repeated. */
  adjoint(step) {
    const { node, builder, known, signal, onPath } = step;
    const shapes = knownShapes(node, known);
    const { terms, out } = equationOf(node, shapes);
    const index = node.inputs.findIndex(onPath);
    const own = terms[index]!;
    const others = terms.filter((_, i) => i !== index);
    const seen = [...own].filter((letter) => `${out}${others.join('')}`.includes(letter)).join('');
    const equation = written({ terms: [out, ...others], out: seen });
    const operands = [signal, ...node.inputs.filter((_, i) => i !== index)];
    const back = builder.add('Einsum', operands, { equation }, `${node.outputs[0]}:back`);
    const contributions = node.inputs.map((): string | null => null);
    contributions[index] = back;
    if (seen.length < own.length) {
      const kept = [...own].map((letter, axis) => (seen.includes(letter) ? shapes[index]![axis]! : 1));
      // The batch is where the operand has it; its own length is left to the signal.
      const free = own[0] === seen[0] ? kept.map((dim, axis) => (axis === 0 ? 0 : dim)) : kept;
      const shaped = builder.add('Reshape', [back, builder.ints(free)]);
      contributions[index] = builder.add('Expand', [shaped, shapeAtRun(step, inputName(node, index))]);
    }
    return contributions;
  },
  note: (node) => stringAttribute(node, 'equation', ''),
};

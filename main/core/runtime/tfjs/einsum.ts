import { sizeOf } from '../../graph/tensor';
import { equationOf, lengthsOf } from '../../ops/einsum';
import { stridesOf } from '../../ops/nd';
import { result, type Kernel } from './kernel';
import type { Tf, TfTensor } from './library';
import { permute } from './value';

/** A tensor whose axes have letters, all of them longer than 1. */
interface Term {
  letters: string;
  x: TfTensor;
}

/** Takes the diagonals of letters that occur twice, and axes of length 1 away. */
function simplified(tf: Tf, x: TfTensor, letters: string): Term {
  const once = [...new Set(letters)].filter((letter) => x.shape.some((dim, i) => letters[i] === letter && dim > 1));
  const dims = once.map((letter) => Math.max(...x.shape.filter((_, axis) => letters[axis] === letter)));
  const longer = [...letters].filter((_, axis) => x.shape[axis]! > 1);
  if (longer.length === once.length) return { letters: once.join(''), x: tf.reshape(x, dims) };
  const strides = stridesOf(x.shape);
  const steps = once.map((letter) =>
    [...letters].reduce(
      (step, each, axis) => (each === letter && x.shape[axis]! > 1 ? step + strides[axis]! : step),
      0,
    ),
  );
  const own = stridesOf(dims);
  const places = Int32Array.from({ length: sizeOf(dims) }, (_, i) =>
    steps.reduce((at, step, axis) => at + (Math.floor(i / own[axis]!) % dims[axis]!) * step, 0),
  );
  const flat = tf.gather(tf.reshape(x, [sizeOf(x.shape)]), tf.tensor(places, [places.length], 'int32'), 0);
  return { letters: once.join(''), x: tf.reshape(flat, dims) };
}

/** Sums the letters away that nothing else needs. */
function summed(tf: Tf, { letters, x }: Term, needed: string): Term {
  const axes = [...letters].flatMap((letter, axis) => (needed.includes(letter) ? [] : [axis]));
  if (axes.length === 0) return { letters, x };
  return { letters: [...letters].filter((letter) => needed.includes(letter)).join(''), x: tf.sum(x, axes, false) };
}

const turned = (tf: Tf, { letters, x }: Term, order: string): TfTensor =>
  permute(
    tf,
    x,
    [...order].map((letter) => letters.indexOf(letter)),
  );

/** Two terms as one matrix product per element of the letters that both have and the result keeps. */
function product(tf: Tf, left: Term, right: Term, needed: string): Term {
  const a = summed(tf, left, needed + right.letters);
  const b = summed(tf, right, needed + left.letters);
  const pick = (letters: string, wanted: (letter: string) => boolean) => [...letters].filter(wanted).join('');
  const both = pick(a.letters, (letter) => b.letters.includes(letter));
  const batch = pick(both, (letter) => needed.includes(letter));
  const inner = pick(both, (letter) => !needed.includes(letter));
  const rows = pick(a.letters, (letter) => !both.includes(letter));
  const columns = pick(b.letters, (letter) => !both.includes(letter));
  const length = (letters: string) =>
    [...letters]
      .map((letter) => (a.letters.includes(letter) ? a : b))
      .map(({ letters: own, x }, i) => x.shape[own.indexOf(letters[i]!)]!);
  const size = (letters: string) => sizeOf(length(letters));
  const x = tf.reshape(turned(tf, a, batch + rows + inner), [size(batch), size(rows), size(inner)]);
  const y = tf.reshape(turned(tf, b, batch + inner + columns), [size(batch), size(inner), size(columns)]);
  const letters = batch + rows + columns;
  return { letters, x: tf.reshape(tf.matMul(x, y, false, false), length(letters)) };
}

/** Sums of products over named axes, as matrix products. */
export const einsum: Kernel = (node, inputs, env) => {
  const { tf } = env;
  const shapes = inputs.map((value) => value!.dims);
  const equation = equationOf(node, shapes);
  const lengths = lengthsOf(equation, shapes);
  const terms = equation.terms.map((letters, i) => simplified(tf, inputs[i]!.in('plain'), letters));
  const whole = terms.slice(1).reduce(
    (sum, term, i) =>
      product(
        tf,
        sum,
        term,
        equation.out +
          terms
            .slice(i + 2)
            .map(({ letters }) => letters)
            .join(''),
      ),
    terms[0]!,
  );
  const last = summed(tf, whole, equation.out);
  const order = [...equation.out].filter((letter) => last.letters.includes(letter)).join('');
  return result(
    env,
    tf.reshape(
      turned(tf, last, order),
      [...equation.out].map((letter) => lengths.get(letter)!),
    ),
  );
};

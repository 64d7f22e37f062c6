import type { FigureSpec } from './spec';

/** Three figures; large and tiny numbers in powers of ten. */
export function figures(value: number): string {
  const size = Math.abs(value);
  const text =
    size !== 0 && (size < 0.01 || size >= 1e6)
      ? value.toExponential(2)
      : String(+value.toPrecision(size >= 1000 ? 4 : 3));
  return text.replace('-', '−');
}

/** Letter of the row: a, b ... z, aa, ab ... in a style; empty for none. */
export function letter(index: number, style: FigureSpec['letters']): string {
  if (style === 'none') return '';
  let text = '';
  for (let rest = index; rest >= 0; rest = Math.floor(rest / 26) - 1)
    text = String.fromCharCode(97 + (rest % 26)) + text;
  if (style === 'A' || style === '(A)') text = text.toUpperCase();
  return style.startsWith('(') ? `(${text})` : text;
}

const scaleNames: Record<FigureSpec['scale'], string> = {
  own: 'each tile on its own scale',
  shared: 'one scale per unit',
  figure: 'one scale for all',
};

const numerals = ['', '', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];

/** What stands below a figure: what is where, by which methods, on which scale. `methods`: as they stand on figures. */
export function noteOf(spec: FigureSpec, methods: readonly string[], below: boolean): string {
  const named = methods.length ? methods.join('; ') : 'none';
  const capital = named.charAt(0).toUpperCase() + named.slice(1);
  const count = spec.grid[0] * spec.grid[1];
  const what = `the ${count === 1 ? 'strongest activation' : `${numerals[count] ?? count} strongest activations`} of each unit`;
  if (spec.show === 'patch') return `Image patches of ${what}, as large as its receptive field.`;
  const scale = `${scaleNames[spec.scale]}, contrast ${figures(spec.contrast)}, zero is mid-grey.`;
  if (spec.show === 'reconstruction') return `${capital} reconstructions of ${what}; ${scale}`;
  return `${capital} reconstructions of ${what} (${below ? 'above' : 'left'}) and their image patches (${below ? 'below' : 'right'}); ${scale}`;
}

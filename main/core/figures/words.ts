import { percentile } from './level';
import type { FigureSpec } from './spec';

type Language = NonNullable<FigureSpec['language']>;

/** Three figures; large and tiny numbers in powers of ten. */
export function figures(value: number, language: Language = 'en'): string {
  const size = Math.abs(value);
  const text =
    size !== 0 && (size < 0.01 || size >= 1e6)
      ? value.toExponential(2)
      : String(+value.toPrecision(size >= 1000 ? 4 : 3));
  return (language === 'ru' ? text.replace('.', ',') : text).replace('-', '−');
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

/** What a figure says of its own accord. Names of layers and classes, and why something is refused, are data. */
interface Words {
  reconstruction: string;
  patch: string;
  /** Of a unit without any activation. */
  never: string;
  unit(unit: number): string;
  range(from: string, to: string): string;
  share(of: string): string;
  scales: Record<FigureSpec['scale'], string>;
  /** Which of a scale's values is white at contrast 1. */
  white(percentile: string): string;
  /** Of a method as the record names it, by the parts between its commas. */
  methods: Readonly<Record<string, string>>;
  /** What is shown of each unit, in the case that follows "reconstructions of". */
  strongest(count: number): string;
  note(say: { methods: string; what: string; show: FigureSpec['show']; below: boolean; scale: string }): string;
}

const counted = (numerals: readonly string[], count: number): string => numerals[count] ?? String(count);
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const en: Words = {
  reconstruction: 'Reconstruction',
  patch: 'Patch',
  never: 'never active',
  unit: (unit) => `unit ${unit}`,
  range: (from, to) => `${from} to ${to}`,
  share: (of) => `${of} P${figures(percentile)}`.trim(),
  scales: {
    own: 'each tile on its own scale',
    shared: 'one scale per unit',
    figure: 'one scale for all',
  },
  white: (percentile) => `white at the ${percentile}th percentile`,
  methods: {},
  strongest: (count) => {
    const numerals = ['', '', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
    const activations = count === 1 ? 'strongest activation' : `${counted(numerals, count)} strongest activations`;
    return `the ${activations} of each unit`;
  },
  note: ({ methods, what, show, below, scale }) => {
    if (show === 'patch') return `Image patches of ${what}, as large as its receptive field.`;
    const tail = `${scale}, zero is mid-grey.`;
    const head = `${capital(methods || 'none')} reconstructions of ${what}`;
    if (show === 'reconstruction') return `${head}; ${tail}`;
    return `${head} (${below ? 'above' : 'left'}) and their image patches (${below ? 'below' : 'right'}); ${tail}`;
  },
};

const ru: Words = {
  reconstruction: 'Реконструкция',
  patch: 'Фрагмент',
  never: 'ни разу не активен',
  unit: (unit) => `канал ${unit}`,
  range: (from, to) => `${from} – ${to}`,
  share: (of) => `${of} P${figures(percentile, 'ru')}`.trim(),
  scales: {
    own: 'у каждой клетки своя шкала',
    shared: 'одна шкала на канал',
    figure: 'одна шкала на весь рисунок',
  },
  white: (percentile) => `белый — ${percentile}-й процентиль`,
  methods: {
    'leaky on the way back': 'LeakyReLU и на обратном пути',
    gradient: 'градиент',
    'smooth activations and gates by derivative': 'гладкие активации и вентили по производной',
    'smooth activations and gates rectified': 'гладкие активации и вентили с выпрямлением',
  },
  strongest: (count) => {
    const numerals = ['', '', 'двух', 'трёх', 'четырёх', 'пяти', 'шести', 'семи', 'восьми', 'девяти'];
    if (count === 1) return 'сильнейшей активации каждого канала';
    const one = count % 10 === 1 && count % 100 !== 11;
    return `${counted(numerals, count)} ${one ? 'сильнейшей активации' : 'сильнейших активаций'} каждого канала`;
  },
  note: ({ methods, what, show, below, scale }) => {
    if (show === 'patch') return `Фрагменты изображений для ${what}, размером с рецептивное поле.`;
    const tail = `${scale}, ноль — средний серый.`;
    const head = `Реконструкции (${methods || 'нет'}) для ${what}`;
    if (show === 'reconstruction') return `${head}; ${tail}`;
    return `${head} (${below ? 'сверху' : 'слева'}) и фрагменты изображений (${below ? 'снизу' : 'справа'}); ${tail}`;
  },
};

const contrasts: Record<Language, string> = { en: 'contrast', ru: 'контраст' };
const all: Record<Language, Words> = { en, ru };
export const wordsOf = ({ language = 'en' }: Pick<FigureSpec, 'language'>): Words => all[language];

/** A method's name, as the record has it, in the figure's language. */
export const methodWords = (spec: Pick<FigureSpec, 'language'>, name: string): string =>
  name
    .split(', ')
    .map((part) => wordsOf(spec).methods[part] ?? part)
    .join(', ');

/** What stands below a figure: what is where, by which methods, on which scale. `methods`: as the record names them. */
export function noteOf(spec: FigureSpec, methods: readonly string[], below: boolean): string {
  const { language = 'en', show, grid } = spec;
  const words = wordsOf(spec);
  return words.note({
    methods: methods.map((name) => methodWords(spec, name)).join('; '),
    what: words.strongest(grid[0] * grid[1]),
    ...{ show, below },
    scale: [
      words.scales[spec.scale],
      words.white(figures(percentile, language)),
      `${contrasts[language]} ${figures(spec.contrast, language)}`,
    ].join(', '),
  });
}

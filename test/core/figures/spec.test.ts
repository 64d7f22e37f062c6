import { describe, expect, it } from 'vitest';
import { breakText, fitText } from '../../../main/core/figures/scene';
import { newSpec, readSpec } from '../../../main/core/figures/spec';
import { figures, letter, noteOf, wordsOf } from '../../../main/core/figures/words';

const spec = { format: 'unpool-figure', version: 1, rows: [{ layer: 'conv4', units: [17] }] };

describe('a figure as data', () => {
  it('what is left out is the default, and what comes out is read again as it is', () => {
    const read = readSpec(spec);
    expect(read).toMatchObject({ page: 'single', grid: [3, 3], letters: '(a)', scale: 'shared', contrast: 1 });
    expect(read.method).toEqual({ id: 'deconvnet', leaky: 'strict', smooth: 'rectify' });
    expect(readSpec(JSON.parse(JSON.stringify(read)))).toEqual(read);
    expect(newSpec(spec.rows)).toEqual(read);
  });

  it.each([
    [{ ...spec, format: 'other' }, 'bad-figure', 'format'],
    [{ ...spec, version: 2 }, 'newer-figure', 'version'],
    [{ ...spec, version: 0 }, 'bad-figure', 'version'],
    [{ ...spec, contrats: 2 }, 'bad-figure', 'contrats'],
    [{ ...spec, contrast: 'much' }, 'bad-figure', 'contrast'],
    [{ ...spec, rows: [{ layer: 'conv4', units: [] }] }, 'bad-figure', 'rows.0.units'],
    [{ ...spec, rows: [{ layer: 'conv4', units: [-1] }] }, 'bad-figure', /rows\.0\.units/],
    [{ ...spec, grid: [3, 30] }, 'bad-figure', 'grid.1'],
    [null, 'bad-figure', 'format'],
    ['figure', 'bad-figure', 'format'],
  ])('what is wrong is named: %j', (value, code, field) => {
    let thrown: unknown;
    try {
      readSpec(value);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      code,
      place: { field: typeof field === 'string' ? field : (expect.stringMatching(field) as string) },
    });
  });
});

describe('words', () => {
  it('letters go on after z', () => {
    expect([0, 1, 25, 26, 27, 701, 702].map((index) => letter(index, 'a'))).toEqual([
      'a',
      'b',
      'z',
      'aa',
      'ab',
      'zz',
      'aaa',
    ]);
    expect([letter(2, '(A)'), letter(2, 'none')]).toEqual(['(C)', '']);
  });

  it('numbers in three figures', () => {
    expect([0, 1, -0.1234, 5038.4, 12345, 1234567, 0.00123].map((value) => figures(value))).toEqual([
      ...['0', '1', '−0.123', '5038', '12350', '1.23e+6', '1.23e−3'],
    ]);
  });

  it('the note says what is where and how', () => {
    const of = (more: Parameters<typeof newSpec>[1], below = false): string =>
      noteOf(newSpec(spec.rows, more), ['guided backprop'], below);
    expect(of({ contrast: 2 })).toBe(
      'Guided backprop reconstructions of the nine strongest activations of each unit (left) and their image patches (right); one scale per unit, white at the 99.5th percentile, contrast 2, zero is mid-grey.',
    );
    expect(of({ scale: 'figure', grid: [1, 1] }, true)).toMatch(
      /the strongest activation of each unit \(above\).*\(below\); one scale for all/,
    );
    expect(of({ show: 'patch' })).not.toMatch(/contrast/);
  });

  const measure = (text: string): number => [...text].length;
  it('text is shortened or broken to fit', () => {
    expect([
      fitText('convolution', 11, measure),
      fitText('convolution', 5, measure),
      fitText('con', 0, measure),
    ]).toEqual([...['convolution', 'conv…', '']]);
    expect(breakText('a word and another', 8, measure)).toEqual(['a word', 'and', 'another']);
    expect(breakText('incomprehensibilities', 8, measure)).toEqual(['incompre', 'hensibil', 'ities']);
    expect(breakText('two\nlines', 80, measure)).toEqual(['two', 'lines']);
  });
});

describe('the language of a figure', () => {
  it('is English where it is not said, and is not written down then', () => {
    expect('language' in readSpec(spec)).toBe(false);
    expect(wordsOf({}).never).toBe('never active');
    expect(() => readSpec({ ...spec, language: 'fr' })).toThrow(/"language" is wrong/);
  });

  it('Russian counts, decimal commas, methods', () => {
    const of = (more: Parameters<typeof newSpec>[1], methods = ['guided backprop']): string =>
      noteOf(newSpec(spec.rows, { language: 'ru', ...more }), methods, false);
    expect(of({ contrast: 1.5 })).toBe(
      'Реконструкции (guided backprop) для девяти сильнейших активаций каждого канала (слева) и фрагменты изображений (справа); одна шкала на канал, белый — 99,5-й процентиль, контраст 1,5, ноль — средний серый.',
    );
    expect(of({ grid: [1, 1] })).toMatch(/для сильнейшей активации каждого канала/);
    expect(of({ grid: [3, 7] })).toMatch(/для 21 сильнейшей активации/);
    expect(of({ show: 'patch' })).toBe(
      'Фрагменты изображений для девяти сильнейших активаций каждого канала, размером с рецептивное поле.',
    );
    expect(of({}, ['gradient', 'deconvnet, smooth activations and gates rectified'])).toMatch(
      /\(градиент; deconvnet, гладкие активации и вентили с выпрямлением\)/,
    );
    expect([0.123, -1.5].map((value) => figures(value, 'ru'))).toEqual(['0,123', '−1,5']);
  });
});

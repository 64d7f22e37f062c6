import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { language, systemLanguage, t } from '../../renderer/i18n';
import { en } from '../../renderer/i18n/en';
import { ru } from '../../renderer/i18n/ru';
import { bytes, count, duration, figure, macs, percent } from '../../renderer/lib/numbers';
import { ago } from '../../renderer/lib/time';
import { literalsIn } from './literals';

const root = path.resolve(import.meta.dirname, '../../renderer');
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(ts|vue)$/.test(name) && !/^i18n[\\/](en|ru)/.test(name))
  .map((name) => ({ name, text: readFileSync(path.join(root, name), 'utf8') }));

function flat(messages: object, prefix = ''): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(messages)) {
    if (typeof value === 'string') found.set(prefix + key, value);
    else for (const [inner, message] of flat(value as object, `${prefix}${key}.`)) found.set(inner, message);
  }
  return found;
}
const english = flat(en);
const russian = flat(ru);

afterEach(() => (language.value = 'en'));

describe('messages', () => {
  it('are the same in both languages', () => {
    expect([...russian.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it('take the same values in both languages, in every plural form', () => {
    const values = (form: string): string[] => [...new Set(form.match(/\{\w+\}/g) ?? [])].sort();
    for (const [key, message] of english) {
      const forms = [...message.split(' | '), ...(russian.get(key) ?? '').split(' | ')].map(values);
      for (const form of forms) expect(form, key).toEqual(forms[0]);
    }
  });

  it('have the plural forms of their language', () => {
    for (const [key, message] of english) expect([1, 2], key).toContain(message.split(' | ').length);
    for (const [key, message] of russian) expect([1, 3], key).toContain(message.split(' | ').length);
  });

  it('are all used', () => {
    const all = sources.map(({ text }) => text).join('\n');
    const literals = new Set(all.match(/(?<=['"`])[a-z][\w.]*(?=['"`])/gi));
    const starts = [...new Set(all.match(/(?<=`)[a-z]\w*\.[\w.]*(?=\$\{)/gi))];
    const unused = [...english.keys()].filter(
      (key) => !literals.has(key) && !starts.some((start) => key.startsWith(start)),
    );
    expect(unused).toEqual([]);
  });

  it('are translated', () => {
    /** Names and signs that are the same in both. */
    const runtimes = ['onnx', 'tfjs', 'wasm'].map((name) => `settings.runtime.${name}`);
    const same = new Set<string>([
      'common.app',
      'units.methods.deconvnet.name',
      'units.methods.guided.name',
      ...runtimes,
    ]);
    const left = [...english].filter(
      ([key, message]) => /[a-z]{2}/i.test(message.replace(/\{\w+\}/g, '')) && russian.get(key) === message,
    );
    expect(left.map(([key]) => key).filter((key) => !same.has(key))).toEqual([]);
    for (const [key, message] of russian)
      if (/[a-z]{2}/i.test((english.get(key) ?? '').replace(/\{\w+\}/g, '')) && !same.has(key))
        expect(message, key).toMatch(/[а-яё]/i);
  });

  it('are the only words: no template and no script has its own', () => {
    /** Names of keys, types of events, and what only a maker of the program reads. */
    const allowed = new Set([
      'No host has been set.',
      'Home',
      'End',
      'Enter',
      'Escape',
      'Backspace',
      'Delete',
      'Files',
      'Mac',
      'Unpool',
    ]);
    const found = sources
      // lib/keys.ts names keys, as they are written on them.
      .filter(({ name }) => !name.startsWith('i18n') && name !== path.join('lib', 'keys.ts'))
      .flatMap(({ name, text }) => literalsIn(name, text).map((words) => ({ name, words })))
      .filter(({ words }) => !allowed.has(words));
    expect(found).toEqual([]);
  });

  it('would be missed where a word stood alone', () => {
    const component = `<script setup>const said = bad ? 'Try again' : 'ok';</script>
      <template><p title="Hints">Two words {{ many ? 'Several of them' : t('x.y') }}</p></template>`;
    expect(literalsIn('x.vue', component)).toEqual(['Hints', 'Two words', 'Several of them', 'Try again']);
  });

  it('can all be written', () => {
    for (const spoken of ['en', 'ru'] as const) {
      language.value = spoken;
      for (const [key, message] of spoken === 'en' ? english : russian) {
        const names = [...message.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
        const values = Object.fromEntries(names.map((name) => [name, name === 'n' ? 5 : '§']));
        const said = t(key as never, values);
        expect(said, key).not.toBe(key);
        expect(said, key).not.toMatch(/[{}]| \| /);
      }
    }
  });
});

describe('the language', () => {
  it('is the first of the system’s that there is', () => {
    expect(systemLanguage(['de-DE', 'ru-RU', 'en'])).toBe('ru');
    expect(systemLanguage(['de'])).toBe('en');
  });

  it('counts', () => {
    expect([1, 2, 1404].map((n) => t('common.pictures', { n }))).toEqual(['1 picture', '2 pictures', '1,404 pictures']);
    language.value = 'ru';
    expect([1, 3, 11, 21, 1404].map((n) => t('common.layers', { n }))).toEqual([
      '1 слой',
      '3 слоя',
      '11 слоёв',
      '21 слой',
      '1\u00a0404 слоя',
    ]);
  });

  it('writes numbers and dates', () => {
    language.value = 'ru';
    expect(count(1404)).toBe('1\u00a0404');
    expect(figure(12.345)).toBe('12,3');
    expect(percent(0.0123)).toBe('1,2\u202f%');
    expect(bytes(5_018_304)).toBe('5,0\u202fМБ');
    expect(duration(7800)).toBe('2\u202fч 10\u202fмин');
    expect(macs(8.62e8)).toBe('862\u202fМ');
    const now = Date.parse('2026-11-24T12:00:00Z');
    expect(ago('2026-11-24T09:00:00Z', now)).toBe('3 часа назад');
    expect(ago('2026-03-04T09:00:00Z', now)).toBe('4 марта 2026 г.');
  });
});

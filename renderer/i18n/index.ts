import { watch } from 'vue';
import { createI18n } from 'vue-i18n';
import { en } from './en';
import { language } from './language';
import type { Path } from './messages';
import { ru } from './ru';

export { language, languages, languageNames, systemLanguage, type Language } from './language';

/** The name of a message. */
export type MessageKey = Path<typeof en>;

/** Russian counts in three forms: 1 слой, 2 слоя, 5 слоёв. */
const russian = new Intl.PluralRules('ru');
function russianForm(value: number, forms: number): number {
  const form = { one: 0, few: 1 }[russian.select(value) as string] ?? 2;
  return Math.min(form, forms - 1);
}

const i18n = createI18n({
  legacy: false,
  locale: language.value,
  fallbackLocale: 'en',
  messages: { en, ru },
  pluralRules: { ru: russianForm },
});
watch(
  language,
  (next) => {
    i18n.global.locale.value = next;
    if (typeof document !== 'undefined') document.documentElement.lang = next;
  },
  { flush: 'sync', immediate: true },
);

/**
 * The message in the window's language; where it is called in a template or a computed value, it follows the language.
 * Numbers among the values are written as the language writes them; the value `n` also chooses the plural form.
 */
export function t(key: MessageKey, values: Record<string, string | number> = {}): string {
  const written: Record<string, string> = {};
  for (const [name, value] of Object.entries(values))
    written[name] = typeof value === 'number' ? value.toLocaleString(i18n.global.locale.value) : value;
  return typeof values['n'] === 'number'
    ? i18n.global.t(key, written, { plural: values['n'] })
    : i18n.global.t(key, written);
}

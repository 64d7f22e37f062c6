import { ref } from 'vue';

export const languages = ['en', 'ru'] as const;
export type Language = (typeof languages)[number];

/** The language's own name for itself. */
export const languageNames: Record<Language, string> = { en: 'English', ru: 'Русский' };

/** The first of the user's languages that there is, else English. */
export function systemLanguage(wanted: readonly string[] = navigator.languages): Language {
  for (const tag of wanted) {
    const found = languages.find((language) => tag.toLowerCase().split('-')[0] === language);
    if (found) return found;
  }
  return 'en';
}

/** The language that the window speaks. */
export const language = ref<Language>('en');

import { defineStore } from 'pinia';
import { ref, watch, type Ref } from 'vue';
import { defaultContrast } from '../../preload/contract';
import { useHost } from '../host/host';
import { language, languages, systemLanguage, type Language } from '../i18n';

export type Theme = 'system' | 'light' | 'dark';

/** A setting of this window, kept where the browser keeps such things. */
function kept<T>(key: string, fallback: T, isValid: (value: unknown) => value is T): Ref<T> {
  const name = `unpool.${key}`;
  let start = fallback;
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(name) ?? 'null');
    if (isValid(stored)) start = stored;
  } catch {
    // Written by something else, or storage is closed to us: the default does.
  }
  const value = ref(start) as Ref<T>;
  watch(value, (next) => {
    try {
      localStorage.setItem(name, JSON.stringify(next));
    } catch {
      // Without storage the choice lasts as long as the window.
    }
  });
  return value;
}

const oneOf =
  <T>(...values: T[]) =>
  (value: unknown): value is T =>
    values.includes(value as T);
const between =
  (low: number, high: number) =>
  (value: unknown): value is number =>
    typeof value === 'number' && value >= low && value <= high;

export const contrastRange = [0.25, 16] as const;
export const tileSizes = [56, 72, 96, 128, 176] as const;

/** How things are drawn: changes nothing that is computed. */
export const useLook = defineStore('look', () => {
  const theme = kept<Theme>('theme', 'system', oneOf<Theme>('system', 'light', 'dark'));
  /** Of the window's words; null: the system's. */
  const languageChoice = kept<Language | null>('language', null, oneOf<Language | null>(null, ...languages));
  watch(languageChoice, (next) => (language.value = next ?? systemLanguage()), { immediate: true });
  const contrast = kept('contrast', defaultContrast, between(...contrastRange));
  const scale = kept<'shared' | 'own'>('scale', 'shared', oneOf<'shared' | 'own'>('shared', 'own'));
  /** Side of a tile of the grid in px, at least. */
  const tile = kept<number>('tile', 72, oneOf<number>(...tileSizes));
  const layersWidth = kept('layersWidth', 244, between(160, 420));
  /** Null: a share of the window. */
  const unitWidth = kept<number | null>(
    'unitWidth',
    null,
    (value): value is number | null => value === null || between(360, 1600)(value),
  );
  const logCounts = kept('logCounts', false, oneOf<boolean>(true, false));

  const system = matchMedia('(prefers-color-scheme: dark)');
  const dark = ref(false);
  const apply = (): void => {
    dark.value = theme.value === 'dark' || (theme.value === 'system' && system.matches);
    document.documentElement.dataset.theme = dark.value ? 'dark' : 'light';
  };
  system.addEventListener('change', apply);
  watch(theme, (next) => {
    apply();
    void useHost().setTheme?.(next);
  });
  apply();

  /** One size up or down. */
  function zoom(by: number): void {
    const at = tileSizes.findIndex((size) => size === tile.value);
    tile.value = tileSizes[Math.min(tileSizes.length - 1, Math.max(0, at + by))] ?? tile.value;
  }

  return { theme, dark, languageChoice, contrast, scale, tile, layersWidth, unitWidth, logCounts, zoom };
});

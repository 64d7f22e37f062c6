import { defineStore } from 'pinia';
import { ref, watch, type Ref } from 'vue';
import { defaultContrast, type LookValue } from '../../preload/contract';
import { useHost } from '../host/host';
import { language, languages, systemLanguage, type Language } from '../i18n';

export type Theme = 'system' | 'light' | 'dark';

type Take = (value: unknown) => void;

/** A setting of this window, kept where the browser keeps such things, and by the engine, whom every host's window asks. */
function kept<T extends LookValue>(
  takes: Map<string, Take>,
  key: string,
  fallback: T,
  isValid: (value: unknown) => value is T,
): Ref<T> {
  const name = `unpool.${key}`;
  let start = fallback;
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(name) ?? 'null');
    if (isValid(stored)) start = stored;
  } catch {
    // Written by something else, or storage is closed to us: the default does.
  }
  const value = ref(start) as Ref<T>;
  // A slider moves many times a second: the engine is told where it came to rest.
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tell = (name: string, next: T): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      useHost()
        .client.call('look.write', { key: name, value: next })
        .catch((error: unknown) => console.warn('look.write', error));
    }, 400);
  };
  watch(value, (next) => {
    try {
      localStorage.setItem(name, JSON.stringify(next));
    } catch {
      // Without storage the choice lasts as long as the window.
    }
    tell(key, next);
  });
  takes.set(key, (stored) => {
    if (isValid(stored)) value.value = stored;
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
  const takes = new Map<string, Take>();
  const theme = kept<Theme>(takes, 'theme', 'system', oneOf<Theme>('system', 'light', 'dark'));
  /** Of the window's words; null: the system's. */
  const languageChoice = kept<Language | null>(takes, 'language', null, oneOf<Language | null>(null, ...languages));
  watch(languageChoice, (next) => (language.value = next ?? systemLanguage()), { immediate: true });
  const contrast = kept(takes, 'contrast', defaultContrast, between(...contrastRange));
  const scale = kept<'shared' | 'own'>(takes, 'scale', 'shared', oneOf<'shared' | 'own'>('shared', 'own'));
  /** Side of a tile of the grid in px, at least. */
  const tile = kept<number>(takes, 'tile', 72, oneOf<number>(...tileSizes));
  const layersWidth = kept(takes, 'layersWidth', 244, between(160, 420));
  const layersAs = kept<'list' | 'graph'>(takes, 'layersAs', 'list', oneOf<'list' | 'graph'>('list', 'graph'));
  const graphWidth = kept(takes, 'graphWidth', 360, between(240, 1600));
  /** Null: a share of the window. */
  const unitWidth = kept<number | null>(
    takes,
    'unitWidth',
    null,
    (value): value is number | null => value === null || between(360, 1600)(value),
  );
  const logCounts = kept(takes, 'logCounts', false, oneOf<boolean>(true, false));

  /** 'reduced': nothing moves, whatever the system says. */
  const motion = kept<'system' | 'reduced'>(
    takes,
    'motion',
    'system',
    oneOf<'system' | 'reduced'>('system', 'reduced'),
  );
  watch(motion, (next) => (document.documentElement.dataset.motion = next), { immediate: true });

  /** What other windows chose, another host's or an earlier page's; called once the engine answers. */
  async function load(): Promise<void> {
    const stored = await useHost().client.call('look.read', {});
    for (const [key, take] of takes) if (Object.hasOwn(stored, key)) take(stored[key]);
  }

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

  return {
    ...{ theme, dark, languageChoice, contrast, scale, tile, logCounts, motion, load, zoom },
    ...{ layersAs, layersWidth, graphWidth, unitWidth },
  };
});

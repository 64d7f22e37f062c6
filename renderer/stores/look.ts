import { defineStore } from 'pinia';
import { computed, ref, shallowReactive, watch, type Ref, type WritableComputedRef } from 'vue';
import { defaultContrast, figureKinds, type FigureKind, type LookValue } from '../../preload/contract';
import { useHost } from '../host/host';
import { language, languages, systemLanguage, type Language } from '../i18n';
import { signalViews, type SignalView } from '../lib/signedView';
import { useStudy } from './study';

export type Theme = 'system' | 'light' | 'dark';

/** `of`: the study that the value is of; empty for what is the window's. */
type Take = (value: unknown, of: string) => void;

/** What the browser keeps under this name; undefined where that is nothing valid. */
function stored<T>(name: string, isValid: (value: unknown) => value is T): T | undefined {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(name) ?? 'null');
    return isValid(value) ? value : undefined;
  } catch {
    return undefined; // written by something else, or storage is closed to us: the default does
  }
}

const timers = new Map<string, ReturnType<typeof setTimeout>>();
/** Keeps a setting where the browser keeps such things, and at the engine, whom every host's window asks. */
function keep(key: string, value: LookValue): void {
  try {
    localStorage.setItem(`unpool.${key}`, JSON.stringify(value));
  } catch {
    // Without storage the choice lasts as long as the window.
  }
  // A slider moves many times a second: the engine is told where it came to rest.
  clearTimeout(timers.get(key));
  const tell = (): void => {
    useHost()
      .client.call('look.write', { key, value })
      .catch((error: unknown) => console.warn('look.write', error));
  };
  timers.set(key, setTimeout(tell, 400));
}

/** A setting of this window. */
function kept<T extends LookValue>(
  takes: Map<string, Take>,
  key: string,
  fallback: T,
  isValid: (value: unknown) => value is T,
): Ref<T> {
  const value = ref(stored(`unpool.${key}`, isValid) ?? fallback) as Ref<T>;
  watch(value, (next) => keep(key, next));
  takes.set(key, (read) => {
    if (isValid(read)) value.value = read;
  });
  return value;
}

/** A setting that each study has for itself, by its id. */
function keptByStudy<T extends LookValue>(
  takes: Map<string, Take>,
  id: Ref<string>,
  key: string,
  fallback: T,
  isValid: (value: unknown) => value is T,
): WritableComputedRef<T> {
  const values = shallowReactive(new Map<string, T>());
  takes.set(key, (read, of) => {
    if (isValid(read)) values.set(of, read);
  });
  return computed({
    get: () => values.get(id.value) ?? stored(`unpool.${key}@${id.value}`, isValid) ?? fallback,
    set(value) {
      values.set(id.value, value);
      keep(`${key}@${id.value}`, value);
    },
  });
}

const oneOf =
  <T>(...values: T[]) =>
  (value: unknown): value is T =>
    values.includes(value as T);
const between =
  (low: number, high: number) =>
  (value: unknown): value is number =>
    typeof value === 'number' && value >= low && value <= high;

export type Scale = 'shared' | 'own';
/** What the close look at an entry shows. */
export const inspects = ['both', 'patch', 'reconstruction', 'overlay', 'whole'] as const;
export type Inspect = (typeof inspects)[number];
export const contrastRange = [0.25, 16] as const;
export const exportDpis = [150, 300, 600, 1200] as const;
/** Side of a tile in CSS px, at least. */
export const tileRange = [40, 384] as const;
export const clampTile = (side: number): number => Math.min(tileRange[1], Math.max(tileRange[0], side));

/** How things are drawn: changes nothing that is computed. */
export const useLook = defineStore('look', () => {
  const takes = new Map<string, Take>();
  const theme = kept<Theme>(takes, 'theme', 'system', oneOf<Theme>('system', 'light', 'dark'));
  /** Of the window's words; null: the system's. */
  const languageChoice = kept<Language | null>(takes, 'language', null, oneOf<Language | null>(null, ...languages));
  watch(languageChoice, (next) => (language.value = next ?? systemLanguage()), { immediate: true });
  const study = useStudy();
  const studyId = computed(() => study.info?.id ?? '');
  const contrast = keptByStudy(takes, studyId, 'contrast', defaultContrast, between(...contrastRange));
  const scale = keptByStudy<Scale>(takes, studyId, 'scale', 'shared', oneOf<Scale>('shared', 'own'));
  /** How reconstructions become colours where one is looked at closely, and what is shown there. */
  const signalView = kept<SignalView>(takes, 'signalView', 'colours', oneOf<SignalView>(...signalViews));
  const inspect = kept<Inspect>(takes, 'inspect', 'both', oneOf<Inspect>(...inspects));
  const blend = kept(takes, 'blend', 0.6, between(0, 1));
  /** Sections that are folded, by their names. */
  const folded = kept(takes, 'folded', '', (value): value is string => typeof value === 'string');
  const isFolded = (name: string): boolean => folded.value.split(' ').includes(name);
  function fold(name: string, away: boolean): void {
    const others = folded.value.split(' ').filter((each) => each !== '' && each !== name);
    folded.value = (away ? [...others, name] : others).join(' ');
  }
  const tile = keptByStudy(takes, studyId, 'tile', 72, between(...tileRange));
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
  /** As what a figure was exported last. */
  const exportKind = kept<FigureKind>(takes, 'exportKind', 'pdf', oneOf<FigureKind>(...figureKinds));
  const exportDpi = kept<number>(takes, 'exportDpi', 300, oneOf<number>(...exportDpis));
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
    const read = await useHost().client.call('look.read', {});
    for (const [name, value] of Object.entries(read)) {
      const [key = '', of = ''] = name.split('@');
      takes.get(key)?.(value, of);
    }
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

  /** Tiles a quarter larger, or smaller. */
  function zoom(by: 1 | -1): void {
    tile.value = clampTile(Math.round(tile.value * 1.25 ** by));
  }

  return {
    ...{ theme, dark, languageChoice, motion, layersAs, layersWidth, graphWidth, unitWidth, tile, zoom },
    ...{ contrast, scale, signalView, inspect, blend, exportKind, exportDpi, logCounts, isFolded, fold, load },
  };
});

import { defineStore } from 'pinia';
import { computed, ref, shallowRef, triggerRef, watch } from 'vue';
import {
  largestPicture,
  type Box,
  type ClassMap,
  type ErrorInfo,
  type MapItem,
  type MethodChoice,
  type PictureClasses,
  type PictureLayer,
  type PictureView,
  type PlaceReconstruction,
  type RegionAnswer,
} from '../../preload/contract';
import { useHost } from '../host/host';
import { t } from '../i18n';
import { isCancelled, isEngineGone, toErrorInfo } from '../lib/errors';
import { latest } from '../lib/latest';
import { useNotices } from './notices';
import { useSelection } from './selection';
import { useStudy } from './study';

/** A unit at a place of its map. */
export interface Cell {
  unit: number;
  y: number;
  x: number;
}

/** What is shown side by side of a cell. */
export const ways = ['deconvnet', 'guided', 'gradient', 'times'] as const;
export type Way = (typeof ways)[number];

/** Several key presses in a row ask for the last picture only (ms). */
const settle = 60;
const classesShown = 8;
const answersShown = 8;

/** The picture on the screen, what the network makes of it, and what is looked at in it. Its address is in the route. */
export const usePicture = defineStore('picture', () => {
  const { client } = useHost();
  const study = useStudy();
  const selection = useSelection();
  const notices = useNotices();

  const view = shallowRef<PictureView | null>(null);
  const classes = shallowRef<PictureClasses | null>(null);
  const layer = shallowRef<PictureLayer | null>(null);
  const maps = shallowRef(new Map<number, MapItem>());
  const found = shallowRef(new Map<Way, PlaceReconstruction>());
  const wayErrors = shallowRef(new Map<Way, ErrorInfo>());
  const cam = shallowRef<ClassMap | null>(null);
  const camError = shallowRef<ErrorInfo | null>(null);
  const camClass = ref<number | null>(null);
  const camShown = ref(false);
  const region = shallowRef<Box | null>(null);
  const answers = shallowRef<RegionAnswer[]>([]);
  const error = shallowRef<ErrorInfo | null>(null);
  /** The picture that was handed over last: given again to an engine that was started anew. */
  let handed: { key: string; file: File } | null = null;

  const count = computed(() => study.info?.pictures.count ?? 0);
  /** Its number in the study, or the key of one that was handed over. */
  const source = computed<number | string>(() => {
    const { picture } = selection.route.more;
    if (picture !== undefined && /^[0-9a-f]{32}$/.test(picture)) return picture;
    const index = /^\d{1,9}$/.test(picture ?? '') ? Number(picture) : 0;
    return Math.min(index, Math.max(0, count.value - 1));
  });
  const info = computed(() => selection.layer);
  /** Units by the largest value of their map, strongest first. */
  const order = computed<number[]>(() => {
    const known = layer.value;
    return known ? [...known.max.keys()].sort((a, b) => known.max[b]! - known.max[a]! || a - b) : [];
  });
  const peak = computed(() => maxOf(layer.value?.max));
  /** The cell of the address; a unit alone stands for its strongest place, and nothing for the strongest unit. */
  const cell = computed<Cell | null>(() => {
    const known = layer.value;
    if (!known || known.layer !== info.value?.id) return null;
    const [unit = NaN, y, x] = (selection.route.more['cell'] ?? '')
      .split('.')
      .map((part) => (part === '' ? NaN : +part));
    const [rows, columns] = info.value.map;
    const chosen = Number.isInteger(unit) && unit >= 0 && unit < info.value.units ? unit : order.value[0];
    if (chosen === undefined) return null;
    const inside = chosen === unit && y !== undefined && x !== undefined && y >= 0 && x >= 0 && y < rows && x < columns;
    if (inside && Number.isInteger(y) && Number.isInteger(x)) return { unit: chosen, y, x };
    const place = known.place[chosen]!;
    return { unit: chosen, y: Math.floor(place / columns), x: place % columns };
  });

  const ask = { picture: latest(), layer: latest(), maps: latest(), cell: latest(), cam: latest(), region: latest() };
  const base = () => ({ study: study.info!.path, picture: source.value });

  /** Runs a question; what it throws is told, unless it only was cancelled. */
  async function asking(
    signal: AbortSignal,
    work: () => Promise<void>,
    failed: (info: ErrorInfo) => void,
  ): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      if (!isCancelled(thrown, signal) && !isEngineGone(thrown)) failed(toErrorInfo(thrown));
    }
  }
  const fail = (info: ErrorInfo): void => {
    error.value = info;
  };

  function loadPicture(): void {
    const signal = ask.picture.next();
    ask.layer.stop();
    for (const each of [view, classes, layer]) each.value = null;
    [maps.value, answers.value, error.value] = [new Map(), [], null];
    dropCell();
    dropCam();
    void asking(
      signal,
      async () => {
        await new Promise((resolve) => setTimeout(resolve, settle));
        if (signal.aborted || !study.info) return;
        const asked = base();
        const size = 1024;
        const [seen] = await Promise.all([
          client.call('picture.view', { ...asked, as: 'original', size }, { signal }).then((answer) => {
            if (!signal.aborted) view.value = answer;
          }),
          client.call('picture.classes', { ...asked, count: classesShown }, { signal }).then((answer) => {
            if (signal.aborted) return;
            classes.value = answer;
            camClass.value = answer?.top[0]?.class ?? null;
          }),
          askLayer(),
        ]);
        if (!signal.aborted && region.value) loadRegion();
        return seen;
      },
      fail,
    );
  }

  async function askLayer(): Promise<void> {
    const signal = ask.layer.next();
    if (!info.value || !study.info) return;
    const answer = await client.call('picture.layer', { ...base(), layer: info.value.id }, { signal });
    if (!signal.aborted) layer.value = answer;
  }
  function loadLayer(): void {
    [layer.value, maps.value] = [null, new Map()];
    ask.maps.stop();
    dropCell();
    const signal = ask.picture.next();
    void asking(signal, askLayer, fail);
  }

  /** Asks for the maps of these units that are not there in this size. */
  function demand(units: readonly number[], size: number): void {
    const known = layer.value;
    if (!known || !study.info) return;
    const [rows, columns] = info.value!.map;
    const wanted = Math.min(size, Math.max(rows, columns));
    const missing = units.filter((unit) => {
      const item = maps.value.get(unit);
      return !item || Math.max(item.height, item.width) < wanted;
    });
    if (missing.length === 0) return;
    const signal = ask.maps.next();
    const onItem = (item: MapItem): void => {
      if (signal.aborted) return;
      maps.value.set(item.unit, item);
      triggerRef(maps);
    };
    const args = { ...base(), layer: known.layer, units: missing.slice(0, 1024), size };
    void asking(signal, async () => void (await client.call('picture.maps', args, { signal, onItem })), fail);
  }

  function dropCell(): void {
    ask.cell.stop();
    [found.value, wayErrors.value] = [new Map(), new Map()];
  }
  /** The same place by every method, the paper's first. */
  function loadCell(size: number): void {
    dropCell();
    const at = cell.value;
    const known = info.value;
    if (!at || !known || !study.info) return;
    const signal = ask.cell.next();
    const { smooth, leaky } = selection.route.method;
    const question = { ...base(), ...at, layer: known.id, size };
    const one = (way: Way): Promise<void> => {
      const times = way === 'times';
      const method: MethodChoice = { id: times ? 'gradient' : way, smooth, leaky };
      return asking(
        signal,
        async () => {
          const answer = await client.call('picture.unit', { ...question, method, times }, { signal });
          if (signal.aborted) return;
          found.value.set(way, answer);
          triggerRef(found);
        },
        (info) => {
          wayErrors.value.set(way, info);
          triggerRef(wayErrors);
        },
      );
    };
    void (async () => {
      await new Promise((resolve) => setTimeout(resolve, settle));
      for (const way of ways) if (!signal.aborted) await one(way);
    })();
  }

  function dropCam(): void {
    ask.cam.stop();
    [cam.value, camError.value] = [null, null];
  }
  function loadCam(): void {
    dropCam();
    if (camClass.value === null || !study.info) return;
    const signal = ask.cam.next();
    const args = { ...base(), class: camClass.value };
    void asking(
      signal,
      async () => {
        const answer = await client.call('picture.cam', args, { signal });
        if (!signal.aborted) cam.value = answer;
      },
      (info) => (camError.value = info),
    );
  }

  function loadRegion(): void {
    answers.value = [];
    const signal = ask.region.next();
    if (!region.value || !study.info) return;
    const onItem = (item: RegionAnswer): void => {
      if (!signal.aborted) answers.value = [...answers.value, item];
    };
    const args = { ...base(), region: region.value, count: answersShown };
    void asking(signal, async () => void (await client.call('picture.region', args, { signal, onItem })), fail);
  }
  watch(region, loadRegion);

  const more = (change: Record<string, string | undefined>): Record<string, string> =>
    Object.fromEntries(
      Object.entries({ ...selection.route.more, ...change }).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      ),
    );

  /** Another picture; the unit that is looked at stays, at its strongest place. */
  function show(picture: number | string): void {
    const unit = cell.value && selection.route.more['cell'] !== undefined ? String(cell.value.unit) : undefined;
    selection.go({ more: more({ picture: String(picture), cell: unit }) }, 'settled');
  }
  /** The picture of the study that was shown last: from one that was handed over it goes on there. */
  let place = 0;
  watch(source, (now) => typeof now === 'number' && (place = now), { immediate: true });
  function step(by: number): void {
    const at = place;
    const next = Math.min(count.value - 1, Math.max(0, at + by));
    if (next !== source.value) show(next);
  }
  /** A unit at a place, of this layer or another one. */
  function pick({ unit, y, x }: Cell, id = info.value?.id ?? null): void {
    lookAt(unit, `${unit}.${y}.${x}`, id);
  }
  /** A unit at its strongest place. */
  function pickUnit(unit: number, id = info.value?.id ?? null): void {
    lookAt(unit, String(unit), id);
  }
  function lookAt(unit: number, at: string, id: string | null): void {
    const other = id !== selection.layer?.id;
    selection.go({ layer: id, unit, more: more({ cell: at }) }, other ? 'settled' : false);
  }

  /** Hands a file over to the engine and shows it. */
  async function take(file: File): Promise<void> {
    if (!study.info) return;
    if (file.size > largestPicture) {
      notices.fail(
        Object.assign(new Error(), {
          info: { code: 'too-large', message: t('picture.tooLarge'), hint: t('picture.tooLargeHint') },
        }),
      );
      return;
    }
    try {
      const key = await give(file);
      handed = { key, file };
      show(key);
    } catch (thrown) {
      notices.fail(thrown);
    }
  }
  async function give(file: File): Promise<string> {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const name = file.name || t('picture.pasted');
    return (await client.call('picture.take', { study: study.info!.path, name, bytes })).key;
  }

  /** The engine was started again: it knows nothing of what was handed over. */
  async function again(): Promise<void> {
    if (handed && source.value === handed.key) await give(handed.file).catch(notices.fail);
    loadPicture();
  }

  return {
    view,
    classes,
    layer,
    maps,
    found,
    wayErrors,
    cam,
    camError,
    camClass,
    camShown,
    region,
    answers,
    error,
    count,
    source,
    order,
    peak,
    cell,
    loadPicture,
    loadLayer,
    demand,
    loadCell,
    loadCam,
    show,
    step,
    pick,
    pickUnit,
    take,
    again,
  };
});

/** Largest |value|. */
const maxOf = (values: Float32Array | undefined): number =>
  values?.reduce((most, value) => Math.max(most, Math.abs(value)), 0) ?? 0;

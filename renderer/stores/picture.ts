import { defineStore } from 'pinia';
import { computed, shallowRef, triggerRef, watch } from 'vue';
import {
  largestPicture,
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
import { usePictureAddress } from './pictureAddress';
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
/** What is on the screen stays until what replaces it is there, but no longer than this (ms): a step does not flash. */
const linger = 300;
const classesShown = 8;
const answersShown = 8;

/** The picture on the screen, what the network makes of it, and what is looked at in it. Its address is in the route. */
export const usePicture = defineStore('picture', () => {
  const { client } = useHost();
  const study = useStudy();
  const selection = useSelection();
  const notices = useNotices();
  const address = usePictureAddress();
  const { count, source, region, more } = address;

  const view = shallowRef<PictureView | null>(null);
  const classes = shallowRef<PictureClasses | null>(null);
  const layer = shallowRef<PictureLayer | null>(null);
  const maps = shallowRef(new Map<number, MapItem>());
  const found = shallowRef(new Map<Way, PlaceReconstruction>());
  const wayErrors = shallowRef(new Map<Way, ErrorInfo>());
  /** Of which `found` and `wayErrors` still hold what was said of the cell before. */
  const late = shallowRef(new Set<Way>());
  const cam = shallowRef<ClassMap | null>(null);
  const camError = shallowRef<ErrorInfo | null>(null);
  const answers = shallowRef<RegionAnswer[]>([]);
  const error = shallowRef<ErrorInfo | null>(null);
  /** The list of pictures to choose from is open. */
  const finding = shallowRef(false);
  /** The picture that was handed over last: given again to an engine that was started anew. */
  let handed: { key: string; file: File } | null = null;
  /** The study and the picture that `layer` and `maps` are of. */
  let mapped = '';

  const info = computed(() => selection.layer);
  /** The class of Grad-CAM: the one that was chosen, else the most likely one. */
  const camClass = computed(() => address.camChosen.value ?? classes.value?.top[0]?.class ?? null);
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
    const [unit = -1, y, x] = address.named.value ?? [];
    const [rows, columns] = info.value.map;
    const chosen = unit >= 0 && unit < info.value.units ? unit : order.value[0];
    if (chosen === undefined) return null;
    if (chosen === unit && y !== undefined && x !== undefined && y < rows && x < columns) return { unit, y, x };
    const place = known.place[chosen]!;
    return { unit: chosen, y: Math.floor(place / columns), x: place % columns };
  });

  const ask = { picture: latest(), layer: latest(), maps: latest(), cell: latest(), cam: latest(), region: latest() };
  const base = () => ({ study: study.info!.path, picture: source.value });
  const here = (): string => `${study.info?.path} ${source.value}`;

  /** Runs a question; what it throws is told, unless it only was cancelled. */
  async function asking(
    signal: AbortSignal | undefined,
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
    for (const each of [ask.layer, ask.maps, ask.cell, ask.cam, ask.region]) each.stop();
    error.value = null;
    const missing = new Set([view, classes]);
    setTimeout(() => {
      if (signal.aborted) return;
      for (const each of missing) each.value = null;
      if (missing.has(classes)) dropCam();
      if (mapped === here()) return;
      layer.value = null;
      dropCell();
    }, linger);
    const part = (work: () => Promise<void>): void => void asking(signal, work, fail);
    part(async () => {
      await new Promise((resolve) => setTimeout(resolve, settle));
      if (signal.aborted || !study.info) return;
      const asked = base();
      part(async () => {
        const answer = await client.call('picture.view', { ...asked, as: 'original', size: 1024 }, { signal });
        if (signal.aborted) return;
        missing.delete(view);
        view.value = answer;
      });
      part(async () => {
        const answer = await client.call('picture.classes', { ...asked, count: classesShown }, { signal });
        if (signal.aborted) return;
        missing.delete(classes);
        classes.value = answer;
      });
      part(askLayer);
      loadRegion();
    });
  }

  async function askLayer(): Promise<void> {
    const signal = ask.layer.next();
    if (!info.value || !study.info) return;
    const of = here();
    const answer = await client.call('picture.layer', { ...base(), layer: info.value.id }, { signal });
    if (signal.aborted) return;
    mapped = of;
    [layer.value, maps.value] = [answer, new Map()];
  }
  function loadLayer(): void {
    [layer.value, maps.value] = [null, new Map()];
    ask.maps.stop();
    dropCell();
    void asking(undefined, askLayer, fail);
  }

  /** Asks for the maps of these units that are not there in this size. */
  function demand(units: readonly number[], size: number): void {
    const known = layer.value;
    if (!known || !study.info || mapped !== here()) return;
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
    [found.value, wayErrors.value, late.value] = [new Map(), new Map(), new Set()];
  }
  function answered(way: Way, answer: PlaceReconstruction | null, failed: ErrorInfo | null): void {
    late.value.delete(way);
    if (answer) found.value.set(way, answer);
    else found.value.delete(way);
    if (failed) wayErrors.value.set(way, failed);
    else wayErrors.value.delete(way);
    for (const each of [late, found, wayErrors]) triggerRef(each);
  }
  /** The same place by every method, the paper's first. */
  function loadCell(size: number): void {
    const at = cell.value;
    const known = info.value;
    if (!at || !known || !study.info) {
      dropCell();
      return;
    }
    const signal = ask.cell.next();
    late.value = new Set(ways);
    setTimeout(() => {
      if (!signal.aborted) for (const way of [...late.value]) answered(way, null, null);
    }, linger);
    const { smooth, leaky } = selection.route.method;
    const question = { ...base(), ...at, layer: known.id, size };
    const one = (way: Way): Promise<void> => {
      const times = way === 'times';
      const method: MethodChoice = { id: times ? 'gradient' : way, smooth, leaky };
      return asking(
        signal,
        async () => {
          const answer = await client.call('picture.unit', { ...question, method, times }, { signal });
          if (!signal.aborted) answered(way, answer, null);
        },
        (failed) => answered(way, null, failed),
      );
    };
    void (async () => {
      await new Promise((resolve) => setTimeout(resolve, settle));
      for (const way of ways) if (!signal.aborted) await one(way);
    })();
  }
  /** What the first method said of this cell: its patch, its field and its activation are the same in all. */
  const first = computed<PlaceReconstruction | null>(() => {
    const way = ways.find((each) => found.value.has(each) && !late.value.has(each));
    return way ? found.value.get(way)! : null;
  });

  function dropCam(): void {
    ask.cam.stop();
    [cam.value, camError.value] = [null, null];
  }
  function loadCam(): void {
    if (camClass.value === null || !study.info) {
      dropCam();
      return;
    }
    const signal = ask.cam.next();
    let waiting = true;
    const told = (answer: ClassMap | null, failed: ErrorInfo | null): void => {
      waiting = false;
      if (!signal.aborted) [cam.value, camError.value] = [answer, failed];
    };
    setTimeout(() => waiting && told(null, null), linger);
    const args = { ...base(), class: camClass.value };
    void asking(
      signal,
      async () => told(await client.call('picture.cam', args, { signal }), null),
      (failed) => told(null, failed),
    );
  }

  /** What answers to the region; the old answers stay until the first new one. */
  function loadRegion(): void {
    const signal = ask.region.next();
    let found: RegionAnswer[] = [];
    if (!region.value || !study.info) {
      answers.value = found;
      return;
    }
    const onItem = (item: RegionAnswer): void => {
      if (signal.aborted) return;
      found = [...found, item];
      answers.value = found;
    };
    const args = { ...base(), region: region.value, count: answersShown };
    const work = async (): Promise<void> => {
      await client.call('picture.region', args, { signal, onItem });
      if (!signal.aborted) answers.value = found;
    };
    void asking(signal, work, fail);
  }

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
  /** By places in the order of strength. */
  function stepUnit(by: number): void {
    const at = cell.value ? order.value.indexOf(cell.value.unit) : -1;
    const next = order.value[Math.max(0, Math.min(order.value.length - 1, at + by))];
    if (next !== undefined) pickUnit(next);
  }
  /** To a cell beside the one that is looked at, in the same map. */
  function moveCell(dy: number, dx: number): void {
    const at = cell.value;
    if (!at || !info.value) return;
    const [rows, columns] = info.value.map;
    const along = (place: number, cells: number): number => Math.max(0, Math.min(cells - 1, place));
    pick({ unit: at.unit, y: along(at.y + dy, rows), x: along(at.x + dx, columns) });
  }
  /** From another view: a picture of the study, with what a unit makes of it at one place. */
  function open(picture: number, { unit, y, x }: Cell): void {
    const layer = info.value?.id ?? null;
    selection.go(
      { view: 'picture', layer, unit, more: more({ picture: String(picture), cell: `${unit}.${y}.${x}` }) },
      true,
    );
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

  const { camShown, mapScale, setRegion, markRegion, setCam } = address;
  return {
    ...{ view, classes, layer, maps, found, wayErrors, first, cam, camError, camClass, answers, error, finding },
    ...{ count, source, region, camShown, mapScale, order, peak, cell },
    ...{ loadPicture, loadLayer, demand, loadCell, loadCam, loadRegion, setRegion, markRegion, setCam },
    ...{ show, open, step, stepUnit, moveCell, pick, pickUnit, take, again },
  };
});

/** Largest |value|. */
const maxOf = (values: Float32Array | undefined): number =>
  values?.reduce((most, value) => Math.max(most, Math.abs(value)), 0) ?? 0;

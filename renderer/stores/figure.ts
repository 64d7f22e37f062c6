import { defineStore } from 'pinia';
import { computed, shallowRef, toRaw } from 'vue';
import type { FigureRow, FigureSpec } from '../../main/core/figures/spec';
import type { ErrorInfo, FigureKind, FigurePreview, SavedFigure } from '../../preload/contract';
import { useHost } from '../host/host';
import { language, t } from '../i18n';
import { isCancelled, isEngineGone, toErrorInfo } from '../lib/errors';
import { freshSpec } from '../lib/freshSpec';
import { History } from '../lib/history';
import { trackTask, type Task } from '../lib/task';
import { useNotices } from './notices';
import { useStudy } from './study';

/** Edits are written to the study this long after the last (ms). */
const saveAfter = 400;
/** The page is drawn this long after the last edit (ms): a slider moves often. */
const drawAfter = 120;

/** The figures of the open study, the one that is being composed, and its page. */
export const useFigure = defineStore('figure', () => {
  const host = useHost();
  const { client } = host;
  const study = useStudy();
  const notices = useNotices();

  const list = shallowRef<SavedFigure[] | null>(null);
  const listError = shallowRef<ErrorInfo | null>(null);
  /** Empty: a new one that is not saved yet. */
  const id = shallowRef('');
  const spec = shallowRef<FigureSpec>(freshSpec());
  /** The row whose fields are shown. */
  const row = shallowRef<number | null>(null);
  const history = new History<FigureSpec>();
  const canUndo = shallowRef(false);
  const canRedo = shallowRef(false);
  const preview = shallowRef<FigurePreview | null>(null);
  const previewError = shallowRef<ErrorInfo | null>(null);
  /** Of the page, and of a file that is made. */
  const drawn = shallowRef<Task | null>(null);
  const made = shallowRef<Task | null>(null);
  const task = computed(() => made.value ?? drawn.value);
  /** The last figure that was deleted: it can be brought back as long as the window lasts. */
  const deleted = shallowRef<{ study: string; id: string; spec: FigureSpec } | null>(null);

  /** Whose figures these are. */
  let owner: string | null = null;
  /** Where the figure on the screen is kept: what is still to be written goes there, whatever is opened meanwhile. */
  let place: { study: string; id: string } | null = null;
  let loading: Promise<void> | null = null;
  let saveTimer: ReturnType<typeof setTimeout> | undefined;
  let drawTimer: ReturnType<typeof setTimeout> | undefined;
  let drawing = new AbortController();
  /** The page is on the screen: only then is it drawn; what was changed meanwhile is drawn when it is again. */
  let attended = false;
  let stale = false;
  /** The study's numbers changed while the page was drawn. */
  let newer = false;
  /** One write at a time: the first of a new figure gives it its id. */
  let writing: Promise<unknown> = Promise.resolve();
  let dpi = 96;

  const current = computed(() => list.value?.find((figure) => figure.id === id.value) ?? null);
  const empty = computed(() => spec.value.rows.length === 0);

  /** Reads the study's figures and opens the one that was changed last. Cheap where they are there already. */
  function load(): Promise<void> {
    const path = study.info?.path ?? null;
    if (path === owner && loading) return loading;
    flush();
    owner = path;
    list.value = null;
    show('', freshSpec());
    loading = path === null ? Promise.resolve() : read(path);
    return loading;
  }

  async function read(path: string): Promise<void> {
    listError.value = null;
    try {
      const figures = await client.call('figure.list', { study: path });
      if (owner !== path) return;
      list.value = figures;
      const [latest] = figures.filter(({ spec: there }) => there).sort((a, b) => (a.changed < b.changed ? 1 : -1));
      if (latest?.spec) show(latest.id, latest.spec);
    } catch (thrown) {
      if (owner !== path) return;
      loading = null;
      if (!isEngineGone(thrown)) listError.value = toErrorInfo(thrown);
    }
  }

  function show(next: string, figure: FigureSpec): void {
    flush();
    place = owner === null ? null : { study: owner, id: next };
    id.value = next;
    spec.value = figure;
    row.value = null;
    history.clear();
    told();
    preview.value = null;
    draw();
  }

  const told = (): void => {
    canUndo.value = history.canUndo;
    canRedo.value = history.canRedo;
  };

  /** Changes the figure. Changes with the same `key` shortly after one another are undone together. */
  function edit(change: Partial<FigureSpec>, key = ''): void {
    history.push(spec.value, key);
    set({ ...spec.value, ...change });
  }

  function set(next: FigureSpec): void {
    spec.value = next;
    if (row.value !== null && row.value >= next.rows.length) row.value = next.rows.length ? next.rows.length - 1 : null;
    told();
    draw();
    clearTimeout(saveTimer);
    saveTimer = setTimeout(flush, saveAfter);
  }

  function undo(): void {
    const before = history.undo(spec.value);
    if (before) set(before);
  }
  function redo(): void {
    const after = history.redo(spec.value);
    if (after) set(after);
  }

  /** Writes what was edited and is not written yet. */
  function flush(): void {
    if (saveTimer === undefined) return;
    clearTimeout(saveTimer);
    saveTimer = undefined;
    const [to, figure] = [place, toRaw(spec.value)];
    if (to === null) return;
    writing = writing.then(async () => {
      try {
        // A new one has its id from the write before this.
        const saved = await client.call('figure.save', { study: to.study, id: to.id, spec: figure });
        to.id = saved.id;
        if (to === place) id.value = saved.id;
        if (to.study !== owner) return;
        const entry: SavedFigure = { id: saved.id, changed: new Date().toISOString(), spec: figure, problem: null };
        list.value = [...(list.value ?? []).filter((each) => each.id !== saved.id), entry];
      } catch (thrown) {
        notices.fail(thrown);
      }
    });
  }

  // ---- rows -----------------------------------------------------------------------------------------------------------

  function addRows(rows: readonly FigureRow[]): void {
    // Its first rows begin a figure: it speaks the language that the window has then.
    const begun = empty.value && !id.value ? { language: language.value } : {};
    edit({ rows: [...spec.value.rows, ...rows], ...begun });
    row.value = spec.value.rows.length - 1;
  }
  function setRow(index: number, change: Partial<FigureRow>, key = ''): void {
    edit(
      { rows: spec.value.rows.map((each, i) => (i === index ? { ...each, ...change } : each)) },
      key && `${key} ${index}`,
    );
  }
  function removeRow(index: number): void {
    edit({ rows: spec.value.rows.filter((_, i) => i !== index) });
  }
  /** Puts a row before the one that is at `to` now, or at the end. */
  function moveRow(from: number, to: number): void {
    const rows = [...spec.value.rows];
    const [moved] = rows.splice(from, 1);
    if (!moved) return;
    const at = Math.max(0, Math.min(rows.length, to > from ? to - 1 : to));
    if (at === from) return;
    rows.splice(at, 0, moved);
    edit({ rows });
    row.value = at;
  }

  /** From another view: adds a unit to the figure that was composed last, and says so. */
  async function addUnit(layer: string, unit: number, name: string): Promise<void> {
    await load();
    const there = spec.value.rows.some(
      ({ layer: own, units }) => own === layer && Array.isArray(units) && units.length === 1 && units[0] === unit,
    );
    if (there) return notices.say(t('figure.there', { unit: name }));
    addRows(freshSpec([{ layer, units: [unit] }]).rows);
    notices.say(t('figure.added', { unit: name, figure: nameOf(id.value, spec.value) }));
  }

  // ---- figures --------------------------------------------------------------------------------------------------------

  function open(next: string): void {
    const figure = list.value?.find((each) => each.id === next);
    if (figure?.spec && next !== id.value) show(next, figure.spec);
  }
  function create(from: FigureSpec = freshSpec()): void {
    show('', from);
    if (from.rows.length) set(from);
  }
  function duplicate(): void {
    create({ ...spec.value, name: t('figure.copyOf', { name: nameOf(id.value, spec.value) }) });
  }
  async function remove(): Promise<void> {
    const [old, figure] = [place, spec.value];
    if (old === null) return;
    clearTimeout(saveTimer);
    saveTimer = undefined;
    await writing;
    try {
      if (old.id) await client.call('figure.remove', { study: old.study, id: old.id });
      const was = { ...old, spec: figure };
      deleted.value = was;
      notices.offer(t('figure.removed', { name: nameOf(was.id, was.spec) }), t('common.undo'), () => bringBack(was));
      if (old !== place) return;
      list.value = (list.value ?? []).filter((each) => each.id !== old.id);
      const [latest] = list.value.filter(({ spec: there }) => there);
      show(latest?.id ?? '', latest?.spec ?? freshSpec());
    } catch (thrown) {
      notices.fail(thrown);
    }
  }
  function bringBack(was = deleted.value): void {
    if (!was || was.study !== owner) return;
    if (deleted.value === was) deleted.value = null;
    show(was.id, was.spec);
    set(was.spec);
  }

  // ---- the page -------------------------------------------------------------------------------------------------------

  /** Draws the page anew, soon. `at`: px to the inch that the screen shows it with. */
  function draw(at: number = dpi): void {
    dpi = at;
    stale = true;
    clearTimeout(drawTimer);
    drawing.abort();
    if (attended) drawTimer = setTimeout(() => void drawNow(), drawAfter);
  }
  /** Tells whether the page is on the screen. */
  function attend(now: boolean): void {
    attended = now;
    if (stale) draw();
  }

  async function drawNow(): Promise<void> {
    const [path, figure] = [owner, toRaw(spec.value)];
    if (path === null || figure.rows.length === 0) {
      preview.value = null;
      previewError.value = null;
      stale = false;
      return;
    }
    const controller = new AbortController();
    drawing = controller;
    const { signal } = controller;
    const tracked = trackTask(drawn, t('figure.task.preview'), controller);
    newer = false;
    try {
      const page = await client.call(
        'figure.preview',
        { study: path, spec: figure, dpi },
        { signal, onItem: tracked.tell },
      );
      if (signal.aborted) return;
      preview.value = page;
      previewError.value = null;
      stale = false;
    } catch (thrown) {
      if (!isCancelled(thrown, signal) && !isEngineGone(thrown)) previewError.value = toErrorInfo(thrown);
    } finally {
      tracked.end();
      if (newer && !signal.aborted) draw();
    }
  }

  // ---- files ----------------------------------------------------------------------------------------------------------

  /** Saves the figure as a file of this kind where the user wants it. */
  async function save(kind: FigureKind, resolution: number): Promise<void> {
    const path = owner;
    if (path === null || empty.value) return;
    const figure = toRaw(spec.value);
    const file = `${nameOf(id.value, figure).replace(/[^\p{L}\p{N}._-]+/gu, '-')}.${kind}`;
    await doing(t('figure.task.save', { name: file }), async (signal, onItem) => {
      const said = await host.saveFile(file, (to) =>
        client.call('figure.make', { study: path, spec: figure, kind, dpi: resolution, path: to }, { signal, onItem }),
      );
      if (said) notices.say(said);
    });
  }

  async function copy(resolution: number): Promise<void> {
    const path = owner;
    if (path === null || empty.value) return;
    await doing(t('figure.task.copy'), async (signal, onItem) => {
      const args = { study: path, spec: toRaw(spec.value), kind: 'png', dpi: resolution } as const;
      await host.copyPicture(async () => (await client.call('figure.make', args, { signal, onItem })).bytes);
      notices.say(t('figure.copied'));
    });
  }

  /** One longer thing at a time, with its progress; it can be stopped. */
  async function doing(
    what: string,
    work: (signal: AbortSignal, tell: (progress: { done: number; total: number }) => void) => Promise<void>,
  ): Promise<void> {
    const controller = new AbortController();
    const tracked = trackTask(made, what, controller);
    try {
      await work(controller.signal, tracked.tell);
    } catch (thrown) {
      if (!isCancelled(thrown, controller.signal)) notices.fail(thrown);
    } finally {
      tracked.end();
    }
  }

  client.on('study.changed', ({ study: changed }) => {
    if (changed !== owner) return;
    // It is drawn to its end first: while a scan runs there is always something newer.
    if (drawn.value) newer = true;
    else if (preview.value || previewError.value) draw();
  });

  return {
    ...{ list, listError, id, spec, row, canUndo, canRedo, preview, previewError, task, deleted, current, empty },
    ...{ load, edit, undo, redo, flush, addRows, setRow, removeRow, moveRow, addUnit },
    ...{ open, create, duplicate, remove, bringBack, draw, attend, save, copy, doing },
  };
});

/** What a figure is called. */
export const nameOf = (id: string, spec: FigureSpec | null): string => spec?.name || id || t('figure.untitled');

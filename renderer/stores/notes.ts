import { defineStore } from 'pinia';
import { computed, shallowRef, watch } from 'vue';
import type { UnitNote } from '../../preload/contract';
import { useHost } from '../host/host';
import { isEngineGone } from '../lib/errors';
import { History } from '../lib/history';
import { useApp } from './app';
import { useNotices } from './notices';
import { useStudy } from './study';

/** What is typed is written to the study this long after the last key (ms). */
const saveAfter = 400;

type Notes = ReadonlyMap<string, UnitNote>;
const keyOf = (layer: string, unit: number): string => `${unit} ${layer}`;

/** What was written of the units of the open study: shown at once, saved soon after, undone step by step. */
export const useNotes = defineStore('notes', () => {
  const host = useHost();
  const { client } = host;
  const study = useStudy();
  const app = useApp();
  const notices = useNotices();
  const notes = shallowRef<Notes>(new Map());
  /** Whose notes these are; null until they are read: nothing is written over what is not known. */
  const owner = shallowRef<string | null>(null);
  const history = new History<Notes>();
  /** Still to be written: a study's path and its notes by key. */
  const pending = new Map<string, Map<string, UnitNote>>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let writing: Promise<void> = Promise.resolve();

  const of = (layer: string, unit: number): UnitNote =>
    notes.value.get(keyOf(layer, unit)) ?? { layer, unit, note: '', tags: [], pinned: false };
  const has = ({ note, tags, pinned }: UnitNote): boolean => note.trim() !== '' || tags.length > 0 || pinned;
  /** Pinned ones first, then in the order of the network. */
  const list = computed(() => {
    const place = new Map(study.layers.map(({ id }, index) => [id, index]));
    return [...notes.value.values()]
      .filter(has)
      .sort(
        (a, b) =>
          Number(b.pinned) - Number(a.pinned) ||
          (place.get(a.layer) ?? 0) - (place.get(b.layer) ?? 0) ||
          a.unit - b.unit,
      );
  });
  /** All tags in use, the most frequent first. */
  const tags = computed(() => {
    const counts = new Map<string, number>();
    for (const { tags: own } of notes.value.values())
      for (const tag of own) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([tag]) => tag);
  });

  async function load(): Promise<void> {
    const path = study.info?.path ?? null;
    await flush();
    owner.value = null;
    notes.value = new Map();
    history.clear();
    if (path === null) return;
    try {
      const read = await client.call('notes.read', { study: path });
      if (study.info?.path !== path) return;
      notes.value = new Map(read.map((note) => [keyOf(note.layer, note.unit), note]));
      owner.value = path;
    } catch (thrown) {
      notices.fail(thrown);
    }
  }

  /** Edits of the same note shortly after one another are undone together. */
  function edit(layer: string, unit: number, change: Partial<Pick<UnitNote, 'note' | 'tags' | 'pinned'>>): void {
    if (owner.value === null) return;
    history.push(notes.value, 'note' in change ? keyOf(layer, unit) : '');
    become(new Map(notes.value).set(keyOf(layer, unit), { ...of(layer, unit), ...change }));
  }

  function become(next: Notes): void {
    const path = owner.value;
    if (path === null) return;
    const old = notes.value;
    const waiting = pending.get(path) ?? new Map<string, UnitNote>();
    for (const key of new Set([...old.keys(), ...next.keys()])) {
      const [before, after] = [old.get(key), next.get(key)];
      if (before === after) continue;
      const gone = before && { ...before, note: '', tags: [], pinned: false };
      const note = after ?? gone;
      if (note) waiting.set(key, note);
    }
    pending.set(path, waiting);
    notes.value = next;
    clearTimeout(timer);
    timer = setTimeout(() => void flush(), saveAfter);
  }

  function undo(): void {
    const before = history.undo(notes.value);
    if (before) become(before);
  }
  function redo(): void {
    const after = history.redo(notes.value);
    if (after) become(after);
  }

  /** Writes what is not written yet. What fails stays and is written with the next. */
  function flush(): Promise<void> {
    clearTimeout(timer);
    writing = writing.then(async () => {
      for (const [path, waiting] of [...pending]) {
        pending.delete(path);
        try {
          await client.call('notes.write', { study: path, units: [...waiting.values()] });
        } catch (thrown) {
          const newer = pending.get(path) ?? new Map<string, UnitNote>();
          pending.set(path, new Map([...waiting, ...newer]));
          if (!isEngineGone(thrown)) notices.fail(thrown);
        }
      }
    });
    return writing;
  }

  function addTag(layer: string, unit: number, typed: string): void {
    const tag = typed.trim().slice(0, 60);
    const { tags: own } = of(layer, unit);
    if (tag !== '' && !own.includes(tag)) edit(layer, unit, { tags: [...own, tag].slice(0, 50) });
  }
  const removeTag = (layer: string, unit: number, tag: string): void =>
    edit(layer, unit, { tags: of(layer, unit).tags.filter((each) => each !== tag) });
  const togglePin = (layer: string, unit: number): void => edit(layer, unit, { pinned: !of(layer, unit).pinned });

  async function exportCsv(): Promise<void> {
    const { info } = study;
    if (!info) return;
    await flush();
    try {
      const name = `${info.name.replace(/[^\p{L}\p{N}.-]+/gu, '-')}-notes.csv`;
      const said = await host.saveFile(name, (path) => client.call('notes.export', { study: info.path, path }));
      if (said) notices.say(said);
    } catch (thrown) {
      notices.fail(thrown);
    }
  }

  /** What another window wrote; what is still to be written here is newer. Undoing goes back over one's own steps alone. */
  client.on('notes.changed', ({ study: path, units }) => {
    if (path !== owner.value) return;
    const waiting = pending.get(path);
    const others = units.filter(
      (note) =>
        !waiting?.has(keyOf(note.layer, note.unit)) &&
        JSON.stringify(of(note.layer, note.unit)) !== JSON.stringify({ ...of(note.layer, note.unit), ...note }),
    );
    if (others.length === 0) return;
    const withOthers = (all: Notes): Notes =>
      new Map([...all, ...others.map((note) => [keyOf(note.layer, note.unit), note] as const)]);
    history.revise(withOthers);
    notes.value = withOthers(notes.value);
  });

  watch(() => study.info?.path, load, { immediate: true });
  watch(
    () => app.restarts,
    () => (owner.value === null ? load() : flush()),
  );
  addEventListener('pagehide', () => void flush());

  return { notes, owner, list, tags, of, has, edit, undo, redo, flush, addTag, removeTag, togglePin, exportCsv };
});

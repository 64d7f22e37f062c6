import { defineStore } from 'pinia';
import { computed, ref, shallowRef, triggerRef } from 'vue';
import type { ArgsIn, ErrorInfo, LayerTable, ScanState, StudyInfo } from '../../preload/contract';
import { useHost } from '../host/host';
import { isCancelled, isEngineGone, toErrorInfo } from '../lib/errors';
import { useNotices } from './notices';

/** While a scan runs, tables other than the one on the screen are asked for again at most this often (ms). */
const backgroundEvery = 5000;

/** The open study: its facts, its scan, and the tables of its layers. */
export const useStudy = defineStore('study', () => {
  const { client } = useHost();
  const info = shallowRef<StudyInfo | null>(null);
  const scan = shallowRef<ScanState | null>(null);
  const opening = ref<string | null>(null);
  const error = shallowRef<ErrorInfo | null>(null);
  const tables = shallowRef(new Map<string, LayerTable>());
  const tableError = shallowRef<ErrorInfo | null>(null);
  /** Counts changes of the study's numbers. */
  const revision = ref(0);

  let session = new AbortController();
  let focus: string | null = null;
  let lastBackground = 0;

  const layers = computed(() => info.value?.layers ?? []);
  const scanned = computed(() => layers.value.filter((layer) => layer.scanned));

  function accept(study: StudyInfo): void {
    session.abort();
    session = new AbortController();
    asking.clear();
    tables.value = new Map();
    tableError.value = null;
    focus = null;
    lastBackground = 0;
    info.value = study;
    scan.value = study.scan;
    revision.value++;
  }

  async function open(path: string): Promise<boolean> {
    opening.value = path;
    error.value = null;
    try {
      const study = await client.call('study.open', { path });
      if (opening.value !== path) return false;
      accept(study);
      return true;
    } catch (thrown) {
      if (opening.value === path) error.value = toErrorInfo(thrown);
      return false;
    } finally {
      if (opening.value === path) opening.value = null;
    }
  }

  /** Throws what the engine throws: the form that made the study shows it. */
  async function create(args: ArgsIn<'study.create'>): Promise<StudyInfo> {
    const study = await client.call('study.create', args);
    error.value = null;
    accept(study);
    return study;
  }

  function close(): void {
    session.abort();
    opening.value = null;
    info.value = null;
    scan.value = null;
    error.value = null;
    tables.value = new Map();
  }

  /** One question per layer at a time; what changes meanwhile is asked for once more afterwards. */
  const asking = new Map<string, { again: boolean }>();
  async function loadTable(layer: string): Promise<void> {
    const running = asking.get(layer);
    if (running) {
      running.again = true;
      return;
    }
    const state = { again: true };
    asking.set(layer, state);
    const { signal } = session;
    while (state.again && !signal.aborted) {
      state.again = false;
      await askTable(layer);
    }
    if (asking.get(layer) === state) asking.delete(layer);
  }

  async function askTable(layer: string): Promise<void> {
    const study = info.value;
    const { signal } = session;
    if (!study) return;
    try {
      const table = await client.call('layer.table', { study: study.path, layer }, { signal });
      if (signal.aborted || info.value?.path !== study.path) return;
      tables.value.set(layer, table);
      triggerRef(tables);
      if (layer === focus) tableError.value = null;
    } catch (thrown) {
      if (!isCancelled(thrown, signal) && !isEngineGone(thrown) && layer === focus)
        tableError.value = toErrorInfo(thrown);
    }
  }

  /** The layer on the screen: its table is asked for first and kept fresh. */
  async function focusLayer(layer: string): Promise<void> {
    focus = layer;
    tableError.value = null;
    await loadTable(layer);
    await loadOthers();
  }

  /** One after another, so that the window's own questions never wait behind many. */
  let others: AbortSignal | null = null;
  async function loadOthers(stale = false): Promise<void> {
    const { signal } = session;
    if (others === signal) return;
    others = signal;
    for (const layer of scanned.value) {
      if (signal.aborted) break;
      if (layer.id !== focus && (stale || !tables.value.has(layer.id))) await loadTable(layer.id);
    }
    if (others === signal) others = null;
  }

  client.on('scan.progress', ({ study, scan: state }) => {
    if (study !== info.value?.path) return;
    const ended = scan.value?.phase === 'running' && state.phase !== 'running';
    const moreBroken = state.broken > (info.value.broken.length ?? 0);
    scan.value = state;
    if (ended || moreBroken) void refreshInfo();
  });

  client.on('study.changed', ({ study }) => {
    if (study !== info.value?.path) return;
    revision.value++;
    if (focus !== null) void loadTable(focus);
    const now = Date.now();
    if (now - lastBackground > backgroundEvery || scan.value?.phase === 'done') {
      lastBackground = now;
      void loadOthers(true);
    }
  });

  /** The list of broken pictures and the notes may have grown. */
  async function refreshInfo(): Promise<void> {
    const path = info.value?.path;
    if (path === undefined) return;
    try {
      const study = await client.call('study.open', { path });
      if (info.value?.path !== path) return;
      info.value = study;
      scan.value = study.scan;
    } catch (thrown) {
      useNotices().fail(thrown);
    }
  }

  async function control(name: 'scan.start' | 'scan.again' | 'scan.pause' | 'scan.cancel'): Promise<void> {
    if (!info.value) return;
    try {
      await client.call(name, { study: info.value.path });
    } catch (thrown) {
      useNotices().fail(thrown);
    }
  }

  return {
    info,
    scan,
    opening,
    error,
    tables,
    tableError,
    revision,
    layers,
    scanned,
    open,
    create,
    close,
    focusLayer,
    refreshInfo,
    startScan: () => control('scan.start'),
    scanAgain: () => control('scan.again'),
    pauseScan: () => control('scan.pause'),
    cancelScan: () => control('scan.cancel'),
  };
});

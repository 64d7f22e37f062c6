import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import type { ErrorInfo, ModelInfo, PicturesInfo, Preprocessing, Settings } from '../../preload/contract';
import { useHost } from '../host/host';
import { isCancelled, toErrorInfo } from '../lib/errors';
import { checkPreprocessing, checkSettings } from '../lib/preprocessingCheck';

const startSettings: Required<Settings> = { k: 9, onePerPicture: true, before: false, batch: null };

/** A study that is being made: what was chosen, what the engine found there, and what is still wrong. */
export const useDraft = defineStore('draft', () => {
  const { client } = useHost();
  const modelPath = ref('');
  const model = shallowRef<ModelInfo | null>(null);
  const modelError = shallowRef<ErrorInfo | null>(null);
  const modelBusy = ref(false);
  const picturesPath = ref('');
  const pictures = shallowRef<PicturesInfo | null>(null);
  const picturesError = shallowRef<ErrorInfo | null>(null);
  const picturesBusy = ref(false);
  const preset = ref('');
  const preprocessing = shallowRef<Preprocessing | null>(null);
  const settings = shallowRef({ ...startSettings });
  /** Id of the list of labels. */
  const labels = ref('');
  const name = ref('');
  let modelAsk = new AbortController();
  let picturesAsk = new AbortController();

  const problems = computed(() => ({
    ...(preprocessing.value && model.value ? checkPreprocessing(preprocessing.value, model.value.input.channels) : {}),
    ...checkSettings(settings.value),
  }));
  const ready = computed(
    () =>
      model.value !== null &&
      pictures.value !== null &&
      pictures.value.count > 0 &&
      preprocessing.value !== null &&
      Object.keys(problems.value).length === 0,
  );
  const proposedName = computed(() => {
    const base = (path: string): string => path.replace(/[\\/]+$/, '').replace(/^.*[\\/]/, '');
    const parts = [base(picturesPath.value), base(modelPath.value).replace(/\.[^.]+$/, '')].filter(Boolean);
    return parts.join(', ');
  });

  /** `size`: for networks that take any: the layers are those of that input. Then the preprocessing chosen stays. */
  async function setModel(path: string, size?: [number, number]): Promise<void> {
    modelAsk.abort();
    modelAsk = new AbortController();
    const { signal } = modelAsk;
    const same = path === modelPath.value && model.value !== null;
    modelPath.value = path;
    modelError.value = null;
    if (!same) {
      model.value = null;
      preprocessing.value = null;
    }
    if (path === '') return;
    modelBusy.value = true;
    try {
      const info = await client.call('model.inspect', size ? { path, size } : { path }, { signal });
      if (signal.aborted) return;
      model.value = info;
      if (!same) {
        choosePreset(info.proposed.preset);
        labels.value = info.labelLists[0]?.id ?? '';
      }
    } catch (thrown) {
      if (!isCancelled(thrown, signal)) modelError.value = toErrorInfo(thrown);
    } finally {
      if (!signal.aborted) modelBusy.value = false;
    }
  }

  async function setPictures(path: string): Promise<void> {
    picturesAsk.abort();
    picturesAsk = new AbortController();
    const { signal } = picturesAsk;
    picturesPath.value = path;
    pictures.value = null;
    picturesError.value = null;
    if (path === '') return;
    picturesBusy.value = true;
    try {
      const info = await client.call('pictures.inspect', { path }, { signal });
      if (!signal.aborted) pictures.value = info;
    } catch (thrown) {
      if (!isCancelled(thrown, signal)) picturesError.value = toErrorInfo(thrown);
    } finally {
      if (!signal.aborted) picturesBusy.value = false;
    }
  }

  function choosePreset(id: string): void {
    const found = model.value?.presets.find((candidate) => candidate.id === id) ?? model.value?.presets[0];
    if (!found) return;
    preset.value = found.id;
    preprocessing.value = structuredClone(found.preprocessing);
  }

  /** Any number edited by hand: the preset is only where it came from. */
  function edit(change: Partial<Preprocessing>): void {
    if (!preprocessing.value) return;
    preprocessing.value = { ...preprocessing.value, ...change };
    preset.value = 'custom';
  }

  function reset(): void {
    modelAsk.abort();
    picturesAsk.abort();
    modelPath.value = '';
    model.value = null;
    modelError.value = null;
    modelBusy.value = false;
    picturesPath.value = '';
    pictures.value = null;
    picturesError.value = null;
    picturesBusy.value = false;
    preset.value = '';
    preprocessing.value = null;
    settings.value = { ...startSettings };
    labels.value = '';
    name.value = '';
  }

  return {
    modelPath,
    model,
    modelError,
    modelBusy,
    picturesPath,
    pictures,
    picturesError,
    picturesBusy,
    preset,
    preprocessing,
    settings,
    labels,
    name,
    problems,
    ready,
    proposedName,
    setModel,
    setPictures,
    choosePreset,
    edit,
    reset,
  };
});

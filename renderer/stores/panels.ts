import { defineStore } from 'pinia';
import { ref } from 'vue';

/** Which dialogs are open. */
export const usePanels = defineStore('panels', () => {
  const find = ref(false);
  const help = ref(false);
  const settings = ref(false);
  /** The study that is being named anew. */
  const rename = ref<{ path: string; name: string } | null>(null);
  const rules = ref(false);
  const catalogue = ref(false);
  /** Rank of the top entry whose whole picture is shown. */
  const picture = ref<number | null>(null);
  return { find, help, settings, rename, rules, catalogue, picture };
});

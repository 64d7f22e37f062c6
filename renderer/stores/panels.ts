import { defineStore } from 'pinia';
import { ref } from 'vue';

/** Which dialogs are open. */
export const usePanels = defineStore('panels', () => {
  const find = ref(false);
  const help = ref(false);
  const rules = ref(false);
  const catalogue = ref(false);
  const settings = ref(false);
  /** Rank of the top entry whose whole picture is shown. */
  const picture = ref<number | null>(null);
  return { find, help, rules, catalogue, settings, picture };
});

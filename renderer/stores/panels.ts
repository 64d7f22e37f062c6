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
  /** What the way back does at each node of the study's model. */
  const audit = ref(false);
  const catalogue = ref(false);
  /** The entry that is looked at closely: its rank among the unit's strongest, or its place in the unit's spread. */
  const picture = ref<number | null>(null);
  const spread = ref<number | null>(null);
  /** The row of filters of the grid. */
  const filters = ref(false);
  return { find, help, settings, rename, rules, audit, catalogue, picture, spread, filters };
});

import { Blocks } from '@lucide/vue';
import type { View } from '../../views';
import FiltersView from './FiltersView.vue';
import { filtersShortcuts } from './shortcuts';

export const filtersView: View = {
  id: 'filters',
  title: 'filters.title',
  icon: Blocks,
  component: FiltersView,
  shortcuts: filtersShortcuts,
};

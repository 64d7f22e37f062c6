import { Grid3x3 } from '@lucide/vue';
import type { View } from '../../views';
import UnitsView from './UnitsView.vue';
import { unitsShortcuts } from './shortcuts';

export const unitsView: View = {
  id: 'units',
  title: 'units.title',
  icon: Grid3x3,
  component: UnitsView,
  shortcuts: unitsShortcuts,
};

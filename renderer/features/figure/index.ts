import { LayoutTemplate } from '@lucide/vue';
import type { View } from '../../views';
import FigureView from './FigureView.vue';
import { figureShortcuts } from './shortcuts';

export const figureView: View = {
  id: 'figure',
  title: 'figure.title',
  icon: LayoutTemplate,
  component: FigureView,
  shortcuts: figureShortcuts,
};

import type { Component } from 'vue';
import { figureView } from './features/figure';
import { filtersView } from './features/filters';
import { pictureView } from './features/picture';
import { unitsView } from './features/units';
import type { MessageKey } from './i18n';
import type { Shortcut } from './lib/keys';

/** A view of a study. Its tab, its entry in the menu and its shortcuts derive from this. */
export interface View {
  id: string;
  title: MessageKey;
  icon: Component;
  component: Component;
  /** Made where stores can be used. */
  shortcuts: () => Shortcut[];
}

export const views: readonly View[] = [unitsView, pictureView, filtersView, figureView];

import { t } from '../../i18n';
import type { Shortcut } from '../../lib/keys';
import { useFilters } from '../../stores/filters';
import { useLook } from '../../stores/look';

export function filtersShortcuts(): Shortcut[] {
  const filters = useFilters();
  const look = useLook();
  const group = t('filters.title');
  const layers = t('shell.groups.layers');
  const grid = t('shell.groups.grid');
  return [
    { keys: ['ArrowLeft'], label: t('filters.keys.before'), group, run: () => filters.step(-1) },
    { keys: ['ArrowRight'], label: t('filters.keys.after'), group, run: () => filters.step(1) },
    { keys: ['['], label: t('units.keys.layerBefore'), group: layers, run: () => filters.stepLayer(-1) },
    { keys: [']'], label: t('units.keys.layerAfter'), group: layers, run: () => filters.stepLayer(1) },
    { keys: ['+', '='], label: t('units.grid.larger'), group: grid, run: () => look.zoom(1) },
    { keys: ['-'], label: t('units.grid.smaller'), group: grid, run: () => look.zoom(-1) },
  ];
}

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
    { keys: ['ArrowLeft', 'ArrowUp'], label: t('filters.keys.before'), group, run: () => filters.step(-1) },
    { keys: ['ArrowRight', 'ArrowDown'], label: t('filters.keys.after'), group, run: () => filters.step(1) },
    { keys: ['Home'], label: t('filters.keys.first'), group, run: () => filters.step(-Infinity) },
    { keys: ['End'], label: t('filters.keys.last'), group, run: () => filters.step(Infinity) },
    { keys: ['u'], label: t('filters.unit'), group: t('shell.groups.unit'), run: filters.showUnit },
    {
      keys: ['[', 'PageUp', 'Alt+ArrowUp'],
      label: t('units.keys.layerBefore'),
      group: layers,
      run: () => filters.stepLayer(-1),
    },
    {
      keys: [']', 'PageDown', 'Alt+ArrowDown'],
      label: t('units.keys.layerAfter'),
      group: layers,
      run: () => filters.stepLayer(1),
    },
    { keys: ['+', '='], label: t('units.grid.larger'), group: grid, run: () => look.zoom(1) },
    { keys: ['-'], label: t('units.grid.smaller'), group: grid, run: () => look.zoom(-1) },
  ];
}

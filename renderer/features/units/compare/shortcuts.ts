import { t } from '../../../i18n';
import type { Shortcut } from '../../../lib/keys';
import { useCompare } from '../../../stores/compare';
import { figureOfUnits } from '../../figure/ofUnits';

/** Of the grid: choosing units to compare. */
export function chooseShortcuts(): Shortcut[] {
  const compare = useCompare();
  const group = t('compare.title');
  return [
    { keys: ['c', 'Mod+ '], label: t('compare.keys.toggle'), group, run: compare.toggleSelected },
    { id: 'compare', keys: ['Shift+c'], label: t('compare.keys.open'), group, run: compare.open },
    { id: 'compare-clear', keys: [], label: t('compare.keys.clear'), group, run: compare.clear },
  ];
}

/** While units stand side by side. */
export function compareShortcuts(): Shortcut[] {
  const compare = useCompare();
  const group = t('compare.title');
  return [
    { id: 'compare-leave', keys: ['Escape'], label: t('compare.keys.leave'), group, run: () => compare.leave() },
    {
      keys: ['f'],
      label: t('compare.keys.figure'),
      group,
      run: () => void figureOfUnits(compare.units),
    },
  ];
}

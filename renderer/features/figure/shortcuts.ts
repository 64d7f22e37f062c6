import { t } from '../../i18n';
import type { Shortcut } from '../../lib/keys';
import { useFigure } from '../../stores/figure';

export function figureShortcuts(): Shortcut[] {
  const figure = useFigure();
  const group = t('figure.title');
  const withRow = (run: (row: number) => void) => (): void => {
    if (figure.row !== null) run(figure.row);
  };
  const step = (by: number): void => {
    const last = figure.spec.rows.length - 1;
    if (last >= 0) figure.row = Math.min(last, Math.max(0, (figure.row ?? (by > 0 ? -1 : last + 1)) + by));
  };
  return [
    { keys: ['ArrowUp'], label: t('figure.keys.above'), group, run: () => step(-1) },
    { keys: ['ArrowDown'], label: t('figure.keys.below'), group, run: () => step(1) },
    {
      keys: ['Alt+ArrowUp'],
      label: t('figure.keys.up'),
      group,
      run: withRow((row) => figure.moveRow(row, row - 1)),
    },
    {
      keys: ['Alt+ArrowDown'],
      label: t('figure.keys.down'),
      group,
      run: withRow((row) => figure.moveRow(row, row + 2)),
    },
    { keys: ['Delete', 'Backspace'], label: t('figure.keys.remove'), group, run: withRow(figure.removeRow) },
    { id: 'undo', keys: ['Mod+z'], label: t('figure.undo'), group, run: figure.undo },
    { id: 'redo', keys: ['Mod+Shift+Z', 'Mod+y'], label: t('figure.redo'), group, run: figure.redo },
    {
      id: 'save-figure',
      keys: ['Mod+s'],
      label: t('figure.keys.save'),
      group,
      always: true,
      run: () => void figure.save('pdf', 300),
    },
    { keys: ['c'], label: t('figure.copy'), group, run: () => void figure.copy(300) },
  ];
}

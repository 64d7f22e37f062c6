import { methodIds } from '../../../preload/contract';
import type { Shortcut } from '../../lib/keys';
import { useLook } from '../../stores/look';
import { usePanels } from '../../stores/panels';
import { useSelection } from '../../stores/selection';
import { useUnit } from '../../stores/unit';
import { useGridShape } from './grid/gridShape';
import { methodNames } from './methods';
import { saveFigure } from './unit/saveFigure';

export function unitsShortcuts(): Shortcut[] {
  const selection = useSelection();
  const panels = usePanels();
  const look = useLook();
  const unit = useUnit();
  const grid = useGridShape();
  const move = (key: string, label: string, by: () => number): Shortcut => ({
    keys: [key],
    label,
    group: 'Units',
    run: () => selection.step(by()),
  });
  return [
    move('ArrowLeft', 'Unit to the left', () => -1),
    move('ArrowRight', 'Unit to the right', () => 1),
    move('ArrowUp', 'Unit above', () => -grid.columns),
    move('ArrowDown', 'Unit below', () => grid.columns),
    move('Home', 'First unit', () => -Infinity),
    move('End', 'Last unit', () => Infinity),
    {
      keys: ['[', 'PageUp', 'Alt+ArrowUp'],
      label: 'Layer before',
      group: 'Layers',
      run: () => selection.stepLayer(-1),
    },
    {
      keys: [']', 'PageDown', 'Alt+ArrowDown'],
      label: 'Layer after',
      group: 'Layers',
      run: () => selection.stepLayer(1),
    },
    {
      keys: ['Enter'],
      label: 'Whole picture of the strongest patch',
      group: 'Unit',
      run: () => {
        if (unit.top.length > 0) panels.picture = 0;
      },
    },
    {
      id: 'save-figure',
      keys: ['Mod+s'],
      label: 'Save the figure',
      group: 'Unit',
      always: true,
      run: () => void saveFigure(),
    },
    ...methodIds.map((id, place) => ({
      keys: [String(place + 1)],
      label: methodNames[id],
      group: 'Unit',
      run: () => selection.setMethod(id),
    })),
    { keys: ['p'], label: 'Tiles: patch', group: 'Grid', run: () => selection.go({ show: 'patch' }) },
    { keys: ['r'], label: 'Tiles: reconstruction', group: 'Grid', run: () => selection.go({ show: 'reconstruction' }) },
    { keys: ['b'], label: 'Tiles: both', group: 'Grid', run: () => selection.go({ show: 'both' }) },
    { keys: ['+', '='], label: 'Larger tiles', group: 'Grid', run: () => look.zoom(1) },
    { keys: ['-'], label: 'Smaller tiles', group: 'Grid', run: () => look.zoom(-1) },
  ];
}
